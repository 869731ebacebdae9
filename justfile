# The project's verbs. `just` alone lists them.
# Install just with `pip install rust-just` or `cargo install just`.

venv := ".venv"

_default:
    @just --list

# The main job: a suite runs, a report appears.
run *ARGS:
    cargo run --release -- run --quick {{ARGS}}

# The tests.
test:
    cargo test --workspace

# Formatting, lints and documentation, warnings denied.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

# What CI runs.
ci:
    bash .ci/run

# Benchmarks; the embedded store stands beside other in-process stores.
bench:
    cargo bench -p seawall-store --features peers --bench peers
    cargo bench -p seawall-store --bench log
    cargo bench -p seawall-lab
    cargo bench -p seawall-sim

# The full suite, with its report.
full *ARGS:
    cargo run --release -- run {{ARGS}}

# Unchanged clients of Redis and Memcached against `seawall serve`; installs them first.
clients:
    bash .ci/install clients
    SEAWALL_CLIENTS=required cargo test -p seawall --test clients

# Seawall beside Debian's redis-server and memcached, with the report: about ten minutes, into a folder of its own.
bench-peers *ARGS: (_servers "peers" ARGS)

# What an operation costs beside peers and beside an echo server, against bars; `--only get` runs one comparison.
bench-speed *ARGS: (_servers "speed" ARGS)

# What durability costs and what it is worth: log and snapshots, servers killed and without power; about 40 minutes.
bench-persistence *ARGS: (_servers "persistence" ARGS)

# Snapshots of 1.2 GB under load and idle, and restarts from snapshot and log, beside Redis: about an hour.
bench-snapshot *ARGS: (_servers "snapshot" ARGS)

# Figures that stand in the docs and in no report: what large collections and unread pages make others wait for, how far readers move hits.
figures:
    cargo test --release -p seawall-store --lib -- --ignored --nocapture --test-threads 1 how_long
    cargo test --release -p seawall-lab --test live -- --ignored --nocapture how_far

# Eviction policies crossed with log and snapshots: about 15 minutes.
bench-configs *ARGS: (_servers "configs" ARGS)

# What servers hit that may take 200 MiB each, and what each of Seawall's policies does: about 15 minutes.
bench-hits *ARGS: (_servers "hits" ARGS)

# A suite that starts servers; Debian's are installed first where they are missing.
_servers SUITE *ARGS:
    #!/usr/bin/env bash
    set -euo pipefail
    set -- {{ARGS}}
    missing=()
    for program in redis-server memcached; do
        command -v "$program" >/dev/null || missing+=("$program")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        as=()
        [ "$(id -u)" -eq 0 ] || as=(sudo)
        # Debian starts the services that it installs, and at every boot: here only the programs are wanted.
        policy=/usr/sbin/policy-rc.d
        allow() { :; }
        if [ ! -e "$policy" ]; then
            allow() { "${as[@]}" rm -f "$policy"; }
            trap allow EXIT
            printf '#!/bin/sh\nexit 101\n' | "${as[@]}" tee "$policy" >/dev/null
            "${as[@]}" chmod 755 "$policy"
        fi
        "${as[@]}" apt-get update -qq
        "${as[@]}" apt-get install -y --no-install-recommends "${missing[@]}"
        allow
        if command -v systemctl >/dev/null; then
            "${as[@]}" systemctl disable "${missing[@]}"
        fi
    fi
    out=()
    case " $* " in
        *" --out"* | *" --resume "*) ;;
        *) out=(--out "runs/{{SUITE}}-$(date -u +%Y%m%d-%H%M%S)") ;;
    esac
    cargo run --release -- run harness/suites/{{SUITE}}.toml "${out[@]}" "$@"

# Redis's own suite, of Debian's source package, against `seawall serve`: some files (`unit/multi`) or all.
redis-suite *UNITS:
    engine/server/tests/redis-suite/run {{UNITS}}

