# SPDX-License-Identifier: GPL-2.0
"""What an attacker has outside: doors to try, pinholes to look for, and TCP byte for byte.

An attack that does what it was made for raises Attacked, with what it got; compare.py shows that.
"""
from __future__ import annotations

import errno
import socket

from net import Failure, Namespace
from peer import Port, World
from sip import Address, host_port

SUCCEEDS = "attack succeeds: "
WAYS = "by which way it got what: "
KINDS = ("connections", "datagrams", "pinholes", "edits")
SHOWN = 2
"""So many gains of each kind are written out."""
Ways = dict[str, set[str]]
"""A variant of an attack, and the kinds of what it got."""


def said_of(ways: Ways) -> str:
    """As one line, which ways_in() reads again."""
    return WAYS + " | ".join(f"{how} = {' '.join(k for k in KINDS if k in kinds)}"
                             for how, kinds in ways.items())


def ways_in(line: str) -> Ways:
    parts = [way.rpartition(" = ") for way in line[len(WAYS):].split(" | ")]
    return {how: set(kinds.split()) for how, _, kinds in parts}


class Attacked(Failure):
    """The attack came to its end."""


def tcp_socket(where: Namespace, host: str, port: int = 0) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with where:
        made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    made.setblocking(False)
    return made


class Wire:
    """One end of a TCP connection, which nobody cuts into messages."""

    def __init__(self, world: World, made: socket.socket) -> None:
        self.world, self.socket = world, made
        self.heard = bytearray()
        self.open = True
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        world.watch(made, self.drain)

    @property
    def peer(self) -> Address:
        return self.socket.getpeername()[:2]

    def drain(self) -> None:
        while self.open:
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.forget()
            self.heard += data

    def say(self, *pieces: bytes) -> None:
        """Each piece begins a segment of its own."""
        for piece in pieces:
            while piece:
                try:
                    piece = piece[self.socket.send(piece):]
                except BlockingIOError:
                    self.world.pump(0.02)

    def hears(self, last: bytes, seconds: float = 5) -> bool:
        """Whether all came, up to these last bytes."""
        try:
            self.world.wait("the last bytes", lambda: self.heard.endswith(last) or None, seconds)
        except Failure:
            return False
        return True

    def forget(self) -> None:
        if self.open:
            self.open = False
            self.world.selector.unregister(self.socket)

    def close(self) -> None:
        self.forget()
        self.socket.close()


class Listener:
    """A listening port, and the connections that came to it."""

    def __init__(self, world: World, where: Namespace, address: Address, backlog: int = 64) -> None:
        self.world = world
        self.socket = tcp_socket(where, *address)
        self.socket.listen(backlog)
        self.taken: list[Wire] = []
        world.watch(self.socket, self._accept)

    def _accept(self) -> None:
        while True:
            try:
                made, _ = self.socket.accept()
            except BlockingIOError:
                return
            self.taken.append(Wire(self.world, made))

    def next(self) -> Wire:
        return self.world.wait("a connection", lambda: self.taken and self.taken.pop())

    def close(self) -> None:
        self.world.selector.unregister(self.socket)
        self.socket.close()


def connected(world: World, where: Namespace, host: str, to: Address, mss: int = 0) -> Wire:
    """A new connection from that host, as soon as it stands."""
    made = tcp_socket(where, host)
    if mss:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)
    began = made.connect_ex(to)
    if began not in (0, errno.EINPROGRESS):
        raise Failure(f"no connection to {to}: {errno.errorcode.get(began)}")

    def stands() -> bool:
        world.pump(0.005)
        wrong = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if wrong:
            raise Failure(f"no connection to {to}: {errno.errorcode.get(wrong)}")
        try:
            made.getpeername()
        except OSError:
            return False
        return True
    world.wait(f"a connection to {to}", stands)
    return Wire(world, made)


