#!/usr/bin/env bash
# Has damaged models compiled by the sanitized command until the time is over, and prints the seeds of failures:
#   scripts/fuzz-models.sh [--seconds 600] [--seed 1] [--jobs N] [--command FILE]
# A failure is anything but success or exit code 1 with an error message: a crash, a sanitizer's report, an internal error, a
# hang. Its model is kept in build-sanitize/fuzz/SEED.onnx; what is found becomes a case of tests/hostile or tests/frontend.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=600 seed=1 jobs=$(nproc) command=
while [ $# -gt 1 ]; do
  case $1 in
    --seconds) seconds=$2 ;;
    --seed) seed=$2 ;;
    --jobs) jobs=$2 ;;
    --command) command=$2 ;;
    *) break ;;
  esac
  shift 2
done
[ $# -eq 0 ] || { sed -n 3p "$0" >&2; exit 2; }
if [ -z "$command" ]; then
  scripts/build.sh sanitize onnx2wasm
  command=$PWD/build-sanitize/compiler/driver/onnx2wasm
fi
export ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1}
exec node scripts/fuzz/fuzz-models.mjs "$command" /usr/share/libonnx-testdata/data "$seed" "$seconds" "$jobs" build-sanitize/fuzz
