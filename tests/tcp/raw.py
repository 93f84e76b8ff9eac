# SPDX-License-Identifier: GPL-2.0
"""An end of a connection that is made of raw packets: it sends segments that no kernel would,
and looks at every byte that comes, each time that it comes."""
from __future__ import annotations

import ipaddress
import random
import select
import socket
import struct
import time
from dataclasses import dataclass, field

from capture import sum16
from links import nft
from net import PATIENCE, Failure, Namespace
from sip import Address

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
MASK = (1 << 32) - 1
ETH_P = {4: 0x0800, 6: 0x86DD}
PACKET_OUTGOING, SO_RCVBUFFORCE = 4, 33
OPTION_MSS, OPTION_WSCALE, OPTION_SACK_OK, OPTION_SACK = 2, 3, 4, 5
SCALE = 3
REPEAT_AFTER = 0.06     # seconds without progress until something is sent again


@dataclass
class Segment:
    """seq and ack are positions in the two streams: 0 is the first byte, -1 the SYN's."""

    flags: int
    seq: int = 0
    ack: int = 0
    payload: bytes = b""
    window: int = 0xFFFF
    sacks: list[tuple[int, int]] = field(default_factory=list)
    options: bytes = b""

    def __str__(self) -> str:
        names = "".join(letter for bit, letter in enumerate("FSRPAU") if self.flags >> bit & 1)
        return f"{names} seq {self.seq}+{len(self.payload)} ack {self.ack} window {self.window}"


def nearest(number: int, near: int) -> int:
    """The position with these lower 32 bits that is nearest to a known one."""
    return near + ((number - near + (1 << 31)) & MASK) - (1 << 31)


