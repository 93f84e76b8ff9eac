# SPDX-License-Identifier: GPL-2.0
"""R7: RTCP, wherever the session says that it is."""
from __future__ import annotations

from calls import must, must_equal, register
from dialog import caller_leg, pinholes_to
from peer import Agent, Media, World, check_audio, offer
from registry import BOTH_VERSIONS, MASQUERADE, ROUTED, SHIFTED, scenario
from sip import Address, Message, session


def _audio(media: Media, *lines: str) -> str:
    host, port = media.address
    return session(host, f"m=audio {port} RTP/AVP 0", "a=sendrecv", *lines)


def _attribute(message: Message) -> str:
    return next(line for line in message.body.split("\r\n") if line.startswith("a=rtcp:"))


def _told(message: Message) -> Address:
    """Where a=rtcp wants RTCP: without an address, at the media's."""
    words = _attribute(message).split()
    port = int(words[0].partition(":")[2])
    return (words[-1] if len(words) > 1 else message.media()[0][0]), port


class Bed:
    """A phone, a server, and RTP and RTCP sockets at both ends."""

    def __init__(self, world: World, rtp: int, rtcp: int, number: int = 1,
                 far_rtp: int = 7000) -> None:
        self.world = world
        self.near = world.inside_media(rtp, number)
        self.near_rtcp = world.inside_media(rtcp, number, f"rtcp inside {number}")
        self.far = world.outside_media(far_rtp)
        self.far_rtcp = world.outside_media(far_rtp + 1, stream=f"rtcp outside {far_rtp}")

    def calls(self, phone: Agent, server: Agent, body: str, answer: str = "") -> tuple[Message, Message]:
        """The offer as seen outside, and the answer as seen inside."""
        invite = phone.send_message(phone.invitation(server.uri, body), server.address)
        seen, source = server.request("INVITE", invite.call_id)
        server.send_message(server.answer(seen, source, 200, "OK", answer or offer(self.far)), source)
        answered = phone.response(200, invite)
        caller_leg(phone, invite, answered).acknowledge(invite, answered)
        server.request("ACK", invite.call_id)
        return seen, answered

    def check(self, rtp: Address, rtcp: Address) -> None:
        """RTP and RTCP both ways, told to the far end at these addresses."""
        check_audio(self.world, self.near, rtp, self.far, self.far.address, first="outside")
        check_audio(self.world, self.near_rtcp, rtcp, self.far_rtcp, self.far_rtcp.address,
                    first="outside")


@scenario("R7", "a=rtcp with a port alone: RTCP flows both ways", (*BOTH_VERSIONS, ROUTED),
          in_tree_fails=True)
def port_alone(world: World) -> None:
    bed = Bed(world, 4000, 4444)
    seen, _ = bed.calls(world.phone(), world.server(), _audio(bed.near, "a=rtcp:4444"))
    bed.check(seen.media()[0], _told(seen))


@scenario("R7", "a=rtcp with port and address in the answer of a called phone: RTCP both ways",
          BOTH_VERSIONS, in_tree_fails=True)
def address_of_called(world: World) -> None:
    phone, server, bed = world.phone(), world.server(), Bed(world, 4000, 4444)
    contact = register(phone, server)
    invite = server.send_message(server.invitation(contact.contact, offer(bed.far)), contact.target)
    seen, source = phone.request("INVITE")
    host = phone.address[0]
    phone.send_message(phone.answer(seen, source, 200, "OK", _audio(
        bed.near, f"a=rtcp:4444 IN IP{world.plan.family} {host}")), source)
    answered = server.response(200, invite)
    must_equal(_told(answered)[0], world.line.router_address, "address in a=rtcp")
    bed.check(answered.media()[0], _told(answered))


@scenario("R7", "a=rtcp of the other end names another port and host: RTCP both ways", (SHIFTED,))
def attribute_of_the_other_end(world: World) -> None:
    bed = Bed(world, 4000, 4001)
    bed.far_rtcp = world.outside_media(7777, 30, "rtcp elsewhere")
    host, port = bed.far_rtcp.address
    body = _audio(bed.far, f"a=rtcp:{port} IN IP{world.plan.family} {host}")
    seen, answered = bed.calls(world.phone(), world.server(), offer(bed.near), body)
    must_equal(_told(answered), bed.far_rtcp.address, "a=rtcp inside")
    rtp = seen.media()[0]
    bed.check(rtp, (rtp[0], rtp[1] + 1))


