#!/usr/bin/env python3
"""Writes the tables of Unicode's classes of characters for regular expressions: unicode_categories.inc from Python's
unicodedata, unicode_scripts.inc from Perl's Unicode::UCD."""
import pathlib
import subprocess
import unicodedata

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "frontends/onnx/ops/text/regex"


def write(file, source, classes):
    lines = ["// Made by scripts/unicode_classes.py (%s): name, then first and last code points." % source]
    for name in sorted(classes):
        line = '{"%s", {' % name
        for first, last in classes[name]:
            text = "{0x%x, 0x%x}," % (first, last) if first != last else "{0x%x, 0x%x}," % (first, first)
            if len(line) + len(text) > 118:
                lines.append(line)
                line = " "
            line += text
        lines.append(line + "}},")
    (FOLDER / file).write_text("\n".join(lines) + "\n")


def categories():
    found = {}
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category == "Cn":
            continue
        for name in (category, category[0]):
            ranges = found.setdefault(name, [])
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return found


def scripts():
    program = (
        "use Unicode::UCD qw(charscripts); my $s = charscripts();"
        'for my $name (sort keys %$s) { for (@{$s->{$name}}) { print "$name $_->[0] $_->[1]\\n" } }'
    )
    found = {}
    for line in subprocess.run(["perl", "-e", program], check=True, capture_output=True, text=True).stdout.splitlines():
        name, first, last = line.split()
        name = "_".join(word[0].upper() + word[1:] for word in name.split("_"))
        ranges = found.setdefault(name, [])
        if ranges and ranges[-1][1] == int(first) - 1:
            ranges[-1][1] = int(last)
        else:
            ranges.append([int(first), int(last)])
    return found


write("unicode_categories.inc", "Unicode " + unicodedata.unidata_version, categories())
write("unicode_scripts.inc", "scripts", scripts())
