# SPDX-License-Identifier: GPL-2.0
"""R25: a stateful firewall without translation, where the signalling connection began outside."""
from __future__ import annotations

from calls import call, hang_up, register, talk
from net import MEDIA, SERVER, SIP, nft_rules
from peer import World
from registry import ROUTED, ROUTED6, scenario


def _let_sip_in(world: World) -> None:
    """A server inside: the firewall lets anyone begin signalling with it."""
    rules = nft_rules(world.setup, world.helper)
    rules.forward.append(f"{SIP} accept")
    world.line.load(rules)


@scenario("R25", "routed: a server inside is called, media from elsewhere speaks first",
          (ROUTED, ROUTED6))
def called_from_outside(world: World) -> None:
    """The signalling connection began outside."""
    _let_sip_in(world)
    pbx, friend = world.phone(), world.friend()
    for host, port in ((SERVER, 4000), (MEDIA, 4010)):
        made = call(friend, pbx, pbx.uri, pbx.address,
                    world.outside_media(7000 + port, host), world.inside_media(port))
        talk(world, made, inside_calls=False, first="outside")
        hang_up(made)


@scenario("R25", "routed: over a connection that began outside a server inside calls out",
          (ROUTED, ROUTED6))
def calls_back(world: World) -> None:
    _let_sip_in(world)
    pbx, friend = world.phone(), world.friend()
    asked = friend.send_message(friend.compose("OPTIONS", pbx.uri, [
        ("From", f"<{friend.uri}>;tag=1"), ("To", f"<{pbx.uri}>"), ("Call-ID", "ping"),
        ("CSeq", "1 OPTIONS")]), pbx.address)
    seen, source = pbx.request("OPTIONS")
    pbx.send_message(pbx.answer(seen, source, 200, "OK"), source)
    friend.response(200, asked)
    made = call(pbx, friend, friend.uri, friend.address,
                world.inside_media(4000), world.outside_media(7000, MEDIA))
    talk(world, made, inside_calls=True, first="outside")
    hang_up(made)


@scenario("R25", "routed: a registered phone is called from another port of its server",
          (ROUTED, ROUTED6))
def called_through_registration(world: World) -> None:
    world.line.idle_timeouts(3)
    phone, server = world.phone(), world.server()
    contact = register(phone, server, granted=60)
    world.rest(5)
    other = world.server_again(server)
    made = call(other, phone, contact.contact, contact.target,
                world.outside_media(7000, MEDIA), world.inside_media(4000))
    talk(world, made, inside_calls=False, first="outside")
    hang_up(made)
