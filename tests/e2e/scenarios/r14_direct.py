# SPDX-License-Identifier: GPL-2.0
"""R14: two phones inside whose media need not pass the router (setting direct_media)."""
from __future__ import annotations

from calls import must_equal, register
from middle import Leg, bridge, talk_through
from peer import Agent, World
from registry import MASQUERADE, SHIFTED, SHIFTED6, scenario


def _legs(world: World, server: Agent) -> list[Leg]:
    legs = []
    for number in (1, 2):
        phone = world.phone(number)
        legs.append(Leg(phone, world.inside_media(4000, number), register(phone, server)))
    return legs


@scenario("R14", "direct_media: two phones inside are told each other's inside sockets",
          (SHIFTED, MASQUERADE, SHIFTED6))
def direct(world: World) -> None:
    world.line.own_setting("direct_media", 1)
    server = world.server()
    caller, callee = _legs(world, server)
    before = len(world.line.expectations())
    bridge(server, caller, callee)
    must_equal(callee.told, caller.media.address, "what the callee is told")
    must_equal(caller.told, callee.media.address, "what the caller is told")
    must_equal(len(world.line.expectations()), before, "pinholes of media that the router never sees")
    talk_through(world, caller, callee)


@scenario("R14", "direct_media with a relay outside: nothing is direct", (SHIFTED, SHIFTED6))
def relayed(world: World) -> None:
    world.line.own_setting("direct_media", 1)
    server = world.server()
    caller, callee = _legs(world, server)
    relay = world.outside_media(7000), world.outside_media(7002)
    bridge(server, caller, callee, relay)
    must_equal(callee.told, relay[1].address, "what the callee is told")
    must_equal(caller.told, relay[0].address, "what the caller is told")
