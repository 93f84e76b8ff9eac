# SPDX-License-Identifier: GPL-2.0
"""R13: what ends a call closes its pinholes within a second, and nothing else does."""
from __future__ import annotations

from dataclasses import dataclass

from calls import acknowledge, must, must_equal, register
from dialog import (REASON, called, calling, no_pinholes, pinholes_to, rejected,
                    stays_closed)
from peer import Agent, Media, World, check_audio, offer
from registry import BOTH_VERSIONS, ROUTED, SHIFTED, scenario
from sip import Address, Message


def _closes(world: World, seen: Address, inside: Address, what: str) -> None:
    """Neither a way in to the outside port, nor one out from the inside port, is left."""
    no_pinholes(world, seen[1], what)
    world.wait(f"{what}: pinholes from {inside} close", lambda: not [
        e for e in world.line.expectations() if f"sport={inside[1]} " in e], 1)


@scenario("R13", "BYE from the other end closes the pinholes within a second, call from inside",
          (*BOTH_VERSIONS, ROUTED))
def bye_from_outside(world: World) -> None:
    made = calling(world)
    made.talk()
    made.hang_up(inside_asks=False)
    _closes(world, made.near_seen, made.near_media.address, "BYE from outside")


@scenario("R13", "BYE from either end closes the pinholes within a second, call from outside",
          (SHIFTED, ROUTED))
def bye_of_called(world: World) -> None:
    server = world.server()
    for number, inside_asks in ((1, True), (2, False)):
        made = called(world, world.inside_media(4000, number), world.outside_media(7000 + number),
                      world.phone(number), server)
        made.talk("outside")
        made.hang_up(inside_asks)
        _closes(world, made.near_seen, made.near_media.address, f"BYE, inside: {inside_asks}")


def _ringing(caller: Agent, callee: Agent, to: str, hop: Address,
             body: str) -> tuple[Message, Message, Address]:
    invite = caller.send_message(caller.invitation(to, body), hop)
    seen, source = callee.request("INVITE")
    callee.send_message(callee.answer(seen, source, 180, REASON[180]), source)
    caller.response(180, invite)
    return invite, seen, source


@dataclass(frozen=True)
class _Early:
    """A call from outside that rings inside, with early media."""

    target: Address
    invite: Message
    seen: Message
    source: Address
    told: Address


def _early_media_in(world: World, phone: Agent, server: Agent, near: Media) -> _Early:
    contact, far = register(phone, server), world.outside_media(7000)
    invite, seen, source = _ringing(server, phone, contact.contact, contact.target, offer(far))
    phone.send_message(phone.answer(seen, source, 183, REASON[183], offer(near)), source)
    return _Early(contact.target, invite, seen, source, server.response(183, invite).media()[0])


def _cancel(caller: Agent, callee: Agent, invite: Message, hop: Address, seen: Message,
            source: Address) -> None:
    headers = [(name, invite.get(name)) for name in ("From", "To", "Call-ID")]
    cancel = caller.compose("CANCEL", invite.uri, [*headers, ("CSeq", "1 CANCEL")],
                            via=invite.get("Via"))
    caller.send_message(cancel, hop)
    asked, asked_from = callee.request("CANCEL")
    must_equal(asked.uri, seen.uri, "the CANCEL's Request-URI is the INVITE's")
    callee.send_message(callee.answer(asked, asked_from, 200, "OK"), asked_from)
    caller.response(200, cancel)
    callee.send_message(callee.answer(seen, source, 487, REASON[487]), source)
    refused = caller.response(487, invite)
    acknowledge(caller, invite, hop, invite.uri, refused.get("To"))
    callee.request("ACK")


@scenario("R13", "CANCEL closes the pinholes within a second, call from inside", BOTH_VERSIONS,
          subset=True)
def cancel(world: World) -> None:
    phone, server, near = world.phone(), world.server(), world.inside_media(4000)
    invite, seen, source = _ringing(phone, server, server.uri, server.address, offer(near))
    must(bool(pinholes_to(world, seen.media()[0][1])), "a pinhole stands while it rings")
    _cancel(phone, server, invite, server.address, seen, source)
    _closes(world, seen.media()[0], near.address, "CANCEL")


