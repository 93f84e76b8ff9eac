# SPDX-License-Identifier: GPL-2.0
"""R6: ICE. What an agent found out by STUN stays true, and what it says holds together.

The router translates to ports of its own choice, so that the binding which STUN opened is
never the same number as inside, and a second one would show.
"""
from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass

from calls import must, must_equal, register
from dialog import REASON, caller_leg
from net import FRIEND, MEDIA, Failure
from peer import Agent, Media, Port, World, check_audio, offer
from registry import BOTH_VERSIONS, IPTABLES, MASQUERADE, ROUTED, SHIFTED, SHIFTED6, scenario
from sip import Address, Message, session

STUN_PORT = 3478
COOKIE = 0x2112A442
REQUEST, SUCCESS, XOR_MAPPED = 0x0001, 0x0101, 0x0020
PASSWORD = ("a=ice-ufrag:8hhY", "a=ice-pwd:asd88fgpdd777uzjYhagZg")


def _masked(host: bytes, transaction: bytes) -> bytes:
    mask = struct.pack("!I", COOKIE) + transaction
    return bytes(a ^ b for a, b in zip(host, mask))


def _stun(kind: int, transaction: bytes, attributes: bytes = b"") -> bytes:
    return struct.pack("!HHI", kind, len(attributes), COOKIE) + transaction + attributes


class Responder(Port):
    """A STUN server (RFC 8489): it tells everybody the address it sees."""

    def arrived(self, data: bytes, source: Address) -> None:
        if struct.unpack("!H", data[:2])[0] != REQUEST:
            return
        family = socket.AF_INET6 if ":" in source[0] else socket.AF_INET
        host = _masked(socket.inet_pton(family, source[0]), data[8:20])
        value = struct.pack("!xBH", 1 if family == socket.AF_INET else 2,
                            source[1] ^ COOKIE >> 16) + host
        self.send(_stun(SUCCESS, data[8:20], struct.pack("!HH", XOR_MAPPED, len(value)) + value),
                  source)


def _mapped(answer: bytes) -> Address:
    """The address in a success response."""
    kind, length, version, port = struct.unpack("!HHxBH", answer[20:28])
    must_equal((kind, length), (XOR_MAPPED, 8 if version == 1 else 20), "attribute of the answer")
    family = socket.AF_INET if version == 1 else socket.AF_INET6
    host = _masked(answer[28:24 + length], answer[8:20])
    return socket.inet_ntop(family, host), port ^ COOKIE >> 16


@dataclass
class Gathered:
    """A media socket and what STUN said of it."""

    media: Media
    mapped: Address


def _gather(world: World, media: Media, responder: Responder) -> Gathered:
    """A binding request from the media socket, and its answer."""
    media.send(_stun(REQUEST, os.urandom(12)), responder.address)
    answer = world.wait("STUN answers", lambda: media.inbox.packets and media.inbox.packets[0])
    media.inbox.clear()
    found = _mapped(answer)
    if world.setup.nat == "shifted":
        must(found[1] != media.address[1], f"the router shifts ports, but not {found}")
    return Gathered(media, found)


def _gather_either(world: World, responder: Responder, odd: bool) -> Gathered:
    """A socket at an even port whose mapping is odd, or is not, where the router shifts ports:
    RTP's neighbour is RTCP, and what STUN opened may have the other parity."""
    for port in range(4100 if odd else 4200, 4300, 2):
        own = _gather(world, world.inside_media(port), responder)
        if world.setup.nat != "shifted" or own.mapped[1] % 2 == odd:
            return own
    raise Failure("fifty mappings of the same parity")


def _candidates(component: int, own: Gathered) -> list[str]:
    (host, port), (outer, outer_port) = own.media.address, own.mapped
    return [f"a=candidate:1 {component} UDP {2130706432 - component} {host} {port} typ host",
            f"a=candidate:2 {component} UDP {1694498816 - component} {outer} {outer_port} "
            f"typ srflx raddr {host} rport {port}"]


def _offer(host: str, port: int, *components: Gathered, more: tuple[str, ...] = ()) -> str:
    lines = [line for number, own in enumerate(components, 1) for line in _candidates(number, own)]
    return session(host, f"m=audio {port} RTP/AVP 0", *more, *PASSWORD, *lines, "a=sendrecv")


