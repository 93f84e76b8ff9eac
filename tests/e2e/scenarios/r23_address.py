# SPDX-License-Identifier: GPL-2.0
"""R23: the outside address changes; the next message uses the one that is on the wire."""
from __future__ import annotations

import re

from calls import Call, call, hang_up, must_equal, register, ring, talk
from net import ROUTER, SERVER, Failure, Setup, nft_rules
from peer import Agent, World
from registry import IPTABLES, IPTABLES6, MASQUERADE, SHIFTED, SHIFTED6, scenario
from sip import Message, address_of, uri_of

NEW = 2
SECOND_UPLINK = {4: "198.51.100.", 6: "2001:db8:114::"}

ELSEWHERE = {4: "192.0.2.10", 6: "2001:db8:2::10"}
"""A server on neither uplink's own network, so that the default route decides."""


def _new_lease(world: World) -> str:
    """What a DHCP client does with a new lease; returns the address that has gone."""
    plan, old = world.plan, world.line.router_address
    nodad = " nodad" if plan.family == 6 else ""
    world.line.ip(f"address del {old}/{plan.length} dev wan",
                  f"address add {plan.far(NEW)}/{plan.length} dev wan{nodad}")
    world.line.router_address = plan.far(NEW)
    return old


def _named(text: str, address: str) -> bool:
    return bool(re.search(rf"(?<![\w.:]){re.escape(address)}(?![\w.]|:[0-9a-f]*:)", text))


def _own_tables(world: World) -> str:
    """What of our own is known of calls and registrations; empty under other helpers."""
    if not world.line.counters():
        return ""
    return "".join(world.line.router.read(f"/proc/net/sip_ext/{name}")
                   for name in ("calls", "registrations"))


def _nothing_left(world: World, old: str) -> None:
    """No registration, call, pinhole or signalling connection of the old address is left."""
    def left() -> list[str]:
        lines = (_own_tables(world).splitlines() + world.line.expectations()
                 + [c for c in world.line.connections() if "port=5060 " in c])
        return [line for line in lines if _named(line, old)]
    try:
        world.wait("nothing of the old address is left", lambda: not left(), 3)
    except Failure as failure:
        raise Failure("\n".join([str(failure), *left()])) from failure


def _all_new(world: World, since: int, old: str) -> None:
    """No message after that names the old address, and what names the router is the new one."""
    found = [str(c.after) for c in world.crossings()[since:]
             if c.outbound and c.after and _named(c.after.payload.decode(), old)]
    must_equal(found, [], f"messages that name {old}")


def _both_ways(world: World, phone: Agent, server: Agent, contact: str, number: int
               ) -> tuple[Call, Call]:
    """A call from inside and one from outside, with audio in both."""
    port = 7000 + 10 * number
    out = call(phone, server, server.uri, server.address,
               world.inside_media(4000 + 10 * number), world.outside_media(port))
    talk(world, out, inside_calls=True)
    back = call(server, phone, contact, address_of(contact),
                world.outside_media(port + 2), world.inside_media(4002 + 10 * number))
    talk(world, back, inside_calls=False, first="outside")
    return out, back


@scenario("R23", "a new lease: the next REGISTER and calls have the new address, the old goes",
          (SHIFTED, MASQUERADE, SHIFTED6, IPTABLES, IPTABLES6), subset=True, tcp=5)
def new_lease(world: World) -> None:
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=600, call_id="lease@phone")
    _both_ways(world, phone, server, made.contact, 0)
    old = _new_lease(world)
    _nothing_left(world, old)
    phone.reconnects(server.address)
    since = len(world.crossings())
    again = register(phone, server, granted=600, call_id="lease@phone")
    must_equal(again.target, again.seen_from, "the Contact is where the phone is seen")
    must_equal(again.target[0], world.line.router_address, "the address in the Contact")
    ring(phone, server, again.contact, "after the new lease")
    for made_again in _both_ways(world, phone, server, again.contact, 1):
        hang_up(made_again)
    _all_new(world, since, old)


@scenario("R23", "a new lease in mid-call: a re-INVITE brings the audio back",
          (SHIFTED, MASQUERADE, SHIFTED6))
