# SPDX-License-Identifier: GPL-2.0
"""R27: sip-ext-assist, where the server takes the source's address and the SDP's port for media.

That is what Kamailio's fix_nated_sdp does.
"""
from __future__ import annotations

from calls import must_equal, register
from middle import assist, call_in, untouched
from peer import World, check_audio, offer
from registry import MASQUERADE, SNAT, Setup, scenario

KEEPS_PORTS = (MASQUERADE, SNAT, Setup("masquerade", 6))


@scenario("R27", "assist: media comes in at the port number that the phone named", KEEPS_PORTS)
def media_at_its_port(world: World) -> None:
    assist(world)
    phone, server = world.phone(), world.server()
    for number, first in enumerate(("inside", "outside")):
        near, far = world.inside_media(4000 + 10 * number), world.outside_media(7000 + 10 * number)
        invite = phone.invitation(server.uri, offer(near))
        phone.send_message(invite, server.address)
        seen, source = server.request("INVITE")
        server.send_message(server.answer(seen, source, 200, "OK", offer(far)), source)
        answered = phone.response(200, invite)
        must_equal(answered.media()[0], far.address, "the answer's media")
        check_audio(world, near, (source[0], near.address[1]), far, far.address, first=first)
        check_audio(world, near, (source[0], near.address[1]), far, far.address, first="outside")
    untouched(world)


@scenario("R27", "assist: a call from outside has audio at the port the phone named", KEEPS_PORTS)
def called(world: World) -> None:
    assist(world)
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=60)
    near, far = world.inside_media(4000), world.outside_media(7000)
    seen = call_in(server, phone, made.seen_from, offer(far))
    phone.send_message(phone.answer(seen, server.address, 200, "OK", offer(near)), server.address)
    server.take("200", lambda m: m.status == 200 and m.call_id == seen.call_id)
    check_audio(world, near, (made.seen_from[0], 4000), far, far.address, first="outside")
    check_audio(world, near, (made.seen_from[0], 4000), far, far.address)
    untouched(world)