def _far_answer(far: Media) -> str:
    host, port = far.address
    return session(host, f"m=audio {port} RTP/AVP 0", *PASSWORD,
                   f"a=candidate:1 1 UDP 2130706431 {host} {port} typ host", "a=sendrecv")


def _listed(message: Message, component: int) -> list[Address]:
    """The candidates of a component, as the other end's check for a mismatch sees them."""
    lines = [line.split() for line in message.body.split("\r\n") if line.startswith("a=candidate:")]
    return [(part[4], int(part[5])) for part in lines
            if part[1] == str(component) and part[2] == "UDP"]


def _no_mismatch(message: Message, component: int, default: Address, what: str) -> None:
    """RFC 8839 5.1 (before: RFC 5245 5.1): else the other end answers a=ice-mismatch."""
    listed = _listed(message, component)
    must(default in listed, f"{what}: default destination {default} is no candidate: {listed}")


def _checks_pass(world: World, near: Media, told: Address, far: Media) -> None:
    """Connectivity checks from both ends, and they meet the default destinations."""
    for sender, to, receiver in ((near, far.address, far), (far, told, near)):
        receiver.inbox.clear()
        check = _stun(REQUEST, os.urandom(12))
        sender.send(check, to)
        world.wait("a connectivity check arrives", lambda: check in receiver.inbox.packets)
    near.inbox.clear()
    far.inbox.clear()


def _bed(world: World) -> tuple[Agent, Agent, Responder, Media, Media]:
    responder = Responder(world, world.line.outside, (world.plan.far(FRIEND), STUN_PORT))
    return (world.phone(), world.server(), responder, world.inside_media(4000),
            world.outside_media(7000, MEDIA))


def _answered(phone: Agent, server: Agent, invite: Message, body: str) -> tuple[Message, Message]:
    """The INVITE as the server saw it, and its 200 as the phone saw it."""
    phone.send_message(invite, server.address)
    seen, source = server.request("INVITE")
    server.send_message(server.answer(seen, source, 200, "OK", body), source)
    answered = phone.response(200, invite)
    caller_leg(phone, invite, answered).acknowledge(invite, answered)
    server.request("ACK")
    return seen, answered


@scenario("R6", "ICE with the host as default: default is a candidate, STUN's binding is reused",
          (*BOTH_VERSIONS, MASQUERADE, IPTABLES), subset=True)
def host_default(world: World) -> None:
    phone, server, responder, _, far = _bed(world)
    for odd in (False, True):
        own = _gather_either(world, responder, odd)
        near = own.media
        invite = phone.invitation(server.uri, _offer(*near.address, own))
        seen, answered = _answered(phone, server, invite, _far_answer(far))
        told = seen.media()[0]
        must_equal(told, own.mapped, "default destination outside and STUN's binding")
        _no_mismatch(seen, 1, told, "offer outside")
        _no_mismatch(answered, 1, answered.media()[0], "answer inside")
        must_equal(len(_listed(seen, 1)), 2, "candidates outside")
        must(f" {near.address[0]} " not in seen.body, "no candidate is left that names the inside")
        _checks_pass(world, near, told, far)
        check_audio(world, near, told, far, answered.media()[0], first="outside")


@scenario("R6", "ICE with the mapped address as default: the session is byte-identical, audio both ways",
          (*BOTH_VERSIONS, MASQUERADE), subset=True)
def mapped_default(world: World) -> None:
    phone, server, responder, near, far = _bed(world)
    own = _gather(world, near, responder)
    invite = phone.invitation(server.uri, _offer(*own.mapped, own))
    seen, answered = _answered(phone, server, invite, _far_answer(far))
    must_equal(seen.body, invite.body, "the session outside")
    _no_mismatch(seen, 1, seen.media()[0], "offer outside")
    near.send(_stun(REQUEST, os.urandom(12)), far.address)
    world.wait("the agent's own check arrives", lambda: far.inbox.packets)
    far.inbox.clear()
    check_audio(world, near, own.mapped, far, answered.media()[0])


@scenario("R6", "STUN done, yet the private address written: STUN's binding is reused, audio both ways",
          (*BOTH_VERSIONS, MASQUERADE))
