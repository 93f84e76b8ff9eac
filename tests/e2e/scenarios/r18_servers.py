# SPDX-License-Identifier: GPL-2.0
"""R18: a server inside, reached through DNAT."""
from __future__ import annotations

from calls import call, hang_up, must, must_equal, register, talk
from net import FRIEND
from peer import World
from registry import SERVERS, scenario
from sip import address_of, uri_of


@scenario("R18", "phone outside registers and calls a server behind DNAT, audio both ways",
          SERVERS, subset=True)
def call_in(world: World) -> None:
    pbx, friend = world.phone(), world.friend()
    door = (world.line.router_address, 5060)
    sent = friend.registration(door, 60)
    friend.send_message(sent, door)
    seen, source = pbx.request("REGISTER")
    must_equal(seen.get("Contact"), sent.get("Contact"), "the outside phone's Contact")
    pbx.send_message(pbx.answer(seen, source, 200, "OK"), source)
    answered = friend.response(200, sent)
    must_equal(answered.get("From"), sent.get("From"), "From of the 200")
    must(answered.get("To").startswith(sent.get("To")), "To of the 200")
    made = call(friend, pbx, f"sip:pbx@{sent.uri[4:]}", door,
                world.outside_media(7000, FRIEND), world.inside_media(4000))
    must_equal(address_of(uri_of(made.answer_seen.get("Contact"))), door, "Contact of the server")
    talk(world, made, inside_calls=False, first="outside")
    hang_up(made)


@scenario("R18", "server behind DNAT calls a registered phone outside, audio both ways",
          SERVERS, subset=True)
def call_out(world: World) -> None:
    pbx, friend = world.phone(), world.friend()
    door = (world.line.router_address, 5060)
    sent = friend.send_message(friend.registration(door, 60), door)
    seen, source = pbx.request("REGISTER")
    pbx.send_message(pbx.answer(seen, source, 200, "OK"), source)
    friend.response(200, sent)
    contact = uri_of(seen.get("Contact"))
    made = call(pbx, friend, contact, address_of(contact),
                world.inside_media(4000), world.outside_media(7000, FRIEND))
    must_equal(made.seen_from, door, "the server calls from the address it is known by")
    talk(world, made, inside_calls=True)
    hang_up(made)


@scenario("R18", "server behind DNAT uses a trunk outside at the same time", SERVERS[:2])
def trunk(world: World) -> None:
    pbx, friend, provider = world.phone(), world.friend(), world.server()
    door = (world.line.router_address, 5060)
    line = register(pbx, provider)
    must_equal(line.target, door, "the trunk knows the server's address")
    near, far = world.inside_media(4000), world.outside_media(7000, FRIEND)
    first = call(friend, pbx, f"sip:pbx@{line.contact.rpartition('@')[2]}", door, far, near)
    second = call(provider, pbx, line.contact, line.target,
                  world.outside_media(7100), world.inside_media(4002))
    for made in (first, second):
        talk(world, made, inside_calls=False)
    hang_up(first)
    talk(world, second, inside_calls=False)
