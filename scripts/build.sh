#!/usr/bin/env bash
# Configures and builds a preset: scripts/build.sh [release|dev|sanitize] [ninja targets...]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --preset "$preset" >"$log" 2>&1 || { cat "$log"; exit 1; }
cmake --build --preset "$preset" ${1:+--target "$@"}
