# SPDX-License-Identifier: GPL-2.0
"""What becomes of a message is told by the counter of that name: a message for each of those that
no other scenario names. What was refused left the router byte for byte as it came.
"""
from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import Callable, Iterator

from attacks import Wire, connected, tcp_socket
from calls import must, must_be_ours, must_count, must_equal, register
from dialog import calling
from net import Failure, nft
from peer import Agent, World, offer
from registry import BOTH_VERSIONS, ROUTED, SHIFTED, over_tcp, scenario
from sip import Address, Message, sdp, session

LARGEST = 65507
"""Bytes of payload that a datagram over IPv4 may have."""
TOO_MANY_ADDRESSES, TOO_MANY_STREAMS = 129, 65
"""One more than a message may have."""


def _with(message: Message, old: str, new: str) -> bytes:
    must(old in message.text, f"{old!r} is in {message.start}")
    return message.text.replace(old, new, 1).encode()


def _too_long(phone: Agent, server: Agent, body: str) -> bytes:
    """It names the inside address in so many places that it would grow."""
    empty = phone.invitation(server.uri, body, more=[("Subject", "")])
    return _with(empty, "Subject: ", "Subject: " + "s" * (LARGEST - len(empty.raw)))


def _refused(phone: Agent, server: Agent) -> dict[str, bytes]:
    """Counter to message."""
    host, port = phone.address
    body = sdp(host, (host, 4000))

    def invite(text: str = body) -> Message:
        return phone.invitation(server.uri, text)

    contact = f"Contact: <{phone.uri}>\r\n"
    many = session(host, *["m=audio 4000 RTP/AVP 0"] * TOO_MANY_STREAMS)
    first = invite()
    return {
        "malformed_start_line": _with(first, " SIP/2.0", "  x SIP/2.0"),
        "malformed_header": _with(first, contact, f"Contact: <{phone.uri}\r\n"),
        "malformed_number": _with(first, contact, contact.replace(f":{port}", ":65536")),
        "malformed_body": invite(body.replace("m=audio 4000 ", "m=audio ")).raw,
        "missing_header": _with(first, f"Call-ID: {first.call_id}\r\n", ""),
        "too_many_addresses": _with(invite(), contact, contact * TOO_MANY_ADDRESSES),
        "too_many_streams": invite(many).raw,
        "too_long": _too_long(phone, server, body),
    }


def _crosses(sender: Agent, receiver: Agent, data: bytes, to: Address, counter: str) -> None:
    """Byte for byte, and its counter alone says so."""
    world, before = sender.world, sender.world.line.counters()
    receiver.received.clear()
    sender.send(data, to)
    heard, _ = world.wait(f"{counter}: the message arrives", lambda: receiver.received and receiver.received[0])
    must_equal(heard, data, f"{counter}: what arrived")
    must_count(world, counter, before)


@scenario("R20", "each kind of message that is not translated leaves as it came, and its counter says why",
          (SHIFTED,), udp_only="over TCP a part of these would be no message at all")
def refused(world: World) -> None:
    must_be_ours(world)
    world.translates = False
    phone, server = world.phone(), world.server()
    for counter, data in _refused(phone, server).items():
        _crosses(phone, server, data, server.address, counter)
    must_equal(world.line.counters().get("translated", 0), 0, "messages translated")


@scenario("S5", "media in a dialog that is not known makes nothing, and unknown_dialog counts", BOTH_VERSIONS)
def unknown_dialog(world: World) -> None:
    must_be_ours(world)
    world.translates = False
    phone, server = world.phone(), world.server()
    made, far = register(phone, server, granted=600), world.outside_media()
    before = world.line.counters()
    asked = server.compose("UPDATE", made.contact, [
        ("From", f"<{server.uri}>;tag=a"), ("To", f"<{made.contact}>;tag=b"), ("Call-ID", "not-known"),
        ("CSeq", "7 UPDATE"), ("Contact", f"<{server.uri}>")], offer(far))
    server.send_message(asked, made.target)
    phone.request("UPDATE", "not-known")
    must_count(world, "unknown_dialog", before)
    now = world.line.counters()
    for counter in ("call_started", "pinhole_opened"):
        must_equal(now.get(counter), before.get(counter), counter)


