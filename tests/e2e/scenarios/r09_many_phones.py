# SPDX-License-Identifier: GPL-2.0
"""R9: phones with the same SIP and RTP ports behind one address."""
from __future__ import annotations

from calls import Call, call, hang_up, must_equal, register, ring
from net import MEDIA, Failure
from peer import Agent, World
from registry import (IPTABLES, IPTABLES6, MASQUERADE, SHIFTED, SHIFTED6, SNAT, scenario)
from rtp import differences


def _all_play(world: World, calls: list[Call], count: int = 8) -> None:
    """Everybody talks at once; every inbox must hold its own stream and nothing else."""
    expected = []
    for made in calls:
        made.caller_media.inbox.clear()
        made.callee_media.inbox.clear()
    for made in calls:
        out = made.caller_media.play(made.callee_media_seen, count)
        back = made.callee_media.play(made.caller_media_seen, count)
        expected.append((made, out, back))
    inboxes = [m.inbox for c in calls for m in (c.caller_media, c.callee_media)]
    try:
        world.wait("audio", lambda: all(len(i.packets) >= count for i in inboxes) or None, 3)
    except Failure:
        pass
    wrong = []
    for made, out, back in expected:
        for media, packets, source in ((made.callee_media, out, made.caller_media_seen),
                                       (made.caller_media, back, made.callee_media_seen)):
            wrong += [f"{media.stream}: {text}"
                      for text in differences(media.inbox, packets, source)]
    must_equal(wrong, [], "audio of all phones at once")


def _many(world: World, count: int) -> None:
    server = world.server()
    phones: list[Agent] = [world.phone(n) for n in range(1, count + 1)]
    contacts = [register(phone, server).contact for phone in phones]
    must_equal(len(set(contacts)), count, f"each phone has its own Contact: {contacts}")
    calls = []
    for number, phone in enumerate(phones, 1):
        near = world.inside_media(4000, number)
        far = world.outside_media(7000 + 2 * number, MEDIA)
        try:
            calls.append(call(phone, server, f"sip:{number}@{server.name}",
                              server.address, near, far))
        except Failure as failure:
            raise Failure(f"call of phone {number} of {count}: {failure}") from failure
    seen = [made.caller_media_seen for made in calls]
    must_equal(len(set(seen)), count, f"each call has its own outside media port: {seen}")
    _all_play(world, calls)
    for phone, contact in zip(phones, contacts):
        ring(phone, server, contact, f"call to {phone.user}")
    hang_up(calls[0])
    _all_play(world, calls[1:])


@scenario("R9", "two phones with the same ports call at once, audio both ways",
          (SHIFTED, MASQUERADE, SNAT, SHIFTED6, IPTABLES, IPTABLES6), subset=True,
          in_tree_fails=True)
def two_phones(world: World) -> None:
    _many(world, 2)


@scenario("R9", "ten phones with the same ports call at once, no cross-talk",
          (SHIFTED, MASQUERADE, SHIFTED6, IPTABLES), subset=True, in_tree_fails=True)
def ten_phones(world: World) -> None:
    _many(world, 10)


@scenario("R9", "ten phones with the same ports are called at once, no cross-talk",
          (MASQUERADE, SHIFTED6))
def ten_called(world: World) -> None:
    server = world.server()
    calls = []
    for number in range(1, 11):
        phone = world.phone(number)
        made = register(phone, server)
        near = world.inside_media(4000, number)
        far = world.outside_media(7000 + 2 * number, MEDIA)
        calls.append(call(server, phone, made.contact, made.target, far, near))
    swapped = [Call(c.callee, c.caller, c.invite, c.invite_seen, c.seen_from, c.answer,
                    c.answer_seen, c.callee_media, c.caller_media, c.callee_media_seen,
                    c.caller_media_seen) for c in calls]
    _all_play(world, swapped)
