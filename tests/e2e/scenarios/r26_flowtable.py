# SPDX-License-Identifier: GPL-2.0
"""R26: with an nft flowtable, media is offloaded and signalling never is."""
from __future__ import annotations

import re

from calls import Call, call, hang_up, must, must_equal, register, talk
from net import nft_rules
from peer import World
from registry import MASQUERADE, ROUTED, SHIFTED, SHIFTED6, scenario

OFFLOADED = "[OFFLOAD]"
ANEW = 4
"""Packets of the 24 of a talk that may begin a flow."""


def _with_flowtable(world: World) -> None:
    rules = nft_rules(world.setup, world.helper)
    rules.more = ["flowtable fast { hook ingress priority 0; devices = { lan, wan }; }", "counter media { }"]
    rules.forward = ["meta l4proto { tcp, udp } flow add @fast",
                     "meta l4proto udp th dport != 5060 th sport != 5060 counter name media", *rules.forward]
    world.line.load(rules)


def _of_port(world: World, number: int) -> list[str]:
    return [line for line in world.line.connections() if f"port={number} " in line]


def _forwarded(world: World) -> int:
    """Packets of media that went the way of all packets."""
    counters = world.line.router.run("nft", "list", "counter", "inet", "e2e", "media")
    return int(re.findall(r"packets (\d+)", counters)[0])


def _offloaded(world: World, made: Call, inside_calls: bool) -> None:
    """Its audio goes by the rules of the router, but for a packet whenever a flow ends and begins anew
    because a route was looked up again. Then the kernel's own sign may be gone: the end of the older flow
    takes it from the connection, which the newer one carries."""
    lines = _of_port(world, 4000)
    before = _forwarded(world)
    talk(world, made, inside_calls)
    after = _forwarded(world)
    must(bool(lines) and after - before <= ANEW,
         f"audio is offloaded: {after - before} packets were forwarded, {lines}")
    must(before > 0, "the first packet of a flow was forwarded")


def _signalling_stays(world: World) -> None:
    lines = _of_port(world, 5060)
    must(bool(lines), "the signalling has a connection")
    must_equal([line for line in lines if OFFLOADED in line], [], "offloaded signalling")


@scenario("R26", "flowtable: audio is offloaded and flows both ways, signalling never is",
          (SHIFTED, MASQUERADE, SHIFTED6, ROUTED), subset=True)
def flowtable(world: World) -> None:
    _with_flowtable(world)
    phone, server = world.phone(), world.server()
    contact = register(phone, server)
    near, far = world.inside_media(4000), world.outside_media(7000)
    for first in ("inside", "outside"):
        made = call(phone, server, server.uri, server.address, near, far)
        talk(world, made, inside_calls=True, first=first)
        talk(world, made, inside_calls=True, first="outside")
        _offloaded(world, made, True)
        _signalling_stays(world)
        hang_up(made)
        world.wait("pinholes close", lambda: not [
            e for e in world.line.expectations() if f"dport={made.caller_media_seen[1]} " in e], 1)
    back = call(server, phone, contact.contact, contact.target, far, near)
    talk(world, back, inside_calls=False, first="outside")
    talk(world, back, inside_calls=False)
    _offloaded(world, back, False)
    _signalling_stays(world)
    hang_up(back)


@scenario("R26", "flowtable: offloaded audio moves to another server when a new offer says so",
          (SHIFTED,))
def moves(world: World) -> None:
    _with_flowtable(world)
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    made = call(phone, server, server.uri, server.address, near, far)
    talk(world, made, inside_calls=True)
    _offloaded(world, made, True)
    elsewhere = world.outside_media(7200)
    again = call(phone, server, server.uri, server.address, near, elsewhere,
                 call_id=made.invite.call_id)
    must_equal(again.caller_media_seen, made.caller_media_seen, "the outside port after re-INVITE")
    talk(world, again, inside_calls=True, first="outside")
    talk(world, again, inside_calls=True)
    _offloaded(world, again, True)
    _signalling_stays(world)
