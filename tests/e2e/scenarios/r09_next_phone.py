# SPDX-License-Identifier: GPL-2.0
"""R9: phones with the same RTP port that call the same media server one after the other."""
from __future__ import annotations

from calls import call, hang_up, talk
from peer import World
from registry import IPTABLES, MASQUERADE, SHIFTED, SHIFTED6, scenario


@scenario("R9", "the next phone with the same RTP port calls the same media server: audio both ways",
          (SHIFTED, MASQUERADE, SHIFTED6, IPTABLES))
def next_phone(world: World) -> None:
    """conntrack still knows the flow of the first phone's call, and it must not get the second's."""
    server, far = world.server(), world.outside_media(7000)
    for number in (1, 2, 3):
        phone = world.phone(number)
        made = call(phone, server, server.uri, server.address,
                    world.inside_media(4000, number), far)
        talk(world, made, inside_calls=True)
        talk(world, made, inside_calls=True, first="outside")
        hang_up(made)


@scenario("R9", "the next phone is called by the same media server: it is heard first",
          (SHIFTED, MASQUERADE, SHIFTED6, IPTABLES))
def next_called(world: World) -> None:
    server, far = world.server(), world.outside_media(7000)
    for number in (1, 2, 3):
        phone = world.phone(number)
        made = call(phone, server, server.uri, server.address,
                    world.inside_media(4000, number), far)
        talk(world, made, inside_calls=True, first="outside")
        hang_up(made)
