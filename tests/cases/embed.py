#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes tests/cases/rfc_messages_*.h from tests/data, one C++ string per message.

Run it again when a file in tests/data changes: tests/cases/embed.py
"""
import pathlib

here = pathlib.Path(__file__).resolve().parent
data = here.parent / "data"
LINES_PER_FILE = 700


def literal(line):
    out = ""
    for byte in line:
        if byte in (0x22, 0x5C):
            out += "\\" + chr(byte)
        elif 0x20 <= byte < 0x7F and byte != 0x3F:
            out += chr(byte)
        elif byte == 0x0D:
            out += "\\r"
        elif byte == 0x0A:
            out += "\\n"
        else:
            out += "\\%03o" % byte
    return '\t"%s"' % out


def lines_of(path):
    name = path.parent.name + "_" + path.stem.replace("-", "_")
    lines = path.read_bytes().splitlines(keepends=True)
    # bytes.splitlines also ends a line at a lone CR: joined again, it is only layout.
    return ["inline constexpr char %s[] =" % name] + [literal(l) for l in lines[:-1]] + [literal(lines[-1]) + ";"]


def write(number, lines):
    guard = "SIP_EXT_CASES_RFC_MESSAGES_%d_H" % number
    head = ["// SPDX-License-Identifier: GPL-2.0",
            "// Made by tests/cases/embed.py from tests/data: do not edit. The text is that of RFC",
            "// 4475 and RFC 5118.",
            "#ifndef " + guard, "#define " + guard, "", "namespace sip_cases {", ""]
    text = "\n".join(head + lines + ["", "} // namespace sip_cases", "", "#endif", ""])
    (here / ("rfc_messages_%d.h" % number)).write_text(text)


def main():
    number, lines = 1, []
    for path in sorted(data.glob("rfc*/*.dat")):
        more = lines_of(path)
        if len(lines) + len(more) > LINES_PER_FILE:
            write(number, lines)
            number, lines = number + 1, []
        lines += more
    write(number, lines)


main()
