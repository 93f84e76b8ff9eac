# SPDX-License-Identifier: GPL-2.0
"""SIP over TCP at one end: a listening port, and connections that are found again.

A request or response goes over the connection that stands with the address it is for
(RFC 3261 18.1.1 and 18.2.2); only where there is none, a new one is begun, from a port that
the kernel chooses. So what a router writes into Contact and Via is put to the test: nobody
outside gets through to a phone but over the connection that the phone began.
"""
from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Callable

from frames import Frames
from net import PATIENCE, Failure, Namespace
from sip import Address, Message, is_sip, sent_by

if TYPE_CHECKING:
    from peer import World

TRIES = 10.0
"""Seconds for a connection to stand: under loss, SYN is sent again after one and three."""
NO_LINGER = struct.pack("ii", 1, 0)


class Connection:
    """One connection with its peer."""

    def __init__(self, ends: Streams, made: socket.socket) -> None:
        self.ends = ends
        self.socket = made
        self.peer: Address = made.getpeername()[:2]
        self.local: Address = made.getsockname()[:2]
        self.frames = Frames()
        self.open = True        # both directions: the peer has not ended it
        self.reset = False
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ends.world.watch(made, self.drain)

    def drain(self) -> None:
        while self.open:
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                return
            except ConnectionError:
                self.reset = True
                data = b""
            if not data:
                self.forget()
                return
            for piece in self.frames.add(data):
                self.ends.arrived(piece, self)

    def send(self, data: bytes) -> None:
        while data:
            try:
                data = data[self.socket.send(data):]
            except BlockingIOError:
                self.ends.world.pump(0.02)

    def forget(self) -> None:
        """Nothing more comes; the socket stays until the connection is closed from here."""
        if self.open:
            self.open = False
            self.ends.world.selector.unregister(self.socket)

    def close(self, reset: bool = False) -> None:
        """FIN, or RST."""
        self.forget()
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.socket.close()


class Streams:
    """All connections of one endpoint, and the port that it listens on."""

    def __init__(self, world: World, where: Namespace, address: Address,
                 arrived: Callable[[bytes, Address], None]) -> None:
        self.world, self.where = world, where
        self.deliver = arrived
        self.connections: list[Connection] = []
        self.aliases: dict[Address, Connection] = {}
        self.listener = self._socket(address)
        self.listener.listen(64)
        self.listener.setblocking(False)
        world.watch(self.listener, self._accept)

    def _socket(self, address: Address) -> socket.socket:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        with self.where:
            made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        return made

    def _accept(self) -> None:
        try:
            made, _ = self.listener.accept()
        except BlockingIOError:
            return
        self.connections.append(Connection(self, made))

    def arrived(self, data: bytes, connection: Connection) -> None:
        if is_sip(data):
            message = Message(data)
            sender = sent_by(message)
            if message.is_request and sender:
                self.aliases[sender] = connection
        self.deliver(data, connection.peer)

    def find(self, to: Address) -> Connection | None:
        """The connection that stands with that address.

        Where the router translates nothing, a phone is known by the port that it listens on,
        and a server finds it by what its requests say (RFC 5923 calls that an alias).
        """
        standing = [c for c in self.connections if c.open and c.peer == to]
        alias = None if self.world.translates else self.aliases.get(to)
        return standing[-1] if standing else alias if alias and alias.open else None

    def connect(self, to: Address) -> Connection:
        made = self._socket((self.listener.getsockname()[0], 0))
        made.settimeout(TRIES * PATIENCE)
        try:
            made.connect(to)
        except OSError as error:
            made.close()
            raise Failure(f"no connection from {self.listener.getsockname()[:2]} to {to}: "
                          f"{error}") from error
        self.connections.append(Connection(self, made))
        return self.connections[-1]

    def send(self, data: bytes, to: Address) -> None:
        connection = self.find(to) or self.connect(to)
        try:
            connection.send(data)
        except ConnectionError as error:
            connection.close()
            raise Failure(f"the connection with {to} has broken: {error}") from error
