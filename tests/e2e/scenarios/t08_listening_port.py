# SPDX-License-Identifier: GPL-2.0
"""T8: over TCP, Via and Contact name the port that a phone listens on, not the one it sends from.

Outside, nobody but the phone's own connection leads to it. So what is outside must name
that connection, and come back as the phone wrote it.
"""
from __future__ import annotations

from calls import Registration, call, hang_up, must, must_equal, register, ring, talk
from dialog import called, calling, exchange
from net import FRIEND, SERVER
from peer import Agent, World, offer
from registry import (DNAT, DNAT6, IPTABLES, IPTABLES_DNAT, LOSSY, MASQUERADE, ROUTED, SHIFTED, SHIFTED6,
                      TRANSLATED, over_tcp, scenario)
from sip import address_of, host_text, sent_by, uri_of, via_without_answers

TWO = over_tcp(SHIFTED, SHIFTED6)


def _one_connection(world: World, phone: Agent, server: Agent) -> None:
    """Nobody has begun a connection but the phone, and that once."""
    world.capture.drain()
    # a SYN that is lost comes again
    begun = list(dict.fromkeys(o for o in world.capture.openings if o.interface.startswith("lan")))
    must_equal([o.leaving for o in begun], [False], f"connections through the router: {begun}")
    must(begun[0].source[1] != phone.address[1], "the phone sends from another port than it names")
    must_equal(begun[0].destination, server.address, "whom the phone connects to")


def _names_the_connection(made: Registration, server: Agent) -> None:
    must_equal(made.target, made.seen_from, "the Contact outside names the connection")
    must_equal(sent_by(made.seen), made.seen_from, "the Via outside names the connection")
    must_equal(server.connection(made.target).peer, made.seen_from, "the server finds it")


SPELLINGS = ("<sip:a%20b;x=1@{host}:5060;transport=tcp;ob>;q=0.5", "<sip:desk@{host};transport=TCP>",
             '"Desk, 2nd" <sip:desk@{host}:5060>;+sip.instance="<urn:uuid:1>"', "<sip:{host}:5060>",
             "sip:desk@{host}:5060")


@scenario("T8", "Contact names the listening port: outside it is the connection, and comes back as written",
          over_tcp(*TRANSLATED), subset=True)
def contact(world: World) -> None:
    phone, server = world.phone(), world.server()
    host = host_text(phone.address[0])
    for spelling in SPELLINGS:
        written = spelling.format(host=host)
        made = register(phone, server, contact=written)
        _names_the_connection(made, server)
        must_equal(made.answered.get("Contact"), f"{written};expires=60", "the Contact in the 200")
        seen = ring(phone, server, made.contact, f"a call to {written}")
        must_equal(seen.uri, uri_of(written), "the Request-URI that the phone sees")
    _one_connection(world, phone, server)


@scenario("T8", "Via names the listening port: answers come over the connection, with the Via as written",
          over_tcp(*TRANSLATED))
def via(world: World) -> None:
    phone, server = world.phone(), world.server()
    host = host_text(phone.address[0])
    for rest in (":5060;branch=z9hG4bK-a", ":5060;branch=z9hG4bK-b;rport", ";rport;branch=z9hG4bK-c",
                 ":5060;alias;branch=z9hG4bK-d", f":5060;maddr={host};branch=z9hG4bK-e"):
        made = register(phone, server, more=[], contact="")
        sent = phone.registration(server.address, 60, via=f"SIP/2.0/TCP {host}{rest}")
        phone.send_message(sent, server.address)
        seen, source = server.request("REGISTER", sent.call_id)
        must_equal((sent_by(seen), source), (made.seen_from, made.seen_from), "the Via outside")
        server.send_message(server.answer(seen, source, 200, "OK"), source)
        back = phone.response(200, sent).get("Via")
        must_equal(via_without_answers(back), sent.get("Via"), "the Via that comes back")
    _one_connection(world, phone, server)


