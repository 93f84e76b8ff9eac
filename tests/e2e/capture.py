# SPDX-License-Identifier: GPL-2.0
"""Everything that crosses the router's two interfaces, in order, as the wire has it."""
from __future__ import annotations

import ipaddress
import re
import socket
import struct
from dataclasses import dataclass

from net import Line, Namespace
from sip import Message, is_sip

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
LARGEST = 65600


@dataclass(frozen=True)
class Datagram:
    """One UDP datagram at one interface of the router."""

    when: float
    interface: str
    leaving: bool
    source: tuple[str, int]
    destination: tuple[str, int]
    payload: bytes
    checksum_good: bool

    def __str__(self) -> str:
        arrow = "leaves" if self.leaving else "enters"
        return (f"{arrow} {self.interface} {self.source[0]} {self.source[1]} -> "
                f"{self.destination[0]} {self.destination[1]}, {len(self.payload)} bytes")


def _sum16(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@dataclass(frozen=True)
class Piece:
    """What one frame holds of a UDP datagram: all of it, or a fragment."""

    source: bytes
    destination: bytes
    datagram: bytes     # which one it is a fragment of
    offset: int
    more: bool
    data: bytes


def _piece(frame: bytes) -> Piece | None:
    """The UDP part of an Ethernet frame; None if it has none."""
    kind, packet = frame[12:14], frame[14:]
    if kind == b"\x08\x00" and packet[9] == socket.IPPROTO_UDP:
        length, datagram, place = struct.unpack("!H2sH", packet[2:8])
        return Piece(packet[12:16], packet[16:20], datagram, (place & 0x1FFF) * 8,
                     bool(place & 0x2000), packet[(packet[0] & 15) * 4:length])
    if kind != b"\x86\xdd":
        return None
    source, destination, end = packet[8:24], packet[24:40], 40 + struct.unpack("!H", packet[4:6])[0]
    if packet[6] == socket.IPPROTO_UDP:
        return Piece(source, destination, b"", 0, False, packet[40:end])
    if packet[6] == socket.IPPROTO_FRAGMENT and packet[40] == socket.IPPROTO_UDP:
        place, = struct.unpack("!H", packet[42:44])
        return Piece(source, destination, packet[44:48], place & 0xFFF8, bool(place & 1), packet[48:end])
    return None


def _join(pieces: list[Piece]) -> bytes | None:
    """The datagram, once its pieces are there from the first to the last."""
    whole = b""
    for piece in sorted(pieces, key=lambda p: p.offset):
        if piece.offset != len(whole):
            return None
        whole += piece.data
        if not piece.more:
            return whole
    return None


def decode(when: float, interface: str, leaving: bool, source: bytes, destination: bytes,
           udp: bytes) -> Datagram:
    source_port, destination_port, length, checksum = struct.unpack("!4H", udp[:8])
    pseudo = source + destination + struct.pack("!II", len(udp), socket.IPPROTO_UDP)
    good = length == len(udp) and (
        _sum16(pseudo + udp) == 0xFFFF or (checksum == 0 and len(source) == 4))
    return Datagram(when, interface, leaving,
                    (str(ipaddress.ip_address(source)), source_port),
                    (str(ipaddress.ip_address(destination)), destination_port), udp[8:], good)


class Capture:
    """One packet socket over all interfaces of a namespace: their order is the true one."""

    def __init__(self, where: Namespace) -> None:
        with where:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)
        self.seen: list[Datagram] = []
        self.pieces: dict[tuple[object, ...], list[Piece]] = {}

    def whole(self, interface: str, leaving: bool, piece: Piece) -> bytes | None:
        """The datagram that this piece completes."""
        if not piece.offset and not piece.more:
            return piece.data
        key = interface, leaving, piece.source, piece.destination, piece.datagram
        self.pieces.setdefault(key, []).append(piece)
        joined = _join(self.pieces[key])
        if joined is not None:
            del self.pieces[key]
        return joined

    def drain(self) -> None:
        while True:
            try:
                frame, notes, _, (interface, _, kind, _, _) = self.socket.recvmsg(LARGEST, 64)
            except BlockingIOError:
                return
            when = next(seconds + nanoseconds / 1e9 for level, name, data in notes
                        if (level, name) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)
                        for seconds, nanoseconds in [struct.unpack("qq", data)])
            leaving, piece = kind == PACKET_OUTGOING, _piece(frame)
            udp = self.whole(interface, leaving, piece) if piece else None
            if piece and udp:
                self.seen.append(decode(when, interface, leaving, piece.source,
                                        piece.destination, udp))


