# SPDX-License-Identifier: GPL-2.0
"""Workers that send as fast as they can, in no good order: requests, ends, offers again and answers
from many sockets, with few Call-IDs for all of them, so that they meet in the same calls.
"""
from __future__ import annotations

import random
import re
import select
import socket
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import Callable

from bed import FIRST_HOST, Span
from frames import Frames
from net import Line, Namespace
from sip import Address, is_sip
from whole import INSIDE, ROUTER, Writer, fault

NO_LINGER = struct.pack("ii", 1, 0)
MEDIA = re.compile(rb"c=IN IP4 ([\d.]+)\r\n.*m=audio (\d+) ", re.S)
METHODS = ("INVITE",) * 6 + ("REGISTER",) * 3 + ("BYE",) * 3 + ("CANCEL", "ACK", "OPTIONS", "SUBSCRIBE")
STATUSES = (200,) * 6 + (180, 183, 401, 486, 487, 503)
CALLS = 40
SHOWN = 8


@dataclass
class Tally:
    """What a worker did, and what was wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def arrived(self, message: bytes, inward: bool) -> None:
        self.counts["arrived"] += 1
        wrong = fault(message, ROUTER if inward else INSIDE)
        if wrong:
            self.counts["wrong"] += 1
            if len(self.faults) < SHOWN:
                self.faults.append(f"{'in' if inward else 'out'}: {wrong}\n{message.decode('latin-1')}")
        elif (b"10.77.0." in message) == inward:
            self.counts["translated"] += 1

    def add(self, other: Tally) -> None:
        self.counts.update(other.counts)
        self.faults = (self.faults + other.faults)[:SHOWN]


def bound(where: Namespace, address: Address, kind: int = socket.SOCK_DGRAM) -> socket.socket:
    with where:
        made = socket.socket(socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(address)
    made.setblocking(False)
    return made


class Datagrams:
    """Phones and hosts of one worker, over UDP."""

    def __init__(self, line: Line, number: int, chance: random.Random) -> None:
        self.chance, self.tally = chance, Tally()
        plan = line.plan
        self.hosts = [(plan.far(FIRST_HOST + number), 5060)]
        phones = [(plan.phone(number), port) for port in (5060, 5062, 6000)]
        self.phones = {bound(line.inside, address): Writer(*address, INSIDE) for address in phones}
        self.servers = {bound(line.outside, address): Writer(*address, ROUTER) for address in self.hosts}
        self.near = {port: bound(line.inside, (plan.phone(number), port)) for port in (4000, 4002, 4004)}
        self.far = {port: bound(line.outside, (host, port)) for host, _ in self.hosts for port in (7000, 7002)}
        self.numbers = 0

    def close(self) -> None:
        for sock in (*self.phones, *self.servers, *self.near.values(), *self.far.values()):
            sock.close()

    def call(self) -> str:
        return f"storm-{self.chance.randrange(CALLS)}"

    def _send(self, sock: socket.socket, data: bytes, to: Address) -> None:
        try:
            sock.sendto(data, to)
            self.tally.counts["sent"] += 1
        except OSError:     # no route while an address is away, or a full queue
            self.tally.counts["refused"] += 1

    def one(self) -> None:
        sock, writer = self.chance.choice(list(self.phones.items()))
        to, method = self.chance.choice(self.hosts), self.chance.choice(METHODS)
        self.numbers += self.chance.randrange(2)
        media = self.chance.choice((0, *self.near)) if method == "INVITE" else 0
        expires = self.chance.choice((0, 1, 60))
        self._send(sock, writer.request(method, self.call(), self.numbers // 8 + 1, to[0], media,
                                        expires=expires), to)

    def drain(self, sockets: dict[socket.socket, Writer], inward: bool) -> None:
        for sock in select.select(list(sockets), [], [], 0)[0]:
            for _ in range(20):
                try:
                    data, source = sock.recvfrom(65536)
                except (BlockingIOError, ConnectionError):
                    break
                self.tally.arrived(data, inward)
                self.reply(sock, sockets[sock], data, source, inward)

    def reply(self, sock: socket.socket, writer: Writer, data: bytes, source: Address, inward: bool) -> None:
        chance, sessions = self.chance, self.near if inward else self.far
        session = MEDIA.search(data)
        if session:
            self._media(sessions, (session.group(1).decode(), int(session.group(2))))
        if data.startswith(b"SIP/2.0"):
            return
        if chance.random() < 0.9:
            status = chance.choice(STATUSES)
            media = chance.choice(list(sessions)) if status < 300 and data.startswith(b"INVITE") else 0
            self._send(sock, writer.answer(data, status, media, chance.choice("uvw")), source)
        if not inward and chance.random() < 0.2:
            method = chance.choice(("INVITE", "BYE", "NOTIFY", "CANCEL"))
            media = 7000 if method == "INVITE" else 0
            to = f"{source[0]}:{source[1]}"
            self._send(sock, writer.request(method, self.call(), 1, to, media, tags=("u", "f")), source)

    def _media(self, sessions: dict[int, socket.socket], to: Address) -> None:
        if to[1] > 1023:
            self._send(self.chance.choice(list(sessions.values())), b"\x80\0" + bytes(20), to)

    def step(self) -> None:
        for _ in range(4):
            self.one()
        self.drain(self.servers, False)
        self.drain(self.phones, True)
        for sock in (*self.near.values(), *self.far.values()):
            try:
                while sock.recv(2048):
                    self.tally.counts["media"] += 1
            except (BlockingIOError, ConnectionError):
                pass


@dataclass
class Link:
    """One connection: both of its ends are the worker's."""

    near: socket.socket
    writer: Writer
    to: str
    unsent: bytes = b""


