# SPDX-License-Identifier: GPL-2.0
"""R9: phones with the same SIP and RTP ports behind one address."""
from __future__ import annotations

from calls import call, hang_up, must_equal, register, ring
from crowd import play_all, room_for_expectations, turned
from net import MEDIA, PHONES, Failure
from peer import Agent, Media, World
from registry import (IPTABLES, IPTABLES6, LOSSY, MASQUERADE, SHIFTED, SHIFTED6, SNAT, scenario)


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
    play_all(world, calls)
    for phone, contact in zip(phones, contacts):
        ring(phone, server, contact, f"call to {phone.user}")
    hang_up(calls[0])
    play_all(world, calls[1:])


@scenario("R9", "two phones with the same ports call at once, audio both ways",
          (SHIFTED, MASQUERADE, SNAT, SHIFTED6, IPTABLES, IPTABLES6), subset=True,
          in_tree_fails=True, tcp=6)
def two_phones(world: World) -> None:
    _many(world, 2)


@scenario("R9", "ten phones with the same ports call at once, no cross-talk",
          (SHIFTED, MASQUERADE, SHIFTED6, IPTABLES, LOSSY), subset=True, in_tree_fails=True)
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
    play_all(world, [turned(made) for made in calls])


HOSTS = range(2, 252)


@scenario("R9", "250 phones with the same ports register, call and talk at once, no cross-talk",
          (MASQUERADE,), long=True, in_tree_fails=True)
def crowd(world: World) -> None:
    room_for_expectations()
    taken = {10 + number for number in PHONES}
    world.line.add_hosts(*(host for host in HOSTS if host not in taken))
    server, inside = world.server(), world.line.inside
    phones = [Agent(world, inside, (f"{world.plan.inside}{host}", 5060), f"phone{host}")
              for host in HOSTS]
    targets = {register(phone, server).target for phone in phones}
    must_equal(len(targets), len(phones), "each phone has a Contact of its own")
    calls = []
    for host, phone in zip(HOSTS, phones):
        near = Media(world, inside, (f"{world.plan.inside}{host}", 4000), f"inside {host}")
        far = world.outside_media(7000 + 2 * host, MEDIA)
        calls.append(call(phone, server, f"sip:{host}@{server.name}", server.address, near, far))
    must_equal(len({made.caller_media_seen for made in calls}), len(phones),
               "each call has a media port of its own")
    play_all(world, calls, 1, first="outside")
