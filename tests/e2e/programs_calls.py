# SPDX-License-Identifier: GPL-2.0
"""Scripted ends of calls that a program has in its hands: each end is a dialog of its own."""
from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from typing import Callable, Iterator

from calls import must, must_equal
from capture import Datagram
from net import PATIENCE, Failure
from peer import Agent, Header, Media, World, offer
from sip import Address, Message, address_of, host_port, is_sip, tag_of, uri_of

ANSWERED = {"INVITE", "UPDATE", "NOTIFY", "OPTIONS", "INFO", "BYE"}
MIRROR = {"sendonly": "recvonly", "recvonly": "sendonly"}
PACE = 0.02
SLOW = 30.0
"""Seconds for what a program does: many start at once, on a busy machine."""
RTP_PACKET = 172
PROGRAM_LOSES = 1
"""Packets that a program may lose while it changes its way to forward them."""
PATIENCE_PACKETS = 100
"""So many unheard packets at most before counting begins."""


def direction_of(body: str) -> str:
    lines = [line[2:] for line in body.split("\r\n")
             if line in ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")]
    return lines[-1] if lines else "sendrecv"


class Dialog:
    """One end of a call, RFC 3261 12: it answers what the other end asks within it."""

    def __init__(self, agent: Agent, media: Media, mine: Message, theirs: Message,
                 caller: bool) -> None:
        self.agent, self.media, self.world = agent, media, agent.world
        self.call_id = mine.call_id
        self.local, self.remote = ((mine.get("From"), theirs.get("To")) if caller
                                   else (mine.get("To"), theirs.get("From")))
        routes = theirs.all("Record-Route")
        self.routes = routes[::-1] if caller else routes
        self.target = uri_of(theirs.get("Contact"))
        self.peer = theirs.media()[0]
        self.sequence = 1
        self.version = 0
        self.direction = "sendrecv"
        self.said = "sendrecv"
        self.replies: dict[str, bytes] = {}
        self.notified: list[str] = []
        self.closed = False
        self.partner: Dialog | None = None
        """The scripted end of the other side; it answers while this one waits."""

    @property
    def next_hop(self) -> Address:
        return address_of(uri_of(self.routes[0]) if self.routes else self.target)

    def _sdp(self, direction: str) -> str:
        self.version += 1
        self.said = direction
        return offer(self.media).replace(" 20518 0 ", f" 20518 {self.version} ").replace(
            "a=sendrecv", f"a={direction}")

    def ask(self, method: str, headers: list[Header] | None = None, body: str = "") -> Message:
        """A request within the dialog, sent."""
        self.sequence += method != "ACK"
        lines = [("Route", route) for route in self.routes]
        lines += [("From", self.local), ("To", self.remote), ("Call-ID", self.call_id),
                  ("CSeq", f"{self.sequence} {method}"), *(headers or [])]
        if method in ("INVITE", "REFER"):
            lines.append(("Contact", f"<{self.agent.uri}>"))
        return self.agent.send_message(
            self.agent.compose(method, self.target, lines, body), self.next_hop)

    def answered(self, request: Message, status: int = 200) -> Message:
        """The response to a request of ours; what arrives meanwhile is answered."""
        mine = self.call_id.encode()

        def found() -> Message | None:
            self.serve()
            if self.partner:
                self.partner.serve()
            for place, (data, _) in enumerate(self.agent.received):
                if mine in data and is_sip(data) and not Message(data).is_request:
                    seen = Message(data)
                    if seen.status >= 200 and seen.call_id == request.call_id \
                            and seen.get("CSeq") == request.get("CSeq"):
                        del self.agent.received[place]
                        return seen
            return None
        seen = self.world.wait(f"{self.agent.user} receives an answer to {request.method}", found,
                               SLOW)
        must_equal(seen.status, status, f"the answer to {request.method}\n{seen.text}")
        return seen

    def reinvite(self, direction: str = "sendrecv", wanted: str = "") -> None:
        """A new offer; `wanted` is the direction of the answer."""
        seen = self.answered(self.ask("INVITE", body=self._sdp(direction)))
        self.target = uri_of(seen.get("Contact")) or self.target
        self.peer = seen.media()[0]
        self.ask("ACK")
        if wanted:
            must_equal(direction_of(seen.body), wanted, "the direction that the answer says")

    def refer(self, target: str, replaces: Dialog | None = None, by: str = "") -> None:
        """Blind, or with the other dialog attended; `by` is the URI that people know us by."""
        if replaces:
            target += (f"?Replaces={replaces.call_id}%3Bto-tag%3D{tag_of(replaces.remote)}"
                       f"%3Bfrom-tag%3D{tag_of(replaces.local)}")
        self.answered(self.ask("REFER", [("Refer-To", f"<{target}>"),
                                         ("Referred-By", f"<{by or self.agent.uri}>")]), 202)

    def hang_up(self) -> None:
        self.answered(self.ask("BYE"))
        self.closed = True

    def serve(self) -> None:
        """Answers every request of this dialog that has arrived."""
        mine = self.call_id.encode()
        for data, source in list(self.agent.received):
            message = Message(data) if mine in data and is_sip(data) else None
            if not message or not message.is_request or message.call_id != self.call_id:
                continue
            if message.method == "ACK":
                self.agent.received.remove((data, source))
            elif message.method in ANSWERED:
                self.agent.received.remove((data, source))
                self._reply(message, source)

    def _reply(self, request: Message, source: Address) -> None:
        branch = request.get("Via") + request.get("CSeq")
        if branch not in self.replies:
            body = ""
            if request.method in ("INVITE", "UPDATE") and request.body:
                self.peer = request.media()[0]
                self.direction = direction_of(request.body)
                self.target = uri_of(request.get("Contact")) or self.target
                body = self._sdp(MIRROR.get(self.direction, self.direction))
            elif request.method == "NOTIFY":
                self.notified.append(request.body.strip())
            elif request.method == "BYE":
                self.closed = True
            self.replies[branch] = self.agent.answer(request, source, 200, "OK", body).raw
        self.agent.send(self.replies[branch], source)


def dial(agent: Agent, uri: str, to: Address, media: Media) -> Dialog:
    """Calls; the callee, in a program's hands, answers by itself."""
    invite = agent.send_message(agent.invitation(uri, offer(media)), to)
    dialog = Dialog(agent, media, invite, agent.response(200, invite, SLOW), caller=True)
    dialog.ask("ACK")
    return dialog


def accept(agent: Agent, media: Media, acknowledged: bool = True) -> Dialog:
    """Takes the next call that comes; a program behind a proxy acknowledges only later."""
    seen, source = agent.take("a new INVITE", lambda m: m.is_request and m.method == "INVITE"
                              and not tag_of(m.get("To")), SLOW)
    agent.send_message(agent.answer(seen, source, 180, "Ringing"), source)
    answer = agent.answer(seen, source, 200, "OK", offer(media))
    agent.send_message(answer, source)
    dialog = Dialog(agent, media, answer, seen, caller=False)
    if acknowledged:
        agent.request("ACK", seen.call_id, SLOW)
    return dialog


def call_through(caller: Agent, uri: str, to: Address, callee: Agent,
                 media: tuple[Media, Media]) -> tuple[Dialog, Dialog]:
    """A call from one scripted end to another, each with a dialog with the program."""
    invite = caller.send_message(caller.invitation(uri, offer(media[0])), to)
    far = accept(callee, media[1], acknowledged=False)
    near = Dialog(caller, media[0], invite, caller.response(200, invite, SLOW), caller=True)
    near.ask("ACK")
    callee.request("ACK", far.call_id, SLOW)
    near.partner, far.partner = far, near
    return near, far


def enrol(phone: Agent, registrar: Address, expires: int = 600) -> None:
    """REGISTER at a program, which must give our own Contact back."""
    sent = phone.send_message(phone.registration(registrar, expires), registrar)
    answered = phone.response(200, sent, SLOW)
    must_equal(uri_of(answered.get("Contact")), phone.uri, "the Contact in the registrar's 200")


def digest_in(message: Message) -> str:
    """The response of the Authorization header."""
    found = re.search(r'response="([0-9a-f]{32})"', message.get("Authorization"))
    return found.group(1) if found else ""


def digest_of(message: Message, password: str) -> str:
    """The response as the server computes it (RFC 7616, MD5 without qop) from what it sees."""
    said = dict(re.findall(r'(\w+)="([^"]*)"', message.get("Authorization")))

    def md5(*parts: str) -> str:
        return hashlib.md5(":".join(parts).encode()).hexdigest()
    return md5(md5(said.get("username", ""), said.get("realm", ""), password),
               said.get("nonce", ""), md5(message.method, said.get("uri", "")))


def until(world: World, what: str, dialogs: list[Dialog], ready: Callable[[], bool]) -> None:
    """Waits while the dialogs answer whatever comes."""
    def served() -> bool:
        for dialog in dialogs:
            dialog.serve()
        return ready()
    try:
        world.wait(what, served, SLOW)
    except Failure as failure:
        states = "\n".join(f"{d.agent.user} talks to {d.peer}, {d.said}, its peer {d.direction}"
                           for d in dialogs)
        raise Failure(f"{failure}\n{states}") from failure


@contextmanager
def step(name: str) -> Iterator[None]:
    """Says in which step of a long scenario something failed."""
    try:
        yield
    except Failure as failure:
        raise Failure(f"{name}: {failure}") from failure


def carries_audio(datagram: Datagram) -> bool:
    """A packet of 20 ms of PCMU, or a packet of TURN that holds one."""
    return len(datagram.payload) >= RTP_PACKET and not is_sip(datagram.payload)


def lost_on_the_way(seen: list[Datagram]) -> list[str]:
    """Audio that entered the router and never left it, once its flow had begun to pass."""
    left: dict[bytes, int] = {}
    for datagram in seen:
        if datagram.leaving and carries_audio(datagram):
            left[datagram.payload] = left.get(datagram.payload, 0) + 1
    begun, lost = set(), []
    for datagram in seen:
        if datagram.leaving or not carries_audio(datagram):
            continue
        flow = datagram.interface, datagram.source, datagram.destination
        if left.get(datagram.payload):
            left[datagram.payload] -= 1
            begun.add(flow)
        elif flow in begun:
            lost.append(str(datagram))
    return lost


class Stream:
    """What one end plays to another, packet after packet."""

    def __init__(self, sender: Dialog, receiver: Dialog) -> None:
        self.sender, self.receiver = sender, receiver
        self.played: list[bytes] = []
        self.counted = 0
        receiver.media.inbox.clear()

    def play(self) -> None:
        self.played += [p[12:] for p in self.sender.media.play(self.sender.peer, 1)]

    def heard(self) -> list[bytes]:
        return [p[12:] for p in self.receiver.media.inbox.packets]

    def connected(self) -> bool:
        return any(payload in self.played for payload in self.heard())

    def count_from_here(self) -> None:
        self.counted = len(self.played)

    @property
    def expected(self) -> list[bytes]:
        return self.played[self.counted:]

    def arrived(self) -> bool:
        return set(self.expected) <= set(self.heard())

    def check(self) -> None:
        heard, inbox = self.heard(), self.receiver.media.inbox
        what = (f"audio of '{self.sender.media.stream}' sent to {self.sender.peer}, heard at "
                f"{self.receiver.media.address}")
        places = [n for n, payload in enumerate(heard) if payload in self.expected]
        must(len(self.expected) - PROGRAM_LOSES <= len({heard[n] for n in places}) == len(places),
             f"{what}: {len(places)} of {len(self.expected)} arrived, each once is right")
        foreign = [n for n in range(places[0], len(heard)) if heard[n] not in self.played]
        must(not foreign, f"{what}: {len(foreign)} packets of another stream")
        must_equal({inbox.sources[n] for n in places}, {self.receiver.peer}, f"{what}: came from")


def converse(world: World, *pairs: tuple[Dialog, Dialog], count: int = 8) -> None:
    """Each first plays to each second, at the pace of a phone: every payload arrives, once,
    from where the SDP said, and what enters the router leaves it, byte for byte.

    The program between the ends may lose what comes before it has joined them, and it
    writes RTP headers of its own; so counting begins when each hears something.
    """
    since = len(world.capture.seen)
    streams = [Stream(sender, receiver) for sender, receiver in pairs]

    def play() -> None:
        for stream in streams:
            stream.play()
        world.rest(PACE)
        for stream in streams:
            stream.sender.serve()
            stream.receiver.serve()

    patience = int(PATIENCE_PACKETS * PATIENCE)
    while patience and not all(stream.connected() for stream in streams):
        play()
        patience -= 1
    for stream in streams:
        stream.count_from_here()
    for _ in range(count):
        play()
    try:
        world.wait("audio", lambda: all(stream.arrived() for stream in streams), 2)
    except Failure:
        pass
    for stream in streams:
        stream.check()
    world.capture.drain()
    must_equal(lost_on_the_way(world.capture.seen[since:]), [], "audio lost in the router")


def end_call(world: World, one: Dialog, other: Dialog) -> None:
    """One hangs up, and the other is told."""
    one.hang_up()
    until(world, "the other end is hung up", [other], lambda: other.closed)


def both_talk(world: World, one: Dialog, two: Dialog) -> None:
    converse(world, (one, two), (two, one))


def hears_echo(world: World, end: Dialog) -> None:
    """The program at the other end sends back what it hears."""
    converse(world, (end, end))


def hears(world: World, end: Dialog, payloads: list[bytes], count: int = 10) -> None:
    """So many packets, each with one of the payloads, in their order, from where SDP said."""
    end.media.inbox.clear()
    inbox = end.media.inbox
    until(world, f"{count} packets at {host_port(end.media.address)}", [end],
          lambda: len(inbox.packets) >= count)
    places = [payloads.index(p[12:]) if p[12:] in payloads else -1 for p in inbox.packets]
    must(-1 not in places, f"packets heard at {end.media.address} are of another stream: {places}")
    following = [(n + 1) % len(payloads) for n in places[:-1]]
    must_equal(places[1:], following, f"the order of packets heard at {end.media.address}")
    must_equal(set(inbox.sources), {end.peer}, f"packets at {end.media.address} came from")
