#!/bin/sh
# What `record.py record` traced: a piece of a developer's day. Builds with C and Rust parts,
# searches through the sources of the dependencies, a second build with other settings, an archive.
#
# Needs: cargo with this workspace's dependencies already fetched, a C compiler, grep, tar.
# Usage: session.sh WORKSPACE SCRATCH
set -eu
workspace=$1
scratch=$2
sources=$(echo "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/)
export CARGO_TARGET_DIR="$scratch/target" CARGO_INCREMENTAL=0

cd "$workspace"
cargo build --offline --quiet -p seawall-workloads

# One looks for something, thinks, looks again near by: the same crates, then their neighbours.
few() { for name in "$@"; do find "$sources" -maxdepth 1 -name "$name-[0-9]*"; done; }
grep -rlw unsafe $(few zstd zstd-safe zstd-sys liblzma liblzma-sys serde csv rand toml) > "$scratch/1" || true
grep -rlw static $(few zstd zstd-safe zstd-sys liblzma liblzma-sys serde csv rand toml) > "$scratch/2" || true

# The same code for release: every source and header once more, new objects and libraries.
cargo build --offline --quiet --release -p seawall-workloads
grep -rlw inline $(few zstd zstd-safe zstd-sys liblzma liblzma-sys serde csv rand toml libc) > "$scratch/3" || true

# A search through everything, and an archive of a part: two scans.
grep -rlw transmute "$sources" > "$scratch/4" || true
tar -cf - $(few zstd-sys liblzma-sys libc serde toml) | wc -c > "$scratch/5"

# Back to work: the settings change, so all is compiled again; then one last look.
RUSTFLAGS="-C debug-assertions=off" cargo build --offline --quiet -p seawall-workloads
grep -rlw transmute $(few zstd zstd-safe zstd-sys liblzma liblzma-sys serde csv rand toml libc) > "$scratch/6" || true
