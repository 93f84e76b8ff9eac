# SPDX-License-Identifier: GPL-2.0
"""S7: floods at full speed. A bystander's registration, calls and audio go on as if there were
none, what is remembered stays below the limits, and in the end all of it is given back.
"""
from __future__ import annotations

import socket

from bystander import Bystander
from calls import must, must_count, register
from crowd import table_of
from floods import FEWEST, MEDIA_PORTS, Accomplice, Flood, Packet, deaf_to, request, salt, udp
from links import nft
from net import FRIEND, PATIENCE, STRANGER, Failure, Namespace
from peer import World
from registry import DNAT, SHIFTED, scenario
from sip import Address

SECONDS = 0.8
TABLES = ("calls", "registrations", "connections")
MOST = {"calls": 400, "registrations": 100}
"""What one host may have, or all of them; a slow machine's flood reaches that, too."""
FORGOTTEN = 4
"""Seconds that the answer to a request is waited for: the least of transaction_timeout."""
MEDIA_OF_ONE = 60
"""Inside sockets that one host may name for media, and twice as many pinholes."""
SMALL_TABLE = 256
"""Expectations of a small machine's kernel: one limit for all namespaces, which others may have raised."""
PINHOLES_OF_OTHERS = 40
UNHELPED = 5062
"""A port that no rule attaches a helper to."""
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


def compared(world: World, bystander: Bystander, make: Packet, where: Namespace | None = None) -> None:
    """What the bystander goes through with packets that are none of the helper's business."""
    usual = bystander.compares_with(where or world.line.inside, make, SECONDS * PATIENCE)
    world.notes += [f"no flood: {bystander.quiet}", f"{usual.packets} packets that no helper sees: {usual}"]


def flooded(world: World, bystander: Bystander, what: str, make: Packet, where: Namespace | None = None,
            seconds: float = SECONDS, fewest: int = FEWEST) -> dict[str, int]:
    """The counters as they were before it."""
    before = world.line.counters()
    try:
        now = bystander.through(Flood(where or world.line.inside, make, seconds * PATIENCE, fewest))
        bystander.suffered(now)
    except (Failure, OSError) as failure:   # an address of the other side is unreachable
        raise Failure(f"{what}: {failure}\n{sizes(world)}; {moved(world, before)}") from failure
    world.notes.append(f"{what}: {now.packets} packets; {now}; {sizes(world)}; {moved(world, before)}")
    return before


def limited(world: World, bystander: Bystander, what: str, before: dict[str, int], *counters: str) -> None:
    """What is remembered is below the limits, and that is what these counters say; with none of
    them nothing was remembered but what is the bystander's."""
    now = sizes(world)
    for table, most in MOST.items():
        must(now[table] <= most * bool(counters) + bystander.own[table], f"{what}: {table} are limited: {now}")
    for counter in counters:
        must_count(world, counter, before)


def silent(where: Namespace, host: str, *ports: int) -> None:
    """A server that says nothing, and whose buffers fill."""
    for port in ports:
        with where:
            server = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((host, port))
        server.detach()     # it stays open


def all_given_back(world: World) -> None:
    """What conntrack forgets, nobody remembers."""
    # without its entry a connection lacks what its numbers are shifted by: nothing may be under way,
    # nor wait for its acknowledgement
    world.pump(0.3 * PATIENCE)
    world.line.router.run("conntrack", "-F")
    world.wait("everything is given back", lambda: not any(sizes(world).values()), 10)


def messages(method: str, sources: list[Address], to: Address, ports: range = MEDIA_PORTS) -> Packet:
    """One message after another, from those sockets in turn."""
    salted = salt()

    def make(number: int) -> tuple[bytes, str]:
        source = sources[number % len(sources)]
        return udp(source, to, request(method, number, source, to, ports, salted)), to[0]
    return make


def _sockets(world: World, kind: str) -> list[Address]:
    """Of the second phone, or of addresses that it makes up, which nobody has."""
    host = world.plan.phone(2)
    if kind == "one socket":
        return [(host, 5060)]
    if kind == "every port":
        return [(host, 2000 + port) for port in range(50000)]
    return [(f"{world.plan.inside}{30 + number % 200}", 2000 + number) for number in range(50000)]


def _limits(world: World, per_host: bool) -> None:
    for table, most in MOST.items():
        world.line.own_setting(f"max_{table}{'_per_host' if per_host else ''}", most)


def _flood_of(world: World, bystander: Bystander, method: str, kind: str, *counters: str) -> None:
    """To a server outside that says nothing."""
    to, what = (world.plan.far(FRIEND), 5060), f"{method} from {kind}"
    before = flooded(world, bystander, what, messages(method, _sockets(world, kind), to))
    limited(world, bystander, what, before, *counters)


def _behind_a_silent_server(world: World) -> Bystander:
    host = world.plan.far(FRIEND)
    silent(world.line.outside, host, 5060, UNHELPED)
    deaf_to(world, host)
    bystander = Bystander(world)
    compared(world, bystander, messages("INVITE", _sockets(world, "every port"), (host, UNHELPED)))
    return bystander


def forwards_unhelped(world: World) -> None:
    """To the server inside, as 5060."""
    match = f"meta l4proto {{ tcp, udp }} th dport {UNHELPED}"
    with world.line.router:
        wrong = nft(f"add rule inet e2e enter iifname wan {match} dnat {'ip6' if world.setup.family == 6 else 'ip'} "
                    f"to {world.plan.phone(1)}\nadd rule inet e2e forward {match} accept\n")
    must(not wrong, f"nft: {wrong}")


