# SPDX-License-Identifier: GPL-2.0
"""The world of one scenario: a line, SIP and RTP sockets at its ends, and waiting."""
from __future__ import annotations

import itertools
import selectors
import socket
import subprocess
import time
from typing import Any, Callable, TypeVar

from capture import Capture, Crossing, crossings
from net import FRIEND, MEDIA, PATIENCE, SERVER, STRANGER, Failure, Line, Namespace, Setup
from rtp import Inbox, differences, packet
from sip import (Address, Message, build, host_port, is_sip, sdp, tag_of)
from streams import Connection, Streams

Found = TypeVar("Found")
Header = tuple[str, str]
T1 = 0.5     # seconds: RFC 3261 17.1.1.1
USUAL_WAIT = 5.0
SLOWER = 4
"""Times all that, where segments are lost and sent again."""


class Port:
    """A UDP socket at one address of one namespace, and what it received."""

    def __init__(self, world: World, where: Namespace, address: Address) -> None:
        self.world = world
        self.where = where
        self.received: list[tuple[bytes, Address]] = []
        self.address = self.open(address)

    def open(self, address: Address) -> Address:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        with self.where:
            self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)
        self.world.watch(self.socket, self.drain)
        return self.socket.getsockname()[:2]

    def drain(self) -> None:
        while True:
            try:
                data, source = self.socket.recvfrom(65536)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            self.arrived(data, source[:2])

    def arrived(self, data: bytes, source: Address) -> None:
        self.received.append((data, source))

    def send(self, data: bytes, to: Address) -> None:
        self.socket.sendto(data, to)


class Media(Port):
    """One RTP socket, or one RTCP socket where the stream's name begins with "rtcp"."""

    def __init__(self, world: World, where: Namespace, address: Address, stream: str) -> None:
        self.stream = stream
        self.inbox = Inbox()
        self.sent = 0
        super().__init__(world, where, address)

    def arrived(self, data: bytes, source: Address) -> None:
        self.inbox.add(data, source)

    def play(self, to: Address, count: int) -> list[bytes]:
        """Sends the next packets of this stream and returns them."""
        packets = [packet(self.stream, n) for n in range(self.sent, self.sent + count)]
        self.sent += count
        for data in packets:
            self.send(data, to)
        return packets


