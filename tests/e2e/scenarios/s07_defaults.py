# SPDX-License-Identifier: GPL-2.0
"""S7 as the modules are shipped: no setting is changed, and the floods last until all that there is for a host,
or for all of them, is taken. What is held then is what the limits allow, and all of it is given back.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bystander import Bystander
from calls import must, must_count
from crowd import table_of
from floods import deaf_to
from left import objects
from net import FRIEND
from peer import World
from registry import MASQUERADE, scenario
from scenarios.s07_floods import UNHELPED, WHY, all_given_back, compared, flooded, messages, silent, sizes
from sip import Address

PINHOLES = 4096
"""nf_conntrack_expect_max of a machine that has more than 4 GB and was told nothing."""
MEDIA_PORTS = range(10000, 32766, 2)
"""Of a flood: the whole of media_port_min to media_port_max, and no others."""
OWN_PORTS = range(2000, 10000)
"""That a flood is sent from: below these, where the router's NAT takes none of them."""
MANY_CONNECTIONS = 1024
"""Of one host that have neither a call nor a registration (docs/settings.md)."""
SECONDS = 1.0
SLACK, PAGE = 1.25, 32768
"""What a cache has besides its objects: pages that calls of the bystander, which are over, have left in part."""


def _shipped(world: World) -> dict[str, int]:
    """What the settings say; nothing under another helper."""
    if not world.line.counters():
        return {}
    names = ("calls", "registrations", "media")
    return {name + end: int(world.line.router.read(f"/proc/sys/net/netfilter/sip_ext_max_{name}{end}"))
            for name in names for end in ("", "_per_host")}


def _within(world: World, bystander: Bystander, hosts: int) -> None:
    """What those hosts hold is what their limits allow, in entries and in bytes."""
    shipped = _shipped(world)
    if not shipped:
        return
    most = {name: min(shipped[name], hosts * shipped[f"{name}_per_host"])
            for name in ("calls", "registrations", "media")}
    now, own = sizes(world), bystander.own
    for table in ("calls", "registrations"):
        must(now[table] <= min(most[table] + own[table], shipped[table]), f"{table} of {most[table]}: {now}")
    must(now["pinholes"] <= PINHOLES, f"pinholes: {now}")
    calls = most["calls"] + own["calls"]
    connections = calls + most["registrations"] + hosts * MANY_CONNECTIONS + own["registrations"]
    caps = {"call": calls, "invite": calls, "stream": calls,
            "registration": most["registrations"] + own["registrations"], "binding": most["media"] + 4 * own["calls"], "ends": 0,
            "connection": connections, "host": hosts + 16}
    held = _memory()
    caps["pinhole"] = 2 * held["binding"][0]    # one each way of a socket, whether it has its place or gave it
    for name, (count, size) in held.items():
        allowed = int(caps.get(name, 0) * size * SLACK) + PAGE
        must(count * size <= allowed, f"{count * size} bytes of {name}, {allowed} are allowed: {held}")
    taken = sum(count * size for count, size in held.values())
    allowed = sum(caps[name] * held[name][1] for name in caps)
    world.notes.append(f"{taken / 1e6:.1f} MB are ours, of {allowed / 1e6:.1f}: "
                       + ", ".join(f"{name} {count}" for name, (count, _) in held.items() if count))


def _memory() -> dict[str, tuple[int, int]]:
    """Objects of each kind of ours that there is room for, and the bytes that one takes."""
    objects()   # what is empty goes
    found = {}
    for line in Path("/proc/slabinfo").read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[0].startswith("sip_ext_"):
            found[words[0].removeprefix("sip_ext_")] = int(words[2]), int(words[3])
    return found


@dataclass(frozen=True)
class Many:
    """A flood that lasts until that counts: so many packets at least."""

    method: str
    counters: tuple[str, ...]
    fewest: int
    ports: range = MEDIA_PORTS


