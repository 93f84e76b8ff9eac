# SPDX-License-Identifier: GPL-2.0
"""S4: no pinhole to a low port, to the router, to nobody, or to another host inside."""
from __future__ import annotations

import re

from attacks import SUCCEEDS, Attacked, pinholes
from calls import acknowledge, must, must_equal, register
from net import MEDIA, SERVER
from peer import Agent, Media, Port, World, offer
from registry import (BOTH_VERSIONS, MASQUERADE, ROUTED, ROUTED6, SHIFTED, SHIFTED6, scenario)
from sip import Address, Message, host_port, sdp, uri_of

LOW = (1, 22, 53, 69, 80, 161, 443, 445, 1023)
DOORS = "the way in that a Contact could open is for datagrams; over TCP there is none (S2)"


def _unusable(world: World) -> dict[str, str]:
    """Media addresses that are not the sender's own."""
    plan = world.plan
    common = {"the router inside": f"{plan.inside}1", "the router outside": world.line.router_address,
              "another host inside": plan.phone(2), "the registrar": plan.far(SERVER),
              "a host outside": plan.far(MEDIA)}
    if plan.family == 6:
        return {**common, "loopback": "::1", "link-local": "fe80::1", "multicast": "ff02::1",
                "an IPv4 address mapped": "::ffff:10.77.0.12"}
    return {**common, "loopback": "127.0.0.1", "link-local": "169.254.1.1",
            "multicast": "224.0.0.1", "broadcast": "255.255.255.255",
            "the subnet's broadcast": f"{plan.inside}255", "this network": "0.1.2.3"}


def _reached(world: World, sender: Port, to: Address, fence: tuple[Port, Address]) -> bool:
    """Whether a datagram to that port of the router comes in, to whomever."""
    mark, last = (world.token(word).encode() for word in ("a try ", "fence"))
    before = len(world.capture.seen)
    sender.send(mark, to)
    fence[0].send(last, fence[1])
    world.wait("a datagram after the try crosses the router", lambda: [
        d for d in world.capture.seen[before:] if d.payload == last and d.leaving])
    return any(d.payload == mark and d.leaving for d in world.capture.seen[before:])


def _call(phone: Agent, server: Agent, body: str, far: Media) -> tuple[Message, Message]:
    """A call that offers `body` and is answered; the INVITE outside, and the answer inside."""
    invite = phone.send_message(phone.invitation(server.uri, body), server.address)
    seen, source = server.request("INVITE", invite.call_id)
    server.send_message(server.answer(seen, source, 200, "OK", offer(far)), source)
    answered = phone.response(200, invite)
    acknowledge(phone, invite, server.address, uri_of(answered.get("Contact")),
                answered.get("To"), own_via=False)
    server.request("ACK", invite.call_id)
    return seen, answered


def _opens_nothing(world: World, phone: Agent, server: Agent, what: str, media: Address,
                   far: Media, fence: tuple[Port, Address]) -> None:
    known = pinholes(world)
    seen, _ = _call(phone, server, sdp(phone.address[0], media), far)
    opened = sorted(pinholes(world) - known)
    for sender in (far, Port(world, world.line.outside, (world.plan.far(SERVER), 0))):
        for port in {media[1], seen.media()[0][1]}:
            if _reached(world, sender, (world.line.router_address, port), fence):
                raise Attacked(f"{SUCCEEDS}{what}: {sender.address[0]} comes in by port {port}; "
                               f"pinholes {opened}")
    must_equal(opened, [], f"{what}: pinholes")


@scenario("S4", "SDP with a port below 1024 opens nothing", (SHIFTED, SHIFTED6), subset=True)
def low_media(world: World) -> None:
    world.translates = False
    phone, server, fence = world.phone(), world.server(), world.fence()
    far = world.outside_media(7000)
    for port in LOW:
        _opens_nothing(world, phone, server, f"media at port {port}", (phone.address[0], port),
                       far, fence)
    seen, _ = _call(phone, server, sdp(phone.address[0], (phone.address[0], 4000)), far)
    must(_reached(world, far, seen.media()[0], fence), "a port of one's own is opened")


@scenario("S4", "SDP that names the router, nobody or another host inside opens nothing",
          (SHIFTED, SHIFTED6, MASQUERADE))