class World:
    """One line with everything that happens on it; nothing is shared between worlds."""

    def __init__(self, setup: Setup, helper: str, line: Line | None = None) -> None:
        self._begin(setup, line or Line(setup, helper), helper)
        self.capture = Capture(self.line.router)
        self.watch(self.capture.socket, self.capture.drain)

    def _begin(self, setup: Setup, line: Line, helper: str) -> None:
        """What every world has, with a capture or without."""
        self.setup = setup
        self.helper = helper
        self.line = line
        self.plan = line.plan
        self.translates = setup.translated  # False: the runner looks for no inside addresses
        self.loses = False                  # True: the router may swallow messages
        self.repeats = False                # True: what is waited for is sent again (RFC 3261 17)
        self.last: Callable[[], None] = lambda: None    # sends the last message again
        self.again = 0                      # so many times that was done
        self.selector = selectors.DefaultSelector()
        self.numbers = itertools.count(1)
        self.programs: list[subprocess.Popen[str]] = []
        self.diagnoses: list[Callable[[], str]] = []
        """What to show of programs when the scenario fails."""
        self.notes: list[str] = []      # what was measured: the runner prints it in any case

    def watch(self, source: Any, drain: Callable[[], None]) -> None:
        self.selector.register(source, selectors.EVENT_READ, drain)

    def pump(self, seconds: float) -> None:
        for key, _ in self.selector.select(max(seconds, 0)):
            key.data()

    def patience_with(self, seconds: float) -> float:
        """How long is waited for what takes so many seconds at most."""
        return seconds * PATIENCE * (SLOWER if self.setup.network else 1)

    def wait(self, what: str, ready: Callable[[], Found | None],
             seconds: float = USUAL_WAIT) -> Found:
        """Lets the world run until `ready` finds something; fails at the time limit."""
        seconds = self.patience_with(seconds)
        limit = time.monotonic() + seconds
        while True:
            found = ready()
            if found:
                return found
            left = limit - time.monotonic()
            if left <= 0:
                raise Failure(f"{what}: not within {seconds:g} s")
            self.pump(min(left, 0.2))

    def rest(self, seconds: float) -> None:
        """Silence, as long as the promise under test needs it."""
        limit = time.monotonic() + seconds
        while (left := limit - time.monotonic()) > 0:
            self.pump(left)

    def phone(self, number: int = 1, port: int = 5060, user: str = "") -> Agent:
        """A phone inside; number 1 is also the server that DNAT rules lead to."""
        return Agent(self, self.line.inside, (self.plan.phone(number), port),
                     user or f"phone{number}")

    def server(self, port: int = 5060) -> Agent:
        return Agent(self, self.line.outside, (self.plan.far(SERVER), port), "server")

    def friend(self, port: int = 5060, user: str = "friend") -> Agent:
        return Agent(self, self.line.outside, (self.plan.far(FRIEND), port), user)

    def stranger(self, port: int = 5060) -> Agent:
        return Agent(self, self.line.outside, (self.plan.far(STRANGER), port), "stranger")

    @property
    def over_tcp(self) -> bool:
        """The signalling goes over TCP."""
        return self.setup.transport == "tcp"

    @property
    def over(self) -> str:
        """What a URI says of the signalling's transport; nothing of UDP, which is the usual one."""
        return ";transport=tcp" if self.over_tcp else ""

    def server_again(self, server: Agent, port: int = 5080) -> Agent:
        """The same server from another of its ports; over TCP it has no other way to a phone
        than the connection that the phone began (S2)."""
        return server if self.over_tcp else self.server(port)

    def fence(self) -> tuple[Port, Address]:
        """A way in that stays open, for passes_nothing()."""
        stranger = Port(self, self.line.outside, (self.plan.far(STRANGER), 0))
        Port(self, self.line.inside, (self.plan.phone(9), 0)).send(b"opens a way", stranger.address)
        _, way = self.wait("the fence's way", lambda: stranger.received and stranger.received[0])
        return stranger, way

    def inside_media(self, port: int = 4000, number: int = 1, stream: str = "") -> Media:
        address = (self.plan.phone(number), port)
        return Media(self, self.line.inside, address, stream or f"inside {number} {port}")

    def outside_media(self, port: int = 7000, host: int = MEDIA, stream: str = "") -> Media:
        address = (self.plan.far(host), port)
        return Media(self, self.line.outside, address, stream or f"outside {host} {port}")

    def token(self, text: str) -> str:
        return f"{text}{next(self.numbers)}"

    def crossings(self) -> list[Crossing]:
        self.capture.drain()
        return crossings(self.capture.seen)

    def close(self) -> None:
        for program in self.programs:
            program.kill()
            program.wait()
        self.selector.close()

    def passes_nothing(self, sender: Port, data: bytes, to: Address, fence: Port,
                       fence_to: Address) -> None:
        """Asserts that a datagram from outside does not come in: a later one that may, does."""
        before = len(self.capture.seen)
        sender.send(data, to)
        self.wait("the probe reaches the router", lambda: [
            d for d in self.capture.seen[before:] if d.payload == data and not d.leaving])
        mark = self.token("fence").encode()
        fence.send(mark, fence_to)
        self.wait("a datagram after the probe crosses the router", lambda: [
            d for d in self.capture.seen[before:] if d.payload == mark and d.leaving])
        inside = [d for d in self.capture.seen[before:] if d.payload[:20] == data[:20]
                  and d.interface == "lan"]
        if inside:
            raise Failure(f"a closed pinhole lets through: {inside[0]}")


def _content_type(headers: list[Header], body: str) -> list[Header]:
    """A body is SDP unless the headers say otherwise."""
    named = any(name.lower() == "content-type" for name, _ in headers)
    return [("Content-Type", "application/sdp")] if body and not named else []


