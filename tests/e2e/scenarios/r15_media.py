# SPDX-License-Identifier: GPL-2.0
"""R15: media from elsewhere, early media; R16: RTP leaves from the advertised port."""
from __future__ import annotations

from calls import call, hang_up, must, must_equal, register, talk
from net import MEDIA, SERVER, STRANGER
from peer import Media, World, check_audio, offer
from registry import (BOTH_VERSIONS, FIREWALLS, IPTABLES, IPTABLES6, MASQUERADE, ROUTED, SHIFTED,
                      SHIFTED6, SNAT, TRANSLATED, scenario)
from rtp import differences, packet
from sip import Address


@scenario("R15", "media server is not the signalling server, call from inside",
          TRANSLATED + FIREWALLS, subset=True, tcp=4)
def media_elsewhere(world: World) -> None:
    phone, server = world.phone(), world.server()
    made = call(phone, server, server.uri, server.address,
                world.inside_media(4000), world.outside_media(7000, MEDIA))
    talk(world, made, inside_calls=True)
    hang_up(made)


@scenario("R15", "media server is not the signalling server, call from outside",
          TRANSLATED + FIREWALLS, subset=True, tcp=9)
def called_media_elsewhere(world: World) -> None:
    phone, server = world.phone(), world.server()
    contact = register(phone, server)
    made = call(server, phone, contact.contact, contact.target,
                world.outside_media(7000, MEDIA), world.inside_media(4000))
    must_equal(made.invite_seen.uri, phone.uri, "Request-URI inside")
    talk(world, made, inside_calls=False, first="outside")
    hang_up(made)


def _one_way(world: World, far: Media, to: Address, near: Media, count: int = 5) -> None:
    near.inbox.clear()
    expected = far.play(to, count)
    world.wait(f"{count} packets from {far.address} to {to} at {near.address}",
               lambda: len(near.inbox.packets) >= count)
    must_equal(differences(near.inbox, expected, far.address), [], "early media")


@scenario("R15", "early media from the signalling peer before the answer",
          (SHIFTED, MASQUERADE, SHIFTED6, IPTABLES, ROUTED), subset=True)
def early_media(world: World) -> None:
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000, SERVER)
    invite = phone.invitation(server.uri, offer(near))
    phone.send_message(invite, server.address)
    seen, source = server.request("INVITE")
    _one_way(world, far, seen.media()[0], near)
    server.send_message(server.answer(seen, source, 183, "Session Progress"), source)
    phone.response(183, invite)
    _one_way(world, far, seen.media()[0], near)
    server.send_message(server.answer(seen, source, 200, "OK", offer(far)), source)
    answered = phone.response(200, invite)
    check_audio(world, near, seen.media()[0], far, answered.media()[0])


@scenario("R15", "media of a stranger stays outside, before and after the answer", BOTH_VERSIONS)
def stranger_media(world: World) -> None:
    phone, server, fence = world.phone(), world.server(), world.fence()
    near, far = world.inside_media(4000), world.outside_media(7000, MEDIA)
    bad = world.outside_media(9000, STRANGER)
    invite = phone.invitation(server.uri, offer(near))
    phone.send_message(invite, server.address)
    seen, source = server.request("INVITE")
    target = seen.media()[0]
    world.passes_nothing(bad, packet("bad", 1), target, *fence)
    server.send_message(server.answer(seen, source, 200, "OK", offer(far)), source)
    answered = phone.response(200, invite)
    world.passes_nothing(bad, packet("bad", 2), target, *fence)
    check_audio(world, near, target, far, answered.media()[0])


def _second_phone_talks(world: World, first: str, count: int = 10) -> None:
    """Two phones share an RTP port: the second one's outside port differs from its own."""
    server = world.server()
    made = []
    for number in (1, 2):
        phone = world.phone(number)
        made.append(call(phone, server, server.uri, server.address,
                         world.inside_media(4000, number),
                         world.outside_media(7000 + 2 * number)))
    ports = [c.caller_media_seen[1] for c in made]
    must(any(port != 4000 for port in ports), f"an outside port differs from inside: {ports}")
    for one in made:
        talk(world, one, inside_calls=True, first=first, count=count)


