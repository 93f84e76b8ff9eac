# SPDX-License-Identifier: GPL-2.0
"""R27: media through NAT with sip-ext-assist, for a provider that sees to NAT by itself: it
keeps the port that the phone wrote, and takes the address that it sees."""
from __future__ import annotations

from calls import call, hang_up, must_equal, register, talk
from middle import assist, call_in, untouched
from peer import World, offer
from registry import MASQUERADE, SHIFTED, SHIFTED6, scenario


@scenario("R27", "assist, behind NAT: audio both ways at the phone's own port",
          (MASQUERADE, SHIFTED, SHIFTED6))
def own_port(world: World) -> None:
    assist(world)
    phone, server = world.phone(), world.server()
    register(phone, server)
    near, far = world.inside_media(4000), world.outside_media(7000)
    made = call(phone, server, server.uri, server.address, near, far)
    must_equal(made.caller_media_seen, near.address, "the offer is as the phone wrote it")
    made.caller_media_seen = (made.seen_from[0], near.address[1])
    talk(world, made, inside_calls=True, first="outside")
    hang_up(made)
    untouched(world)


@scenario("R27", "assist, behind NAT: the second phone with the same port passes as it is",
          (MASQUERADE,))
def same_port(world: World) -> None:
    assist(world)
    server = world.server()
    for number in (1, 2):
        phone = world.phone(number)
        made = register(phone, server)
        invite = call_in(server, phone, made.seen_from, offer(world.outside_media(7000 + number)))
        answer = phone.answer(invite, server.address, 200, "OK", offer(world.inside_media(4000, number)))
        phone.send_message(answer, server.address)
        server.take("200", lambda m, wanted=invite: m.status == 200 and m.call_id == wanted.call_id)
    untouched(world)
