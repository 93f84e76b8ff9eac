# SPDX-License-Identifier: GPL-2.0
"""R22 and R10 over TCP: large messages, many in one write, and a network that loses segments."""
from __future__ import annotations

from calls import must, must_equal, register
from peer import Agent, World, check_audio, offer
from registry import (IPTABLES, LOSSY, MASQUERADE, ROUTED, SHIFTED, SHIFTED6, over_tcp, scenario)
from sip import Message, address_of, uri_of

SIZES = (3000, 20000, 60000)
LINES = (*over_tcp(SHIFTED, SHIFTED6, IPTABLES, ROUTED), LOSSY)


CANDIDATES = 30


def _filled(agent: Agent, method: str, to: str, size: int, body: str = "") -> Message:
    """A request of about that size: the rest is what a browser's candidates take, and more."""
    candidate = "a=candidate:{n} 1 udp 1 192.0.2.{n} 9 typ host generation 0 ufrag x network-id 1\r\n"
    more = "a=extmap:{n} urn:ietf:params:rtp-hdrext:sdes:mid-and-more-of-what-browsers-say\r\n"
    lines = "".join((candidate if n < CANDIDATES else more).format(n=n)
                    for n in range(size // len(candidate)))
    return agent.compose(method, to, [
        ("From", f"<{agent.uri}>;tag=size"), ("To", f"<{to}>"), ("Call-ID", f"size-{size}-{method}"),
        ("CSeq", f"1 {method}"), ("Contact", f"<{agent.uri}>"), ("Expires", "60")], body + lines)


@scenario("R22", "messages of 3, 20 and 60 KB over a stream, both ways, audio both ways", LINES, subset=True)
def large(world: World) -> None:
    phone, server = world.phone(), world.server()
    contact = register(phone, server)
    for number, size in enumerate(SIZES):
        near = world.inside_media(4000 + 10 * number)
        far = world.outside_media(7000 + 10 * number)
        invite = _filled(phone, "INVITE", server.uri, size, offer(near))
        must(0.95 * size < len(invite.raw) < 1.3 * size, f"size of the INVITE: {len(invite.raw)}")
        phone.send_message(invite, server.address)
        seen, source = server.request("INVITE", invite.call_id)
        must_equal(int(seen.get("Content-Length")), len(seen.body.encode()), "Content-Length")
        must_equal(seen.body.count("a=candidate"), invite.body.count("a=candidate"), "candidates")
        answer = server.answer(seen, source, 200, "OK", offer(far) + invite.body[len(offer(near)):])
        server.send_message(answer, source)
        answered = phone.response(200, invite)
        must_equal(answered.body, answer.body, "the answer inside")
        check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")
        asked = _filled(server, "MESSAGE", contact.contact, size)
        server.send_message(asked, contact.target)
        must_equal(phone.request("MESSAGE")[0].body, asked.body, "a large body inside")


@scenario("R22", "fifty messages in one write, and bytes of them one by one: each is translated, in order",
          LINES)
def burst(world: World) -> None:
    phone, server = world.phone(), world.server()
    made = register(phone, server)
    sent = [phone.invitation(server.uri, offer(world.inside_media(4000 + 2 * n))) for n in range(50)]
    written = b"".join(invite.raw for invite in sent)
    for place in range(0, 40):
        phone.send(written[place:place + 1], server.address)
    phone.send(written[40:], server.address)
    for invite in sent:
        seen, source = server.take("the next message", lambda m: True)
        must_equal(seen.call_id, invite.call_id, "the order")
        must_equal(address_of(uri_of(seen.get("Contact"))), made.target, "the Contact outside")
        server.send_message(server.answer(seen, source, 486, "Busy Here"), source)
    for invite in sent:
        must_equal(phone.take("the next answer", lambda m: True)[0].call_id, invite.call_id, "order")


@scenario("R22", "keep-alives before, between and in front of halves of messages disturb none of them",
          over_tcp(SHIFTED, MASQUERADE))
def between(world: World) -> None:
    phone, server = world.phone(), world.server()
    for number in range(3):
        invite = phone.invitation(server.uri, offer(world.inside_media(4000 + 2 * number)))
        for part in (b"\r\n\r\n", b"\r\n" + invite.raw[:300], invite.raw[300:] + b"\r\n\r", b"\n"):
            phone.send(part, server.address)
        seen, source = server.request("INVITE", invite.call_id)
        must_equal(address_of(uri_of(seen.get("Contact"))), source, "the Contact outside")
        server.send(b"\r\n" + server.answer(seen, source, 486, "Busy Here").raw, source)
        phone.response(486, invite)