def unusable_media(world: World) -> None:
    world.translates = False
    phone, server, fence = world.phone(), world.server(), world.fence()
    far = world.outside_media(7000)
    for place, (what, host) in enumerate(_unusable(world).items()):
        _opens_nothing(world, phone, server, what, (host, 4000 + 10 * place), far, fence)


@scenario("S4", "a registered Contact at a low port of the phone opens no way to it",
          (SHIFTED, SHIFTED6, MASQUERADE), udp_only=DOORS)
def low_contact(world: World) -> None:
    world.translates, world.loses = False, True
    server, fence = world.server(), world.fence()
    other = Port(world, world.line.outside, (world.plan.far(SERVER), 0))
    for place, port in enumerate(LOW):
        phone = world.phone(1, 6000 + place)
        contact = host_port((phone.address[0], port))
        register(phone, server, granted=600, contact=f"<sip:{phone.user}@{contact}>")
        for sender in (server, other):
            if _reached(world, sender, (world.line.router_address, port), fence):
                lines = [x for x in pinholes(world) if f"dport={port} " in x]
                raise Attacked(f"{SUCCEEDS}Contact at port {port}: {sender.address[0]} comes in; "
                               f"pinholes {lines}")
        must(not any(f"dport={port} " in x for x in pinholes(world)),
             f"no pinhole to port {port}")


@scenario("S4", "a=rtcp at a low port or at another host gets no pinhole of its own", BOTH_VERSIONS)
def low_rtcp(world: World) -> None:
    world.translates = False
    phone, server, fence = world.phone(), world.server(), world.fence()
    far, own = world.outside_media(7000), phone.address[0]
    other, kind = world.plan.phone(2), f"IN IP{world.plan.family}"
    for place, line in enumerate(("a=rtcp:22", f"a=rtcp:161 {kind} {own}", f"a=rtcp:4901 {kind} {other}",
                                  f"a=rtcp:4901 {kind} {world.line.router_address}")):
        body = sdp(own, (own, 4000 + 10 * place), extra=line + "\r\n")
        _call(phone, server, body, far)
        for port in (22, 161, 4901):
            must(not _reached(world, far, (world.line.router_address, port), fence),
                 f"{line}: nothing comes in by port {port}")
            wrong = [x for x in pinholes(world) if f"dport={port} " in x]
            must_equal(wrong, [], f"{line}: pinholes")


@scenario("S4", "an answer from outside that names the router or a host inside opens no way to it",
          (SHIFTED, SHIFTED6, ROUTED, ROUTED6), subset=True)
def answer_inside(world: World) -> None:
    """A caller inside and its accomplice outside."""
    world.translates = False
    phone, server = world.phone(), world.server()
    near, plan = world.inside_media(4000), world.plan
    for host in (plan.phone(2), f"{plan.inside}1", world.line.router_address):
        invite = phone.send_message(phone.invitation(server.uri, offer(near)), server.address)
        seen, source = server.request("INVITE", invite.call_id)
        server.send_message(server.answer(seen, source, 200, "OK", sdp(host, (host, 4400))), source)
        phone.response(200, invite)
        opened = pinholes(world)
        must(opened, "the peer's own media may come in")
        wrong = [line for line in opened if f"src={host} " in line
                 or (f"dst={host} " in line and re.search(r"dport=440[01]\b", line))]
        if wrong:
            raise Attacked(f"{SUCCEEDS}an answer that names {host}: {wrong}")


@scenario("S4", "a port on the deny list gets no pinhole, for media as for a Contact",
          (SHIFTED, SHIFTED6), udp_only=DOORS)
def denied(world: World) -> None:
    world.translates, world.loses = False, True
    world.line.own_setting("media_deny_ports", "3388-3391,8000-8011")
    phone, server, fence = world.phone(), world.server(), world.fence()
    far, own = world.outside_media(7000), phone.address[0]
    for port in (3388, 3390, 8000, 8006, 8010):
        _opens_nothing(world, phone, server, f"media at port {port}", (own, port), far, fence)
        other = world.phone(1, 6000 + port % 100)
        register(other, server, granted=600, contact=f"<sip:{other.user}@{host_port((own, port))}>")
        wrong = [x for x in pinholes(world) if f"dport={port} " in x]
        must_equal(wrong, [], f"Contact at port {port}: pinholes")
    seen, _ = _call(phone, server, sdp(own, (own, 4000)), far)
    must(_reached(world, far, seen.media()[0], fence), "a port that is not on it is opened")