class Streams:
    """Connections of one worker that come and go in the midst of messages."""

    MOST = 6

    def __init__(self, line: Line, number: int, chance: random.Random) -> None:
        self.chance, self.tally, self.line, self.number = chance, Tally(), line, number
        self.host = (line.plan.far(FIRST_HOST + number), 5060)
        self.listener = bound(line.outside, self.host, socket.SOCK_STREAM)
        self.listener.listen(64)
        self.links: list[Link] = []
        self.taken: dict[socket.socket, Frames] = {}
        self.frames: dict[socket.socket, Frames] = {}
        self.server = Writer(*self.host, ROUTER, "TCP")
        self.numbers = 0

    def close(self) -> None:
        for sock in (self.listener, *(link.near for link in self.links), *self.taken):
            sock.close()

    def open(self) -> None:
        near = bound(self.line.inside, (self.line.plan.phone(self.number), 0), socket.SOCK_STREAM)
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            near.connect(self.host)
        except BlockingIOError:
            pass
        except OSError:
            near.close()
            return
        self.tally.counts["connections"] += 1
        self.links.append(Link(near, Writer(*near.getsockname()[:2], INSIDE, "TCP"), self.host[0]))
        self.frames[near] = Frames()

    def end(self, link: Link) -> None:
        if self.chance.random() < 0.4:
            link.near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.links.remove(link)
        del self.frames[link.near]
        link.near.close()

    def push(self, link: Link) -> None:
        """A piece of what is to be sent; often not up to the end of a message."""
        if not link.unsent:
            for _ in range(self.chance.randrange(1, 4)):
                self.numbers += 1
                method = self.chance.choice(METHODS)
                media = self.chance.choice((4000, 4002)) if method == "INVITE" else 0
                link.unsent += link.writer.request(method, f"stream-{self.chance.randrange(CALLS)}",
                                                   self.numbers, link.to, media)
        size = self.chance.choice((1, 30, 300, len(link.unsent)))
        try:
            link.unsent = link.unsent[link.near.send(link.unsent[:size]):]
            self.tally.counts["sent"] += 1
        except BlockingIOError:
            pass
        except OSError:
            self.end(link)

    def _read(self, sock: socket.socket, frames: Frames, inward: bool, ends: Callable[[], None]) -> None:
        try:
            data = sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            ends()
            return
        for piece in frames.add(data):
            if not is_sip(piece) or frames.foreign:
                continue
            self.tally.arrived(piece, inward)
            if not inward and not piece.startswith(b"SIP/2.0"):
                status = self.chance.choice(STATUSES)
                try:
                    sock.send(self.server.answer(piece, status, 7000 if piece.startswith(b"INVITE") else 0))
                except OSError:
                    pass

    def _forget(self, sock: socket.socket) -> None:
        del self.taken[sock]
        sock.close()

    def step(self) -> None:
        if len(self.links) < self.MOST:
            self.open()
        for link in list(self.links):
            self.push(link)
        try:
            made, _ = self.listener.accept()
            made.setblocking(False)
            self.taken[made] = Frames()
        except BlockingIOError:
            pass
        for sock in list(self.taken):
            self._read(sock, self.taken[sock], False, lambda sock=sock: self._forget(sock))
        for link in list(self.links):
            self._read(link.near, self.frames[link.near], True, lambda link=link: self.end(link))
        if self.links and self.chance.random() < 0.1:
            self.end(self.chance.choice(self.links))


def storm(kind: type[Datagrams] | type[Streams], line: Line, number: int, seed: int, span: Span) -> Tally:
    worker = kind(line, number, random.Random(seed * 100 + number))
    while not span.over():
        worker.step()
    worker.close()
    return worker.tally
