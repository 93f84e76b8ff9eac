# SPDX-License-Identifier: GPL-2.0
"""What each end of a dialog keeps between its messages (RFC 3261 section 12), and calls
whose session changes while they live: offers, answers, and what each end was told.
"""
from __future__ import annotations

from dataclasses import dataclass

from calls import Call, acknowledge, call, must_equal, register
from net import MEDIA
from peer import Agent, Header, Media, World, check_audio, offer
from sip import Address, Message, address_of, tag_of, uri_of

REASON = {180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted",
          302: "Moved Temporarily", 480: "Temporarily Unavailable", 481: "No Such Call",
          486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
          491: "Request Pending", 500: "Server Error", 603: "Decline"}


@dataclass
class Exchange:
    """A request and its final response, as each side saw them."""

    sent: Message
    seen: Message
    source: Address
    answer: Message
    answer_seen: Message


@dataclass
class Leg:
    """One end of a dialog: what it writes into its requests, and where they go."""

    agent: Agent
    call_id: str
    local: str
    remote: str
    target: str
    sequence: int = 1

    @property
    def hop(self) -> Address:
        return address_of(self.target)

    def compose(self, method: str, body: str = "", more: list[Header] | None = None,
                via: str = "", sequence: int = 0) -> Message:
        headers = [("From", self.local), ("To", self.remote), ("Call-ID", self.call_id),
                   ("CSeq", f"{sequence or self.sequence} {method}")]
        if method in ("INVITE", "UPDATE", "SUBSCRIBE", "REFER", "NOTIFY"):
            headers.append(("Contact", f"<{self.agent.uri}>"))
        return self.agent.compose(method, self.target, headers + (more or []), body, via)

    def ask(self, method: str, body: str = "", more: list[Header] | None = None) -> Message:
        """Sends the next request of this end."""
        self.sequence += 1
        return self.agent.send_message(self.compose(method, body, more), self.hop)

    def acknowledge(self, invite: Message, answered: Message, body: str = "") -> Message:
        """ACK of an INVITE of this end: of its own for a 2xx, else with the INVITE's branch."""
        number = int(invite.get("CSeq").split()[0])
        via = "" if answered.status < 300 else invite.get("Via")
        ack = self.compose("ACK", body, via=via, sequence=number)
        return self.agent.send_message(ack, self.hop)

    def heard(self, method: str) -> tuple[Message, Address]:
        return self.agent.request(method, self.call_id)

    def reply(self, request: Message, source: Address, status: int, body: str = "",
              more: list[Header] | None = None) -> Message:
        extra = list(more or [])
        if request.method in ("UPDATE", "SUBSCRIBE", "REFER"):
            extra.append(("Contact", f"<{self.agent.uri}>"))
        return self.agent.send_message(self.agent.answer(
            request, source, status, REASON[status], body, extra), source)

    def takes(self, answered: Message) -> None:
        """The target and the tag of the other end, as its answer names them."""
        if answered.get("Contact"):
            self.target = uri_of(answered.get("Contact"))
        self.remote = answered.get("To")


def caller_leg(agent: Agent, invite: Message, answered: Message) -> Leg:
    """The end that sent `invite`, once a response named the other end."""
    leg = Leg(agent, invite.call_id, invite.get("From"), "", invite.uri)
    leg.takes(answered)
    return leg


def callee_leg(agent: Agent, seen: Message, answer: Message) -> Leg:
    """The end that sent `answer` to an INVITE it saw as `seen`."""
    return Leg(agent, seen.call_id, answer.get("To"), seen.get("From"),
               uri_of(seen.get("Contact")), 100)


def exchange(asker: Leg, other: Leg, method: str, body: str = "", status: int = 200,
             answer_body: str = "", more: list[Header] | None = None) -> Exchange:
    """A request within a dialog and its final response; an INVITE's ACK too."""
    sent = asker.ask(method, body, more)
    seen, source = other.heard(method)
    answer = other.reply(seen, source, status, answer_body)
    answer_seen = asker.agent.response(status, sent)
    if method == "INVITE":
        asker.acknowledge(sent, answer_seen)
        other.heard("ACK")
    return Exchange(sent, seen, source, answer, answer_seen)


