# SPDX-License-Identifier: GPL-2.0
"""R25: no translation, a stateful firewall: pinholes only."""
from __future__ import annotations

from calls import call, hang_up, must_equal, register, talk
from net import MEDIA, SERVER, STRANGER
from peer import World, check_audio, offer
from registry import FIREWALLS, ROUTED, ROUTED6, scenario
from rtp import packet


@scenario("R25", "routed: pinholes let audio in both ways, messages stay as they are", FIREWALLS,
          subset=True, tcp=3)
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


@scenario("R25", "routed: closed before the call, to strangers in it, and after the BYE",
          (ROUTED, ROUTED6))
def closed_to_others(world: World) -> None:
    phone, server, fence = world.phone(), world.server(), world.fence()
    near, far = world.inside_media(4000), world.outside_media(7000, SERVER)
    world.passes_nothing(far, packet("too early", 1), near.address, *fence)
    made = call(phone, server, server.uri, server.address, near, far)
    talk(world, made, inside_calls=True, first="outside")
    world.passes_nothing(world.outside_media(7002, STRANGER), packet("stranger", 1),
                         near.address, *fence)
    hang_up(made)
    world.wait("the pinholes close", lambda: not [
        e for e in world.line.expectations() if "dport=4000 " in e], 1)
    world.passes_nothing(world.outside_media(7004, SERVER), packet("too late", 1),
                         near.address, *fence)


@scenario("R25", "routed: early media flows before the answer", (ROUTED, ROUTED6))
def early(world: World) -> None:
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000, MEDIA)
    invite = phone.invitation(server.uri, offer(near))
    phone.send_message(invite, server.address)
    seen, source = server.request("INVITE")
    server.send_message(server.answer(seen, source, 183, "Session Progress", offer(far)), source)
    progress = phone.response(183, invite)
    check_audio(world, near, seen.media()[0], far, progress.media()[0], first="outside")
    server.send_message(server.answer(seen, source, 200, "OK", offer(far)), source)
    answered = phone.response(200, invite)
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")
