# SPDX-License-Identifier: GPL-2.0
"""R5: no inside tuple in the message, output byte-identical."""
from __future__ import annotations

from calls import must_equal, register
from peer import Agent, World
from registry import (BOTH_VERSIONS, DNAT, FIREWALLS, IPTABLES, MASQUERADE, SHIFTED, SHIFTED6, scenario)
from sip import Address, Message, host_port, sdp


def _crosses_unchanged(sender: Agent, receiver: Agent, sent: Message,
                       to: Address) -> tuple[Message, Address]:
    sender.send_message(sent, to)
    seen, source = receiver.take(sent.name, lambda m: m.key == sent.key)
    must_equal(seen.raw, sent.raw, f"{sent.name} is byte-identical")
    return seen, source


def _outside_message(agent: Agent, method: str, to: Agent, own: Address, media: Address) -> Message:
    """A message of a phone that has done its own NAT traversal: `own` in every field."""
    here = host_port(own)
    body = sdp(media[0], media) if method == "INVITE" else ""
    uri = f"sip:stun@{here}"
    headers = [("From", f"<sip:stun@{to.name}>;tag=1"), ("To", f"<{to.uri}>"),
               ("Call-ID", agent.world.token("stun-")), ("CSeq", f"1 {method}"),
               ("Contact", f"<{uri}>;expires=60")]
    via = f"SIP/2.0/{agent.transport.upper()} {here};branch={agent.world.token('z9hG4bK')};rport"
    return agent.compose(method, to.uri if method == "INVITE" else f"sip:{to.name}", headers,
                         body, via)


def _learn(world: World, phone: Agent, server: Agent) -> Address:
    """What STUN does: asks a server which address the world sees."""
    phone.send(b"\r\n\r\n", server.address)
    return world.wait("the keep-alive arrives", lambda: next(
        (source for data, source in server.received if data == b"\r\n\r\n"), None))


@scenario("R5", "phone that used STUN: byte-identical both ways", (SHIFTED, MASQUERADE, SHIFTED6, IPTABLES),
          subset=True)
def stun_phone(world: World) -> None:
    phone, server = world.phone(), world.server()
    media = world.inside_media(4000)
    own = _learn(world, phone, server)
    media.send(b"\0\1\0\0", (world.plan.far(66), 3478))
    stun = world.capture.seen
    mapped = world.wait("the media mapping is seen", lambda: next(
        (d.source for d in stun if d.payload == b"\0\1\0\0" and d.leaving), None))
    for method in ("REGISTER", "INVITE"):
        sent = _outside_message(phone, method, server, own, mapped)
        seen, source = _crosses_unchanged(phone, server, sent, server.address)
        answer = server.answer(seen, source, 200, "OK", more=[("X-Seen", host_port(source))])
        _crosses_unchanged(server, phone, answer, source)


@scenario("R5", "PBX with its external address set and a forwarded port: byte-identical", (DNAT,))
def external_address(world: World) -> None:
    pbx, server = world.phone(), world.server()
    own = (world.line.router_address, 5060)
    for method in ("REGISTER", "INVITE"):
        sent = _outside_message(pbx, method, server, own, (own[0], 17000))
        _crosses_unchanged(pbx, server, sent, server.address)


@scenario("R5", "routed network: every message byte-identical", FIREWALLS, subset=True)
def routed(world: World) -> None:
    phone, server = world.phone(), world.server()
    made = register(phone, server)
    must_equal(made.seen.raw, made.sent.raw, "REGISTER")
    media = world.inside_media(4000)
    sent = phone.invitation(server.uri, sdp(media.address[0], media.address))
    seen, source = _crosses_unchanged(phone, server, sent, server.address)
    answer = server.answer(seen, source, 200, "OK", sdp(world.plan.far(20),
                                                        (world.plan.far(20), 7000)))
    _crosses_unchanged(server, phone, answer, source)


@scenario("R5", "host names in every field: byte-identical", BOTH_VERSIONS)
def host_names(world: World) -> None:
    phone, server = world.phone(), world.server()
    body = ("v=0\r\no=- 1 1 IN IP4 phone.example.com\r\ns=-\r\nc=IN IP4 phone.example.com\r\n"
            "t=0 0\r\nm=audio 4000 RTP/AVP 0\r\n")
    headers = [("From", "<sip:a@example.com>;tag=1"), ("To", "<sip:b@example.com>"),
               ("Call-ID", "names"), ("CSeq", "1 INVITE"),
               ("Contact", "<sip:a@phone.example.com:5060>")]
    sent = phone.compose("INVITE", "sip:b@example.com", headers, body,
                         f"SIP/2.0/{phone.transport.upper()} phone.example.com;branch=z9hG4bK-n")
    _crosses_unchanged(phone, server, sent, server.address)