def no_candidates(world: World) -> None:
    phone, server, responder, _, far = _bed(world)
    for odd in (False, True):
        own = _gather_either(world, responder, odd)
        invite = phone.invitation(server.uri, offer(own.media))
        seen, answered = _answered(phone, server, invite, offer(far))
        must_equal(seen.media()[0], own.mapped, "default destination outside and STUN's binding")
        check_audio(world, own.media, own.mapped, far, answered.media()[0], first="outside")


@scenario("R6", "ICE with two components: RTP and RTCP both keep STUN's bindings, bytes both ways",
          BOTH_VERSIONS)
def two_components(world: World) -> None:
    phone, server, responder, near, far = _bed(world)
    near_rtcp = world.inside_media(4001, stream="rtcp inside")
    far_rtcp = world.outside_media(7001, stream="rtcp outside")
    own, control = _gather(world, near, responder), _gather(world, near_rtcp, responder)
    host, port = near_rtcp.address
    invite = phone.invitation(server.uri, _offer(
        *near.address, own, control, more=(f"a=rtcp:{port} IN IP{world.plan.family} {host}",)))
    seen, answered = _answered(phone, server, invite, offer(far))
    rtcp = next(line.split() for line in seen.body.split("\r\n") if line.startswith("a=rtcp:"))
    told = rtcp[-1], int(rtcp[0].split(":")[1])
    must_equal((seen.media()[0], told), (own.mapped, control.mapped), "both destinations outside")
    _no_mismatch(seen, 1, seen.media()[0], "RTP of the offer")
    _no_mismatch(seen, 2, told, "RTCP of the offer")
    check_audio(world, near, own.mapped, far, answered.media()[0], first="outside")
    check_audio(world, near_rtcp, control.mapped, far_rtcp, far_rtcp.address, first="outside")


@scenario("R6", "called phone answers with ICE candidates: default is a candidate, audio both ways",
          (SHIFTED, SHIFTED6, ROUTED))
def answers_with_candidates(world: World) -> None:
    phone, server, responder, near, far = _bed(world)
    contact = register(phone, server)
    own = _gather(world, near, responder)
    invite = server.send_message(server.invitation(contact.contact, _far_answer(far)),
                                 contact.target)
    seen, source = phone.request("INVITE")
    must_equal(seen.body, invite.body, "the offer inside")
    body = _offer(*near.address, own)
    phone.send_message(phone.answer(seen, source, 183, REASON[183], body), source)
    early = server.response(183, invite)
    phone.send_message(phone.answer(seen, source, 200, "OK", body), source)
    answered = server.response(200, invite)
    must_equal(answered.body, early.body, "the answer of the 200 and of the 183")
    must_equal(answered.media()[0], own.mapped, "default destination outside and STUN's binding")
    _no_mismatch(answered, 1, own.mapped, "answer outside")
    _checks_pass(world, near, own.mapped, far)
    check_audio(world, near, own.mapped, far, seen.media()[0], first="outside")


@scenario("R6", "ICE re-offer with the chosen pair as default keeps the binding, audio both ways",
          (SHIFTED,))
def reoffer(world: World) -> None:
    """After the checks, the offerer repeats its offer with the pair in use (RFC 8839 4.4)."""
    phone, server, responder, near, far = _bed(world)
    own = _gather(world, near, responder)
    invite = phone.invitation(server.uri, _offer(*near.address, own))
    seen, answered = _answered(phone, server, invite, _far_answer(far))
    first = seen.media()[0]
    check_audio(world, near, first, far, answered.media()[0])
    leg = caller_leg(phone, invite, answered)
    remote = f"a=remote-candidates:1 {far.address[0]} {far.address[1]}"
    again = leg.ask("INVITE", _offer(*near.address, own, more=(remote,)))
    second, source = server.request("INVITE")
    server.send_message(server.answer(second, source, 200, "OK", _far_answer(far)), source)
    leg.acknowledge(again, phone.response(200, again))
    must_equal(second.media()[0], first, "default destination of the second offer")
    _no_mismatch(second, 1, first, "second offer")
    must(remote in second.body.split("\r\n"), "a=remote-candidates crosses as written")
    check_audio(world, near, first, far, far.address, first="outside")