@scenario("R13", "a message that comes again counts as retransmission, what ends as pinhole_closed", BOTH_VERSIONS)
def repeated(world: World) -> None:
    must_be_ours(world)
    session_ = calling(world)
    phone, server = session_.near.agent, session_.far.agent
    before = world.line.counters()
    invite = phone.send_message(phone.invitation(server.uri, offer(session_.near_media)), server.address)
    server.request("INVITE", invite.call_id)
    opened = world.line.counters()
    must_equal(opened.get("retransmission"), before.get("retransmission"), "nothing came again yet")
    phone.send_message(invite, server.address)
    server.request("INVITE", invite.call_id)
    must_count(world, "retransmission", opened)
    now = world.line.counters()
    must_equal(now.get("pinhole_opened"), opened.get("pinhole_opened"), "pinholes opened by what came again")
    session_.hang_up()
    must_count(world, "pinhole_closed", now)


def _wire(phone: Agent, server: Agent) -> Wire:
    """A connection of the phone's host that says what it is told."""
    return connected(phone.world, phone.where, phone.address[0], server.address)


def _options(phone: Agent, server: Agent, call: str) -> Message:
    return phone.compose("OPTIONS", server.uri, [
        ("From", f"<{server.uri}>;tag=o"), ("To", f"<{server.uri}>"), ("Call-ID", call), ("CSeq", "1 OPTIONS")])


@contextmanager
def _lossy(world: World) -> Iterator[None]:
    """What leaves the router for the server is lost behind it."""
    with world.line.outside:
        wrong = nft("table inet lost { chain in { type filter hook input priority 0; tcp dport 5060 drop; }\n}\n")
    if wrong:
        raise Failure(wrong)
    yield
    with world.line.outside:
        nft("delete table inet lost\n")


def _little_room(world: World, phone: Agent, server: Agent) -> None:
    """The router holds a message for which its receiver has no room at once."""
    assert server.streams
    server.streams.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    long = _options(phone, server, "little-room")
    phone.send(_with(long, "Call-ID:", f"Subject: {'s' * 30000}\r\nCall-ID:"), server.address)
    server.request("OPTIONS", "little-room")


def _lost_as_a_whole(world: World, phone: Agent, server: Agent) -> None:
    """The phone sends it again as it wrote it."""
    wire = _wire(phone, server)
    wire.say(_options(phone, server, "before").raw)
    server.request("OPTIONS", "before")
    seen = len(world.capture.seen)
    with _lossy(world):
        wire.say(_options(phone, server, "lost").raw)
        world.wait("it leaves the router", lambda: [
            d for d in world.capture.seen[seen:] if d.payload.startswith(b"OPTIONS") and d.leaving])
    server.request("OPTIONS", "lost")


def _data_in_syn(world: World, phone: Agent, server: Agent) -> None:
    for where in (world.line.inside, world.line.outside):
        where.sysctl("net.ipv4.tcp_fastopen", 0x607)    # both ends, and no cookie is asked for
    made = tcp_socket(world.line.inside, phone.address[0])
    data = _options(phone, server, "in-the-syn").raw
    with world.line.inside:
        try:
            made.sendto(data, socket.MSG_FASTOPEN, server.address)
        except BlockingIOError:     # all of it went with the SYN
            pass
    server.request("OPTIONS", "in-the-syn")
    made.close()


STREAMS: dict[str, Callable[[World, Agent, Agent], None]] = {
    "stream_resent": _lost_as_a_whole, "stream_stripped": _data_in_syn, "stream_emitted": _little_room,
}


@scenario("T6", "what becomes of segments is counted: sent besides, sent again, taken out of a SYN",
          over_tcp(SHIFTED))
def segments(world: World) -> None:
    must_be_ours(world)
    phone, server = world.phone(), world.server()
    for counter, happens in STREAMS.items():
        before = world.line.counters()
        happens(world, phone, server)
        must_count(world, counter, before)


@scenario("T6", "a connection that began while the switch of all was off passes untouched, and stream counts",
          over_tcp(ROUTED))
def not_followed(world: World) -> None:
    must_be_ours(world)
    phone, server = world.phone(), world.server()
    world.line.own_setting("enabled", 0)
    wire = _wire(phone, server)
    world.line.own_setting("enabled", 1)
    for call in ("first", "second"):
        asked = _options(phone, server, call)
        wire.say(asked.raw)
        must_equal(server.request("OPTIONS", call)[0].raw, asked.raw, "what arrived")
    must_count(world, "stream")