@scenario("T8", "Path and Record-Route with the listening port come back in Route, over the connection", TWO)
def route(world: World) -> None:
    phone, server = world.phone(), world.server()
    own = f"<sip:{phone.name};transport=tcp;lr;did=1.2>"
    made = register(phone, server, more=[("Path", own)])
    outside = made.seen.get("Path")
    must_equal(address_of(uri_of(outside)), made.seen_from, "Path outside")
    invite = server.invitation(made.contact, more=[("Route", outside)])
    server.send_message(invite, address_of(uri_of(outside)))
    seen, source = phone.request("INVITE")
    must_equal(seen.get("Route"), own, "Route inside")
    answer = phone.answer(seen, source, 200, "OK", more=[("Record-Route", own)])
    phone.send_message(answer, source)
    answered = server.response(200, invite)
    must_equal(address_of(uri_of(answered.get("Record-Route"))), made.seen_from, "Record-Route outside")
    bye = server.compose("BYE", made.contact, [
        ("Route", answered.get("Record-Route")), ("From", invite.get("From")),
        ("To", answered.get("To")), ("Call-ID", invite.call_id), ("CSeq", "2 BYE")])
    server.send_message(bye, made.target)
    must_equal(phone.request("BYE")[0].get("Route"), own, "Route of the BYE inside")


@scenario("T8", "a whole dialog, from inside and from outside, over one connection: audio both ways",
          (*over_tcp(SHIFTED, SHIFTED6, MASQUERADE, IPTABLES), LOSSY), subset=True)
def dialogs(world: World) -> None:
    phone, server = world.phone(), world.server()
    out = calling(world, phone=phone, server=server)
    back = called(world, world.inside_media(4100), world.outside_media(7100), phone, server)
    for made in (out, back):
        made.talk("outside")
        for inside_asks in (True, False):
            done = made.offers(inside_asks)
            target = done.seen if inside_asks else done.answer_seen
            must_equal(address_of(uri_of(target.get("Contact"))), made.far.hop, "Contact outside")
            made.talk()
    out.hang_up(inside_asks=False)
    back.hang_up(inside_asks=True)
    _one_connection(world, phone, server)


@scenario("T8", "two programs on one host: each is found over its own connection", TWO)
def two_programs(world: World) -> None:
    server = world.server()
    agents = [world.phone(1, 5060, "first"), world.phone(1, 5062, "second")]
    made = [register(agent, server) for agent in agents]
    must_equal(len({one.target for one in made}), 2, "each has a Contact of its own")
    for agent, one in zip(agents, made):
        _names_the_connection(one, server)
        must_equal(ring(agent, server, one.contact, f"call to {agent.user}").uri, agent.uri,
                   "the Request-URI inside")


@scenario("T8", "twelve phones with the same listening port: each is called over its own connection",
          over_tcp(SHIFTED, MASQUERADE))
def many(world: World) -> None:
    server = world.server()
    phones = [world.phone(number) for number in range(1, 13)]
    doors = [register(phone, server) for phone in phones]
    must_equal(len({door.target for door in doors}), 12, "each has a Contact of its own")
    calls = []
    for number, (phone, door) in enumerate(zip(phones, doors), 1):
        _names_the_connection(door, server)
        calls.append(call(server, phone, door.contact, door.target,
                          world.outside_media(7000 + 2 * number), world.inside_media(4000, number)))
        must_equal(calls[-1].invite_seen.uri, phone.uri, "the Request-URI inside")
    for made in calls:
        talk(world, made, inside_calls=False, first="outside", count=3)


@scenario("T8", "one phone at two servers: each knows it by the connection that it has with it", TWO)
def two_servers(world: World) -> None:
    phone, servers = world.phone(), (world.server(), world.friend())
    doors = [register(phone, server) for server in servers]
    calls = []
    for number, (server, door) in enumerate(zip(servers, doors)):
        _names_the_connection(door, server)
        calls.append(call(server, phone, door.contact, door.target,
                          world.outside_media(7000 + 10 * number, (SERVER, FRIEND)[number]),
                          world.inside_media(4000 + 10 * number)))
        must_equal(calls[-1].invite_seen.uri, phone.uri, "the Request-URI inside")
    for made in calls:
        talk(world, made, inside_calls=False)
    hang_up(calls[0])
    talk(world, calls[1], inside_calls=False, first="outside")


@scenario("T8", "phone that names the port it sends from: that comes back as written too", TWO)
def names_its_source(world: World) -> None:
    phone, server = world.phone(), world.server()
    phone.send(b"\r\n\r\n", server.address)
    host, port = phone.seen_at(server.address)
    written = f"<sip:phone1@{host_text(host)}:{port};transport=tcp;ob>"
    made = register(phone, server, contact=written)
    must_equal(made.target, made.seen_from, "the Contact outside names the connection")
    must_equal(made.answered.get("Contact"), f"{written};expires=60", "the Contact in the 200")
    must_equal(ring(phone, server, made.contact, "a call").uri, uri_of(written), "the Request-URI inside")


