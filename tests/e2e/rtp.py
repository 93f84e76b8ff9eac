# SPDX-License-Identifier: GPL-2.0
"""RTP whose every byte says which stream it belongs to."""
from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field

from sip import Address

PAYLOAD = 160
FIRST_SEQUENCE = 40000


def packet(stream: str, number: int) -> bytes:
    """Packet `number` of the stream: PCMU, 20 ms, a payload nobody else sends."""
    seed = hashlib.sha256(stream.encode()).digest()
    source = struct.unpack("!I", seed[:4])[0]
    if stream.startswith("rtcp"):
        return _report(source, seed, number)
    header = struct.pack("!BBHII", 0x80, 0, (FIRST_SEQUENCE + number) & 0xFFFF,
                         number * PAYLOAD, source)
    block = hashlib.sha256(seed + struct.pack("!I", number)).digest()
    return header + block * (PAYLOAD // len(block))


def _report(source: int, seed: bytes, number: int) -> bytes:
    """RTCP: a sender report (RFC 3550 6.4.1) that nobody else sends."""
    clock = hashlib.sha256(seed + struct.pack("!I", number)).digest()[:8]
    return struct.pack("!BBHI8sIII", 0x80, 200, 6, source, clock, number * PAYLOAD, number,
                       number * PAYLOAD)


@dataclass
class Inbox:
    """What one media socket received, and who sent it."""

    packets: list[bytes] = field(default_factory=list)
    sources: list[Address] = field(default_factory=list)

    def add(self, data: bytes, source: Address) -> None:
        self.packets.append(data)
        self.sources.append(source)

    def clear(self) -> None:
        self.packets.clear()
        self.sources.clear()


def differences(inbox: Inbox, expected: list[bytes], source: Address) -> list[str]:
    """Why this inbox is not exactly the expected packets from the expected address."""
    found = []
    missing = len(set(expected) - set(inbox.packets))
    foreign = len([p for p in inbox.packets if p not in expected])
    if missing:
        found.append(f"{missing} of {len(expected)} packets did not arrive")
    if foreign:
        found.append(f"{foreign} packets of another stream (cross-talk) or changed")
    if len(inbox.packets) > len(expected):
        found.append(f"{len(inbox.packets)} packets arrived, {len(expected)} were sent")
    wrong = sorted({s for s in inbox.sources if s != source})
    if wrong:
        found.append(f"came from {wrong}, the SDP advertised {source}")
    return found
