# SPDX-License-Identifier: GPL-2.0
"""S7 over TCP: connections that hold what they may, and SYNs that nobody follows up."""
from __future__ import annotations

import socket
from dataclasses import dataclass

from attacks import Listener
from bystander import Bystander
from calls import must, must_count, must_equal
from floods import Packet, deaf_to, syn
from net import FRIEND, PATIENCE, Namespace
from peer import World
from registry import DNAT, MASQUERADE, SHIFTED, over_tcp, scenario
from scenarios.s07_floods import UNHELPED, all_given_back, compared, flooded, forwards_unhelped, moved, sizes
from sip import Address

HELD = 60000
"""Bytes of a message that never ends, less than a message may have."""
BUFFER = 80
"""KiB that one direction of a connection may hold: the least that there is to set, a message and
what belongs to it."""
CONNECTIONS = int(6000 / PATIENCE)
"""A quarter of them may wait for their answer: more than the thousand packets that the kernel lets
wait in front of a router (netdev_max_backlog), or the flood would overtake every answer. A slow machine
pours a hundred SYNs a second, and lets none wait."""


def _unfinished(to: Address, number: int) -> bytes:
    head = (f"INVITE sip:a@{to[0]} SIP/2.0\r\nVia: SIP/2.0/TCP {to[0]};branch=z9hG4bK{number}\r\n"
            f"Call-ID: {number}\r\nContent-Length: {HELD}\r\n\r\n")
    return head.encode() + b"x" * (HELD - 1000)


def _sockets(where: Namespace, host: str, to: Address, count: int) -> list[socket.socket]:
    """That many connections, made as fast as they go."""
    with where:
        made = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    for one in made:
        one.bind((host, 0))
        one.setblocking(False)
        one.connect_ex(to)
    return made


def _hold(world: World, held: list[socket.socket], to: Address) -> None:
    """Each sends all but the end of a message, as far as its peer lets it."""
    left = {one: _unfinished(to, number) for number, one in enumerate(held)}
    for _ in range(200):
        for one, data in list(left.items()):
            try:
                left[one] = data[one.send(data):]
            except (BlockingIOError, ConnectionError):
                pass
            if not left[one]:
                del left[one]
        world.pump(0.01)
        if not left:
            return


def _ended(held: list[socket.socket]) -> None:
    for one in held:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        one.close()


@dataclass(frozen=True)
class Known:
    """What our table of TCP connections says of one."""

    begun_by: str   # the host
    held: int       # bytes of ours
    follows: bool


def _known(world: World) -> list[Known]:
    if not world.line.counters():
        return []
    text = world.line.router.read("/proc/net/sip_ext/connections")
    return [Known(_field(line, "from").rpartition(":")[0], int(_field(line, "held")),
                  not line.startswith("connection passing"))
            for line in text.splitlines() if line.startswith("connection ")]


def _field(line: str, name: str) -> str:
    return next(part for part in line.split() if part.startswith(name + "=")).partition("=")[2]


def _bounded(world: World, of_host: int, in_all: int, buffer: int) -> None:
    """Bytes and connections that are held are within what the settings say."""
    known, host = _known(world), world.plan.phone(2)
    if not known:
        return
    held = sum(one.held for one in known if one.begun_by == host)
    must(held <= of_host * 1024, f"{held} bytes held for one host of {of_host} KiB")
    must(sum(one.held for one in known) <= in_all * 1024, f"bytes held of {in_all} KiB in all")
    must(max(one.held for one in known) <= buffer * 1024, f"bytes held by one connection of {buffer} KiB")
    world.notes.append(f"{len(known)} connections known, {sum(one.follows for one in known)} followed; {held} bytes "
                       f"held for the host, at most {max(one.held for one in known)} by one connection")


def _holding(world: World, count: int, talks: bool) -> list[socket.socket]:
    bystander = Bystander(world)
    to = (world.plan.far(FRIEND), 5060)
    deaf_to(world, to[0])
    server = Listener(world, world.line.outside, to, 1024)
    before = world.line.counters()
    held = _sockets(world.line.inside, world.plan.phone(2), to, count)
    world.wait("all connections stand", lambda: len(server.taken) >= count, 10)
    if talks:
        _hold(world, held, to)
    now = bystander.in_rounds(3)
    bystander.suffered(now)
    world.notes += [f"no flood: {bystander.quiet}",
                    f"{count} connections; {now}; {sizes(world)}; {moved(world, before)}"]
    return held


def _over(world: World, held: list[socket.socket]) -> None:
    _ended(held)
    all_given_back(world)


@scenario("S7", "one host's connections hold all the memory that they may: another phone calls and is called",
          over_tcp(SHIFTED), alone=True)
def memory(world: World) -> None:
    world.line.own_setting("tcp_memory_per_host", 1024)
    world.line.own_setting("tcp_memory", 4096)
    world.line.own_setting("tcp_buffer", BUFFER)
    held = _holding(world, 60, talks=True)
    must_count(world, "limit_stream_host")
    _bounded(world, 1024, 4096, BUFFER)
    full = [one for one in _known(world) if one.held >= HELD - 1000]
    must(full != [] or not world.line.counters(), "there are connections that hold all of their message")
    _over(world, held)