@scenario("R13", "CANCEL of a call from outside that had early media closes the pinholes",
          (SHIFTED,))
def cancel_called(world: World) -> None:
    phone, server, near = world.phone(), world.server(), world.inside_media(4000)
    early = _early_media_in(world, phone, server, near)
    must(bool(pinholes_to(world, early.told[1])), "a pinhole stands while it rings")
    _cancel(server, phone, early.invite, early.target, early.seen, early.source)
    _closes(world, early.told, near.address, "CANCEL")


def _refused(world: World, status: int) -> None:
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    invite = phone.send_message(phone.invitation(server.uri, offer(near)), server.address)
    rejected(phone, server, invite, server.address, status)
    _, sent = world.crossings()[0].before, world.crossings()[0].after
    must(sent is not None, "the INVITE left")
    assert sent is not None
    told = Message(sent.payload).media()[0]
    _closes(world, told, near.address, f"{status}")
    stays_closed(world, far, told)


@scenario("R13", "486 closes the pinholes within a second", (*BOTH_VERSIONS, ROUTED))
def busy(world: World) -> None:
    _refused(world, 486)


@scenario("R13", "603 closes the pinholes within a second", (SHIFTED,))
def declined(world: World) -> None:
    _refused(world, 603)


@scenario("R13", "refused call of a called phone that had early media closes its pinholes",
          (SHIFTED,))
def refused_inside(world: World) -> None:
    phone, server, near = world.phone(), world.server(), world.inside_media(4000)
    early = _early_media_in(world, phone, server, near)
    phone.send_message(phone.answer(early.seen, early.source, 480, REASON[480]), early.source)
    refused = server.response(480, early.invite)
    acknowledge(server, early.invite, early.target, early.invite.uri, refused.get("To"))
    phone.request("ACK")
    _closes(world, early.told, near.address, "480")


@scenario("R13", "challenged INVITE (407) and its repetition keep the port, and have audio",
          BOTH_VERSIONS)
def challenged(world: World) -> None:
    phone, server = world.phone(), world.server()
    near = world.inside_media(4000)
    invite = phone.send_message(phone.invitation(server.uri, offer(near), "challenged@phone"),
                                server.address)
    seen, source = server.request("INVITE")
    server.send_message(server.answer(seen, source, 407, "Proxy Authentication Required", more=[
        ("Proxy-Authenticate", 'Digest realm="a, b", nonce="1"')]), source)
    refused = phone.response(407, invite)
    acknowledge(phone, invite, server.address, invite.uri, refused.get("To"))
    server.request("ACK")
    again = phone.compose("INVITE", server.uri, [
        ("From", invite.get("From")), ("To", invite.get("To")), ("Call-ID", "challenged@phone"),
        ("CSeq", "2 INVITE"), ("Contact", invite.get("Contact")), ("Proxy-Authorization",
         f'Digest realm="a, b", nonce="1", uri="{server.uri}", response="0"')], offer(near))
    phone.send_message(again, server.address)
    second, source = server.request("INVITE")
    far = world.outside_media(7000)
    server.send_message(server.answer(second, source, 200, "OK", offer(far)), source)
    answered = phone.response(200, again)
    check_audio(world, near, second.media()[0], far, answered.media()[0], first="outside")


def _survives_silence(world: World, inside_calls: bool) -> None:
    world.line.idle_timeouts(2)
    made = calling(world) if inside_calls else called(world)
    made.talk()
    for first in ("outside", "inside"):
        world.rest(5)
        made.talk(first)
    for inside_asks in (True, False):
        world.rest(5)
        made.offers(inside_asks)
        made.talk("outside")
    made.hang_up()
    _closes(world, made.near_seen, made.near_media.address, "BYE after silence")


@scenario("R13", "silence of several timeouts ends nothing: audio and signalling go on, call from inside",
          (*BOTH_VERSIONS, ROUTED), long=True)
def silence(world: World) -> None:
    _survives_silence(world, True)


@scenario("R13", "silence of several timeouts ends nothing: audio and signalling go on, call from outside",
          (SHIFTED,), long=True)
def silence_called(world: World) -> None:
    _survives_silence(world, False)
