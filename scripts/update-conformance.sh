#!/bin/sh
# Runs ONNX's conformance cases in all modes and rewrites tests/conformance/expected: which cases fail, and why.
# Look at the difference before committing it: a case that appears has broken.
# usage: scripts/update-conformance.sh [build folder]
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
tool=$build/tests/conformance/conformance_tool
[ -x "$tool" ] || { echo "no $tool: build the target conformance_tool first" >&2; exit 2; }
expected=tests/conformance/expected
"$tool" --executor evaluator --mode static --failures --update "$expected/evaluator.txt"
for mode in static dynamic constant; do
  "$tool" --executor wasm --mode "$mode" --failures --update "$expected/$mode.txt"
done
# The cases of ONNX 1.22, which the test conformance.unpack puts there.
newer=$build/tests/conformance/onnx-1.22
if [ -d "$newer/node" ]; then
  for mode in static dynamic constant; do
    "$tool" --executor wasm --mode "$mode" --data "$newer" --failures --update "$expected/$mode-1.22.txt"
  done
else
  echo "no $newer: those lists stay as they are" >&2
fi
git diff --stat -- "$expected" || true
