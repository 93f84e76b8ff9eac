# SPDX-License-Identifier: GPL-2.0
"""R14: two phones inside whose media pass a relay, in spite of the setting direct_media."""
from __future__ import annotations

from calls import must_equal, register
from middle import Leg, bridge
from peer import Agent, World
from registry import SHIFTED, SHIFTED6, scenario


def _legs(world: World, server: Agent) -> list[Leg]:
    legs = []
    for number in (1, 2):
        phone = world.phone(number)
        legs.append(Leg(phone, world.inside_media(4000, number), register(phone, server)))
    return legs


@scenario("R14", "direct_media with a relay outside: nothing is direct", (SHIFTED, SHIFTED6))
def relayed(world: World) -> None:
    world.line.own_setting("direct_media", 1)
    server = world.server()
    caller, callee = _legs(world, server)
    relay = world.outside_media(7000), world.outside_media(7002)
    bridge(server, caller, callee, relay)
    must_equal(callee.told, relay[1].address, "what the callee is told")
    must_equal(caller.told, relay[0].address, "what the caller is told")