@scenario("S7", "one host floods INVITEs, REGISTERs and SUBSCRIBEs, none of them answered",
          (SHIFTED,), udp_only=WHY, alone=True)
def one_host(world: World) -> None:
    _limits(world, per_host=True)
    with table_of(SMALL_TABLE):
        bystander = _behind_a_silent_server(world)
        _flood_of(world, bystander, "INVITE", "one socket", "limit_host", "expectations_full")
        _flood_of(world, bystander, "INVITE", "every port", "limit_host", "expectations_full")
        _flood_of(world, bystander, "REGISTER", "every port", "limit_host")
        _flood_of(world, bystander, "SUBSCRIBE", "one socket", "limit_host")
        all_given_back(world)


@scenario("S7", "one host floods INVITEs, and an accomplice outside takes each call", (SHIFTED,), udp_only=WHY,
          alone=True)
def accomplice(world: World) -> None:
    """Calls that were answered give way to nobody: so the host may have a part of the kernel's table, and
    no more."""
    _limits(world, per_host=True)
    world.line.own_setting("max_media_per_host", MEDIA_OF_ONE)
    to = (world.plan.far(FRIEND), 5060)
    deaf_to(world, to[0])
    silent(world.line.outside, to[0], UNHELPED)
    helps = Accomplice(world.line.outside, to)
    try:
        with table_of(SMALL_TABLE):
            bystander = Bystander(world)
            compared(world, bystander, messages("INVITE", _sockets(world, "every port"), (to[0], UNHELPED)))
            for kind in ("one socket", "every port"):
                what = f"answered INVITEs from {kind}"
                before = flooded(world, bystander, what, messages("INVITE", _sockets(world, kind), to))
                limited(world, bystander, what, before, "limit_media_host")
            now = sizes(world)
            must(MEDIA_OF_ONE < now["pinholes"], f"what it may have it has: {now}")
            must(now["pinholes"] <= 2 * MEDIA_OF_ONE + PINHOLES_OF_OTHERS, f"and no more: {now}")
    finally:
        taken = helps.end()
    must(taken > MEDIA_OF_ONE, f"the accomplice took {taken} calls")
    all_given_back(world)


@scenario("S7", "one host floods in the name of many", (SHIFTED,), udp_only=WHY, alone=True)
def many_names(world: World) -> None:
    """Names cost nothing inside, so they reach the limits on all: who is known already does not
    suffer, and who comes new is taken as soon as what nobody answered is forgotten."""
    _limits(world, per_host=False)
    world.line.own_setting("transaction_timeout", FORGOTTEN)
    world.translates = False    # beyond the limits a message passes as it is
    with table_of(SMALL_TABLE):
        bystander = _behind_a_silent_server(world)
        _flood_of(world, bystander, "INVITE", "made up addresses", "limit_calls", "expectations_full")
        bystander.newcomers = False
        _flood_of(world, bystander, "REGISTER", "made up addresses", "limit_registrations")
        world.wait("registrations that nobody answered are forgotten",
                   lambda: sizes(world)["registrations"] <= bystander.own["registrations"], 4 * FORGOTTEN)
        bystander.newcomer()
        all_given_back(world)


@scenario("S7", "a stranger floods the server inside: another phone inside calls and is called",
          (DNAT,), udp_only=WHY, alone=True)
def stranger(world: World) -> None:
    """INVITEs are calls of the server inside, within its limit. A REGISTER from outside leads to no
    state at all: the one that registers there is reached from the inside, which needs no way in."""
    _limits(world, per_host=True)
    bystander = Bystander(world, 2)
    silent(world.line.inside, world.plan.phone(1), 5060, UNHELPED)
    host, to = world.plan.far(STRANGER), (world.line.router_address, 5060)
    deaf_to(world, host)
    forwards_unhelped(world)
    sources, where = [(host, 2000 + port) for port in range(50000)], world.line.outside
    compared(world, bystander, messages("INVITE", sources, (to[0], UNHELPED)), where)
    before = flooded(world, bystander, "REGISTER from outside", messages("REGISTER", sources, to), where)
    limited(world, bystander, "REGISTER from outside", before)
    before = flooded(world, bystander, "INVITE from outside", messages("INVITE", sources, to), where)
    limited(world, bystander, "INVITE from outside", before, "limit_host")
    all_given_back(world)


@scenario("S7", "a server floods a phone of its own with calls: another phone inside calls and is called",
          (SHIFTED,), udp_only=WHY, alone=True)
def own_server(world: World) -> None:
    """A SUBSCRIBE from outside leads to no state before the phone grants it (RFC 6665 4.1.2.1)."""
    _limits(world, per_host=True)
    bystander, evil, phone = Bystander(world), world.friend(), world.phone(2)
    bystander.own["registrations"] += 1     # the phone's, by which the flood comes in
    door = register(phone, evil, granted=600).target
    for end in (evil, phone):
        world.selector.unregister(end.socket)
    deaf_to(world, evil.address[0])
    junk, where = bytes(len(messages("INVITE", [evil.address], door)(1)[0])), world.line.outside
    compared(world, bystander, lambda number: (udp(evil.address, door, junk), door[0]), where)
    for method, counters in (("SUBSCRIBE", ()), ("INVITE", ("limit_host",))):
        what = f"{method} from outside"
        before = flooded(world, bystander, what, messages(method, [evil.address], door), where)
        limited(world, bystander, what, before, *counters)
    all_given_back(world)
