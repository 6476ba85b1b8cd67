#!/usr/bin/env bash
# Installs what is missing: Debian packages (scripts/debian-packages.txt), Node.js, npm packages (package-lock.json). Quick when all is there.
#   scripts/setup.sh [--no-npm] [--yes]      --yes: do not ask before using sudo
set -euo pipefail
cd "$(dirname "$0")/.."

assume_yes=${CI:-}
with_npm=1
for argument in "$@"; do
  case $argument in
    --yes) assume_yes=true ;;
    --no-npm) with_npm= ;;
    *) echo "setup: unknown option '$argument'" >&2; exit 2 ;;
  esac
done

installed() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

missing=()
while read -r name version; do
  case $name in '' | '#'*) continue ;; esac
  installed "$name" || missing+=("$name=$version")
done < scripts/debian-packages.txt
if [ -n "$with_npm" ]; then
  node_major=$(node --version 2>/dev/null | sed 's/^v//; s/\..*//' || true)
  if [ "${node_major:-0}" -lt 18 ]; then missing+=(nodejs); fi
  command -v npm >/dev/null || missing+=(npm)
fi

if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
    if [ -z "$assume_yes" ]; then
      echo "These Debian packages are missing: ${missing[*]}"
      read -r -p "Install them with sudo apt-get? [y/N] " answer
      case $answer in y | Y | yes) ;; *) echo "setup: stopped; install them by hand and run again" >&2; exit 1 ;; esac
    fi
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -q
  # A point release may have replaced a pinned version; the package without its pin is then the newest of Debian 12.
  available=()
  for package in "${missing[@]}"; do
    name=${package%%=*}
    if [ "$package" = "$name" ] || apt-cache madison "$name" | grep -qF "| ${package#*=} |"; then
      available+=("$package")
    else
      echo "setup: $package is not offered any more; taking the newest $name" >&2
      available+=("$name")
    fi
  done
  "${as_root[@]}" apt-get install -q -y --no-install-recommends "${available[@]}"
fi

if [ -n "$with_npm" ]; then
  # npm writes this file when it has finished; newer than the lock file means nothing is left to do.
  if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
    npm ci --no-progress --loglevel=error
    touch node_modules/.package-lock.json
  fi
fi
