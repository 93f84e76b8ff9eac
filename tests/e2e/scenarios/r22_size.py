# SPDX-License-Identifier: GPL-2.0
"""R22: large messages, and messages that grow past what a packet holds."""
from __future__ import annotations

import socket

from calls import must, must_equal, register
from peer import Agent, World, check_audio, offer
from registry import BOTH_VERSIONS, IPTABLES, MASQUERADE, ROUTED, SHIFTED, SHIFTED6, scenario
from sip import Message, address_of, uri_of

IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, DO = 10, 23, 2
HEADERS = {4: 28, 6: 48}    # IP and UDP
MTU = 1500


def _never_fragments(agent: Agent) -> None:
    """DF set on IPv4; on IPv6 no fragment header either."""
    if agent.world.plan.family == 4:
        agent.socket.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, DO)
    else:
        agent.socket.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, DO)


def _filled(agent: Agent, method: str, to: str, size: int, body: str = "") -> Message:
    """A request of exactly that size: the rest is a header that nobody reads."""
    def compose(fill: int) -> Message:
        return agent.compose(method, to, [
            ("From", f"<{agent.uri}>;tag=size"), ("To", f"<{to}>"), ("Call-ID", "size-1"),
            ("CSeq", f"1 {method}"), ("Contact", f"<{agent.uri}>"), ("Expires", "60"),
            ("X-Fill", "x" * fill)], body, via)
    via = agent.via()
    made = compose(size - len(compose(0).raw))
    must_equal(len(made.raw), size, "size of the request")
    return made


def _crosses(sender: Agent, receiver: Agent, sent: Message, to: tuple[str, int]
             ) -> tuple[Message, tuple[str, int]]:
    sender.send_message(sent, to)
    seen, source = receiver.request(sent.method)
    must_equal(seen.get("X-Fill"), sent.get("X-Fill"), "the filling")
    must_equal(int(seen.get("Content-Length")), len(seen.body.encode()), "Content-Length")
    return seen, source


def _large(world: World, size: int) -> None:
    phone, server = world.phone(), world.server()
    for agent in (phone, server):
        agent.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 19)
    contact = register(phone, server)
    near, far = world.inside_media(4000), world.outside_media(7000)
    invite = _filled(phone, "INVITE", server.uri, size, offer(near))
    seen, source = _crosses(phone, server, invite, server.address)
    must_equal(address_of(uri_of(seen.get("Contact"))), source, "Contact outside")
    server.send_message(server.answer(seen, source, 200, "OK", offer(far), [
        ("X-Fill", invite.get("X-Fill"))]), source)
    answered = phone.response(200, invite)
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")
    asked = _filled(server, "OPTIONS", contact.contact, size)
    inside, _ = _crosses(server, phone, asked, contact.target)
    must_equal(inside.uri, phone.uri, "the Request-URI inside")


@scenario("R22", "messages of 60 KB over UDP, in fragments, both ways, audio both ways",
          (SHIFTED, SHIFTED6, IPTABLES, ROUTED), subset=True,
          udp_only="a stream has no packets to fill; it has scenarios of its own")
def sixty_kilobytes(world: World) -> None:
    _large(world, 60000)


@scenario("R22", "messages of 5 KB over UDP, in fragments, both ways, audio both ways",
          (*BOTH_VERSIONS, MASQUERADE),
          udp_only="a stream has no packets to fill; it has scenarios of its own")
def five_kilobytes(world: World) -> None:
    _large(world, 5000)


def _grows(world: World, spare: int) -> None:
    """The sender fills its packet up to `spare` bytes, and forbids to cut it."""
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    _never_fragments(phone)
    size = MTU - HEADERS[world.plan.family] - spare
    invite = _filled(phone, "INVITE", server.uri, size, offer(near))
    seen, source = _crosses(phone, server, invite, server.address)
    must(len(seen.raw) > size, f"the message grew: {len(seen.raw)} from {size}")
    must_equal(len(seen.raw) > MTU - HEADERS[world.plan.family], spare < 4, "it outgrew the packet")
    must_equal(seen.media()[0][0], world.line.router_address, "the session's address outside")
    server.send_message(server.answer(seen, source, 200, "OK", offer(far)), source)
    answered = phone.response(200, invite)
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")


@scenario("R22", "INVITE with DF that fills its packet and grows past the MTU arrives whole",
          (SHIFTED, SHIFTED6, IPTABLES), subset=True,
          udp_only="a stream has no packets to fill; it has scenarios of its own")
def outgrows_packet(world: World) -> None:
    _grows(world, 0)


@scenario("R22", "INVITE with DF that grows and still fits arrives whole", BOTH_VERSIONS,
          udp_only="a stream has no packets to fill; it has scenarios of its own")
def grows_and_fits(world: World) -> None:
    _grows(world, 120)


@scenario("R22", "INVITE in two fragments that grows arrives whole", BOTH_VERSIONS,
          udp_only="a stream has no packets to fill; it has scenarios of its own")
def fragments_grow(world: World) -> None:
    """The last fragment is all but full, so that the growth makes another one."""
    phone, server = world.phone(), world.server()
    near = world.inside_media(4000)
    size = 2 * (MTU - HEADERS[world.plan.family]) - (0 if world.plan.family == 4 else 24)
    invite = _filled(phone, "INVITE", server.uri, size, offer(near))
    seen, _ = _crosses(phone, server, invite, server.address)
    must_equal(seen.media()[0][0], world.line.router_address, "the session's address outside")
