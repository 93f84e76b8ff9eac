# SPDX-License-Identifier: GPL-2.0
"""The life of TCP connections: they end when they like, and no call or registration with them.

The router forgets an idle connection after FORGETS seconds here, and one that has ended
sooner than it usually would. Servers close idle connections themselves: Kamailio after two
minutes.
"""
from __future__ import annotations

from typing import Callable

from calls import Registration, must, must_equal, register, ring
from dialog import Session, called, calling, no_pinholes
from peer import Agent, World
from registry import (DNAT, IPTABLES, LOSSY, MASQUERADE, ROUTED, SHIFTED, SHIFTED6, over_tcp, scenario)
from sip import Address

FORGETS = 3
ENDED = ("fin_wait", "close_wait", "last_ack", "time_wait", "close")
LINES = over_tcp(SHIFTED, SHIFTED6, IPTABLES, ROUTED)

End = Callable[[Agent, Agent, Address], None]


def _quick(world: World) -> None:
    """What has ended is forgotten within a second or two."""
    world.line.idle_timeouts(FORGETS)
    for name in ENDED:
        world.line.router.sysctl(f"net.netfilter.nf_conntrack_tcp_timeout_{name}", 1)


def _server_closes(phone: Agent, server: Agent, target: Address) -> None:
    """FIN from the server; the phone sees it and closes its end."""
    mine = phone.connection(server.address)
    server.connection(target).close()
    phone.world.wait("the phone sees the end", lambda: not mine.open)
    mine.close()


def _server_resets(phone: Agent, server: Agent, target: Address) -> None:
    mine = phone.connection(server.address)
    server.connection(target).close(reset=True)
    phone.world.wait("the phone sees the reset", lambda: not mine.open)
    must(mine.reset, "the phone sees RST and not FIN")
    mine.close()


def _phone_closes(phone: Agent, server: Agent, target: Address) -> None:
    theirs = server.connection(target)
    phone.connection(server.address).close()
    phone.world.wait("the server sees the end", lambda: not theirs.open)
    theirs.close()


def _phone_resets(phone: Agent, server: Agent, target: Address) -> None:
    theirs = server.connection(target)
    phone.connection(server.address).close(reset=True)
    phone.world.wait("the server sees the reset", lambda: not theirs.open)
    must(theirs.reset, "the server sees RST and not FIN")
    theirs.close()


def _outlives(world: World, made: Session, end: End) -> None:
    """Audio goes on without a connection; over the next one the call is changed and ended."""
    made.talk()
    phone, server, old = made.near.agent, made.far.agent, made.far.hop
    end(phone, server, old)
    for first in ("inside", "outside"):
        made.talk(first)
    world.rest(2 * FORGETS)
    for first in ("outside", "inside"):
        made.talk(first)
    before = made.near_seen
    done = made.offers(True)
    made.far.takes(done.seen)
    made.far.remote = made.near.local
    must_equal(made.near_seen, before, "the outside port after the re-INVITE")
    if world.translates:
        must(made.far.hop != old, f"the Contact names the new connection: {made.far.hop}")
    made.talk("outside")
    made.offers(False)
    made.talk()


def _ends(world: World, made: Session, inside_asks: bool) -> None:
    made.hang_up(inside_asks)
    no_pinholes(world, made.near_seen[1], "BYE over the second connection")
    world.wait("pinholes from the phone close", lambda: not [
        e for e in world.line.expectations() if f"sport={made.near_media.address[1]} " in e], 1)


@scenario("R13", "server closes the connection in mid-call: audio goes on, re-INVITE and BYE come over a new one",
          (*LINES, LOSSY), subset=True)
def server_closes(world: World) -> None:
    _quick(world)
    made = calling(world)
    _outlives(world, made, _server_closes)
    _ends(world, made, inside_asks=True)


@scenario("R13", "server resets the connection in mid-call: audio goes on, re-INVITE and BYE come over a new one",
          LINES)
def server_resets(world: World) -> None:
    _quick(world)
    made = calling(world)
    _outlives(world, made, _server_resets)
    _ends(world, made, inside_asks=False)


@scenario("R13", "called phone resets its connection in mid-call and comes back: audio goes on, BYE from outside",
          over_tcp(SHIFTED, SHIFTED6))
def phone_resets(world: World) -> None:
    _quick(world)
    made = called(world)
    _outlives(world, made, _phone_resets)
    _ends(world, made, inside_asks=False)


@scenario("R13", "no connection and silence in mid-call: audio goes on after it, from either end",
          over_tcp(SHIFTED, SHIFTED6, ROUTED))
def silence_without_connection(world: World) -> None:
    _quick(world)
    made = calling(world)
    made.talk()
    _server_closes(made.near.agent, made.far.agent, made.far.hop)
    world.rest(3 * FORGETS)
    made.talk("inside")
    world.rest(3 * FORGETS)
    made.talk("outside")
    made.hang_up(inside_asks=True)


