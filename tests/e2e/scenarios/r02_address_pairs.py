# SPDX-License-Identifier: GPL-2.0
"""R2: address and port change as a pair; R7 for the two RTCP attributes.

Beside these, the runner looks at every message of every scenario in the same way.
"""
from __future__ import annotations

from calls import call, hang_up, must_equal, register, talk
from peer import World, check_audio, offer
from registry import SHIFTED, SHIFTED6, TRANSLATED, scenario
from sip import Message, address_of, uri_of


def _via_address(value: str) -> tuple[str, int]:
    return address_of("sip:" + value.split()[1].split(";")[0])


@scenario("R2", "Via and Contact carry address and port of the packet", TRANSLATED, subset=True, tcp=6)
def signalling_pair(world: World) -> None:
    phone, server = world.phone(), world.server()
    made = register(phone, server)
    must_equal(_via_address(made.seen.get("Via")), made.seen_from, "top Via of REGISTER")
    must_equal(made.target, made.seen_from, "Contact of REGISTER")
    invite = phone.invitation(server.uri)
    phone.send_message(invite, server.address)
    seen, source = server.request("INVITE")
    must_equal(source, made.seen_from, "one socket, one outside port")
    must_equal(_via_address(seen.get("Via")), source, "top Via of INVITE")
    must_equal(address_of(uri_of(seen.get("Contact"))), source, "Contact of INVITE")


@scenario("R2", "identity headers and SDP hide the inside too", (SHIFTED, SHIFTED6))
def every_field(world: World) -> None:
    phone, server, media = world.phone(), world.server(), world.inside_media(4000)
    own = f"<{phone.uri}>"
    body = (f"v=0\r\no=- 1 1 IN IP{world.plan.family} {phone.address[0]}\r\ns=-\r\n"
            f"c=IN IP{world.plan.family} {phone.address[0]}\r\nt=0 0\r\n"
            f"m=audio {media.address[1]} RTP/AVP 0\r\n"
            f"c=IN IP{world.plan.family} {phone.address[0]}\r\n")
    invite = phone.invitation(server.uri, body, more=[
        ("P-Asserted-Identity", own), ("P-Preferred-Identity", own), ("Reply-To", own),
        ("Remote-Party-ID", f'"A, B" {own};party=calling'), ("Referred-By", own),
        ("Diversion", f"{own};reason=unconditional"), ("History-Info", f"{own};index=1"),
        ("Record-Route", f"<sip:{phone.name};lr>")])
    phone.send_message(invite, server.address)
    seen, source = server.request("INVITE")
    for name in ("Contact", "P-Asserted-Identity", "From", "Record-Route", "Diversion",
                 "Reply-To", "Remote-Party-ID", "Referred-By", "History-Info"):
        must_equal(address_of(uri_of(seen.get(name))), source, name)
    origin = [line.split()[-1] for line in seen.body.split("\r\n") if line[:2] in ("o=", "c=")]
    must_equal(origin, [world.line.router_address] * 3, "o= and both c= of the SDP")
    must_equal(int(seen.get("Content-Length")), len(seen.body.encode()), "Content-Length")


@scenario("R2", "what may not be touched is not touched", (SHIFTED, SHIFTED6))
def never_touched(world: World) -> None:
    phone, server = world.phone(), world.server()
    kept = [("Authorization", f'Digest username="a", uri="sip:{phone.name}", response="0"'),
            ("X-Serial", "4711"), ("Subject", "lunch,  at \t12?"),
            ("Supported", "replaces,100rel,  timer")]
    invite = phone.invitation(server.uri, call_id=f"1234@{phone.address[0]}", more=kept)
    phone.send_message(invite, server.address)
    seen, _ = server.request("INVITE")
    for name in ("Call-ID", "CSeq", "User-Agent", *(name for name, _ in kept)):
        must_equal(seen.get(name), invite.get(name), name)
    must_equal([name for name, _ in seen.headers], [name for name, _ in invite.headers],
               "no header is added, removed or moved")


def _with_rtcp(message: Message, line: str) -> bytes:
    grown = message.raw.replace(b"a=sendrecv\r\n", b"a=sendrecv\r\n" + line.encode() + b"\r\n")
    length = len(Message(grown).body.encode())
    old = f"Content-Length: {message.get('Content-Length')}"
    return grown.replace(old.encode(), f"Content-Length: {length}".encode())


@scenario("R7", "a=rtcp hides the inside and RTCP flows both ways", (SHIFTED, SHIFTED6),
          in_tree_fails=True)
def rtcp_attribute(world: World) -> None:
    phone, server = world.phone(), world.server()
    rtp, rtcp = world.inside_media(4000), world.inside_media(4444, stream="inside rtcp")
    far, far_rtcp = world.outside_media(7000), world.outside_media(7001, stream="outside rtcp")
    plain = phone.invitation(server.uri, offer(rtp))
    family = f"IN IP{world.plan.family}"
    phone.send(_with_rtcp(plain, f"a=rtcp:{rtcp.address[1]} {family} {rtcp.address[0]}"),
               server.address)
    seen, source = server.request("INVITE")
    told = [line.split() for line in seen.body.split("\r\n") if line.startswith("a=rtcp:")][0]
    must_equal(told[-1], world.line.router_address, "address in a=rtcp")
    server.send_message(server.answer(seen, source, 200, "OK", offer(far)), source)
    answered = phone.response(200, plain)
    check_audio(world, rtp, seen.media()[0], far, answered.media()[0])
    check_audio(world, rtcp, (told[-1], int(told[0].split(":")[1])), far_rtcp, far_rtcp.address)


@scenario("R7", "RTCP on the next port flows both ways", (SHIFTED, SHIFTED6))
def rtcp_next_port(world: World) -> None:
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    near_rtcp = world.inside_media(4001, stream="inside rtcp")
    far_rtcp = world.outside_media(7001, stream="outside rtcp")
    made = call(phone, server, server.uri, server.address, near, far)
    talk(world, made, inside_calls=True)
    host, port = made.caller_media_seen
    check_audio(world, near_rtcp, (host, port + 1), far_rtcp, far_rtcp.address)
    hang_up(made)
