#!/bin/sh
# Fuzzes one target for a while: fuzz/run.sh TARGET [SECONDS] [further options of libFuzzer]
#
# Coverage comes from LLVM's own pass, so neither cargo-fuzz nor a sanitizer is needed; RUSTUP_TOOLCHAIN chooses another compiler.
set -eu
cd "$(dirname "$0")"
name=${1:?one of: schema policy query body}
seconds=${2:-30}
shift
[ $# -eq 0 ] || shift
host=$(rustc -vV | sed -n 's/^host: //p')
# Only what is built for a named target is instrumented: build scripts and macros are not.
RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1" \
    cargo build --release --target "$host" --bin "$name"
mkdir -p "corpus/$name" "artifacts/$name"
# The store of the target `body`: durable writes take no time in memory.
TMPDIR=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
"${CARGO_TARGET_DIR:-target}/$host/release/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 \
    -print_final_stats=1 -artifact_prefix="artifacts/$name/" "$@" "corpus/$name" "seeds/$name"