# The notebooks, executed in a virtual environment with pinned packages.
notebooks:
    test -x {{venv}}/bin/python || python3 -m venv {{venv}}
    {{venv}}/bin/pip install --quiet --disable-pip-version-check -r notebooks/requirements.txt
    {{venv}}/bin/jupytext -q --to py:percent --output - notebooks/first-look.ipynb | diff - notebooks/first-look.py
    {{venv}}/bin/pytest --nbmake --nbmake-timeout=120 notebooks/

# A fuzz target (resp, commands, memcached, requests) for some seconds; needs nightly and `cargo install cargo-fuzz`.
fuzz TARGET SECONDS="60":
    mkdir -p engine/server/fuzz/target/corpus/{{TARGET}}
    cd engine/server && cargo +nightly fuzz run {{TARGET}} fuzz/target/corpus/{{TARGET}} fuzz/corpus/{{TARGET}} -- -max_total_time={{SECONDS}}

# Miri over memory, index and rings; needs `rustup toolchain install nightly --component miri`.
miri:
    MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test -p seawall-store --lib -- mem:: index:: store::ring store::claim

# The unsafe code under AddressSanitizer, what threads share under ThreadSanitizer; needs a nightly toolchain.
sanitize:
    #!/usr/bin/env bash
    set -euo pipefail
    if ! cargo +nightly --version >/dev/null 2>&1; then
        echo "skipped: no nightly toolchain (rustup toolchain install nightly)"
        exit 0
    fi
    # With a target of its own, what runs while building is not watched.
    target=$(rustc -vV | sed -n 's/^host: //p')
    RUSTFLAGS="--cfg asan -Zsanitizer=address" \
        cargo +nightly test --target "$target" --target-dir target/asan -p seawall-sys -p seawall-store --lib
    RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" \
        TSAN_OPTIONS="suppressions=$PWD/engine/store/thread-sanitizer.txt" \
        cargo +nightly test --target "$target" --target-dir target/tsan -p seawall-store --lib -- mem:: index:: store::
    if command -v valgrind >/dev/null; then
        tests=$(cargo test -p seawall-store --lib --no-run 2>&1 | sed -n 's/.*(\(.*\))/\1/p')
        valgrind --quiet --error-exitcode=1 "$tests" index:: reply:: rdb:: store::ring store::claim mem::tests::every mem::tests::marks
    else
        echo "skipped: valgrind is not installed"
    fi

# What each replication claims, under a swarm of faults, over a thousand seeds.
sim-swarm SEEDS="1000" *ARGS:
    cargo run --release -- simulate harness/sim/scenarios/swarm.toml --seeds {{SEEDS}} --shrink {{ARGS}}
    cargo run --release -- simulate harness/sim/scenarios/region-swarm.toml --seeds {{SEEDS}} --shrink {{ARGS}}
    cargo run --release -- simulate harness/sim/scenarios/resizing-swarm.toml --full --seeds {{SEEDS}} --shrink {{ARGS}}

# Long campaigns: loom at full bounds, every trace, ten thousand seeds.
stress:
    LOOM_MAX_PREEMPTIONS=4 RUSTFLAGS="--cfg loom --cfg crossbeam_loom" cargo test --release -p seawall-store --lib loom --target-dir target/loom
    cargo test --release --workspace -- --include-ignored
    SEAWALL_LINEARIZABLE_SEEDS=1000 cargo test --release -p seawall-server --test linearizable
    SEAWALL_CRASH_OPS=2000 SEAWALL_CRASH_SEEDS=1000000 cargo test --release -p seawall-store --test crash
    SEAWALL_KILL_SEEDS=100 SEAWALL_POWER_SEEDS=100 cargo test --release -p seawall --test durability on_
    SEAWALL_FUZZ_SEEDS=200000 cargo test --release -p seawall-server --test fuzz
    SEAWALL_FUZZ_SEEDS=20000 cargo test --release -p seawall-workloads --lib mutations
    SEAWALL_ORACLE_SEEDS=2000 cargo test --release -p seawall-server --features redis-oracle --test serve oracle
    SEAWALL_SIM_SEEDS=10000 cargo test --release -p seawall-sim
    just sim-swarm 10000
    just sanitize
    if cargo +nightly miri --version >/dev/null 2>&1; then just miri; else echo "skipped: Miri is not installed (see just miri)"; fi
