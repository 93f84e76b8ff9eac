# SPDX-License-Identifier: GPL-2.0
"""What a link carried: sizes, fragments, aggregates, checksums."""
from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from capture import sum16
from net import Failure, Namespace

ETH_P_ALL, PACKET_OUTGOING, SO_RCVBUFFORCE = 3, 4, 33
SOL_PACKET, PACKET_VNET_HDR = 263, 15
ETHERNET, TCP = 14, 6
NEEDS_CHECKSUM = 1
LARGEST = 1 << 17
DONT_FRAGMENT = 0x4000


@dataclass(frozen=True)
class Packet:
    """One TCP packet at one interface."""

    interface: str
    leaving: bool
    length: int         # of the IP packet
    aggregate: int      # payload of each segment that it stands for; 0: it is one
    headers: int        # IP and TCP
    fragment: bool
    checksum_good: bool

    @property
    def widest(self) -> int:
        """The longest packet that it becomes on a wire."""
        return min(self.length, self.headers + self.aggregate) if self.aggregate else self.length

    @property
    def payload(self) -> int:
        return self.length - self.headers


class Wire:
    """One packet socket over all interfaces of a namespace."""

    def __init__(self, where: Namespace) -> None:
        with where:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        self.socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.socket.setblocking(False)
        self.seen: list[Packet] = []

    def drain(self) -> list[Packet]:
        while True:
            try:
                data, (interface, _, kind, _, _) = self.socket.recvfrom(LARGEST)
            except BlockingIOError:
                return self.seen
            packet = decode(data, interface, kind == PACKET_OUTGOING)
            if packet:
                self.seen.append(packet)

    def close(self) -> None:
        self.socket.close()


def decode(data: bytes, interface: str, leaving: bool) -> Packet | None:
    flags, _, _, aggregate, _, _ = struct.unpack("=BBHHHH", data[:10])
    frame = data[10:]
    kind, packet = frame[12:14], frame[ETHERNET:]
    if kind == b"\x08\x00" and packet[9] == TCP:
        length, place = struct.unpack("!H2xH", packet[2:8])
        ip, fragment = (packet[0] & 15) * 4, bool(place & 0x3FFF)
        pair = packet[12:20]
    elif kind == b"\x86\xdd" and packet[6] == TCP:
        length, ip, fragment, pair = 40 + struct.unpack("!H", packet[4:6])[0], 40, False, packet[8:40]
    elif kind == b"\x86\xdd" and packet[6] == 44 and packet[40] == TCP:
        return Packet(interface, leaving, len(packet), 0, 48, True, True)
    else:
        return None
    if fragment:
        return Packet(interface, leaving, length, 0, ip, True, True)
    segment = packet[ip:length]
    pseudo = pair + struct.pack("!II", len(segment), TCP)
    good = bool(flags & NEEDS_CHECKSUM) or sum16(pseudo + segment) == 0xFFFF
    return Packet(interface, leaving, length, aggregate, ip + (segment[12] >> 4) * 4, False, good)


def fits(packets: list[Packet], mtu: int) -> None:
    """Nothing is longer than the links, nothing in fragments, every checksum right."""
    for packet in packets:
        if packet.widest > mtu:
            raise Failure(f"longer than {mtu}: {packet}")
        if packet.fragment:
            raise Failure(f"a fragment: {packet}")
        if not packet.checksum_good:
            raise Failure(f"a wrong checksum: {packet}")
