# SPDX-License-Identifier: GPL-2.0
"""S7 over TCP: connections that hold what they may, and SYNs that nobody follows up."""
from __future__ import annotations

import socket

from attacks import Listener
from calls import must_count
from floods import Bystander, Packet, deaf_to, syn
from net import FRIEND, PATIENCE, Namespace
from peer import World
from registry import DNAT, SHIFTED, over_tcp, scenario
from scenarios.s07_floods import all_given_back, flooded, moved, sizes
from sip import Address

HELD = 60000
"""Bytes of a message that never ends, less than a message may have."""
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


def _holding(world: World, count: int, talks: bool) -> None:
    bystander = Bystander(world)
    to = (world.plan.far(FRIEND), 5060)
    deaf_to(world, to[0])
    server = Listener(world, world.line.outside, to, 1024)
    before = world.line.counters()
    held = _sockets(world.line.inside, world.plan.phone(2), to, count)
    world.wait("all connections stand", lambda: len(server.taken) >= count, 10)
    if talks:
        _hold(world, held, to)
    for _ in range(3):
        bystander.lives()
    world.notes.append(f"{count} connections; {sizes(world)}; {moved(world, before)}; calls set up in "
                       f"{1000 * max(bystander.times):.0f} ms at most")
    _ended(held)
    bystander.lives()
    all_given_back(world)


@scenario("S7", "one host's connections hold all the memory that they may: another phone calls and is called",
          over_tcp(SHIFTED), alone=True)
def memory(world: World) -> None:
    world.line.own_setting("tcp_memory_per_host", 1024)
    world.line.own_setting("tcp_memory", 2048)
    _holding(world, 60, talks=True)
    must_count(world, "limit_stream_host")


@scenario("S7", "one host has all the connections that it may: another phone connects, calls and is called",
          over_tcp(SHIFTED), alone=True)
def connections(world: World) -> None:
    world.line.own_setting("tcp_connections_per_host", 100)
    world.line.own_setting("tcp_connections", 200)
    _holding(world, 250, talks=False)
    must_count(world, "limit_stream_host")


def _syns(sources: list[Address], to: Address) -> Packet:
    def make(number: int) -> tuple[bytes, str]:
        return syn(sources[number % len(sources)], to, number), to[0]
    return make


def _nobody(world: World, address: str) -> None:
    """That host answers no SYN."""
    world.line.outside.run("nft", "-f", "-", stdin=(
        "table inet nobody {\nchain in {\ntype filter hook input priority 0;\n"
        f"ip daddr {address} tcp dport 5060 drop\n}}\n}}\n"))


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
    for what, sources in floods.items():
        before = world.line.counters()
        flooded(world, bystander, what, _syns(sources, to))
        must_count(world, "limit_half_open", before)
    all_given_back(world)


@scenario("S7", "SYN flood from outside on a server inside: another phone inside connects and calls out",
          over_tcp(DNAT), alone=True)
def syn_flood_outside(world: World) -> None:
    world.line.own_setting("tcp_connections", CONNECTIONS)
    bystander = Bystander(world, 2)
    Listener(world, world.line.inside, (world.plan.phone(1), 5060), 1024)
    strangers = [(f"{world.plan.outside}{100 + n % 150}", 1024 + n) for n in range(60000)]
    flooded(world, bystander, "SYNs of strangers",
            _syns(strangers, (world.line.router_address, 5060)), inside=False)
    must_count(world, "limit_half_open")
    all_given_back(world)
