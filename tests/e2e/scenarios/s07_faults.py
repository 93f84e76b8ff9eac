# SPDX-License-Identifier: GPL-2.0
"""S7: what a flood still does to others. Each of these fails until it is mended."""
from __future__ import annotations

from bystander import Bystander
from floods import Accomplice, deaf_to
from net import FRIEND
from peer import World
from registry import MASQUERADE, SHIFTED6, scenario
from scenarios.s07_defaults import OWN_PORTS, _usual_table
from scenarios.s07_floods import UNHELPED, WHY, flooded, messages, silent
from scenarios.s07_networks import PREFIX, _addresses
from sip import Address


def _sockets(world: World) -> list[Address]:
    """Of a hundred hosts."""
    return [(f"{world.plan.inside}{30 + number}", port) for port in OWN_PORTS for number in range(100)][:5000]


def _behind(world: World) -> tuple[Bystander, str]:
    friend = world.plan.far(FRIEND)
    silent(world.line.outside, friend, 5060, UNHELPED)
    deaf_to(world, friend)
    return Bystander(world), friend


@scenario("S7", "one host sends datagrams that are not SIP from each of its ports, and takes the ports of all others' media",
          (MASQUERADE,), udp_only=WHY, alone=True)
def mappings(world: World) -> None:
    """A number that any mapping of another inside socket leaves from is taken (sipx_ports_taken)."""
    bystander, friend = _behind(world)
    sources = [(world.plan.phone(12), 9900 + port) for port in range(23000)]
    flooded(world, bystander, "datagrams to another port", messages("INVITE", sources, (friend, UNHELPED)), fewest=70000)


@scenario("S7", "unanswered calls with media ports within the range and above it take those of an office",
          (MASQUERADE,), udp_only=WHY, alone=True)
def useless_ports(world: World) -> None:
    """The eight oldest calls give way to one message, and ports above the range are of no use (end_oldest())."""
    with _usual_table():
        bystander, friend = _behind(world)
        flooded(world, bystander, "INVITE", messages("INVITE", _sockets(world), (friend, 5060), range(10000, 60000, 2)),
                fewest=60000)


@scenario("S7", "unanswered calls, some of sockets that others have named, take the pinholes of an answered one",
          (MASQUERADE,), udp_only=WHY, alone=True)
def named_twice(world: World) -> None:
    """Of twenty hosts: the first 4000 calls of the second flood name what those of the first have named."""
    sources = [(f"{world.plan.inside}{30 + number}", port) for port in OWN_PORTS for number in range(20)][:2000]
    with _usual_table():
        bystander, friend = _behind(world)
        for ports, fewest in ((range(10000, 18000, 2), 6000), (range(10000, 32766, 2), 14000)):
            flooded(world, bystander, f"INVITE, media ports {len(ports)}",
                    messages("INVITE", sources, (friend, 5060), ports), seconds=0.3, fewest=fewest)


@scenario("S7", "one IPv6 network with an accomplice has all pinholes that the kernel has",
          (SHIFTED6,), udp_only=WHY, alone=True)
def pinholes(world: World) -> None:
    """A host has 2 * max_media_per_host at most; each address of a network counts alone."""
    lan, friend = world.line.add_lan("lan2", "fd77:2::"), world.plan.far(FRIEND)
    lan.run("ip", "-6", "route", "add", "local", f"{PREFIX}::/64", "dev", "lo")
    world.line.ip(f"route add {PREFIX}::/64 via fd77:2::11")
    world.line.own_setting("max_media_per_host", 1024)  # a quarter of the kernel's, as docs/settings.md says
    silent(lan, "::", 5060)
    deaf_to(world, friend)
    with _usual_table():
        bystander = Bystander(world)
        helps = Accomplice(world.line.outside, (friend, 5060))
        try:
            flooded(world, bystander, "agreed", messages("INVITE", _addresses(PREFIX), (friend, 5060)), lan, fewest=3000)
        finally:
            helps.end()
