# SPDX-License-Identifier: GPL-2.0
"""R25: no translation, a stateful firewall: pinholes only."""
from __future__ import annotations

from calls import call, hang_up, must_equal, register, talk
from peer import World
from registry import FIREWALLS, scenario


@scenario("R25", "routed: pinholes let audio in both ways, messages stay as they are", FIREWALLS,
          subset=True)
def firewall(world: World) -> None:
    phone, server = world.phone(), world.server()
    contact = register(phone, server)
    near, far = world.inside_media(4000), world.outside_media(7000)
    out = call(phone, server, server.uri, server.address, near, far)
    talk(world, out, inside_calls=True, first="outside")
    hang_up(out)
    back = call(server, phone, contact.contact, contact.target,
                world.outside_media(7100), world.inside_media(4100))
    talk(world, back, inside_calls=False, first="outside")
    hang_up(back)
    for crossing in world.crossings():
        must_equal(crossing.after and crossing.after.payload, crossing.before.payload,
                   f"{crossing.message.name} is byte-identical")
