# SPDX-License-Identifier: GPL-2.0
"""R25: a stateful firewall without translation, where the signalling connection began outside."""
from __future__ import annotations

from typing import Callable

from calls import call, hang_up, register, talk
from net import FRIEND, MEDIA, SERVER, SIP, nft_rules
from peer import Agent, World
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


def _halves(world: World) -> None:
    """A default route in two halves, as VPNs set it."""
    first, second = {4: ("0.0.0.0/1", "128.0.0.0/1"), 6: ("::/1", "8000::/1")}[world.setup.family]
    world.line.ip(f"route add {first} dev wan", f"route add {second} dev wan")


def _for_the_inside(world: World) -> None:
    """A default route for the inside's addresses alone: in a table of theirs."""
    family, prefix = f"-{world.setup.family}", f"{world.plan.inside}/{world.plan.length}"
    if world.setup.family == 4:
        prefix = f"{world.plan.inside}0/{world.plan.length}"
    world.line.router.run("ip", family, "route", "add", "default", "dev", "wan", "table", "100")
    world.line.router.run("ip", family, "rule", "add", "from", prefix, "lookup", "100")


def _only_default(world: World, make: Callable[[World], None]) -> None:
    make(world)
    world.line.router.run("ip", f"-{world.setup.family}", "route", "del", "default", "dev", "wan",
                          "metric", "0" if world.setup.family == 4 else "1024")


def _called(world: World, pbx: Agent, friend: Agent) -> None:
    made = call(friend, pbx, pbx.uri, pbx.address,
                world.outside_media(7000, MEDIA), world.inside_media(4000))
    talk(world, made, inside_calls=False, first="outside")
    hang_up(made)


@scenario("R25", "routed: the default route is in two halves", (ROUTED, ROUTED6))
def halves(world: World) -> None:
    _only_default(world, _halves)
    _let_sip_in(world)
    _called(world, world.phone(), world.friend())


@scenario("R25", "routed: there is a default route for the inside's addresses alone", (ROUTED, ROUTED6))
def for_the_inside(world: World) -> None:
    _only_default(world, _for_the_inside)
    _let_sip_in(world)
    _called(world, world.phone(), world.friend())


@scenario("R25", "routed without any default route: who begins is inside, or who a setting says", (ROUTED, ROUTED6))
def no_default(world: World) -> None:
    plan = world.plan
    length = 32 if plan.family == 4 else 128
    hosts = [f"route add {plan.far(number)}/{length} dev wan" for number in (SERVER, MEDIA, FRIEND)]
    _only_default(world, lambda _: world.line.ip(*hosts))
    phone, friend = world.phone(), world.friend()
    made = call(phone, friend, friend.uri, friend.address,
                world.inside_media(4010), world.outside_media(7010, MEDIA))
    talk(world, made, inside_calls=True)
    hang_up(made)
    _let_sip_in(world)
    world.line.own_setting("media_hosts", f"{plan.inside}{'0' if plan.family == 4 else ''}/{plan.length}")
    _called(world, world.phone(2), friend)
