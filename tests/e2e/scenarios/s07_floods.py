# SPDX-License-Identifier: GPL-2.0
"""S7: floods at full speed. A bystander's registration, calls and audio go on as if there were
none, what is remembered stays below the limits, and in the end all of it is given back.
"""
from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import Iterator

from calls import must, register
from crowd import EXPECT_MAX
from floods import Bystander, Flood, Packet, deaf_to, request, udp
from net import FRIEND, PATIENCE, STRANGER, Failure, Namespace
from peer import World
from registry import DNAT, SHIFTED, scenario
from sip import Address

SECONDS = 0.8
TABLES = ("calls", "registrations")
MOST = {"calls": 500, "registrations": 250}
"""What one host may have; a slow machine's flood reaches that, too."""
WHY = "who floods has the choice, and datagrams are quickest; over TCP who floods answers for his address"


def _lines(world: World, table: str) -> int:
    """How many entries one of our tables shows; 0 with another helper."""
    if not world.line.counters():
        return 0
    text = world.line.router.read(f"/proc/net/sip_ext/{table}")
    return sum(line[:1].strip() != "" for line in text.splitlines())


def sizes(world: World) -> dict[str, int]:
    expectations = len(world.line.router.read("/proc/net/nf_conntrack_expect").splitlines())
    return {"pinholes": expectations, **{name: _lines(world, name) for name in TABLES}}


def moved(world: World, before: dict[str, int]) -> str:
    """Which limits and refusals counted."""
    now = world.line.counters()
    words = ("limit_", "expectations_", "no_", "unmatched", "stream_full", "stream_too")
    said = [f"{name} {now[name] - before[name]}" for name in now
            if name.startswith(words) and now[name] > before[name]]
    return ", ".join(said) or "no limit reached"


def flooded(world: World, bystander: Bystander, what: str, make: Packet, inside: bool = True) -> None:
    before = world.line.counters()
    flood = Flood(world.line.inside if inside else world.line.outside, make, SECONDS * PATIENCE)
    try:
        said = bystander.through(flood)
    except Failure as failure:
        raise Failure(f"{what}: {failure}\n{sizes(world)}; {moved(world, before)}") from failure
    finally:
        flood.process.kill()
    world.notes.append(f"{what}: {said}; {sizes(world)}; {moved(world, before)}")



def _silent(where: Namespace, address: Address) -> Address:
    """A server that says nothing, and whose buffer fills."""
    with where:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(address)
    server.detach()     # it stays open
    return address


def all_given_back(world: World) -> None:
    """What conntrack forgets, nobody remembers."""
    # without its entry a connection lacks what its numbers are shifted by: nothing may be under way,
    # nor wait for its acknowledgement
    world.pump(0.3 * PATIENCE)
    world.line.router.run("conntrack", "-F")
    world.wait("everything is given back", lambda: not any(sizes(world).values()), 10)


def _from(method: str, sources: list[Address], to: Address) -> Packet:
    """One message after another, from those sockets in turn."""
    def make(number: int) -> tuple[bytes, str]:
        source = sources[number % len(sources)]
        return udp(source, to, request(method, number, source, to)), to[0]
    return make


def _sockets(world: World, kind: str) -> list[Address]:
    """Of the second phone, or of addresses that it makes up, which nobody has."""
    host = world.plan.phone(2)
    if kind == "one socket":
        return [(host, 5060)]
    if kind == "every port":
        return [(host, 2000 + port) for port in range(50000)]
    return [(f"{world.plan.inside}{30 + number % 200}", 2000 + number) for number in range(50000)]


@contextmanager
def _small_table() -> Iterator[None]:
    """The kernel's table of expectations as small machines have it: one limit for all namespaces,
    which other scenarios may have raised."""
    usual = EXPECT_MAX.read_text(encoding="ascii")
    EXPECT_MAX.write_text("512", encoding="ascii")
    try:
        yield
    finally:
        EXPECT_MAX.write_text(usual, encoding="ascii")


def _floods_of(world: World, *floods: tuple[str, str]) -> None:
    for table, most in MOST.items():
        world.line.own_setting(f"max_{table}_per_host", most)
    bystander, to = Bystander(world), _silent(world.line.outside, (world.plan.far(FRIEND), 5060))
    deaf_to(world, to[0])
    for method, kind in floods:
        make = _from(method, _sockets(world, kind), to)
        flooded(world, bystander, f"{method} from {kind}", make)
        now = sizes(world)
        must(kind.startswith("made up") or all(now[table] <= most + bystander.own[table] for table, most in MOST.items()),
             f"{method} from {kind}: the limits hold: {now}")
    all_given_back(world)


@scenario("S7", "one host floods INVITEs, REGISTERs and SUBSCRIBEs, none of them answered",
          (SHIFTED,), udp_only=WHY, alone=True)
def one_host(world: World) -> None:
    with _small_table():
        _floods_of(world, ("INVITE", "one socket"), ("INVITE", "every port"),
                   ("REGISTER", "every port"), ("SUBSCRIBE", "one socket"))
    for counter in ("limit_host", "expectations_full"):
        must(world.line.counters().get(counter, 1) > 0, f"{counter} says so")


@scenario("S7", "one host floods in the name of many", (SHIFTED,), udp_only=WHY, alone=True)
def many_names(world: World) -> None:
    with _small_table():
        _floods_of(world, ("INVITE", "made up addresses"), ("REGISTER", "made up addresses"))


@scenario("S7", "a stranger floods the server inside: another phone inside calls and is called",
          (DNAT,), udp_only=WHY, alone=True)
def stranger(world: World) -> None:
    bystander = Bystander(world, 2)
    _silent(world.line.inside, (world.plan.phone(1), 5060))
    host, to = world.plan.far(STRANGER), (world.line.router_address, 5060)
    deaf_to(world, host)
    for method in ("INVITE", "REGISTER"):
        make = _from(method, [(host, 2000 + port) for port in range(50000)], to)
        flooded(world, bystander, f"{method} from outside", make, inside=False)
    all_given_back(world)


@scenario("S7", "a server floods a phone of its own with calls: another phone inside calls and is called",
          (SHIFTED,), udp_only=WHY, alone=True)
def own_server(world: World) -> None:
    bystander, evil, phone = Bystander(world), world.friend(), world.phone(2)
    door = register(phone, evil, granted=600).target
    for end in (evil, phone):
        world.selector.unregister(end.socket)
    deaf_to(world, evil.address[0])
    for method in ("INVITE", "SUBSCRIBE"):
        flooded(world, bystander, f"{method} from outside", _from(method, [evil.address], door), inside=False)
    all_given_back(world)
