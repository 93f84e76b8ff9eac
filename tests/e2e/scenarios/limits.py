# SPDX-License-Identifier: GPL-2.0
"""S7: limits on calls and registrations never cost an answered call or another phone's."""
from __future__ import annotations

from calls import Call, call, hang_up, must, must_count, must_equal, register, ring, talk
from crowd import play_all
from peer import Agent, World
from registry import BOTH_VERSIONS, SHIFTED, scenario
from sip import sdp

FLOOD = 20


def _flood(world: World, phone: Agent, server: Agent) -> None:
    """INVITEs with Call-IDs of their own that nobody answers; every one reaches the server."""
    host = phone.address[0]
    sent = [phone.invitation(server.uri, sdp(host, (host, 6000))) for _ in range(FLOOD)]
    for invite in sent:
        phone.send_message(invite, server.address)
        server.request("INVITE", invite.call_id)


def _out(world: World, phone: Agent, server: Agent, number: int, place: int = 0) -> Call:
    return call(phone, server, server.uri, server.address,
                world.inside_media(4000 + 10 * place, number),
                world.outside_media(7000 + 100 * number + 2 * place))


def _known(world: World, table: str, host: str) -> list[str]:
    """What one of our tables holds for that inside socket; streams follow indented."""
    if not world.line.counters():
        return []
    text = world.line.router.read(f"/proc/net/sip_ext/{table}")
    return [line for line in text.splitlines() if line[:1].strip() and f"inside={host}" in line]


@scenario("S7", "a host that floods INVITEs disturbs neither its own call nor another phone",
          BOTH_VERSIONS, subset=True)
def flood_of_calls(world: World) -> None:
    world.translates = False  # what is beyond the limit passes as it is
    world.line.own_setting("max_calls_per_host", 5)
    world.line.idle_timeouts(4)
    server, bad, good = world.server(), world.phone(1), world.phone(2)
    contact = register(good, server, granted=60).contact
    own, other = _out(world, bad, server, 1), _out(world, good, server, 2)
    play_all(world, [own, other])
    _flood(world, bad, server)
    play_all(world, [own, other])
    known = _known(world, "calls", bad.name)
    must(len(known) <= 5, f"the limit holds: {known}")
    ring(good, server, contact, "in the flood")
    third = world.phone(3)
    later = _out(world, third, server, 3)
    talk(world, later, inside_calls=True, first="outside")
    must_count(world, "limit_host")
    world.rest(6)
    _flood(world, bad, server)
    play_all(world, [own, other, later])
    ring(good, world.server_again(server), contact, "after silence and another flood")


@scenario("S7", "answered calls up to the limit of a host all live on when it asks for more",
          (SHIFTED,))
def answered_calls(world: World) -> None:
    world.translates = False
    world.line.own_setting("max_calls_per_host", 5)
    server, phone = world.server(), world.phone()
    calls = [_out(world, phone, server, 1, place) for place in range(5)]
    _flood(world, phone, server)
    play_all(world, calls)
    must_count(world, "limit_host")
    hang_up(calls.pop())
    calls.append(_out(world, phone, server, 1, 6))
    must_equal(calls[-1].caller_media_seen[0], world.line.router_address,
               "a call that ended makes room for another")
    play_all(world, calls)


@scenario("S7", "the limit on all calls costs no answered call", (SHIFTED,))
def all_calls(world: World) -> None:
    world.translates = False
    world.line.own_setting("max_calls", 10)
    server, bad = world.server(), world.phone(1)
    calls = [_out(world, world.phone(number), server, number) for number in (2, 3, 4)]
    calls.append(_out(world, bad, server, 1))
    _flood(world, bad, server)
    play_all(world, calls)
    must_count(world, "limit_calls")
    must(len(_known(world, "calls", "")) <= 10, "the limit holds")


def _accounts(phone: Agent, server: Agent, count: int) -> list[str]:
    """Contacts of that many accounts on one socket, granted for long."""
    found, name = [], phone.user
    for number in range(count):
        phone.user = f"{name}-{number}"
        found.append(register(phone, server, granted=600).contact)
    phone.user = name
    return found


def _registrations(world: World, setting: str, counter: str) -> None:
    world.translates = False
    world.line.own_setting(setting, 5)
    world.line.idle_timeouts(3)
    server, bad, good = world.server(), world.phone(1), world.phone(2)
    contact = register(good, server, granted=600, call_id="good@phone").contact
    first = _accounts(bad, server, 10)[0]
    must_count(world, counter)
    world.rest(5)
    for phone, known in ((good, contact), (bad, first)):
        ring(phone, world.server_again(server, 5080 + int(phone is bad)), known, "after silence")
    again = register(good, server, granted=600, call_id="good@phone")
    must_equal(again.contact, contact, "a refresh is always taken")
    ring(good, server, contact, "after the refresh")


@scenario("S7", "too many accounts on one host disturb neither its first nor another phone",
          BOTH_VERSIONS)
def host_registrations(world: World) -> None:
    _registrations(world, "max_registrations_per_host", "limit_host")


@scenario("S7", "the limit on all registrations disturbs none that is there", (SHIFTED,))
def all_registrations(world: World) -> None:
    _registrations(world, "max_registrations", "limit_registrations")
