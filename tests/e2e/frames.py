# SPDX-License-Identifier: GPL-2.0
"""A byte stream cut into messages by Content-Length (RFC 3261 18.3)."""
from __future__ import annotations

import re

from sip import is_sip

END = re.compile(rb"\r?\n\r?\n")
LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:(?:[ \t]|\r?\n[ \t])*(\d+)", re.I | re.M)
LONGEST_LINE = 8192


class Frames:
    """Takes the bytes of one direction as they come, and gives whole messages.

    Empty lines before a message, which are keep-alives (RFC 5626 3.5.1), come as pieces of
    their own. From where it is no SIP, everything comes as it is.
    """

    def __init__(self) -> None:
        self.rest = b""
        self.foreign = False

    def add(self, data: bytes) -> list[bytes]:
        self.rest += data
        found = []
        while piece := self._next():
            found.append(piece)
            self.rest = self.rest[len(piece):]
        return found

    def _next(self) -> bytes:
        """The next whole piece; empty if there is none yet."""
        if self.foreign:
            return self.rest
        blank = len(self.rest) - len(self.rest.lstrip(b"\r\n"))
        if blank:
            return self.rest[:blank]
        line, ended, _ = self.rest.partition(b"\n")
        if len(line) > LONGEST_LINE or (ended and not is_sip(line.rstrip(b"\r") + b"\r\n")):
            self.foreign = True
            return self.rest
        end = END.search(self.rest)
        if not end:
            return b""
        length = LENGTH.search(self.rest, 0, end.start() + 1)
        whole = end.end() + (int(length.group(1)) if length else 0)
        return self.rest[:whole] if len(self.rest) >= whole else b""