class Treasure:
    """A port inside that is nobody's business outside; something listens there over UDP and TCP."""

    def __init__(self, world: World, host: str, port: int) -> None:
        self.world, self.address = world, (host, port)
        self.listener = Listener(world, world.line.inside, self.address)
        self.datagrams = Port(world, world.line.inside, self.address)

    @property
    def port(self) -> int:
        return self.address[1]

    def close(self) -> None:
        self.listener.close()
        self.world.selector.unregister(self.datagrams.socket)
        self.datagrams.socket.close()


class Intruder:
    """Tries doors of the router from outside, looks for pinholes, and keeps what it got."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fence, self.way = world.fence()
        self.gains: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self.ways: Ways = {}
        self.harm: list[str] = []

    def gained(self, kind: str, how: str, what: str) -> None:
        self.gains[kind].append(f"{how}: {what}")
        self.ways.setdefault(how, set()).add(kind)

    def settled(self) -> None:
        """All that was sent before has crossed the router, or never will."""
        before, mark = len(self.world.capture.seen), self.world.token("fence").encode()
        self.fence.send(mark, self.way)
        self.world.wait("a datagram after the attack crosses the router", lambda: [
            d for d in self.world.capture.seen[before:] if d.payload == mark and d.leaving])

    def looks(self, how: str, port: int = 0) -> None:
        """Pinholes that lead to that port, or any at all."""
        self.settled()
        for line in sorted(pinholes(self.world)):
            if not port or f"dport={port} " in line:
                self.gained("pinholes", how, line)

    def knocks(self, how: str, host: int, treasure: Treasure, door: Address | None = None) -> None:
        """A SYN of that host."""
        door = door or (self.world.line.router_address, treasure.port)
        before = len(self.world.capture.openings)
        made = tcp_socket(self.world.line.outside, self.world.plan.far(host))
        began = made.connect_ex(door)
        self.settled()
        let_in = [o for o in self.world.capture.openings[before:]
                  if o.interface.startswith("lan") and o.leaving]
        if let_in:
            wire = treasure.listener.next()
            self.gained("connections", how, f"{wire.peer[0]} connects through {host_port(door)} to "
                             f"{host_port(treasure.address)}")
            wire.close()
        elif began not in (0, errno.EINPROGRESS, errno.ECONNREFUSED):
            raise Failure(f"a SYN to {door}: {errno.errorcode.get(began)}")
        made.close()

    def throws(self, how: str, host: int, treasure: Treasure, door: Address | None = None) -> None:
        """A datagram of that host."""
        door = door or (self.world.line.router_address, treasure.port)
        sender = Port(self.world, self.world.line.outside, (self.world.plan.far(host), 0))
        mark = self.world.token("a datagram from outside ").encode()
        sender.send(mark, door)
        self.settled()
        let_in = [d for d in self.world.capture.seen
                  if d.payload == mark and d.interface.startswith("lan")]
        if let_in:
            self.gained("datagrams", how, f"{let_in[0].source[0]} sends through {host_port(door)} to "
                             f"{host_port(let_in[0].destination)} by UDP")
        self.world.selector.unregister(sender.socket)
        sender.socket.close()

    def verdict(self) -> None:
        """Fails if anything was gained, or anything broken."""
        found = {kind: list(dict.fromkeys(gains)) for kind, gains in self.gains.items() if gains}
        if found:
            sums = ", ".join(f"{len(gains)} {kind}" for kind, gains in found.items())
            raise Attacked(SUCCEEDS + "; ".join([sums, *(
                gain for gains in found.values() for gain in gains[:SHOWN])]) + "\n" + said_of(self.ways))
        if self.harm:
            raise Failure("\n".join(self.harm))


def pinholes(world: World) -> set[str]:
    """Those that stand, without the seconds that are left to each."""
    return {" ".join(line.split()[1:]) for line in world.line.expectations()}


def difference(found: bytes, wanted: bytes) -> str:
    """Where two texts part, with a little of both; empty if they do not."""
    if found == wanted:
        return ""
    at = next((n for n, (a, b) in enumerate(zip(found, wanted)) if a != b),
              min(len(found), len(wanted)))
    return f"from byte {at} on {wanted[at:at + 40]!r} became {found[at:at + 40]!r}"
