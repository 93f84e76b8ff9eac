# SPDX-License-Identifier: GPL-2.0
"""R19: phones that send from one port and listen on another."""
from __future__ import annotations

from dataclasses import dataclass

from calls import must_equal, ring
from net import Failure
from peer import Agent, World, check_audio, offer
from registry import BOTH_VERSIONS, MASQUERADE, IPTABLES, ROUTED, SHIFTED, scenario
from sip import Address, Message, address_of, uri_of, via_without_answers


@dataclass
class TwoPorts:
    """A phone that sends from a high port, and what it listens on."""

    sends: Agent
    listens: Agent

    def request(self, method: str, to: str, rport: bool, body: str = "") -> Message:
        """Via and Contact name the listening port."""
        agent = self.listens
        headers = [("From", f"<{agent.uri}>;tag={agent.world.token('two')}"), ("To", f"<{to}>"),
                   ("Call-ID", agent.world.token("two-ports-")), ("CSeq", f"1 {method}"),
                   ("Contact", f"<{agent.uri}>"), ("Expires", "60")]
        via = agent.via(";rport" if rport else "")
        return agent.compose(method, to, headers, body, via)


def _two_ports(world: World, sends: int = 40000, number: int = 1) -> TwoPorts:
    return TwoPorts(world.phone(number, sends), world.phone(number))


def _answer_to(seen: Message, source: Address) -> Address:
    """Where a server sends its responses (RFC 3261 18.2.2, RFC 3581 4)."""
    via = seen.get("Via")
    return source if ";rport" in via else (source[0], address_of("sip:" + via.split()[1])[1])


def _answered(phone: TwoPorts, server: Agent, sent: Message, obeys: bool = True) -> None:
    """The 200 arrives where the phone wants it, its Via as the phone wrote it."""
    rport = ";rport" in sent.get("Via")
    where, elsewhere = (phone.sends, phone.listens) if rport else (phone.listens, phone.sends)
    phone.sends.send_message(sent, server.address)
    seen, source = server.request(sent.method, sent.call_id)
    to = _answer_to(seen, source) if obeys else source
    server.send_message(server.answer(seen, source, 200, "OK", more=[
        ("Contact", value) for value in seen.all("Contact")]), to)
    try:
        answered = where.response(200, sent)
    except Failure as failure:
        wrong = [data for data, _ in elsewhere.received if sent.call_id.encode() in data]
        raise Failure(f"{failure}; at the other port: {len(wrong)}") from failure
    must_equal(via_without_answers(answered.get("Via")), sent.get("Via"), "the Via that comes back")
    must_equal(answered.get("Contact"), sent.get("Contact"), "the Contact that comes back")


@scenario("R19", "sends from 40000, Via names 5060, no rport: the answer arrives at 5060",
          (*BOTH_VERSIONS, MASQUERADE, IPTABLES), subset=True, in_tree_fails=True,
          udp_only="over TCP answers come over the connection")
def without_rport(world: World) -> None:
    phone, server = _two_ports(world), world.server()
    for method in ("REGISTER", "OPTIONS"):
        _answered(phone, server, phone.request(method, f"sip:{server.name}", False))


@scenario("R19", "sends from 40000, Via names 5060, no rport: the answer passes a firewall", (ROUTED,),
          udp_only="over TCP answers come over the connection")
def without_rport_routed(world: World) -> None:
    without_rport(world)


@scenario("R19", "sends from 40000 without rport to a server that answers the source: arrives at 5060",
          (*BOTH_VERSIONS, MASQUERADE),
          udp_only="over TCP answers come over the connection")
def disobedient_server(world: World) -> None:
    """Most servers outside are set to answer where the request came from."""
    phone, server = _two_ports(world), world.server()
    _answered(phone, server, phone.request("REGISTER", f"sip:{server.name}", False), obeys=False)


@scenario("R19", "sends from 40000 with rport: the answer arrives at 40000", (SHIFTED, ROUTED),
          udp_only="over TCP answers come over the connection")
def with_rport(world: World) -> None:
    phone, server = _two_ports(world), world.server()
    for method in ("REGISTER", "OPTIONS"):
        _answered(phone, server, phone.request(method, f"sip:{server.name}", True))


@scenario("R19", "both kinds from one socket: each answer arrives where its request asked for it",
          (*BOTH_VERSIONS, MASQUERADE), in_tree_fails=True,
          udp_only="over TCP answers come over the connection")
def mixed(world: World) -> None:
    phone, server = _two_ports(world), world.server()
    for rport in (False, True, False, True, True, False):
        _answered(phone, server, phone.request("OPTIONS", f"sip:{server.name}", rport))


@scenario("R19", "both kinds on one host, and on two, do not disturb each other", (SHIFTED,),
          udp_only="over TCP answers come over the connection")
def neighbours(world: World) -> None:
    server = world.server()
    old, modern = _two_ports(world), _two_ports(world, 40000, 2)
    for phone, rport in ((old, False), (modern, True), (old, False), (modern, False), (modern, True)):
        _answered(phone, server, phone.request("REGISTER", f"sip:{server.name}", rport))


@scenario("R19", "registered phone of two ports is called at the port it listens on, audio both ways",
          (*BOTH_VERSIONS, MASQUERADE),
          udp_only="over TCP answers come over the connection")
def called(world: World) -> None:
    phone, server = _two_ports(world), world.server()
    sent = phone.request("REGISTER", f"sip:{server.name}", False)
    phone.sends.send_message(sent, server.address)
    seen, source = server.request("REGISTER")
    server.send_message(server.answer(seen, source, 200, "OK", more=[
        ("Contact", seen.get("Contact") + ";expires=60")]), _answer_to(seen, source))
    phone.listens.response(200, sent)
    contact = uri_of(seen.get("Contact"))
    ring(phone.listens, server, contact, "a call to the Contact")
    near, far = world.inside_media(4000), world.outside_media(7000)
    invite = server.send_message(server.invitation(contact, offer(far)), address_of(contact))
    asked, source = phone.listens.request("INVITE")
    must_equal(asked.uri, phone.listens.uri, "the Request-URI inside")
    phone.listens.send_message(phone.listens.answer(asked, source, 200, "OK", offer(near)), source)
    answered = server.response(200, invite)
    check_audio(world, near, answered.media()[0], far, asked.media()[0], first="outside")


@scenario("R19", "call of a phone of two ports: answers at 5060, audio both ways", (SHIFTED, MASQUERADE),
          udp_only="over TCP answers come over the connection")
def calls_out(world: World) -> None:
    phone, server = _two_ports(world), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    invite = phone.request("INVITE", server.uri, False, offer(near))
    phone.sends.send_message(invite, server.address)
    seen, source = server.request("INVITE")
    to = _answer_to(seen, source)
    for status, words, body in ((100, "Trying", ""), (180, "Ringing", ""), (200, "OK", offer(far))):
        server.send_message(server.answer(seen, source, status, words, body), to)
        answered = phone.listens.response(status, invite)
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")
