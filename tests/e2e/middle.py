# SPDX-License-Identifier: GPL-2.0
"""The server between two phones: a proxy, or a back-to-back user agent with or without a relay."""
from __future__ import annotations

import re
from dataclasses import dataclass

from calls import Registration, acknowledge, must_equal
from peer import Agent, Header, Media, World, check_audio, offer
from sip import Address, Message, address_of, build, host_port, uri_of


@dataclass
class Leg:
    """A registered phone with its media socket."""

    phone: Agent
    media: Media
    door: Registration

    def __post_init__(self) -> None:
        self.told: Address = ("", 0)  # where the other leg's media is, as this one was told


def talk_through(world: World, caller: Leg, callee: Leg, first: str = "inside") -> None:
    check_audio(world, caller.media, callee.told, callee.media, caller.told, first=first)


class Proxy:
    """Forwards within a transaction and stays on the route (RFC 3261 16, RFC 3581)."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    @property
    def route(self) -> str:
        return f"<sip:{self.agent.name};lr>"

    def request(self, method: str, call_id: str, uri: str = "") -> None:
        """Passes the next such request on, to `uri` or to where it is bound."""
        seen, source = self.agent.request(method, call_id)
        target = uri or seen.uri
        headers: list[Header] = [("Via", self.agent.via(""))]
        marked = False
        for name, value in seen.headers:
            if name == "via" and not marked:
                value = re.sub(r";rport(?=;|$)", f";rport={source[1]}", value)
                value, marked = f"{value};received={source[0]}", True
            if (name, value) != ("route", self.route) and name != "content-length":
                headers.append((name, value))
        if method == "INVITE":
            headers.insert(1, ("Record-Route", self.route))
        passed = build(f"{method} {target} SIP/2.0", headers, seen.body)
        self.agent.send_message(passed, address_of(target))

    def response(self, status: int, call_id: str) -> None:
        """Passes the next such response back to where its next Via wants it."""
        seen, _ = self.agent.take(f"{status}", lambda m: m.status == status
                                  and m.call_id == call_id)
        headers = [(n, v) for n, v in seen.headers if n != "content-length"]
        headers.pop(next(place for place, (name, _) in enumerate(headers) if name == "via"))
        back = build(seen.start, headers, seen.body)
        found = re.search(r";rport=(\d+)", back.get("Via"))
        received = re.search(r";received=([^;,\s]+)", back.get("Via"))
        assert found and received, back.get("Via")
        self.agent.send_message(back, (received.group(1), int(found.group(1))))


def _within(invite: Message, answer: Message, method: str, sequence: int) -> list[Header]:
    """The headers of the caller's next request in that dialog."""
    return [("From", invite.get("From")), ("To", answer.get("To")),
            ("Call-ID", invite.call_id), ("CSeq", f"{sequence} {method}"),
            *[("Route", value) for value in answer.all("Record-Route")[::-1]]]


@dataclass
class Proxied:
    """A call through a proxy, as its caller knows it."""

    invite: Message
    answer: Message


def proxy_call(proxy: Proxy, caller: Leg, callee: Leg) -> Proxied:
    server = proxy.agent
    invite = caller.phone.invitation(f"sip:{callee.phone.user}@{server.name}",
                                     offer(caller.media))
    caller.phone.send_message(invite, server.address)
    proxy.request("INVITE", invite.call_id, callee.door.contact)
    seen, source = callee.phone.request("INVITE", invite.call_id)
    callee.told = seen.media()[0]
    for status, reason, body in ((180, "Ringing", ""), (200, "OK", offer(callee.media))):
        callee.phone.send_message(
            callee.phone.answer(seen, source, status, reason, body), source)
        proxy.response(status, invite.call_id)
        answer = caller.phone.response(status, invite)
    caller.told = answer.media()[0]
    made = Proxied(invite, answer)
    in_dialog(proxy, made, caller, callee, "ACK", 1)
    return made


def in_dialog(proxy: Proxy, made: Proxied, caller: Leg, callee: Leg, method: str,
              sequence: int) -> None:
    """A request of the caller within the call; answered, unless it is an ACK."""
    sent = caller.phone.compose(method, uri_of(made.answer.get("Contact")),
                                _within(made.invite, made.answer, method, sequence))
    caller.phone.send_message(sent, proxy.agent.address)
    proxy.request(method, sent.call_id)
    seen, source = callee.phone.request(method, sent.call_id)
    if method != "ACK":
        callee.phone.send_message(callee.phone.answer(seen, source, 200, "OK"), source)
        proxy.response(200, sent.call_id)
        caller.phone.response(200, sent)


def bridge(server: Agent, caller: Leg, callee: Leg, relay: tuple[Media, Media] | None = None,
           door: Address | None = None, other: Agent | None = None) -> tuple[Message, Message]:
    """Two calls of a back-to-back user agent; the INVITEs of both as the phones know them.

    With a relay, each leg hears of its own end of it alone; else of the other leg's media.
    door: the server's address, as the caller knows it. other: the server as the callee knows
    it, where that is over another transport.
    """
    door, other = door or server.address, other or server
    invite = caller.phone.invitation(f"sip:{callee.phone.user}@{host_port(door)}",
                                     offer(caller.media))
    caller.phone.send_message(invite, door)
    seen, source = server.request("INVITE", invite.call_id)
    second = other.invitation(callee.door.contact, offer(relay[1]) if relay else seen.body)
    other.send_message(second, callee.door.target)
    at_callee, from_server = callee.phone.request("INVITE", second.call_id)
    callee.told = at_callee.media()[0]
    callee.phone.send_message(callee.phone.answer(
        at_callee, from_server, 200, "OK", offer(callee.media)), from_server)
    answer = other.response(200, second)
    acknowledge(other, second, callee.door.target, uri_of(answer.get("Contact")),
                answer.get("To"), own_via=False)
    callee.phone.request("ACK", second.call_id)
    server.send_message(server.answer(
        seen, source, 200, "OK", offer(relay[0]) if relay else answer.body), source)
    answered = caller.phone.response(200, invite)
    caller.told = answered.media()[0]
    acknowledge(caller.phone, invite, door, uri_of(answered.get("Contact")),
                answered.get("To"), own_via=False)
    server.request("ACK", invite.call_id)
    return invite, second


def assisting(helper: str) -> str:
    """Other helpers have one mode only."""
    return "sip-ext-assist" if helper == "sip-ext" else helper


def assist(world: World) -> None:
    """From now on the router edits nothing."""
    world.line.helper = assisting(world.helper)
    world.line.load_rules()
    world.translates = False


def untouched(world: World, since: int = 0) -> None:
    for crossing in world.crossings()[since:]:
        must_equal(crossing.after and crossing.after.payload, crossing.before.payload,
                   f"{crossing.message.name} is byte-identical")


def call_in(server: Agent, phone: Agent, source: Address, body: str) -> Message:
    """The server sends its call to where it last saw the phone; the phone's INVITE."""
    invite = server.invitation(f"sip:{phone.user}@{host_port(source)}", body)
    server.send_message(invite, source)
    return phone.request("INVITE", invite.call_id)[0]
