#!/usr/bin/env bash
# Formatting and static analysis: scripts/lint.sh [--fix-format] [files...]   (default: all of the project's C++ files)
set -euo pipefail
cd "$(dirname "$0")/.."
fix=
if [ "${1:-}" = --fix-format ]; then fix=1; shift; fi
mapfile -t files < <(if [ $# -gt 0 ]; then printf '%s\n' "$@"; else git ls-files 'compiler/*.cpp' 'compiler/*.h' 'frontends/*.cpp' 'frontends/*.h' 'runtime-lib/*.cpp' 'runtime-lib/*.h' 'tests/*.cpp' 'tests/*.h' 'samples/*.cpp'; fi)
if [ -n "$fix" ]; then
  clang-format-19 -i "${files[@]}"
  exit
fi
clang-format-19 --dry-run --Werror "${files[@]}"
[ -e build/compile_commands.json ] || cmake --preset release >/dev/null
# The runtime library is built for another target, and the samples by their own projects.
printf '%s\n' "${files[@]}" | grep -E '^(compiler|frontends)/.*\.cpp$' | xargs -P "$(nproc)" -n 8 clang-tidy-19 -p build --quiet
