# SPDX-License-Identifier: GPL-2.0
"""Everything that crosses the router's two interfaces, in order, as the wire has it."""
from __future__ import annotations

import ipaddress
import re
import socket
import struct
from dataclasses import dataclass, replace

from net import Line, Namespace
from segments import ACK, SYN, Segment, Stream, segment
from sip import Address, Message, is_sip, sent_by

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
LARGEST = 65600


@dataclass(frozen=True)
class Datagram:
    """One UDP datagram at one interface of the router, or one message of a TCP stream."""

    when: float
    interface: str
    leaving: bool
    source: Address
    destination: Address
    payload: bytes
    checksum_good: bool
    stream: int = 0     # over TCP: which one, of all that this router has seen

    def __str__(self) -> str:
        arrow = "leaves" if self.leaving else "enters"
        return (f"{arrow} {self.interface} {self.source[0]} {self.source[1]} -> "
                f"{self.destination[0]} {self.destination[1]}, {len(self.payload)} bytes")


def sum16(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@dataclass(frozen=True)
class Piece:
    """What one frame holds: a TCP segment, a UDP datagram, or a fragment of one."""

    protocol: int
    source: bytes
    destination: bytes
    datagram: bytes     # which one it is a fragment of
    offset: int
    more: bool
    data: bytes


CARRIED = (socket.IPPROTO_UDP, socket.IPPROTO_TCP)


def _piece(frame: bytes) -> Piece | None:
    """The UDP or TCP part of an Ethernet frame; None if it has none."""
    kind, packet = frame[12:14], frame[14:]
    if kind == b"\x08\x00" and packet[9] in CARRIED:
        length, datagram, place = struct.unpack("!H2sH", packet[2:8])
        return Piece(packet[9], packet[12:16], packet[16:20], datagram, (place & 0x1FFF) * 8,
                     bool(place & 0x2000), packet[(packet[0] & 15) * 4:length])
    if kind != b"\x86\xdd":
        return None
    source, destination, end = packet[8:24], packet[24:40], 40 + struct.unpack("!H", packet[4:6])[0]
    if packet[6] in CARRIED:
        return Piece(packet[6], source, destination, b"", 0, False, packet[40:end])
    if packet[6] == socket.IPPROTO_FRAGMENT and packet[40] == socket.IPPROTO_UDP:
        place, = struct.unpack("!H", packet[42:44])
        return Piece(packet[40], source, destination, packet[44:48], place & 0xFFF8,
                     bool(place & 1), packet[48:end])
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


def _checksum_good(piece: Piece, data: bytes) -> bool:
    pseudo = piece.source + piece.destination + struct.pack("!II", len(data), piece.protocol)
    return sum16(pseudo + data) == 0xFFFF


def _addresses(piece: Piece, ports: tuple[int, int]) -> tuple[Address, Address]:
    return ((str(ipaddress.ip_address(piece.source)), ports[0]),
            (str(ipaddress.ip_address(piece.destination)), ports[1]))


@dataclass(frozen=True)
class Opening:
    """A SYN without ACK: somebody begins a connection."""

    interface: str
    leaving: bool
    source: Address
    destination: Address


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
        self.streams: dict[tuple[object, ...], Stream] = {}
        self.every: list[tuple[Datagram, Stream]] = []  # each stream, with what it looks like
        self.openings: list[Opening] = []
        self.faults: list[str] = []     # of segments that left the router

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

    def _datagram(self, when: float, interface: str, leaving: bool, piece: Piece) -> None:
        udp = self.whole(interface, leaving, piece)
        if udp is None:
            return
        source, destination, length, checksum = struct.unpack("!4H", udp[:8])
        good = length == len(udp) and (_checksum_good(piece, udp)
                                       or (checksum == 0 and len(piece.source) == 4))
        self.seen.append(Datagram(when, interface, leaving,
                                  *_addresses(piece, (source, destination)), udp[8:], good))

    def _segment(self, when: float, interface: str, leaving: bool, piece: Piece) -> None:
        one = segment(piece.data)
        ends = _addresses(piece, (one.source_port, one.destination_port))
        seen = Datagram(when, interface, leaving, *ends, one.data, True)
        if leaving and not _checksum_good(piece, piece.data):
            self.faults.append(f"wrong checksum of a segment: {seen}")
        if one.flags & SYN:
            self._begin(seen, one)
        back = self.streams.get((interface, not leaving, *ends[::-1]))
        if back and one.flags & ACK and not leaving:
            back.acknowledged = max(back.acknowledged, back.place(one.acknowledged))
        stream = self.streams.get((interface, leaving, *ends))
        if not stream or one.flags & SYN:
            return
        said = len(stream.faults)
        for data in stream.add(one):
            self.seen.append(replace(seen, payload=data, stream=stream.number))
        if leaving:
            self.faults += [f"{seen}: {fault}" for fault in stream.faults[said:]]

    def _begin(self, seen: Datagram, one: Segment) -> None:
        key, first = (seen.interface, seen.leaving, seen.source, seen.destination), one.sequence + 1
        if not one.flags & ACK:
            self.openings.append(Opening(*key))
        if key in self.streams and self.streams[key].first == first:
            return      # it is sent again
        self.streams[key] = Stream(len(self.every) + 1, first)
        self.every.append((seen, self.streams[key]))

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
            if piece and piece.protocol == socket.IPPROTO_TCP:
                self._segment(when, interface, leaving, piece)
            elif piece:
                self._datagram(when, interface, leaving, piece)

    def stream_faults(self) -> list[str]:
        """A stream that leaves is what entered, piece by piece: nothing is missing in the
        middle, nothing is between, nothing comes twice."""
        crossed = {}
        for crossing in crossings(self.seen):
            if crossing.before.stream and crossing.after:
                crossed.setdefault(crossing.before.stream, set()).add(crossing.after.stream)
        found = list(self.faults)
        for before, afters in crossed.items():
            seen, stream = self.every[before - 1]
            if len(afters) > 1:
                found.append(f"one stream leaves as {len(afters)}: {seen}")
            broken = self._reset(seen, stream)
            for after in afters:
                found += [f"{text}: {seen}" for text in _compared(
                    stream, self.every[after - 1][1], broken)]
        return found

    def _reset(self, seen: Datagram, stream: Stream) -> bool:
        """Either end, or the router, said that there is no such connection any more."""
        back = self.streams.get((seen.interface, not seen.leaving, seen.destination, seen.source))
        return stream.reset or bool(back and back.reset)


def _compared(entered: Stream, left: Stream, broken: bool) -> list[str]:
    """Why what left is not what entered, message by message; a broken connection may end early."""
    before, after = ([Message(p).key for p in stream.pieces if is_sip(p)] for stream in (entered, left))
    if after != before and not (broken and after == before[:len(after)]):
        return [f"{len(before)} messages entered, {len(after)} left, or in another order"]
    blank, kept = (b"".join(p for p in stream.pieces if not is_sip(p)) for stream in (entered, left))
    return [] if len(blank) == len(kept) or broken else [
        f"{len(blank)} bytes between messages became {len(kept)} ({blank[-80:]!r}, {kept[-80:]!r}), "
        f"{len(entered.data)} in all {len(left.data)}, {left.acknowledged} of them acknowledged"]


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
    body = [x for x in re.split(r"\r?\n", message.body) if not x.startswith(tuple(hidden))]
    return [message.start, *clean, *body]


def _own_ports(line: Line, crossing: Crossing, text: str) -> set[int]:
    """The inside's ports: where it sends from, and over TCP where it listens (T8).

    A Contact that says nothing of TCP may mean the same port by UDP.
    """
    assert crossing.after is not None
    ports = {crossing.before.source[1]}
    listens = sent_by(crossing.message) if crossing.message.is_request else None
    of_tcp = text.startswith("via:") or "transport=tcp" in text.lower()
    if crossing.before.stream and listens and of_tcp and line.setup.nat != "dnat":
        ports.add(listens[1])
    return ports - {crossing.after.source[1]}


def leaks(line: Line, crossing: Crossing) -> list[str]:
    """R2 for one message: inside addresses outside, outside address beside an inside port."""
    if crossing.after is None or not crossing.outbound:
        return []
    message = Message(crossing.after.payload)
    inside = re.compile(r"(?<![\w.:])(" + "|".join(map(re.escape, line.inside_prefixes))
                        + r")(?=[0-9a-f])")
    found = [f"inside address in {text!r}" for text in _visible_text(message)
             if inside.search(text)]
    outside = re.compile(r"\[?" + re.escape(line.router_address) + r"\]?(?::(\d+)|(?![\w.:]))")
    # a Request-URI and a response's Vias are others', who may have that very port outside
    written_here = {"contact", "record-route", "route"} | ({"via"} if message.is_request else set())
    own = [f"{name}: {value}" for name, value in message.headers if name in written_here]
    for text in own:
        hidden = _own_ports(line, crossing, text)
        text = re.sub(r";(maddr|received)=[^;,>\s]*", "", text)
        found += [f"outside address with the inside's port in {text!r}"
                  for written in outside.findall(text) if int(written or 5060) in hidden]
    return found
