# SPDX-License-Identifier: GPL-2.0
"""S7 over IPv6: who has a network of 64 bits has more addresses than any table has places, and is one sender
all the same. A bystander in another network goes on.
"""
from __future__ import annotations

from bystander import Bystander
from calls import must, must_count
from crowd import room_for_expectations, table_of
from floods import Accomplice, deaf_to
from net import FRIEND
from peer import World
from registry import DNAT6, SHIFTED6, scenario
from scenarios.s07_defaults import PINHOLES
from scenarios.s07_floods import (MOST, UNHELPED, WHY, all_given_back, compared, flooded, forwards_unhelped, limited,
                                  messages, silent, sizes)
from sip import Address

PREFIX, STRANGERS = "fd77:2:0:1", "2001:db8:666:1"
SHARE = {"calls": 900, "registrations": 450}
"""What there is for all; nobody takes more than eight times what is left, so eight ninths of it."""


def _addresses(prefix: str) -> list[Address]:
    """No two alike, anywhere in that network."""
    return [(f"{prefix}:{number * 40503 & 0xFFFF:x}:{number:x}:{number:x}:1", 5060) for number in range(1, 60000)]


def _of_network(world: World, table: str) -> int:
    """Entries of one of our tables that are of the network."""
    text = world.line.router.read(f"/proc/net/sip_ext/{table}") if world.line.counters() else ""
    return sum(f"inside=[{PREFIX}:" in line for line in text.splitlines() if line[:1].strip())


def _shares(world: World, what: str) -> None:
    """Eight ninths and no more are the network's."""
    for table, most in SHARE.items():
        its = _of_network(world, table)
        must(its <= most * 8 // 9, f"{what}: of {most} {table} one network has {its}: {sizes(world)}")


@scenario("S7", "one host floods from all addresses of its IPv6 network: a phone of another one calls and is called",
          (SHIFTED6,), udp_only=WHY, alone=True)
def one_network(world: World) -> None:
    """No address has more than a host may have. What was answered and granted gives way to nobody: what the
    whole network takes is bounded before others need it."""
    room_for_expectations()
    for table, most in SHARE.items():
        world.line.own_setting(f"max_{table}", most)
    lan, friend = world.line.add_lan("lan2", "fd77:2::"), world.plan.far(FRIEND)
    lan.run("ip", "-6", "route", "add", "local", f"{PREFIX}::/64", "dev", "lo")
    world.line.ip(f"route add {PREFIX}::/64 via fd77:2::11")
    silent(lan, "::", 5060)
    silent(world.line.outside, friend, UNHELPED)
    deaf_to(world, friend)
    bystander, sources = Bystander(world), _addresses(PREFIX)
    compared(world, bystander, messages("INVITE", sources, (friend, UNHELPED)), lan)
    helps = Accomplice(world.line.outside, (friend, 5060))
    try:
        for method, table in (("INVITE", "calls"), ("REGISTER", "registrations")):
            what = f"{method} from a network, agreed to"
            before = flooded(world, bystander, what, messages(method, sources, (friend, 5060)), lan)
            must_count(world, f"limit_{table}", before)
            _shares(world, what)
            must(_of_network(world, table) > SHARE[table] // 2 or not before, f"{what}: {sizes(world)}")
    finally:
        agreed = helps.end()
    must(agreed > sum(SHARE.values()), f"the accomplice agreed {agreed} times")
    all_given_back(world)


@scenario("S7", "strangers of one IPv6 network flood the server inside: another phone inside calls and is called",
          (DNAT6,), udp_only=WHY, alone=True)
def strangers(world: World) -> None:
    """Each INVITE comes by a connection of its own, from an address of its own; all of it is the server's."""
    for table, most in MOST.items():
        world.line.own_setting(f"max_{table}_per_host", most)
    bystander, where, router = Bystander(world, 2), world.line.outside, world.line.router_address
    silent(world.line.inside, world.plan.phone(1), 5060, UNHELPED)
    forwards_unhelped(world)
    deaf_to(world, f"{STRANGERS}::/64")
    sources = _addresses(STRANGERS)
    compared(world, bystander, messages("INVITE", sources, (router, UNHELPED)), where)
    for method, counters in (("REGISTER", ()), ("INVITE", ("limit_host", "limit_connections_host"))):
        what = f"{method} from strangers of one network"
        before = flooded(world, bystander, what, messages(method, sources, (router, 5060)), where)
        limited(world, bystander, what, before, *counters)
    all_given_back(world)


@scenario("S7", "one IPv6 network with an accomplice has all calls answered: others find pinholes",
          (SHIFTED6,), udp_only=WHY, alone=True)
def pinholes(world: World) -> None:
    """No address has more than a host may have, and the kernel's table is smaller than what all of them may."""
    lan, friend = world.line.add_lan("lan2", "fd77:2::"), world.plan.far(FRIEND)
    lan.run("ip", "-6", "route", "add", "local", f"{PREFIX}::/64", "dev", "lo")
    world.line.ip(f"route add {PREFIX}::/64 via fd77:2::11")
    silent(lan, "::", 5060)
    deaf_to(world, friend)
    with table_of(PINHOLES):
        bystander, helps = Bystander(world), Accomplice(world.line.outside, (friend, 5060))
        try:
            flooded(world, bystander, "agreed", messages("INVITE", _addresses(PREFIX), (friend, 5060)), lan, fewest=3000)
        finally:
            helps.end()