def _pinholes_from(world: World, media: Media) -> list[str]:
    return [e for e in world.line.expectations() if f"sport={media.address[1]} " in e]


@scenario("R7", "rtcp-mux offered and answered: one port carries both, no pinhole for RTCP is left",
          (*BOTH_VERSIONS, ROUTED), subset=True)
def multiplexed(world: World) -> None:
    bed = Bed(world, 4000, 4001)
    seen, answered = bed.calls(world.phone(), world.server(), _audio(bed.near, "a=rtcp-mux"),
                               _audio(bed.far, "a=rtcp-mux"))
    must("a=rtcp-mux" in seen.body and "a=rtcp-mux" in answered.body, "a=rtcp-mux crosses")
    rtp = seen.media()[0]
    check_audio(world, bed.near, rtp, bed.far, bed.far.address, first="outside")
    bed.near.stream, bed.far.stream = "rtcp at the same port", "rtcp from the same port"
    check_audio(world, bed.near, rtp, bed.far, bed.far.address, first="outside")
    world.wait("no pinhole for RTCP is left", lambda: not pinholes_to(world, rtp[1] + 1)
               and not _pinholes_from(world, bed.near_rtcp), 1)


@scenario("R7", "rtcp-mux offered and not answered: RTCP has a port of its own", BOTH_VERSIONS)
def not_multiplexed(world: World) -> None:
    bed = Bed(world, 4000, 4001)
    seen, _ = bed.calls(world.phone(), world.server(), _audio(bed.near, "a=rtcp-mux"))
    rtp = seen.media()[0]
    bed.check(rtp, (rtp[0], rtp[1] + 1))


@scenario("R7", "rtcp-mux with a=rtcp beside it, not answered: RTCP is where a=rtcp said",
          (SHIFTED,), in_tree_fails=True)
def attribute_beside_mux(world: World) -> None:
    """What browsers and their gateways send: RFC 5761 5.1.3, RFC 8035."""
    bed = Bed(world, 4000, 4600)
    host = bed.near.address[0]
    seen, _ = bed.calls(world.phone(), world.server(), _audio(
        bed.near, "a=rtcp-mux", f"a=rtcp:4600 IN IP{world.plan.family} {host}"))
    bed.check(seen.media()[0], _told(seen))


@scenario("R7", "odd RTP port: RTCP at the next one, both keep being neighbours", (*BOTH_VERSIONS, MASQUERADE),
          in_tree_fails=True, subset=True)
def odd_port(world: World) -> None:
    bed = Bed(world, 4001, 4002)
    seen, _ = bed.calls(world.phone(), world.server(), offer(bed.near))
    rtp = seen.media()[0]
    must_equal(rtp[1] % 2, 1, f"parity of the outside port {rtp[1]}")
    bed.check(rtp, (rtp[0], rtp[1] + 1))


@scenario("R7", "phones with the same odd and even ports: parity and neighbours are kept for each",
          (SHIFTED, MASQUERADE))
def parity(world: World) -> None:
    server, beds = world.server(), []
    for number, rtp in enumerate((4000, 4000, 4001, 4001, 4002), 1):
        bed = Bed(world, rtp, rtp + 1, number, 7000 + 10 * number)
        seen, _ = bed.calls(world.phone(number), server, offer(bed.near))
        told = seen.media()[0]
        must_equal(told[1] % 2, rtp % 2, f"parity of {told[1]}, inside {rtp}")
        beds.append((bed, told))
    for bed, told in beds:
        bed.check(told, (told[0], told[1] + 1))


@scenario("R7", "RTCP that comes first, and long after the RTP, arrives at its port", (SHIFTED,))
def rtcp_first(world: World) -> None:
    world.line.idle_timeouts(2)
    bed = Bed(world, 4000, 4001)
    seen, _ = bed.calls(world.phone(), world.server(), offer(bed.near))
    host, port = seen.media()[0]
    for first in ("outside", "inside"):
        check_audio(world, bed.near_rtcp, (host, port + 1), bed.far_rtcp, bed.far_rtcp.address,
                    first=first)
        check_audio(world, bed.near, (host, port), bed.far, bed.far.address)
        world.rest(5)