class Stretches:
    """What is known of a stream: its bytes, some of them perhaps beyond a hole."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.known = bytearray()
        self.next = 0           # all before it are known

    def add(self, at: int, data: bytes, who: str, settled: int) -> bool:
        """Whether something was new. What came before must come again as it was; but before
        `settled` all was acknowledged, and nobody looks at it any more."""
        if at < settled:
            at, data = settled, data[settled - at:]
        end = at + len(data)
        if end > len(self.bytes):
            grow = end - len(self.bytes)
            self.bytes += bytes(grow)
            self.known += bytes(grow)
        fresh = False
        for place, byte in enumerate(data, at):
            if not self.known[place]:
                self.bytes[place], self.known[place], fresh = byte, 1, True
            elif self.bytes[place] != byte:
                raise Failure(f"{who}: byte {place} comes again as {byte:#x}, it was {self.bytes[place]:#x}: "
                              f"{data[:60]!r} at {at}")
        hole = self.known.find(0, self.next)
        self.next = len(self.known) if hole < 0 else hole
        return fresh

    def beyond(self) -> list[tuple[int, int]]:
        """The stretches beyond the first hole."""
        found, at = [], self.next
        while (begin := self.known.find(1, at)) >= 0:
            hole = self.known.find(0, begin)
            at = len(self.known) if hole < 0 else hole
            found.append((begin, at))
        return found


class Model:
    """One such end. The kernel of its namespace does not see what comes for it."""

    def __init__(self, name: str, where: Namespace, own: Address, chance: random.Random,
                 sack: bool = True, window: int = 60000) -> None:
        self.name, self.own, self.peer = name, own, ("", 0)
        self.family = 6 if ":" in own[0] else 4
        self.chance = chance
        self.sack, self.window = sack, window
        with where:
            kind = socket.AF_INET6 if self.family == 6 else socket.AF_INET
            self.tx = socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_TCP)
            self.rx = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P[self.family]))
            silence(own)
        self.tx.bind((own[0], 0))
        self.rx.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.rx.setblocking(False)
        # numbers that run over while the connection lives
        self.first = MASK - chance.randrange(3000)
        self.theirs: int | None = None      # the other end's first number
        self.read = Stretches()
        self.data = b""                     # all that it has to say
        self.acked = 0                      # of that, by the other end
        self.sent = 0                       # the furthest that left
        self.peer_window, self.peer_edge = 0, 0
        self.scaled = False
        self.edge = 0                       # how far the other end may send
        self.told = 0                       # the highest acknowledgement that it sent
        self.closed = self.reset = False
        self.moved = time.monotonic()
        self.pending = 0                    # segments not acknowledged yet

    # ---- segments ---------------------------------------------------------------------------

    def pack(self, one: Segment) -> bytes:
        options = one.options
        if one.sacks:
            blocks = b"".join(struct.pack("!II", *((self._theirs(n) for n in block)))
                              for block in one.sacks[:4])
            options += bytes([1, 1, OPTION_SACK, 2 + len(blocks)]) + blocks
        options += b"\1" * (-len(options) % 4)
        ack = self._theirs(one.ack) if one.flags & ACK else 0
        head = struct.pack("!HHIIBBHHH", self.own[1], self.peer[1], (self.first + 1 + one.seq) & MASK,
                           ack, (5 + len(options) // 4) << 4, one.flags, one.window, 0,
                           len(one.payload) if one.flags & URG else 0)
        segment = head + options + one.payload
        pair = b"".join(ipaddress.ip_address(host).packed for host in (self.own[0], self.peer[0]))
        total = sum16(pair + struct.pack("!II", len(segment), 6) + segment) ^ 0xFFFF
        return segment[:16] + struct.pack("!H", total) + segment[18:]

    def _theirs(self, position: int) -> int:
        assert self.theirs is not None
        return (self.theirs + 1 + position) & MASK

    def put(self, one: Segment) -> None:
        if one.flags & ACK:
            self.told = max(self.told, one.ack)
        self.tx.sendto(self.pack(one), (self.peer[0], 0))

    def take(self) -> Segment | None:
        """The next segment that came for it."""
        while True:
            try:
                packet, (_, _, kind, _, _) = self.rx.recvfrom(1 << 16)
            except BlockingIOError:
                return None
            if kind != PACKET_OUTGOING:
                found = self.unpack(packet)
                if found:
                    return found

    def unpack(self, packet: bytes) -> Segment | None:
        if self.family == 4:
            at, end, pair, kind = (packet[0] & 15) * 4, struct.unpack("!H", packet[2:4])[0], packet[12:20], packet[9]
        else:
            at, end, pair, kind = 40, 40 + struct.unpack("!H", packet[4:6])[0], packet[8:40], packet[6]
        segment = packet[at:end]
        half = len(pair) // 2
        if kind != 6 or pair[half:] != ipaddress.ip_address(self.own[0]).packed \
                or struct.unpack("!H", segment[2:4])[0] != self.own[1]:
            return None
        if sum16(pair + struct.pack("!II", len(segment), 6) + segment) != 0xFFFF:
            raise Failure(f"{self.name}: a wrong checksum: {segment[:60].hex()}")
        port, _, seq, ack, offset, flags, window, _, _ = struct.unpack("!HHIIBBHHH", segment[:20])
        if self.theirs is None and flags & SYN:
            self.theirs = seq
            self.peer = (str(ipaddress.ip_address(pair[:half])), port)
        if self.theirs is None or port != self.peer[1]:
            return None
        size = (offset >> 4) * 4
        return Segment(flags, nearest(seq - self.theirs - 1, self.read.next),
                       nearest(ack - self.first - 1, self.acked), segment[size:], window,
                       options=segment[20:size])

    def wait(self, what: str, seconds: float = 20) -> Segment:
        limit = time.monotonic() + seconds * PATIENCE
        while True:
            one = self.take()
            if one:
                return one
            if time.monotonic() > limit:
                raise Failure(f"{self.name}: no {what} within {seconds * PATIENCE:g} s")
            select.select([self.rx], [], [], 0.2)

    # ---- a beginning ----------------------------------------------------------------------------

    def hello(self) -> bytes:
        text = struct.pack("!BBH", OPTION_MSS, 4, 1400) + bytes([1, OPTION_WSCALE, 3, SCALE])
        return text + (bytes([1, 1, OPTION_SACK_OK, 2]) if self.sack else b"")

    def window_field(self) -> int:
        self.edge = max(self.edge, self.read.next + (self.window >> SCALE << SCALE))
        return self.window >> SCALE

    def begin(self, peer: Address, first: bytes = b"") -> None:
        self.peer = peer
        self.put(Segment(SYN, -1, 0, first, min(self.window, 0xFFFF), options=self.hello()))

    def begun(self) -> None:
        """The other end's SYN with ACK, and the third segment."""
        one = self.wait("SYN with ACK")
        if one.flags & (SYN | ACK) != SYN | ACK or one.ack != 0:
            raise Failure(f"{self.name}: {one} for an answer to SYN")
        self.peer_edge = one.window
        self.put(Segment(ACK, 0, 0, window=self.window_field()))

    def accept(self) -> Segment:
        one = self.wait("SYN")
        if one.flags & SYN == 0:
            raise Failure(f"{self.name}: {one} for a SYN")
        self.peer_edge = one.window
        self.put(Segment(SYN | ACK, -1, 0, window=min(self.window, 0xFFFF), options=self.hello()))
        self.edge = min(self.window, 0xFFFF)
        return one

    # ---- what came ----------------------------------------------------------------------------------

    def hear(self, one: Segment) -> None:
        if one.flags & RST:
            raise Failure(f"{self.name}: reset: {one}")
        if one.flags & SYN:
            self.put(Segment(ACK, self.sent, self.read.next, window=self.window_field()))
            return
        if one.ack > self.sent:
            raise Failure(f"{self.name}: acknowledged up to {one.ack}, but sent {self.sent}")
        if one.ack > self.acked:
            self.acked, self.moved = one.ack, time.monotonic()
        self.peer_edge = max(self.peer_edge, one.ack + (one.window << SCALE))
        if not one.payload:
            return
        if one.seq + len(one.payload) > self.edge:
            raise Failure(f"{self.name}: {one} is beyond its window, which ends at {self.edge}")
        if self.read.add(one.seq, one.payload, self.name, max(self.told, 0)):
            self.moved = time.monotonic()
        self.pending += 1

    def acknowledge(self) -> None:
        sacks = self.read.beyond() if self.sack else []
        self.put(Segment(ACK, self.sent, self.read.next, window=self.window_field(),
                         sacks=self.chance.sample(sacks, len(sacks))[:3]))
        self.pending = 0

    def send(self, begin: int, end: int, flags: int = ACK | PSH) -> None:
        """Bytes [begin, end) of what it has to say, whatever was sent before."""
        self.put(Segment(flags, begin, self.read.next, self.data[begin:end], self.window_field()))
        self.sent = max(self.sent, end)

    def close(self) -> None:
        self.tx.close()
        self.rx.close()