@dataclass
class Session:
    """A call across the router: the end inside is `near`, the end outside `far`."""

    world: World
    near: Leg
    far: Leg
    near_media: Media
    far_media: Media
    near_seen: Address
    far_seen: Address

    def talk(self, first: str = "inside", count: int = 6) -> None:
        check_audio(self.world, self.near_media, self.near_seen, self.far_media,
                    self.far_seen, count, first)

    def ends(self, inside_asks: bool) -> tuple[Leg, Leg]:
        return (self.near, self.far) if inside_asks else (self.far, self.near)

    def told(self, inside_offers: bool, offered: Message, answered: Message) -> None:
        """What each end heard of the other's first stream, in an offer and its answer."""
        near, far = (offered, answered) if inside_offers else (answered, offered)
        self.near_seen, self.far_seen = near.media()[0], far.media()[0]

    def offers(self, inside_asks: bool, method: str = "INVITE", near: Media | None = None,
               far: Media | None = None) -> Exchange:
        """A new offer and its answer, by INVITE or UPDATE, with the media sockets given."""
        self.near_media, self.far_media = near or self.near_media, far or self.far_media
        bodies = [offer(self.near_media), offer(self.far_media)]
        asked, answered = bodies if inside_asks else bodies[::-1]
        done = exchange(*self.ends(inside_asks), method, asked, 200, answered)
        self.told(inside_asks, done.seen, done.answer_seen)
        return done

    def hang_up(self, inside_asks: bool = True) -> None:
        exchange(*self.ends(inside_asks), "BYE")


def session_of(world: World, made: Call, inside_calls: bool) -> Session:
    legs = (caller_leg(made.caller, made.invite, made.answer_seen),
            callee_leg(made.callee, made.invite_seen, made.answer))
    media = (made.caller_media, made.callee_media)
    seen = (made.caller_media_seen, made.callee_media_seen)
    if not inside_calls:
        legs, media, seen = legs[::-1], media[::-1], seen[::-1]
    return Session(world, *legs, *media, *seen)


def calling(world: World, near: Media | None = None, far: Media | None = None,
            phone: Agent | None = None, server: Agent | None = None) -> Session:
    """A call that a phone inside made, answered, with audio."""
    phone, server = phone or world.phone(), server or world.server()
    made = call(phone, server, server.uri, server.address, near or world.inside_media(4000),
                far or world.outside_media(7000, MEDIA))
    return session_of(world, made, True)


def called(world: World, near: Media | None = None, far: Media | None = None,
           phone: Agent | None = None, server: Agent | None = None) -> Session:
    """A call that came to a registered phone inside, answered, with audio."""
    phone, server = phone or world.phone(), server or world.server()
    contact = register(phone, server)
    made = call(server, phone, contact.contact, contact.target,
                far or world.outside_media(7000, MEDIA), near or world.inside_media(4000))
    return session_of(world, made, False)


def rejected(caller: Agent, callee: Agent, invite: Message, to: Address, status: int) -> None:
    """`callee` refuses the INVITE; `caller` acknowledges."""
    seen, source = callee.request("INVITE", invite.call_id)
    callee.send_message(callee.answer(seen, source, status, REASON[status]), source)
    answered = caller.response(status, invite)
    acknowledge(caller, invite, to, invite.uri, answered.get("To"))
    ack, _ = callee.request("ACK", invite.call_id)
    must_equal(tag_of(ack.get("To")), f"{callee.user}-{invite.call_id}", "the ACK's To tag")


def stays_closed(world: World, sender: Media, to: Address) -> None:
    """A packet of `sender` to that outside address does not come in."""
    world.passes_nothing(sender, sender.stream.encode() + b" to a closed port", to, *world.fence())


def stays_outside(sender: Agent, message: Message, to: Address) -> None:
    """What the outside sends to a mapping that has gone does not come in.

    Over TCP it sends over its connection, which it still believes in: the router, whose
    address that is, knows nothing of it and says so.
    """
    world = sender.world
    if not sender.streams:
        world.passes_nothing(sender, message.raw, to, *world.fence())
        return
    connection = sender.connection(to)
    connection.send(message.raw)
    if world.translates:
        world.wait("the connection is reset", lambda: not connection.open)
    else:
        world.rest(0.5)
    inside = [d for d in world.capture.seen if d.interface.startswith("lan") and d.leaving
              and message.call_id.encode() in d.payload and d.payload[:20] == message.raw[:20]]
    must_equal(inside, [], "what came in over a connection that the router has forgotten")


def pinholes_to(world: World, port: int) -> list[str]:
    """Expectations that let packets in to that port of the router's outside address."""
    return [line for line in world.line.expectations() if f"dport={port} " in line]


def no_pinholes(world: World, port: int, what: str, within: float = 1) -> None:
    world.wait(f"{what}: pinholes to {port} close", lambda: not pinholes_to(world, port), within)
