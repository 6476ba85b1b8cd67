#!/usr/bin/env python3
"""Writes letter_case_ranges.h: the simple case mappings of Unicode as the C library has them."""
import ctypes
import pathlib

libc = ctypes.CDLL(None)
LC_CTYPE = 0
libc.setlocale.restype = ctypes.c_char_p
if libc.setlocale(LC_CTYPE, b"C.UTF-8") is None:
    raise SystemExit("the locale C.UTF-8 is missing")


def ranges(mapping):
    """(first, last, step, delta) with mapping(c) == c + delta for c in range(first, last + 1, step)."""
    found = []
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        delta = mapping(code) - code
        if delta == 0:
            continue
        if found:
            first, last, step, known = found[-1]
            distance = code - last
            if known == delta and distance <= 2 and (step == 0 or step == distance):
                found[-1] = (first, code, distance, delta)
                continue
        found.append((code, code, 0, delta))
    return [(first, last, step or 1, delta) for first, last, step, delta in found]


def table(name, mapping):
    rows = ranges(mapping)
    lines, line = [], " "
    for row in rows:
        text = " {0x%x, 0x%x, %d, %d}," % row
        if len(line) + len(text) > 108:
            lines.append(line)
            line = " "
        line += text
    lines.append(line)
    return "inline constexpr CaseRange %s[] = {\n%s\n};\n" % (name, "\n".join(lines))


target = pathlib.Path(__file__).resolve().parent.parent / "frontends/onnx/ops/text/letter_case_ranges.h"
target.write_text(
    "// Made by scripts/unicode_case.py: Unicode's simple case mappings.\n"
    '#pragma once\n\n#include "runtime-lib/letter_case.h"\n\nnamespace o2w::onnx_frontend {\n\n'
    "// clang-format off\n"
    + table("kToLower", libc.towlower)
    + table("kToUpper", libc.towupper)
    + "// clang-format on\n\n}  // namespace o2w::onnx_frontend\n"
)