@scenario("S7", "one host has all the connections that it may: another phone connects, calls and is called",
          over_tcp(SHIFTED), alone=True)
def connections(world: World) -> None:
    world.line.own_setting("tcp_connections_per_host", 100)
    world.line.own_setting("tcp_connections", 400)
    held = _holding(world, 250, talks=False)
    must_count(world, "limit_stream_host")
    followed = [one for one in _known(world) if one.follows]
    of_host = sum(one.begun_by == world.plan.phone(2) for one in followed)
    must(of_host <= 100 and len(followed) <= 400, f"{of_host} connections of one host, {len(followed)} in all")
    must_equal(of_host, 100 * bool(world.line.counters()), "connections that are followed of the host that has too many")
    _over(world, held)


def _syns(sources: list[Address], to: Address) -> Packet:
    def make(number: int) -> tuple[bytes, str]:
        return syn(sources[number % len(sources)], to, number), to[0]
    return make


def _nobody(world: World, address: str) -> None:
    """That host answers no SYN."""
    world.line.outside.run("nft", "-f", "-", stdin=(
        "table inet nobody {\nchain in {\ntype filter hook input priority 0;\n"
        f"ip daddr {address} tcp dport {{ 5060, {UNHELPED} }} drop\n}}\n}}\n"))


def _half_open(world: World, most: int = CONNECTIONS) -> None:
    """A quarter of that many connections may wait for their answer."""
    if not world.line.counters():
        return
    lines = world.line.router.read("/proc/net/sip_ext/connections").splitlines()
    waiting = sum(line.startswith("connection half-open") for line in lines)
    must(waiting <= most // 4, f"{waiting} connections wait for their answer")
    world.notes.append(f"{waiting} connections half-open of {len(lines)}")


@scenario("S7", "SYN floods from inside, of one host and of many made up: another phone connects and calls",
          over_tcp(SHIFTED), alone=True)
def syn_flood_inside(world: World) -> None:
    world.line.own_setting("tcp_connections", CONNECTIONS)
    bystander, to = Bystander(world), (world.plan.far(FRIEND), 5060)
    deaf_to(world, to[0])
    _nobody(world, to[0])
    host, prefix = world.plan.phone(12), world.plan.inside
    # the router's NAT has 10,000 ports for them all
    floods = {"SYNs of one host": [(host, 1024 + n) for n in range(4000)],
              "SYNs of made up hosts": [(f"{prefix}{30 + n % 200}", 1024 + n) for n in range(5000)]}
    compared(world, bystander, _syns(floods["SYNs of one host"], (to[0], UNHELPED)))
    for what, sources in floods.items():
        before = world.line.counters()
        flooded(world, bystander, what, _syns(sources, to))
        must_count(world, "limit_half_open", before)
        _half_open(world)
    all_given_back(world)


@scenario("S7", "SYN flood from outside on a server inside: another phone inside connects and calls out",
          over_tcp(DNAT), alone=True)
def syn_flood_outside(world: World) -> None:
    world.line.own_setting("tcp_connections", CONNECTIONS)
    bystander = Bystander(world, 2)
    for port in (5060, UNHELPED):
        Listener(world, world.line.inside, (world.plan.phone(1), port), 1024)
    forwards_unhelped(world)
    strangers = [(f"{world.plan.outside}{100 + n % 20}", 1024 + n) for n in range(60000)]
    where, router = world.line.outside, world.line.router_address
    deaf_to(world, f"{world.plan.outside}96/27")
    compared(world, bystander, _syns(strangers, (router, UNHELPED)), where)
    flooded(world, bystander, "SYNs of strangers", _syns(strangers, (router, 5060)), where)
    must_count(world, "limit_half_open")
    _half_open(world)
    all_given_back(world)


@scenario("S7", "limits as shipped: one host's connections hold all the memory that they may",
          over_tcp(MASQUERADE), alone=True)
def shipped_memory(world: World) -> None:
    held = _holding(world, 300, talks=True)
    must_count(world, "limit_stream_host")
    _bounded(world, 16384, 65536, 256)
    _over(world, held)


@scenario("S7", "limits as shipped: a hundred hosts that nobody has begin connections",
          over_tcp(MASQUERADE), alone=True)
def shipped_half_open(world: World) -> None:
    bystander, to = Bystander(world), (world.plan.far(FRIEND), 5060)
    deaf_to(world, to[0])
    _nobody(world, to[0])
    sources = [(f"{world.plan.inside}{30 + n % 100}", 2000 + n) for n in range(50000)]
    compared(world, bystander, _syns(sources, (to[0], UNHELPED)))
    flooded(world, bystander, "SYNs of hosts that nobody has", _syns(sources, to), fewest=20000)
    must_count(world, "limit_half_open")
    _half_open(world, 65536)
    all_given_back(world)
