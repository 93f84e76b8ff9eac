# SPDX-License-Identifier: GPL-2.0
"""TCP as the router's interfaces show it: segments put together again, and what of them is wrong."""
from __future__ import annotations

import struct
from dataclasses import dataclass, field

from frames import Frames

SYN, RST, ACK = 2, 4, 16


@dataclass(frozen=True)
class Segment:
    """One TCP segment of which the checksum has been looked at."""

    source_port: int
    destination_port: int
    sequence: int
    acknowledged: int
    flags: int
    data: bytes


def segment(tcp: bytes) -> Segment:
    source, destination, sequence, acknowledged, offset, flags = struct.unpack("!HHIIBB", tcp[:14])
    return Segment(source, destination, sequence, acknowledged, flags, tcp[(offset >> 4) * 4:])


@dataclass
class Stream:
    """One direction of a connection at one interface, from its SYN on."""

    number: int
    first: int                  # the sequence number of its first byte
    data: bytearray = field(default_factory=bytearray)
    beyond: dict[int, bytes] = field(default_factory=dict)
    frames: Frames = field(default_factory=Frames)
    pieces: list[bytes] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    reset: bool = False
    acknowledged: int = 0       # so many bytes the receiver has told the router of

    def place(self, sequence: int) -> int:
        """The position in the stream that a sequence number means."""
        here = len(self.data)
        ahead = (sequence - self.first - here) & 0xFFFFFFFF
        return here + (ahead - (1 << 32) if ahead >= 1 << 31 else ahead)

    def add(self, one: Segment) -> list[bytes]:
        """The messages that this segment completes."""
        self.reset |= bool(one.flags & RST)
        if one.data:
            self._keep(self.place(one.sequence), one.data)
        before = len(self.data)
        while self.beyond and min(self.beyond) <= len(self.data):
            at = min(self.beyond)
            data = self.beyond.pop(at)
            self.data += data[len(self.data) - at:]
        found = self.frames.add(bytes(self.data[before:])) if len(self.data) > before else []
        self.pieces += found
        return found

    def _keep(self, at: int, data: bytes) -> None:
        """Bytes that were there before must come again as they were (RFC 9293 3.4), but for
        those that the receiver has, and will not look at."""
        begin = max(at, self.acknowledged)
        known = bytes(self.data[begin:at + len(data)])
        again = data[begin - at:][:len(known)]
        if known != again:
            self.faults.append(f"bytes {begin} to {begin + len(known)} were sent again as other "
                               f"bytes, first {known!r}, then {again!r}")
        if at + len(data) > len(self.data) and len(data) >= len(self.beyond.get(at, b"")):
            self.beyond[at] = data