def silence(own: Address) -> None:
    """The kernel has no such connection, and must not say so. In the caller's namespace."""
    ip = "ip6" if ":" in own[0] else "ip"
    wrong = nft("table inet silence {\nchain in { type filter hook input priority 0;\n"
                f" {ip} daddr {own[0]} tcp dport {own[1]} drop;\n}}\n}}\n")
    if wrong:
        raise Failure(f"nft: {wrong}")


# ---- two of them over a bad network ------------------------------------------------------------------


@dataclass
class Weather:
    """What happens to segments before the router and behind it, and how they are cut."""

    lost: float = 0.0
    late: float = 0.0
    doubled: float = 0.0
    longest: int = 1400
    recut: float = 0.1      # sends something again that nobody asked for


class Sky:
    """Segments of one end that wait for their turn."""

    def __init__(self, end: Model, weather: Weather, chance: random.Random) -> None:
        self.end, self.weather, self.chance = end, weather, chance
        self.late: list[tuple[int, int]] = []
        self.segments = 0

    def launch(self, begin: int, end: int) -> None:
        self.end.sent = max(self.end.sent, end)
        self.segments += 1
        if self.chance.random() < self.weather.lost:
            return
        if self.chance.random() < self.weather.late:
            self.late.append((begin, end))
            return
        self.end.send(begin, end)
        if self.chance.random() < self.weather.doubled:
            self.end.send(begin, end)

    def size(self) -> int:
        return 1 + self.chance.randrange(self.weather.longest if self.chance.random() < 0.8 else 20)

    def speak(self) -> None:
        """New bytes, some of the old ones, and what was late."""
        one = self.end
        limit = min(len(one.data), one.peer_edge)
        for _ in range(1 + self.chance.randrange(4)):
            if one.sent < limit:
                self.launch(one.sent, min(one.sent + self.size(), limit))
        if one.acked < one.sent and self.chance.random() < self.weather.recut:
            begin = self.chance.randrange(max(one.acked - 50, 0), one.sent)
            self.launch(begin, min(begin + self.size(), one.sent))
        if self.late and self.chance.random() < 0.5:
            one.send(*self.late.pop(self.chance.randrange(len(self.late))))
        if one.acked < one.sent and time.monotonic() - one.moved > REPEAT_AFTER * PATIENCE:
            self.repeat()

    def repeat(self) -> None:
        """The sender's timer: the first that is missing, cut anew, and perhaps what follows."""
        one, at = self.end, self.end.acked
        for _ in range(1 + self.chance.randrange(4)):
            if at < one.sent:
                end = min(at + self.size(), one.sent)
                self.launch(at, end)
                at = end
        one.moved = time.monotonic()

    def listen(self) -> None:
        while (one := self.end.take()):
            if one.flags & RST or self.chance.random() >= self.weather.lost:
                self.end.hear(one)
        if self.end.pending and self.chance.random() < 0.6:
            if self.chance.random() < self.weather.lost:
                self.end.pending = 0    # lost on its way back
            else:
                self.end.acknowledge()


def exchange(ends: tuple[Model, Model], wanted: tuple[bytes, bytes], weather: Weather,
             chance: random.Random) -> int:
    """Until each end has read what it should; how many segments that took."""
    skies = [Sky(end, weather, chance) for end in ends]
    last, seen = time.monotonic(), (-1, -1, -1, -1)
    for end in ends:
        end.moved = last
    while True:
        for sky in skies:
            sky.speak()
            sky.listen()
        for end, text in zip(ends, wanted):
            if bytes(end.read.bytes[:end.read.next]) != text[:end.read.next]:
                raise Failure(f"{end.name} reads other bytes than were meant, up to {end.read.next}")
        if all(end.read.next == len(text) and end.acked == len(end.data) for end, text in zip(ends, wanted)):
            return sum(sky.segments for sky in skies)
        now, state = time.monotonic(), (ends[0].acked, ends[1].acked, ends[0].read.next, ends[1].read.next)
        if state != seen:
            last, seen = now, state
        if now - last > 20 * PATIENCE:
            raise Failure("stalled: " + "; ".join(
                f"{end.name} sent {end.sent} of {len(end.data)}, {end.acked} acknowledged, read "
                f"{end.read.next} of {len(text)}" for end, text in zip(ends, wanted)))
        select.select([end.rx for end in ends], [], [], 0.004)
