# SPDX-License-Identifier: GPL-2.0
"""R21: retransmissions; R24: junk on the port."""
from __future__ import annotations

import re

from calls import must, must_equal, register
from peer import Agent, World, offer
from registry import BOTH_VERSIONS, TRANSLATED, scenario
from sip import Address, Message


def _same_pinholes(world: World) -> list[str]:
    """The pinholes without their remaining time."""
    return sorted(re.sub(r"^\d+ ", "", line) for line in world.line.expectations())


def _repeat(world: World, sender: Agent, receiver: Agent, message: Message, to: Address,
            times: int = 3) -> Message:
    """Sends the same bytes again and again; they must arrive as the same bytes."""
    def next_copy() -> Message:
        sender.send_message(message, to)
        return receiver.take(message.name, lambda m: m.key == message.key)[0]
    first = next_copy()
    before = _same_pinholes(world)
    for _ in range(times):
        must_equal(next_copy().raw, first.raw, f"a retransmitted {message.name}")
    must_equal(_same_pinholes(world), before, f"pinholes after {times} retransmissions")
    return first


@scenario("R21", "retransmissions are byte-identical and make no new state", TRANSLATED,
          subset=True)
def retransmissions(world: World) -> None:
    phone, server = world.phone(), world.server()
    register(phone, server)
    near, far = world.inside_media(4000), world.outside_media(7000)
    invite = phone.invitation(server.uri, offer(near))
    seen = _repeat(world, phone, server, invite, server.address)
    source = world.crossings()[-1].after
    assert source is not None
    to = source.source
    _repeat(world, server, phone, server.answer(seen, to, 180, "Ringing"), to)
    _repeat(world, server, phone, server.answer(seen, to, 200, "OK", offer(far)), to)


@scenario("R21", "retransmitted REGISTER and its 200 make no new state", BOTH_VERSIONS)
def repeated_register(world: World) -> None:
    phone, server = world.phone(), world.server()
    sent = phone.registration(server.address, 60)
    seen = _repeat(world, phone, server, sent, server.address)
    _, source = world.crossings()[-1].before, world.crossings()[-1].after
    assert source is not None
    _repeat(world, server, phone, server.answer(seen, source.source, 200, "OK", more=[
        ("Contact", seen.get("Contact") + ";expires=60")]), source.source)


@scenario("R21", "retransmitted INVITE from outside makes no new state", BOTH_VERSIONS)
def repeated_call_in(world: World) -> None:
    phone, server = world.phone(), world.server()
    made = register(phone, server)
    near, far = world.inside_media(4000), world.outside_media(7000)
    invite = server.invitation(made.contact, offer(far))
    seen = _repeat(world, server, phone, invite, made.target)
    answer = phone.answer(seen, server.address, 200, "OK", offer(near))
    _repeat(world, phone, server, answer, server.address)


JUNK = [b"", b"\r\n\r\n", b"\0" * 40, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"A" * 1400,
        b"INVITE", b"SIP/2.0 200 OK", b"SIP/2.0 \r\n\r\n",
        b"REGISTER sip:x SIP/2.0\r\n", b"\xff\xfe\xfd INVITE sip:x SIP/2.0\r\n\r\n",
        b"INVITE sip:a@b SIP/2.0\r\nVia: \xff\r\nContact: <\r\nExpires: 99999999999999999\r\n\r\n"]


def _remaining(world: World) -> list[int]:
    """How long the phone's connections have left, as conntrack prints it."""
    lines = world.line.connections(f"--orig-src={world.plan.phone(1)}")
    return [int(line.split()[2]) for line in lines]


@scenario("R24", "junk on the port passes, keeps nothing alive and makes no state", TRANSLATED,
          subset=True,
          udp_only="T7 says what becomes of it")
def junk(world: World) -> None:
    world.line.idle_timeouts(7)
    phone, server = world.phone(), world.server()
    for data in JUNK:
        phone.send(data, server.address)
        got, source = world.wait(f"{data[:30]!r} arrives outside",
                                 lambda: server.received and server.received.pop(0))
        must_equal(got, data, "junk from inside")
        server.send(data, source)
        got, _ = world.wait(f"{data[:30]!r} arrives inside",
                            lambda: phone.received and phone.received.pop(0))
        must_equal(got, data, "junk from outside")
    must(all(left <= 7 for left in _remaining(world)),
         f"junk keeps a connection longer than the kernel would: {world.line.connections()}")
    must_equal(world.line.expectations(), [], "junk makes no pinhole")


@scenario("R24", "junk does not lengthen or end a registration", BOTH_VERSIONS,
          udp_only="T7 says what becomes of it")
def junk_and_registration(world: World) -> None:
    world.line.idle_timeouts(3)
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=600)
    before = (_remaining(world), _same_pinholes(world))
    for data in JUNK[2:]:
        phone.send(data, server.address)
        server.send(data, made.target)
    world.wait("the junk passes both ways", lambda: len(phone.received) >= len(JUNK[2:])
               and len(server.received) >= len(JUNK[2:]))
    must_equal(_same_pinholes(world), before[1], "pinholes after the junk")
    must(max(_remaining(world)) <= max(before[0]) + 1, f"junk lengthens the connection: {before}")