@scenario("T8", "phone that registers the port it listens on and names the port it sends from in calls", TWO)
def names_both(world: World) -> None:
    """As baresip does; outside both are the connection, and each comes back as it was written."""
    phone, server = world.phone(), world.server()
    door = register(phone, server)
    host, port = phone.seen_at(server.address)
    invite = server.send_message(server.invitation(door.contact), door.target)
    seen, source = phone.request("INVITE")
    phone.send_message(phone.answer(seen, source, 200, "OK", contact=(
        f"<sip:phone1@{host_text(host)}:{port};transport=tcp>")), source)
    answered = server.response(200, invite)
    target = uri_of(answered.get("Contact"))
    must_equal(address_of(target), door.seen_from, "the Contact of the 200 outside")
    bye = server.compose("BYE", target, [
        ("From", invite.get("From")), ("To", answered.get("To")), ("Call-ID", invite.call_id),
        ("CSeq", "2 BYE")])
    server.send_message(bye, address_of(target))
    must_equal(address_of(phone.request("BYE")[0].uri), (host, port), "whom the BYE names")
    must_equal(ring(phone, server, door.contact, "the next call").uri, phone.uri, "whom it names")


@scenario("T8", "one phone over UDP and TCP at once, on the same port number: each Contact has its own way",
          TWO)
def both_transports(world: World) -> None:
    server = world.server()
    phone = world.phone()
    old = Agent(world, world.line.inside, phone.address, "old", "udp")
    old_server = Agent(world, world.line.outside, server.address, "server", "udp")
    doors = [register(phone, server), register(old, old_server)]
    must(doors[0].target != doors[1].target, f"two ways: {[door.target for door in doors]}")
    for end, far, door in ((phone, server, doors[0]), (old, old_server, doors[1])):
        must_equal(door.target, door.seen_from, "the Contact outside")
        must_equal(ring(end, far, door.contact, f"a call to {end.user}").uri, end.uri, "the Request-URI")


@scenario("T8", "server behind a port forward: phones outside reach it over their connections, and anew",
          over_tcp(DNAT, DNAT6, IPTABLES_DNAT), subset=True)
def server_inside(world: World) -> None:
    """It listens on the very port that it names, so that its Contact is the way in for all."""
    pbx, friend, door = world.phone(user="pbx"), world.friend(), (world.line.router_address, 5060)
    first = call(friend, pbx, f"sip:pbx@{host_text(door[0])}", door,
                 world.outside_media(7000, FRIEND), world.inside_media(4000))
    target = uri_of(first.answer_seen.get("Contact"))
    must_equal(address_of(target), door, "Contact outside")
    talk(world, first, inside_calls=False)
    other = world.stranger()
    second = call(other, pbx, target, address_of(target), world.outside_media(7100),
                  world.inside_media(4100))
    must_equal(second.invite_seen.uri, pbx.uri, "the Request-URI inside")
    hang_up(first)
    talk(world, second, inside_calls=False, first="outside")
    hang_up(second)


@scenario("T8", "routed: Contact and Via pass as written, the connection serves both ways", over_tcp(ROUTED))
def routed(world: World) -> None:
    phone, server = world.phone(), world.server()
    made = register(phone, server)
    must_equal(made.seen.raw, made.sent.raw, "REGISTER")
    session = called(world, phone=phone, server=server)
    session.talk("outside")
    session.hang_up(inside_asks=False)
    _one_connection(world, phone, server)


@scenario("T8", "the server asks in a call whether the phone is there, and calls again, over the connection",
          TWO)
def pings(world: World) -> None:
    made = called(world)
    for _ in range(3):
        done = exchange(made.far, made.near, "OPTIONS")
        must_equal(done.seen.uri, made.near.agent.uri, "the Request-URI inside")
    server = made.far.agent
    server.send_message(server.invitation(made.far.target, offer(world.outside_media(7100))),
                        made.far.hop)
    must_equal(made.near.agent.request("INVITE")[0].uri, made.near.agent.uri, "Request-URI")
