#!/usr/bin/env bash
# Renews what the documentation says of the operator table: docs/operators.md and a sentence of docs/architecture.md.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh release onnx2wasm
build/compiler/driver/onnx2wasm list-ops --format markdown >docs/operators.md
sentence=$(grep -m1 -E '^[0-9]+ operators are served by ' docs/operators.md)
sed -i -E "s/[0-9]+ operators are served by [0-9]+ kinds of nodes and [0-9]+ kinds of kernels\\./$sentence/" docs/architecture.md