@scenario("R13", "BYE is the first thing that comes over the second connection: the pinholes close",
          over_tcp(SHIFTED, MASQUERADE))
def bye_first(world: World) -> None:
    _quick(world)
    made = calling(world)
    made.talk()
    _server_closes(made.near.agent, made.far.agent, made.far.hop)
    made.talk("outside")
    _ends(world, made, inside_asks=True)


@scenario("R13", "two calls over one connection that ends: each goes on, and ends alone", over_tcp(SHIFTED))
def two_calls(world: World) -> None:
    _quick(world)
    phone, server = world.phone(), world.server()
    first = calling(world, phone=phone, server=server)
    second = calling(world, world.inside_media(4100), world.outside_media(7100), phone, server)
    for made in (first, second):
        made.talk()
    _server_closes(phone, server, first.far.hop)
    _ends(world, first, inside_asks=True)
    second.talk("outside")
    _ends(world, second, inside_asks=True)


def _comes_back(phone: Agent, server: Agent, before: Registration) -> Registration:
    again = register(phone, server, granted=60, call_id=before.sent.call_id)
    must(again.seen_from != before.seen_from, "another connection")
    must_equal(again.contact.partition("@")[0], before.contact.partition("@")[0], "whose Contact it is")
    if phone.world.translates:
        must_equal(again.target, again.seen_from, "the Contact names the new connection")
    return again


@scenario("R1", "phone that reconnects from another port and registers anew is reachable after silence",
          LINES, subset=True, long=True)
def reconnects(world: World) -> None:
    _quick(world)
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=60, call_id="back@phone")
    for end in (_server_closes, _server_resets, _phone_closes, _phone_resets):
        end(phone, server, made.target)
        made = _comes_back(phone, server, made)
        ring(phone, server, made.contact, f"after {end.__name__}")
    world.rest(3 * FORGETS)
    must_equal(ring(phone, server, made.contact, "after silence").uri, phone.uri, "the Request-URI")


@scenario("R1", "phone that begins a second connection and leaves the first open is called over the second",
          over_tcp(SHIFTED, SHIFTED6))
def second_connection(world: World) -> None:
    """As after a change of its own network: the first connection is dead, and nobody said so."""
    world.line.idle_timeouts(FORGETS)
    phone, server = world.phone(), world.server()
    first = register(phone, server, granted=60, call_id="second@phone")
    forgotten = phone.connection(server.address)
    assert phone.streams
    phone.streams.connections.remove(forgotten)
    again = _comes_back(phone, server, first)
    world.rest(3 * FORGETS)
    ring(phone, server, again.contact, "over the second connection")


@scenario("R1", "connection is kept for the time granted, and no longer, though the router forgets in 3 s",
          over_tcp(SHIFTED, SHIFTED6, MASQUERADE, IPTABLES), long=True)
def kept_for_the_grant(world: World) -> None:
    world.line.idle_timeouts(FORGETS)
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=12)
    world.rest(9)
    ring(phone, server, made.contact, "within the grant")
    phone_side = f"--orig-src={phone.address[0]}"
    must(bool(world.line.connections(phone_side)), "the connection stands within the grant")
    world.wait("the connection is forgotten after the grant",
               lambda: not world.line.connections(phone_side), 12 + FORGETS)


@scenario("R1", "keep-alives (CRLF CRLF and their answer) cross, and lengthen nothing beyond the grant",
          over_tcp(SHIFTED, SHIFTED6))
def keep_alives(world: World) -> None:
    """RFC 5626 4.4.1. They are the connection's own traffic and keep it as the kernel would."""
    world.line.idle_timeouts(FORGETS)
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=600)
    for _ in range(4):
        for sender, receiver, to, data in ((phone, server, server.address, b"\r\n\r\n"),
                                           (server, phone, made.target, b"\r\n")):
            sender.send(data, to)
            world.wait("a keep-alive arrives", lambda r=receiver, d=data: r.received and (
                r.received.pop(0)[0] == d))
        ring(phone, server, made.contact, "between keep-alives")


@scenario("R18", "port forward: a phone outside comes back over another connection, and is called",
          over_tcp(DNAT))
def outside_comes_back(world: World) -> None:
    _quick(world)
    pbx, friend, door = world.phone(user="pbx"), world.friend(), (world.line.router_address, 5060)
    for end in ("FIN", "RST", ""):
        sent = friend.send_message(friend.registration(door, 60, call_id="outside"), door)
        seen, source = pbx.request("REGISTER")
        pbx.send_message(pbx.answer(seen, source, 200, "OK", more=[
            ("Contact", seen.get("Contact") + ";expires=60")]), source)
        friend.response(200, sent)
        ring(friend, pbx, friend.uri, "the phone outside")
        if end:
            theirs = pbx.connection(source)
            friend.connection(door).close(reset=end == "RST")
            world.wait(f"the server sees {end}", lambda c=theirs: not c.open)
            theirs.close()