def _floods(world: World, hosts: list[str], *floods: Many) -> None:
    friend = world.plan.far(FRIEND)
    silent(world.line.outside, friend, 5060, UNHELPED)
    deaf_to(world, friend)
    with table_of(PINHOLES):
        bystander = Bystander(world)
        sources: list[Address] = [(host, port) for port in OWN_PORTS for host in hosts][:len(OWN_PORTS)]
        compared(world, bystander, messages("INVITE", sources, (friend, UNHELPED)))
        for flood in floods:
            what = f"{flood.method}, hosts: {len(hosts)}, media ports: {len(flood.ports)}"
            before = flooded(world, bystander, what, messages(flood.method, sources, (friend, 5060), flood.ports),
                             seconds=SECONDS, fewest=flood.fewest)
            for counter in flood.counters:
                must_count(world, counter, before)
            _within(world, bystander, len(hosts))
        all_given_back(world)
    world.wait("no object of ours is left", lambda: not objects(), 10)


@scenario("S7", "limits as shipped: one host floods until it has all that a host may have",
          (MASQUERADE,), udp_only=WHY, alone=True)
def one_host(world: World) -> None:
    _floods(world, [world.plan.phone(12)], Many("INVITE", ("limit_host",), 6000), Many("REGISTER", ("limit_host",), 3000))


@scenario("S7", "limits as shipped: a hundred hosts flood until they have all that there is",
          (MASQUERADE,), udp_only=WHY, alone=True)
def many_hosts(world: World) -> None:
    hosts = [f"{world.plan.inside}{30 + number}" for number in range(100)]
    _floods(world, hosts, Many("INVITE", ("no_port", "expectations_full"), 16000),
            Many("REGISTER", ("limit_registrations",), 22000), Many("INVITE", ("limit_calls",), 62000, range(0)))


@scenario("S7", "one host sends datagrams that are not SIP from each of its ports: calls of others find ports",
          (MASQUERADE,), udp_only=WHY, alone=True)
def mappings(world: World) -> None:
    """No limit of ours counts what the router's NAT does by itself."""
    friend = world.plan.far(FRIEND)
    silent(world.line.outside, friend, 5060, UNHELPED)
    deaf_to(world, friend)
    bystander = Bystander(world)
    sources = [(world.plan.phone(12), 9900 + port) for port in range(23000)]
    flooded(world, bystander, "datagrams to another port", messages("INVITE", sources, (friend, UNHELPED)), fewest=70000)


def _behind(world: World, sources: list[Address]) -> tuple[Bystander, Address]:
    """The bystander, and a server that says nothing to these."""
    friend = world.plan.far(FRIEND)
    silent(world.line.outside, friend, 5060, UNHELPED)
    deaf_to(world, friend)
    bystander = Bystander(world)
    compared(world, bystander, messages("INVITE", sources, (friend, UNHELPED)))
    return bystander, (friend, 5060)


@scenario("S7", "unanswered calls of sockets that others have named leave pinholes to an answered one",
          (MASQUERADE,), udp_only=WHY, alone=True)
def named_twice(world: World) -> None:
    """Of twenty hosts: the first 4000 calls of the second flood name what those of the first have named."""
    sources = [(f"{world.plan.inside}{30 + number}", port) for port in OWN_PORTS for number in range(20)][:2000]
    with table_of(PINHOLES):
        bystander, server = _behind(world, sources)
        for ports, fewest in ((range(10000, 18000, 2), 6000), (MEDIA_PORTS, 14000)):
            flooded(world, bystander, f"INVITE, media ports {len(ports)}",
                    messages("INVITE", sources, server, ports), seconds=0.3, fewest=fewest)


@scenario("S7", "unanswered calls with media ports within the range and above it leave ports to an office",
          (MASQUERADE,), udp_only=WHY, alone=True)
def useless_ports(world: World) -> None:
    """Of a hundred hosts, and many of the oldest lie above the range; once in the range alone."""
    sources = [(f"{world.plan.inside}{30 + number}", port) for port in OWN_PORTS for number in range(100)][:5000]
    with table_of(PINHOLES):
        bystander, server = _behind(world, sources)
        for ports, fewest in ((range(10000, 60000, 2), 40000), (MEDIA_PORTS, 30000)):
            flooded(world, bystander, f"INVITE, media ports {len(ports)}",
                    messages("INVITE", sources, server, ports), fewest=fewest)
