#!/usr/bin/env bash
# Installs what the benchmarks want beyond scripts/setup.sh: Chromium (Debian's package) and the models of bench/models.mjs.
#   scripts/setup-bench.sh [--yes]      --yes: do not ask before using sudo
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh "$@"
if ! command -v chromium >/dev/null; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
    if [ "${1:-}" != --yes ] && [ -z "${CI:-}" ]; then
      read -r -p "Install chromium with sudo apt-get? [y/N] " answer
      case $answer in y | Y | yes) ;; *) echo "setup-bench: stopped; without Chromium bench/run.mjs measures in Node alone" >&2; exit 1 ;; esac
    fi
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" apt-get install -q -y --no-install-recommends chromium
fi
scripts/fetch.mjs $(node -e 'import("./bench/models.mjs").then(({ models }) => console.log(Object.keys(models).join(" ")))')