class Agent(Port):
    """A scriptable SIP endpoint: it sends what it is told and keeps what it received.

    Over TCP, its address is the port that it listens on and names.
    """

    def __init__(self, world: World, where: Namespace, address: Address, user: str,
                 transport: str = "") -> None:
        self.transport = transport or world.setup.transport
        self.streams: Streams | None = None
        super().__init__(world, where, address)
        self.user = user

    def open(self, address: Address) -> Address:
        if self.transport == "udp":
            return super().open(address)
        self.streams = Streams(self.world, self.where, address, self.arrived)
        return self.streams.listener.getsockname()[:2]

    def send(self, data: bytes, to: Address) -> None:
        if self.streams:
            self.streams.send(data, to)
        else:
            super().send(data, to)

    def connection(self, peer: Address) -> Connection:
        """The one that stands with that peer, over TCP."""
        found = self.streams.find(peer) if self.streams else None
        if not found:
            raise Failure(f"{self.user} at {self.name} has no connection with {peer}")
        return found

    def reconnects(self, peer: Address) -> None:
        """Gives a connection up that has died; the next message begins another one."""
        if self.streams:
            self.connection(peer).close(reset=True)

    def seen_at(self, peer: Address) -> Address:
        """The own address that packets to that peer leave from, as this end sees it."""
        return self.connection(peer).local if self.streams else self.address

    @property
    def name(self) -> str:
        return host_port(self.address)

    @property
    def uri(self) -> str:
        return f"sip:{self.user}@{self.name}{';transport=tcp' if self.streams else ''}"

    def via(self, extra: str = ";rport") -> str:
        return (f"SIP/2.0/{self.transport.upper()} {self.name};"
                f"branch={self.world.token('z9hG4bK-e2e-')}{extra}")

    def take(self, what: str, fits: Callable[[Message], bool],
             seconds: float = USUAL_WAIT) -> tuple[Message, Address]:
        """The next message that fits; what came before it and did not fit stays available."""
        again = time.monotonic() + T1

        def found() -> tuple[Message, Address] | None:
            nonlocal again
            if self.world.repeats and time.monotonic() > again:
                self.world.last()
                self.world.again += 1
                again += T1
            for place, (data, source) in enumerate(self.received):
                if is_sip(data) and fits(Message(data)):
                    del self.received[place]
                    return Message(data), source
            return None
        return self.world.wait(f"{self.user} at {self.name} receives {what}", found, seconds)

    def request(self, method: str, call_id: str = "", seconds: float = USUAL_WAIT
                ) -> tuple[Message, Address]:
        return self.take(method, lambda m: m.is_request and m.method == method
                         and call_id in ("", m.call_id), seconds)

    def response(self, status: int, to: Message, seconds: float = USUAL_WAIT) -> Message:
        def fits(message: Message) -> bool:
            return (message.status == status and message.call_id == to.call_id
                    and message.get("CSeq") == to.get("CSeq"))
        return self.take(f"{status} to {to.method}", fits, seconds)[0]

    def compose(self, method: str, uri: str, headers: list[Header], body: str = "",
                via: str = "") -> Message:
        lines = [("Via", via or self.via()), ("Max-Forwards", "70"), *headers,
                 ("User-Agent", "e2e"), *_content_type(headers, body)]
        return build(f"{method} {uri} SIP/2.0", lines, body)

    def registration(self, registrar: Address, expires: int | None, contact: str = "",
                     call_id: str = "", sequence: int = 0, via: str = "",
                     more: list[Header] | None = None) -> Message:
        domain = host_port(registrar)
        aor = f"<sip:{self.user}@{domain}>"
        headers = [("From", f"{aor};tag={self.world.token('reg')}"), ("To", aor),
                   ("Call-ID", call_id or self.world.token("register-")),
                   ("CSeq", f"{sequence or self.world.token('')} REGISTER"),
                   ("Contact", contact or f"<{self.uri}>"), *(more or [])]
        if expires is not None:
            headers.append(("Expires", str(expires)))
        return self.compose("REGISTER", f"sip:{domain}", headers, via=via)

    def invitation(self, to: str, body: str = "", call_id: str = "", contact: str = "",
                   via: str = "", more: list[Header] | None = None) -> Message:
        headers = [("From", f"<{self.uri}>;tag={self.world.token('from')}"), ("To", f"<{to}>"),
                   ("Call-ID", call_id or self.world.token("call-")), ("CSeq", "1 INVITE"),
                   ("Contact", contact or f"<{self.uri}>"), *(more or [])]
        return self.compose("INVITE", to, headers, body, via)

    def answer(self, request: Message, source: Address, status: int, reason: str,
               body: str = "", more: list[Header] | None = None, contact: str = "") -> Message:
        """A response as RFC 3261 and RFC 3581 want it, Record-Route included."""
        vias = request.all("Via")
        top = vias[0].split(";")
        if "rport" in top:
            top = [f"rport={source[1]}" if part == "rport" else part for part in top]
            top.append(f"received={source[0]}")
        to = request.get("To")
        if status > 100 and not tag_of(to):
            to += f";tag={self.user}-{request.call_id}"
        headers = [("Via", value) for value in [";".join(top), *vias[1:]]]
        headers += [("Record-Route", value) for value in request.all("Record-Route")]
        headers += [("From", request.get("From")), ("To", to), ("Call-ID", request.call_id),
                    ("CSeq", request.get("CSeq"))]
        if request.method == "INVITE" and status > 100:
            headers.append(("Contact", contact or f"<{self.uri}>"))
        headers += more or []
        headers += _content_type(headers, body)
        return build(f"SIP/2.0 {status} {reason}", headers, body)

    def send_message(self, message: Message, to: Address) -> Message:
        self.send(message.raw, to)
        self.world.last = lambda: self.send(message.raw, to)
        return message


def offer(media: Media, *more: Media) -> str:
    return sdp(media.address[0], media.address, *(m.address for m in more))


def check_audio(world: World, near: Media, near_seen_at: Address, far: Media,
                far_seen_at: Address, count: int = 12, first: str = "inside") -> None:
    """Both play to where the other's SDP said; content and source must be exact.

    near_seen_at: what the far end was told about near, far_seen_at the other way round.
    """
    order = [(near, far_seen_at, far, near_seen_at), (far, near_seen_at, near, far_seen_at)]
    for sender, to, receiver, seen_as in order if first == "inside" else order[::-1]:
        receiver.inbox.clear()
        expected = sender.play(to, count)
        try:
            world.wait("audio", lambda: len(receiver.inbox.packets) >= count or None, 2)
        except Failure:
            pass
        found = differences(receiver.inbox, expected, seen_as)
        if found:
            raise Failure(f"audio of '{sender.stream}' sent to {to}, heard at "
                          f"{receiver.address}: " + "; ".join(found))
