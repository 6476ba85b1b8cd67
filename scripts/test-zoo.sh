#!/usr/bin/env bash
# Compares every real model of tests/zoo/models.json that has inputs with native ONNX Runtime: scripts/test-zoo.sh [name,name...]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh release onnx2wasm
names=${1:-$(node -e 'import("./tests/zoo/inputs.mjs").then(({ runs }) => console.log(Object.keys(runs).join(",")))')}
scripts/fetch.mjs ${names//,/ } lenna
ONNX2WASM_MODELS=$names node --test --test-concurrency=1 tests/zoo/*.test.mjs
