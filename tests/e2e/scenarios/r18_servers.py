# SPDX-License-Identifier: GPL-2.0
"""R18: a server inside, reached through DNAT or behind masquerade."""
from __future__ import annotations

from calls import Registration, call, grant, hang_up, must, must_equal, register, talk
from crowd import play_all, turned
from dialog import session_of
from middle import Leg, bridge, talk_through
from net import FRIEND, STRANGER
from peer import Agent, Media, World, check_audio, offer
from registry import MASQUERADE, SERVERS, SHIFTED, SHIFTED6, TRANSLATED, scenario
from sip import address_of, uri_of


@scenario("R18", "phone outside registers and calls a server behind DNAT, audio both ways",
          SERVERS, subset=True, tcp=3)
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
          SERVERS, subset=True, tcp=3)
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
    if not world.over_tcp:
        must_equal(made.seen_from, door, "the server calls from the address it is known by")
    talk(world, made, inside_calls=True)
    session_of(world, made, True).hang_up(inside_asks=False)


@scenario("R18", "server behind DNAT uses a trunk outside at the same time", SERVERS[:2])
def trunk(world: World) -> None:
    pbx, friend, provider = world.phone(), world.friend(), world.server()
    door = (world.line.router_address, 5060)
    line = register(pbx, provider)
    must_equal(line.target, line.seen_from if world.over_tcp else door,
               "the trunk knows the server's address")
    near, far = world.inside_media(4000), world.outside_media(7000, FRIEND)
    first = call(friend, pbx, f"sip:pbx@{line.contact.rpartition('@')[2]}", door, far, near)
    second = call(provider, pbx, line.contact, line.target,
                  world.outside_media(7100), world.inside_media(4002))
    for made in (first, second):
        talk(world, made, inside_calls=False)
    hang_up(first)
    talk(world, second, inside_calls=False)


@scenario("R18", "PBX behind masquerade: trunk calls in and out at once, after silence too",
          TRANSLATED, subset=True, tcp=6)
def masqueraded(world: World) -> None:
    world.line.idle_timeouts(3)
    pbx, provider = world.phone(), world.server()
    line = register(pbx, provider)
    calls = [call(pbx, provider, provider.uri, provider.address,
                  world.inside_media(4000), world.outside_media(7000))]
    world.rest(5)
    calls.append(turned(call(provider, pbx, line.contact, line.target,
                             world.outside_media(7100), world.inside_media(4100))))
    for made in calls:
        talk(world, made, inside_calls=True, first="outside")
    play_all(world, calls)
    hang_up(calls[0])
    play_all(world, calls[1:])


def _outside_leg(world: World, pbx: Agent, name: str, host: int, port: int) -> Leg:
    """A phone outside, registered at the PBX through the router.

    Over TCP, the PBX calls it over another connection than that on which it registered; its
    port is one that the rules name.
    """
    phone = Agent(world, world.line.outside, (world.plan.far(host), port), name)
    door = (world.line.router_address, 5060)
    sent = phone.send_message(phone.registration(door, 60), door)
    seen, source = pbx.request("REGISTER", sent.call_id)
    pbx.send_message(pbx.answer(seen, source, 200, "OK", more=grant(seen, 60)), source)
    made = Registration(sent, seen, source, phone.response(200, sent))
    media = Media(world, world.line.outside, (world.plan.far(host), 7000), name)
    return Leg(phone, media, made)


def _two_outside(world: World) -> tuple[Agent, Leg, Leg]:
    pbx = world.phone(user="pbx")
    return (pbx, _outside_leg(world, pbx, "anna", FRIEND, 5060),
            _outside_leg(world, pbx, "bert", STRANGER, 5060 if world.over_tcp else 5062))


@scenario("R18", "phones outside call each other through the media of a PBX behind DNAT", SERVERS,
          subset=True)
def through_the_server(world: World) -> None:
    pbx, anna, bert = _two_outside(world)
    door = (world.line.router_address, 5060)
    for caller, callee, port in ((anna, bert, 4000), (bert, anna, 4100)):
        relay = world.inside_media(port), world.inside_media(port + 2)
        bridge(pbx, caller, callee, relay, door)
        check_audio(world, relay[0], caller.told, caller.media, caller.media.address)
        check_audio(world, relay[1], callee.told, callee.media, callee.media.address,
                    first="outside")


@scenario("R18", "a PBX behind DNAT sends the media of phones outside past itself", SERVERS[:2])
def past_the_server(world: World) -> None:
    pbx, anna, bert = _two_outside(world)
    bridge(pbx, anna, bert, None, (world.line.router_address, 5060))
    must_equal((anna.told, bert.told), (bert.media.address, anna.media.address),
               "what the PBX told them of each other's media")
    talk_through(world, anna, bert)


@scenario("R18", "a PBX names its phones' media: pinholes for hosts of media_hosts, no others",
          (MASQUERADE, SHIFTED, SHIFTED6))
def names_its_phones(world: World) -> None:
    """The PBX is out of the way of the media between a desk and the trunk. What it says of a
    host that is not listed passes as it is, address and all (S4)."""
    world.translates = False
    desk, guest = (world.inside_media(4000, number) for number in (2, 3))
    if world.helper == "sip-ext":
        world.line.router.sysctl("net.netfilter.sip_ext_media_hosts", f"{desk.address[0]}\n")
    pbx, provider = world.phone(user="pbx"), world.server()
    line = register(pbx, provider)
    out = call(pbx, provider, provider.uri, provider.address, desk, world.outside_media(7000))
    must_equal(out.caller_media_seen[0], world.line.router_address, "the desk's media outside")
    talk(world, out, inside_calls=True, first="outside")
    back = call(provider, pbx, line.contact, line.target, world.outside_media(7002),
                world.inside_media(4010, 2))
    talk(world, back, inside_calls=False, first="outside")
    pbx.send_message(pbx.invitation(provider.uri, offer(guest), "guest@pbx"), provider.address)
    provider.request("INVITE", "guest@pbx")
    must_equal([e for e in world.line.expectations() if guest.address[0] in e], [],
               "pinholes to and from a host that is not listed")
    hang_up(out)
    talk(world, back, inside_calls=False)
