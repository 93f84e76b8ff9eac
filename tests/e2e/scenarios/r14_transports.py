# SPDX-License-Identifier: GPL-2.0
"""R14 and R22: some phones speak UDP and some TCP, and one phone both."""
from __future__ import annotations

from calls import must_equal, register
from dialog import Leg as Dialog
from dialog import caller_leg, exchange
from middle import Leg, bridge, talk_through
from peer import Agent, World, check_audio, offer
from registry import DNAT, IPTABLES, MASQUERADE, SHIFTED, SHIFTED6, over_tcp, scenario
from sip import address_of, tag_of, uri_of

LINES = over_tcp(SHIFTED, SHIFTED6, MASQUERADE, IPTABLES)


def _servers(world: World) -> tuple[Agent, Agent]:
    """One server over TCP and over UDP."""
    server = world.server()
    return server, Agent(world, world.line.outside, server.address, "server", "udp")


@scenario("R14", "a phone over TCP and one over UDP call each other through an outside server", LINES)
def one_of_each(world: World) -> None:
    servers, legs = _servers(world), []
    for number, (server, transport) in enumerate(zip(servers, ("tcp", "udp")), 1):
        phone = Agent(world, world.line.inside, (world.plan.phone(number), 5060), transport, transport)
        legs.append(Leg(phone, world.inside_media(4000, number), register(phone, server)))
    for caller, callee, first in ((0, 1, "inside"), (1, 0, "outside")):
        bridge(servers[caller], legs[caller], legs[callee], other=servers[callee])
        must_equal(legs[0].told[0], world.line.router_address, "what the phone over TCP was told")
        talk_through(world, legs[caller], legs[callee], first)


@scenario("R22", "phone on UDP sends its large INVITE over TCP: its Contact leads to it by UDP", LINES)
def too_large(world: World) -> None:
    """RFC 3261 18.1.1: over TCP where a datagram would be cut; the Contact does not say so."""
    server, by_datagram = _servers(world)
    phone = world.phone()
    usual = Agent(world, world.line.inside, phone.address, phone.user, "udp")
    near, far = world.inside_media(4000), world.outside_media(7000)
    door = register(usual, by_datagram)
    invite = phone.invitation(server.uri, offer(near), contact=f"<{usual.uri}>", more=[
        ("X-Large", "x" * 3000)])
    phone.send_message(invite, server.address)
    seen, source = server.request("INVITE")
    must_equal(address_of(uri_of(seen.get("Contact"))), door.target, "the Contact outside")
    answer = server.send_message(server.answer(seen, source, 200, "OK", offer(far)), source)
    answered = phone.response(200, invite)
    caller_leg(phone, invite, answered).acknowledge(invite, answered)
    server.request("ACK")
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")
    mine = Dialog(usual, seen.call_id, invite.get("From"), answered.get("To"), server.uri)
    theirs = Dialog(by_datagram, seen.call_id, answer.get("To"), seen.get("From"),
                    uri_of(seen.get("Contact")), 100)
    must_equal(exchange(theirs, mine, "BYE").seen.uri, usual.uri, "the Request-URI of the BYE")


@scenario("R18", "PBX behind a port forward: a phone outside over TCP, its trunk over UDP, both at once",
          over_tcp(DNAT))
def forwarded(world: World) -> None:
    """The same port is forwarded for both, and each has a helper."""
    pbx, friend, door = world.phone(user="pbx"), world.friend(), (world.line.router_address, 5060)
    trunk_end = Agent(world, world.line.inside, pbx.address, "pbx", "udp")
    provider = Agent(world, world.line.outside, (world.plan.far(10), 5060), "provider", "udp")
    line = register(trunk_end, provider)
    must_equal(line.target, door, "the trunk knows the server's address")
    near = [world.inside_media(4000), world.inside_media(4002)]
    caller = friend.send_message(friend.invitation(f"sip:pbx@{line.contact.partition('@')[2]}", offer(
        world.outside_media(7000))), door)
    seen, source = pbx.request("INVITE")
    pbx.send_message(pbx.answer(seen, source, 200, "OK", offer(near[0])), source)
    answered = friend.response(200, caller)
    out = provider.send_message(provider.invitation(line.contact, offer(world.outside_media(7100))), door)
    asked, back = trunk_end.request("INVITE")
    trunk_end.send_message(trunk_end.answer(asked, back, 200, "OK", offer(near[1])), back)
    taken = provider.response(200, out)
    must_equal(tag_of(taken.get("To")) != tag_of(answered.get("To")), True, "two calls")
    must_equal(len({answered.media()[0], taken.media()[0]}), 2, "a port outside for each")
