#!/usr/bin/env bash
# Fuzzes the targets of gateway/src/fuzzing.rs, all or those named, each for FUZZ_SECONDS (60). What makes one fail is left
# in gateway/fuzz/corpus, where `make test` finds it from then on. `fuzz.sh seeds` writes the first inputs anew.
. "$(dirname "$0")/common.sh"
cd "$ROOT"

SECONDS_EACH="${FUZZ_SECONDS:-60}"
CORPUS="$ROOT/gateway/fuzz/corpus"
WORK="$TARGET/fuzz"
HOST="$(rustc -vV | sed -n 's/^host: //p')"

if [ "${1:-}" = seeds ]; then
  FUZZ_SEEDS=write cargo test "${LOCKED[@]}" --quiet -p gateway --lib -- --exact fuzzing::tests::seeds
  exit
fi

case "$HOST" in
  *-linux-gnu | *-apple-darwin) ;;
  *) die "CANNOT RUN HERE: libFuzzer on $HOST; it needs Linux or macOS" ;;
esac
have c++ || die "CANNOT RUN HERE: libFuzzer is built from C++, and there is no c++; install g++ or clang"

# The instruments libFuzzer reads; the same that cargo-fuzz sets, without a sanitizer, which would need a nightly compiler.
instruments="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
instruments+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"

# The fuzzer's own lock file begins as the workspace's, so that it runs what the programs run.
[ gateway/fuzz/Cargo.lock -nt Cargo.lock ] || cp Cargo.lock gateway/fuzz/Cargo.lock
say "building the fuzzer (libfuzzer-sys comes from crates.io the first time)"
RUSTFLAGS="$instruments" cargo build --quiet --release --manifest-path gateway/fuzz/Cargo.toml --target "$HOST" --target-dir "$WORK"

if [ $# = 0 ]; then
  mapfile -t names < <(sed -n 's/^    ("\([a-z_]*\)".*/\1/p' gateway/src/fuzzing.rs)
  set -- "${names[@]}"
fi
# Some targets write files; memory is faster and wears nothing out.
if [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
for name in "$@"; do
  mkdir -p "$WORK/corpus/$name" "$CORPUS/$name"
  say "fuzzing $name for $SECONDS_EACH s"
  FUZZ_TARGET="$name" "$WORK/$HOST/release/fuzz" -max_total_time="$SECONDS_EACH" -max_len=8192 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="$CORPUS/$name/" "$WORK/corpus/$name" "$CORPUS/$name" 2>"$WORK/$name.log" || {
    tail -n 40 "$WORK/$name.log" >&2
    die "$name failed; its input is in gateway/fuzz/corpus/$name"
  }
  grep -E 'number_of_executed_units|cov:' "$WORK/$name.log" | tail -n 2 >&2
done