@scenario("R16", "RTP leaves from the advertised port, inside sends first",
          (SHIFTED, MASQUERADE, SNAT, SHIFTED6, IPTABLES, IPTABLES6), subset=True)
def inside_first(world: World) -> None:
    _second_phone_talks(world, "inside")


@scenario("R16", "RTP leaves from the advertised port, outside sends first",
          (SHIFTED, MASQUERADE, SNAT, SHIFTED6, IPTABLES, IPTABLES6), subset=True)
def outside_first(world: World) -> None:
    _second_phone_talks(world, "outside")


@scenario("R16", "audio flows after silence longer than the router's memory", BOTH_VERSIONS)
def after_silence(world: World) -> None:
    world.line.idle_timeouts(2)
    phone, server = world.phone(), world.server()
    made = call(phone, server, server.uri, server.address,
                world.inside_media(4000), world.outside_media(7000))
    talk(world, made, inside_calls=True)
    for first in ("outside", "inside"):
        world.rest(5)
        talk(world, made, inside_calls=True, first=first)
    hang_up(made)


@scenario("R16", "RTP that comes before its pinhole does not spoil it", BOTH_VERSIONS)
def too_early(world: World) -> None:
    """On a router that lets packets in to itself, the early packet leaves a connection."""
    world.line.router.run("nft", "flush", "chain", "inet", "e2e", "input")
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    far.send(packet("too early", 1), (world.line.router_address, near.address[1]))
    world.wait("the router knows the early packet",
               lambda: world.line.connections(f"--orig-src={far.address[0]}"))
    made = call(phone, server, server.uri, server.address, near, far)
    talk(world, made, inside_calls=True, first="outside")


def _talks_before_answer(world: World, replied: bool) -> None:
    """Phones that are called often send RTP before their 200: nobody can foresee its port."""
    phone, server = world.phone(), world.server()
    contact = register(phone, server)
    near, far = world.inside_media(4000), world.outside_media(7000)
    invite = server.invitation(contact.contact, offer(far))
    server.send_message(invite, contact.target)
    seen, source = phone.request("INVITE")
    near.play(seen.media()[0], 3)
    world.wait("RTP before the answer arrives", lambda: len(far.inbox.packets) >= 3)
    if replied:
        far.play(far.inbox.sources[0], 3)
        world.wait("what replies to it arrives", lambda: len(near.inbox.packets) >= 3)
    phone.send_message(phone.answer(seen, source, 200, "OK", offer(near)), source)
    answered = server.response(200, invite)
    check_audio(world, near, answered.media()[0], far, seen.media()[0])


@scenario("R16", "RTP sent before the own answer moves to the advertised port",
          (SHIFTED, MASQUERADE, SHIFTED6, IPTABLES))
def talks_before_answer(world: World) -> None:
    _talks_before_answer(world, replied=False)


@scenario("R16", "RTP sent before the own answer, and replied to, is at the advertised port",
          (SHIFTED, MASQUERADE, SHIFTED6, IPTABLES))
def talks_and_hears_before_answer(world: World) -> None:
    _talks_before_answer(world, replied=True)


@scenario("R13", "pinholes are gone within a second after the BYE", TRANSLATED)
def closes_after_bye(world: World) -> None:
    phone, server = world.phone(), world.server()
    made = call(phone, server, server.uri, server.address,
                world.inside_media(4000), world.outside_media(7000))
    talk(world, made, inside_calls=True)
    hang_up(made)
    port = made.caller_media_seen[1]
    world.wait(f"pinholes to {port} close", lambda: not [
        e for e in world.line.expectations() if f"dport={port} " in e], 1)