def re_invite(world: World) -> None:
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    made = call(phone, server, server.uri, server.address, near, far)
    talk(world, made, inside_calls=True)
    old = _new_lease(world)
    _nothing_left(world, old)
    phone.reconnects(server.address)
    since = len(world.crossings())
    again = call(phone, server, uri_of(made.answer_seen.get("Contact")), server.address,
                 near, far, call_id=made.invite.call_id)
    must_equal(again.caller_media_seen[0], world.line.router_address, "the media address")
    talk(world, again, inside_calls=True)
    _all_new(world, since, old)


def _use_second(world: World) -> None:
    """What a router with two uplinks does when the first one fails."""
    world.line.ip(f"route replace default via {SECOND_UPLINK[world.setup.family]}254")


def _on_the_wire(world: World, since: int) -> None:
    """Each message that left names, as its own, the very address it left from."""
    for crossing in world.crossings()[since:]:
        if not crossing.outbound or not crossing.after or not crossing.message.is_request:
            continue
        source = crossing.after.source
        seen = Message(crossing.after.payload)
        via = seen.get("Via").split()[1].split(";")[0]
        must_equal(address_of(via), source, f"the Via of {seen.name} and its source")
        if seen.get("Contact"):
            must_equal(address_of(uri_of(seen.get("Contact"))), source,
                       f"the Contact of {seen.name} and its source")
        for host, _ in seen.media():
            must_equal(host, source[0], f"the media address of {seen.name} and its source")


def _two_uplinks(world: World, leave: str) -> tuple[Agent, Agent]:
    """Two uplinks with translation of their own, the first one in use."""
    family = world.setup.family
    prefix, plan = SECOND_UPLINK[family], world.plan
    world.line.add_uplink("wan2", prefix)
    rules = nft_rules(Setup("masquerade", family), world.helper)
    ip = "ip" if family == 4 else "ip6"
    rules.leave = ([f'oifname "wan" snat {ip} to {plan.far(ROUTER)}',
                    f'oifname "wan2" snat {ip} to {prefix}{ROUTER}'] if leave == "snat"
                   else ['oifname { "wan", "wan2" } masquerade'])
    world.line.load(rules)
    far = ELSEWHERE[family]
    world.line.ip_outside(f"address add {far}/{32 if family == 4 else 128} dev lo")
    world.line.ip(f"route add default via {plan.far(SERVER)}")
    return world.phone(), Agent(world, world.line.outside, (far, 5060), "server")


def _changes_uplink(world: World, leave: str, forget: bool) -> None:
    phone, server = _two_uplinks(world, leave)
    register(phone, server, granted=600, call_id="uplink@phone")
    _use_second(world)
    for transport in ("udp", "tcp") if forget else ():
        world.line.router.run("conntrack", "-D", "-p", transport, check=False)
    world.loses = True  # masquerade drops the packet that finds its connection on another way
    since = len(world.crossings())
    phone.send(b"\r\n\r\n", server.address)  # the one that masquerade drops
    if forget or leave == "masquerade":
        phone.reconnects(server.address)
    again = register(phone, server, granted=600, call_id="uplink@phone")
    must_equal(again.target, again.seen_from, "the Contact is where the phone is seen")
    ring(phone, server, again.contact, "over the second uplink")
    _both_ways(world, phone, server, again.contact, 0)
    _on_the_wire(world, since)
    if forget or leave == "masquerade":
        must_equal(again.seen_from[0], f"{SECOND_UPLINK[world.setup.family]}{ROUTER}",
                   "the address on the wire")


@scenario("R23", "a second uplink by masquerade: messages name the address on the wire",
          (Setup("masquerade"), Setup("masquerade", 6)))
def uplink_masquerade(world: World) -> None:
    _changes_uplink(world, "masquerade", forget=False)


@scenario("R23", "a second uplink by snat: messages name the address on the wire",
          (Setup("snat"), Setup("snat", 6)))
def uplink_snat(world: World) -> None:
    _changes_uplink(world, "snat", forget=True)


@scenario("R23", "a second uplink while connections keep their snat: the address on the wire",
          (Setup("snat"),))
def uplink_kept(world: World) -> None:
    _changes_uplink(world, "snat", forget=False)
