#!/usr/bin/env bash
# Compares every real model of tests/zoo/models.json with native ONNX Runtime and prints what compiling and running them took:
#   scripts/test-zoo.sh [name,name...]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh release onnx2wasm
names=${1:-$(node -p 'Object.entries(JSON.parse(require("fs").readFileSync("tests/zoo/models.json")).models).filter(([, m]) => m.path.endsWith(".onnx")).map(([name]) => name).join(",")')}
scripts/fetch.mjs ${names//,/ } lenna
status=0
report=build/zoo-report.jsonl
rm -f "$report"
ONNX2WASM_ZOO_REPORT=$PWD/$report ONNX2WASM_MODELS=$names node --test --test-concurrency=1 tests/zoo/*.test.mjs || status=$?
[ ! -f "$report" ] || node tests/zoo/report.mjs "$report"
exit $status
