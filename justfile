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
    cargo bench -p seawall-store --features peers --bench embedded
    cargo bench -p seawall-store --bench log
    cargo bench -p seawall-lab

# The full suite, with its report.
full *ARGS:
    cargo run --release -- run {{ARGS}}

# Unchanged clients of Redis and Memcached against `seawall serve`; installs them first.
clients:
    bash .ci/install clients
    SEAWALL_CLIENTS=required cargo test -p seawall --test clients

# Seawall beside Debian's redis-server and memcached, with the report: about ten minutes.
bench-peers *ARGS:
    bash .ci/install peers
    cargo run --release -- run harness/suites/peers.toml {{ARGS}}

# The notebooks, executed in a virtual environment with pinned packages.
notebooks:
    test -x {{venv}}/bin/python || python3 -m venv {{venv}}
    {{venv}}/bin/pip install --quiet --disable-pip-version-check -r notebooks/requirements.txt
    {{venv}}/bin/jupytext -q --to py:percent --output - notebooks/first-look.ipynb | diff - notebooks/first-look.py
    {{venv}}/bin/pytest --nbmake --nbmake-timeout=120 notebooks/

# A fuzz target (resp, commands) for some seconds; needs nightly and `cargo install cargo-fuzz`.
fuzz TARGET SECONDS="60":
    cd engine/server && cargo +nightly fuzz run {{TARGET}} -- -max_total_time={{SECONDS}}

# Long campaigns: loom at full bounds, every trace, ten thousand seeds.
stress:
    LOOM_MAX_PREEMPTIONS=4 RUSTFLAGS="--cfg loom" cargo test --release -p seawall-store --lib loom --target-dir target/loom
    cargo test --release --workspace -- --include-ignored
    SEAWALL_LINEARIZABLE_SEEDS=1000 cargo test --release -p seawall-server --test linearizable
    SEAWALL_FUZZ_SEEDS=200000 cargo test --release -p seawall-server --test fuzz
    SEAWALL_ORACLE_SEEDS=2000 cargo test --release -p seawall-server --features redis-oracle --test serve oracle
    SEAWALL_SIM_SEEDS=10000 cargo test --release -p seawall-sim
