#!/usr/bin/env bash
# Makes random models until the time is over, compares their modules with the reference evaluator and - where node and
# onnxruntime-node are - with native ONNX Runtime, and prints the seeds of failures:
#   scripts/fuzz-graphs.sh SECONDS [SEED]
# A seed is a model: property_tool --seed N --count 1 makes it again. Failing models, made smaller, are kept in
# build/fuzz-graphs/failures; what is found becomes a case of tests/property/cases.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { sed -n 4p "$0" >&2; exit 2; }
end=$((SECONDS + $1))
seed=${2:-$(date +%s)000}
scripts/build.sh release property_tool
tool=build/tests/property/property_tool
folder=build/fuzz-graphs
batch=500
failed=0
while [ $SECONDS -lt $end ]; do
  rm -rf "$folder/answers"
  mkdir -p "$folder/answers"
  echo "seeds $seed.."
  "$tool" --seed "$seed" --count $batch --seconds $((end - SECONDS)) --answers "$folder/answers" --keep "$folder/failures" || failed=1
  if command -v node >/dev/null && [ -d node_modules/onnxruntime-node ]; then
    node tests/property/compare_all.mjs "$folder/answers" || failed=1
  fi
  seed=$((seed + batch))
done
exit $failed
