# SPDX-License-Identifier: GPL-2.0
"""R14: two phones behind the same router call each other through the outside server."""
from __future__ import annotations

from calls import must, must_equal, register
from capture import Datagram
from middle import Leg, Proxy, bridge, in_dialog, proxy_call, talk_through
from peer import Agent, Media, World, check_audio
from registry import IPTABLES, MASQUERADE, SHIFTED, SHIFTED6, SNAT, scenario
from sip import Message

OTHER_LAN = {4: "10.78.0.", 6: "fd77:2::"}
RTP = 172  # bytes of one packet of audio


def _leg(world: World, server: Agent, phone: Agent, media: Media) -> Leg:
    return Leg(phone, media, register(phone, server))


def _neighbours(world: World, server: Agent) -> tuple[Leg, Leg]:
    """Two phones of one network, with the same ports."""
    first, second = (_leg(world, server, world.phone(n), world.inside_media(4000, n))
                     for n in (1, 2))
    return first, second


def _across(world: World, server: Agent) -> tuple[Leg, Leg]:
    """Two phones in two networks of the router."""
    prefix = OTHER_LAN[world.setup.family]
    where, host = world.line.add_lan("lan2", prefix), f"{prefix}11"
    near = _leg(world, server, world.phone(), world.inside_media(4000))
    return near, _leg(world, server, Agent(world, where, (host, 5060), "across"),
                      Media(world, where, (host, 4000), "across"))


def _proxied(world: World, caller: Leg, callee: Leg, server: Agent) -> None:
    """A call through a proxy and its end; a second one the other way round."""
    proxy = Proxy(server)
    for one, other, first in ((caller, callee, "inside"), (callee, caller, "outside")):
        made = proxy_call(proxy, one, other)
        talk_through(world, one, other, first)
        in_dialog(proxy, made, one, other, "BYE", 2)


def _all_outside(world: World, *legs: Leg) -> None:
    for leg in legs:
        must_equal(leg.told[0], world.line.router_address, f"what {leg.phone.user} was told")


@scenario("R14", "two phones of one network call each other through an outside proxy",
          (SHIFTED, MASQUERADE, SNAT, SHIFTED6, IPTABLES), subset=True, tcp=5)
def proxied(world: World) -> None:
    server = world.server()
    legs = _neighbours(world, server)
    _proxied(world, *legs, server)
    _all_outside(world, *legs)


@scenario("R14", "two phones of one network call each other through an outside PBX",
          (SHIFTED, MASQUERADE, SHIFTED6))
def bridged(world: World) -> None:
    server = world.server()
    caller, callee = _neighbours(world, server)
    bridge(server, caller, callee)
    _all_outside(world, caller, callee)
    talk_through(world, caller, callee, "outside")
    talk_through(world, caller, callee, "inside")


@scenario("R14", "phones of two inside networks call each other through an outside proxy",
          (SHIFTED, MASQUERADE, SHIFTED6, IPTABLES))
def two_networks(world: World) -> None:
    server = world.server()
    legs = _across(world, server)
    _proxied(world, *legs, server)
    _all_outside(world, *legs)


@scenario("R14", "phones of one network call each other through an outside relay",
          (SHIFTED, SHIFTED6))
def relayed(world: World) -> None:
    server = world.server()
    caller, callee = _neighbours(world, server)
    ends = world.outside_media(7000), world.outside_media(7002)
    bridge(server, caller, callee, ends)
    doors = [Message(c.after.payload).media()[0] for c in world.crossings()
             if c.after and c.outbound and c.message.body]
    check_audio(world, caller.media, doors[0], ends[0], caller.told)
    check_audio(world, callee.media, doors[1], ends[1], callee.told, first="outside")


def _direct(world: World, caller: Leg, callee: Leg) -> list[Datagram]:
    """Both were told the other's inside socket; what of their audio the router saw."""
    must_equal(caller.told, callee.media.address, "the caller is told the inside socket")
    must_equal(callee.told, caller.media.address, "the callee is told the inside socket")
    world.capture.drain()
    before = len(world.capture.seen)
    talk_through(world, caller, callee)
    talk_through(world, caller, callee, "outside")
    world.capture.drain()
    return [d for d in world.capture.seen[before:] if len(d.payload) == RTP]


@scenario("R14", "direct_media=1: two phones of one network talk past the router",
          (SHIFTED, MASQUERADE, SHIFTED6))
def direct(world: World) -> None:
    world.line.own_setting("direct_media", 1)
    server = world.server()
    legs = _neighbours(world, server)
    proxy_call(Proxy(server), *legs)
    must_equal(_direct(world, *legs), [], "audio that the router saw")


@scenario("R14", "direct_media=1: two phones of one network talk past the router, outside PBX",
          (SHIFTED,))
def direct_bridged(world: World) -> None:
    world.line.own_setting("direct_media", 1)
    server = world.server()
    legs = _neighbours(world, server)
    bridge(server, *legs)
    must_equal(_direct(world, *legs), [], "audio that the router saw")


@scenario("R14", "direct_media=1: phones of two inside networks talk untranslated",
          (SHIFTED, SHIFTED6))
def direct_across(world: World) -> None:
    world.line.own_setting("direct_media", 1)
    server = world.server()
    legs = _across(world, server)
    proxy_call(Proxy(server), *legs)
    seen = _direct(world, *legs)
    must(bool(seen), "their audio passes the router")
    must_equal({d.source for d in seen} | {d.destination for d in seen},
               {leg.media.address for leg in legs}, "the addresses of their audio")