@dataclass(frozen=True)
class Crossing:
    """One message before and after the router; after is None if it never left."""

    before: Datagram
    after: Datagram | None
    outbound: bool

    @property
    def message(self) -> Message:
        return Message(self.before.payload)


def crossings(seen: list[Datagram]) -> list[Crossing]:
    """Pairs what entered with what left: same direction, Call-ID, CSeq, kind, and order."""
    waiting: dict[tuple[object, ...], list[int]] = {}
    pairs: list[Crossing] = []
    for datagram in seen:
        if not is_sip(datagram.payload):
            continue
        outbound = datagram.interface.startswith("lan") != datagram.leaving
        key = (outbound, *Message(datagram.payload).key)
        if not datagram.leaving:
            waiting.setdefault(key, []).append(len(pairs))
            pairs.append(Crossing(datagram, None, outbound))
        elif waiting.get(key):
            place = waiting[key].pop(0)
            pairs[place] = Crossing(pairs[place].before, datagram, outbound)
    return pairs


NEVER_TOUCHED = {"call-id", "cseq", "user-agent", "authorization", "proxy-authorization",
                 "www-authenticate", "proxy-authenticate", "identity", "subject", "server",
                 "content-length"}


def _visible_text(message: Message) -> list[str]:
    """The lines in which no inside address may be left.

    ICE offers its host's own beside others (R6), a=ssrc names what RTCP says, an SDP with no
    media in it, as in an answer to OPTIONS, passes as it is (R8), and bodies other than
    sessions are never touched.
    """
    kept = [f"{name}: {value}" for name, value in message.headers if name not in NEVER_TOUCHED]
    clean = [re.sub(r";(tag|branch)=[^;,>\s]+", "", line) for line in kept]
    if not re.match(r"application/sdp|multipart/", message.get("Content-Type"), re.I):
        return [message.start, *clean]
    hidden = ["a=candidate:", "a=ssrc:"] + (["c="] if all(p < 1024 for _, p in message.media()) else [])
    body = [x for x in message.body.split("\r\n") if not x.startswith(tuple(hidden))]
    return [message.start, *clean, *body]


def leaks(line: Line, crossing: Crossing) -> list[str]:
    """R2 for one message: inside addresses outside, outside address beside an inside port."""
    if crossing.after is None or not crossing.outbound:
        return []
    message = Message(crossing.after.payload)
    inside = re.compile(r"(?<![\w.:])(" + "|".join(map(re.escape, line.inside_prefixes))
                        + r")(?=[0-9a-f])")
    found = [f"inside address in {text!r}" for text in _visible_text(message)
             if inside.search(text)]
    hidden, port = crossing.before.source[1], crossing.after.source[1]
    if hidden == port:
        return found
    outside = re.compile(r"\[?" + re.escape(line.router_address) + r"\]?(?::(\d+)|(?![\w.:]))")
    # a Request-URI and a response's Vias are others', who may have that very port outside
    written_here = {"contact", "record-route", "route"} | ({"via"} if message.is_request else set())
    own = [f"{name}: {value}" for name, value in message.headers if name in written_here]
    for text in own:
        text = re.sub(r";(maddr|received)=[^;,>\s]*", "", text)
        found += [f"outside address with the inside's port in {text!r}"
                  for written in outside.findall(text) if int(written or 5060) == hidden]
    return found
