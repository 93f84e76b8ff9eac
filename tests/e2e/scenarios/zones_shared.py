# SPDX-License-Identifier: GPL-2.0
"""R27: tenants in zones that hold in one direction only, behind one outside address."""
from __future__ import annotations

from calls import call, must_equal, talk
from peer import World
from registry import MASQUERADE, SHIFTED, scenario

from .zones import Tenants, share_address


@scenario("R27", "two tenants behind one outside address talk to one conference bridge",
          (MASQUERADE, SHIFTED))
def conference(world: World) -> None:
    tenants, bridge = Tenants(world), world.outside_media(7000)
    world.line.load(share_address(world))
    calls = [call(phone, tenants.server, tenants.server.uri, tenants.server.address,
                  tenants.near(number, 4000), bridge, call_id="conference@tenants")
             for number, phone in enumerate(tenants.phones)]
    must_equal(len({made.caller_media_seen for made in calls}), 2,
               "each tenant has its own media port outside")
    for made in calls:
        talk(world, made, inside_calls=True)
