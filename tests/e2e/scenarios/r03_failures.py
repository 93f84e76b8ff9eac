# SPDX-License-Identifier: GPL-2.0
"""R3: all or nothing, with the failures that can be forced from outside."""
from __future__ import annotations

from pathlib import Path

from calls import must, must_equal
from capture import leaks
from peer import Agent, World, offer
from registry import BOTH_VERSIONS, IPTABLES, scenario
from sip import Message

LIMIT = Path("/proc/sys/net/netfilter/nf_conntrack_expect_max")


def _all_or_nothing(world: World, phone: Agent, server: Agent, sent: Message) -> None:
    phone.send_message(sent, server.address)
    crossing = world.wait(f"{sent.method} leaves the router", lambda: next(
        (c for c in world.crossings() if c.before.payload == sent.raw and c.after), None))
    assert crossing.after is not None
    if crossing.after.payload == sent.raw:
        return
    must_equal(leaks(world.line, crossing), [], f"a half translated {sent.method}:\n"
               + crossing.after.payload.decode())


def _hold_a_pinhole(world: World) -> None:
    """The limit cannot be 0: another phone's call takes what the limit of 1 leaves."""
    other, media = world.phone(9), world.inside_media(4000, 9)
    sink = world.friend()
    other.send_message(other.invitation(sink.uri, offer(media)), sink.address)
    sink.request("INVITE")


@scenario("R3", "expectation table full: messages leave fully translated or byte-identical",
          (*BOTH_VERSIONS, IPTABLES), subset=True, alone=True)
def table_full(world: World) -> None:
    phone, server, media = world.phone(), world.server(), world.inside_media(4000)
    _hold_a_pinhole(world)
    before = len(world.line.expectations())
    usual = LIMIT.read_text(encoding="ascii")
    LIMIT.write_text("1", encoding="ascii")
    try:
        _all_or_nothing(world, phone, server, phone.registration(server.address, 60))
        _all_or_nothing(world, phone, server, phone.invitation(server.uri, offer(media)))
        must(len(world.line.expectations()) <= max(before, 1),
             "the table was full, yet another expectation stands")
    finally:
        LIMIT.write_text(usual, encoding="ascii")


@scenario("R3", "expectation table nearly full: no stream is translated by half",
          (*BOTH_VERSIONS, IPTABLES), subset=True, alone=True)
def table_nearly_full(world: World) -> None:
    server = world.server()
    usual = LIMIT.read_text(encoding="ascii")
    try:
        for room in range(1, 9):
            phone = world.phone(room)
            media = [world.inside_media(4000 + 2 * n, room) for n in range(3)]
            LIMIT.write_text(str(room), encoding="ascii")
            _all_or_nothing(world, phone, server, phone.invitation(server.uri, offer(*media)))
    finally:
        LIMIT.write_text(usual, encoding="ascii")
