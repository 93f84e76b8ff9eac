# SPDX-License-Identifier: GPL-2.0
"""The two ends of a connection, how pieces are sent, and what arrived."""
from __future__ import annotations

import fcntl
import select
import socket
import struct
import termios
import time
from collections import deque
from dataclasses import dataclass
from typing import Iterable

from book import Book, Said
from net import PATIENCE, Failure

STALL = 20.0
"""Seconds without any progress."""
LOSSY = 60.0
"""The same where packets get lost: an unlucky sender's timer doubles (RFC 6298 5.5)."""
SHOWN = 48
READ = 1 << 16


LONG = 4.0
"""Seconds without progress that are told, with what the ends' TCP is at."""
pauses: list[str] = []
"""Of this process, which runs one case."""


@dataclass(frozen=True)
class Info:
    """What the kernel says of a connection (struct tcp_info)."""

    mss: int
    retransmitted: int
    segments: int   # with data, retransmitted ones too
    timeouts: int   # of the first unacknowledged byte, one after the other
    doublings: int  # of the retransmission timer
    timer: int      # in milliseconds
    flying: int     # segments
    congestion: int     # how many may
    window: int     # of the other end, in bytes


class End:
    """A TCP socket that never blocks, and all that it read."""

    def __init__(self, name: str, made: socket.socket, stall: float = STALL) -> None:
        self.name = name
        self.socket = made
        self.stall = stall
        made.setblocking(False)
        self.got = bytearray()
        self.checked = 0        # of what it read, what a Flow has looked at
        self.ended = False
        self.reset = False

    def read(self, most: int = READ) -> int:
        """Everything that is there, or `most` bytes at a time; how much it was."""
        before = len(self.got)
        while not self.ended:
            try:
                data = self.socket.recv(most)
            except BlockingIOError:
                break
            except ConnectionError as error:
                self.reset = self.ended = True
                raise Failure(f"{self.name}: the connection was reset ({error}) "
                              f"after {len(self.got)} bytes") from error
            self.got += data
            self.ended = not data
            if len(data) < READ:
                break
        return len(self.got) - before

    def unacknowledged(self) -> int:
        room = bytearray(4)
        fcntl.ioctl(self.socket, termios.TIOCOUTQ, room)
        return int(struct.unpack("i", room)[0])

    def write(self, data: bytes) -> int:
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0
        except ConnectionError as error:
            raise Failure(f"{self.name}: the connection was reset while it sends ({error})") from error

    def option(self, name: int, value: int) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, name, value)

    def info(self) -> Info:
        raw = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
        def word(at: int) -> int:
            return int(struct.unpack_from("=I", raw, at)[0])
        return Info(word(16), word(100), word(156), raw[2], raw[4], word(8) // 1000, word(24), word(80), word(228))

    def finish(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        """Ends with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Flow:
    """Pieces on their way from one end to the other, and what must arrive.

    A piece leaves as soon as the socket takes it; acked: only when all before it was
    acknowledged. reads: how many bytes the receiver takes at a time.
    """

    def __init__(self, sender: End, receiver: End, pieces: Iterable[bytes], wanted: bytes,
                 acked: bool = False, reads: int = READ) -> None:
        self.sender, self.receiver = sender, receiver
        self.pieces = deque(piece for piece in pieces if piece)
        self.wanted = wanted
        self.start = receiver.checked
        self.acked = acked
        self.reads = reads
        self.arrived = 0
        self.slow = 0.0     # seconds that the receiver waits before it reads

    @property
    def done(self) -> bool:
        return not self.pieces and self.arrived == len(self.wanted)

    def step(self) -> bool:
        moved = False
        while self.pieces and not (self.acked and self.sender.unacknowledged()):
            size = self.sender.write(self.pieces[0])
            if not size:
                break
            moved = True
            rest = self.pieces.popleft()[size:]
            if rest:
                self.pieces.appendleft(rest)
                break
        if self.receiver.read(self.reads):
            moved = True
            self.check()
        elif self.receiver.ended and not self.done:
            raise Failure(f"{self.receiver.name} reads the end of the stream "
                          f"after {self.arrived} of {len(self.wanted)} bytes")
        return moved

    def check(self) -> None:
        """What arrived since the last time is what should have."""
        got = self.receiver.got[self.start + self.arrived:]
        wanted = self.wanted[self.arrived:self.arrived + len(got)]
        if got != wanted:
            raise Failure(f"{self.receiver.name} reads other bytes: "
                          + difference(self.wanted, bytes(self.receiver.got[self.start:])))
        self.arrived += len(got)
        self.receiver.checked = self.start + self.arrived

    def standing(self) -> str:
        info = self.sender.info()
        return (f"{self.sender.name} has {len(self.pieces)} pieces left and "
                f"{self.sender.unacknowledged()} bytes not acknowledged, {self.receiver.name} has "
                f"{self.arrived} of {len(self.wanted)} bytes (the sender: {info.timeouts} timeouts, "
                f"{info.doublings} doublings, timer {info.timer} ms, {info.flying} segments of {info.congestion} "
                f"on their way, window {info.window}, {info.retransmitted} sent again)")


def difference(wanted: bytes, got: bytes) -> str:
    place = next((n for n, (a, b) in enumerate(zip(wanted, got)) if a != b),
                 min(len(wanted), len(got)))
    begin = max(place - 16, 0)
    return (f"from byte {place} of {len(wanted)} on\n- {wanted[begin:begin + SHOWN]!r}\n"
            f"+ {got[begin:begin + SHOWN]!r}")


def carry(*flows: Flow) -> None:
    """Until every byte has arrived and was right."""
    stall = max(flow.sender.stall for flow in flows) * PATIENCE
    last = time.monotonic()
    told = LONG
    while True:
        moved = False
        for flow in flows:
            moved |= flow.step()
        if all(flow.done for flow in flows):
            return
        now = time.monotonic()
        if moved:
            last, told = now, LONG
            continue
        if now - last > told:
            pauses.append(f"no progress for {now - last:.1f} s: " + "; ".join(flow.standing() for flow in flows))
            told *= 2
        if now - last > stall:
            raise Failure(f"stalled for {stall:g} s: "
                          + "; ".join(flow.standing() for flow in flows))
        waits = any(flow.acked and flow.pieces for flow in flows)
        full = [flow.sender.socket for flow in flows if flow.pieces and not flow.acked]
        select.select([flow.receiver.socket for flow in flows], full, [], 0.002 if waits else 0.5)


def until(what: str, ready: object, seconds: float = STALL) -> None:
    """Waits for a condition, within a generous time."""
    assert callable(ready)
    limit = time.monotonic() + seconds * PATIENCE
    while not ready():
        if time.monotonic() > limit:
            raise Failure(f"{what}: not within {seconds * PATIENCE:g} s")
        time.sleep(0.005)


class Talk:
    """One connection: a phone inside, a server outside."""

    def __init__(self, phone: End, server: End, book: Book) -> None:
        self.phone, self.server, self.book = phone, server, book
        self.messages = 0
        self.carried = 0

    def outward(self, pieces: Iterable[bytes], wanted: bytes, acked: bool = False) -> Flow:
        return Flow(self.phone, self.server, pieces, wanted, acked)

    def inward(self, pieces: Iterable[bytes], wanted: bytes, acked: bool = False) -> Flow:
        return Flow(self.server, self.phone, pieces, wanted, acked)

    def say(self, *messages: Said, out: bool = True, cuts: Iterable[int] = (), acked: bool = False
            ) -> None:
        """Sends the messages one after the other as one stretch, cut at these places."""
        sent = b"".join(one.sent for one in messages)
        self.pieces(cut(sent, cuts), b"".join(one.read for one in messages), out, acked)
        self.messages += len(messages)

    def pieces(self, pieces: list[bytes], wanted: bytes, out: bool = True, acked: bool = False
               ) -> None:
        flow = (self.outward if out else self.inward)(pieces, wanted, acked)
        self.carried += sum(map(len, pieces))
        carry(flow)

    def both(self, outward: list[Said], inward: list[Said], size: int = 0, acked: bool = False
             ) -> None:
        """Both directions at once, in pieces of that size (0: one for each message)."""
        flows = []
        for way, messages in ((self.outward, outward), (self.inward, inward)):
            sent = b"".join(one.sent for one in messages)
            pieces = chop(sent, size) if size else [one.sent for one in messages]
            flows.append(way(pieces, b"".join(one.read for one in messages), acked))
            self.messages += len(messages)
            self.carried += len(sent)
        carry(*flows)

    def settle(self) -> None:
        """All that was sent is acknowledged, too."""
        for end in (self.phone, self.server):
            until(f"all that the {end.name} sent is acknowledged",
                  lambda end=end: not end.unacknowledged(), end.stall)

    def close(self) -> None:
        """An end in order: each side reads the other's end of stream, and nothing more."""
        self.settle()
        for end, other in ((self.phone, self.server), (self.server, self.phone)):
            before = len(other.got)
            end.finish()

            def ended(other: End = other) -> bool:
                other.read()
                return other.ended
            until(f"the {other.name} reads the end of the stream", ended)
            if len(other.got) != before:
                raise Failure(f"the {other.name} reads more than was sent: {bytes(other.got[before:])!r}")
        self.drop()

    def drop(self) -> None:
        self.phone.socket.close()
        self.server.socket.close()


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(places), len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:]) if a < b]


def chop(data: bytes, size: int) -> list[bytes]:
    return [data[at:at + size] for at in range(0, len(data), size)]
