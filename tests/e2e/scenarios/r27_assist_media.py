# SPDX-License-Identifier: GPL-2.0
"""R27: with sip-ext-assist only one of two phones can have its port number outside."""
from __future__ import annotations

from calls import register
from middle import assist, call_in, untouched
from peer import World, offer
from registry import MASQUERADE, scenario


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
