# SPDX-License-Identifier: GPL-2.0
"""R20: syntax corners. Each shape is laid over the messages of a whole call; what arrives
must be the same bytes with the addresses exchanged, and nothing else.

Messages are written with signs in the place of what an address translation changes; both
what is sent and what must arrive are made from them.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable

from calls import must, must_equal
from peer import Agent, World, check_audio
from registry import BOTH_VERSIONS, SHIFTED, SHIFTED6, scenario
from sip import Address, host_port, host_text

INVITE = """INVITE sip:b@%SERVER% SIP/2.0
Via: SIP/2.0/%TRANSPORT% %ME%;branch=z9hG4bK-corner;rport
Max-Forwards: 70
From: <sip:a@%ME%>;tag=f1
To: <sip:b@example.com>
Call-ID: corner@phone
CSeq: 1 INVITE
Contact: <sip:a@%ME%>
Content-Type: application/sdp
Content-Length: %LENGTH%

"""
ANSWER = """SIP/2.0 200 OK
Via: SIP/2.0/%TRANSPORT% %ME%;branch=z9hG4bK-corner;rport=%PORT%;received=%HOST%
From: <sip:a@%ME%>;tag=f1
To: <sip:b@example.com>;tag=t1
Call-ID: corner@phone
CSeq: 1 INVITE
Contact: <sip:b@%SERVER%>
Content-Type: application/sdp
Content-Length: %LENGTH%

"""
BYE = """BYE sip:a@%ME% SIP/2.0
Via: SIP/2.0/%TRANSPORT% %SERVER%;branch=z9hG4bK-bye
Max-Forwards: 70
From: <sip:b@example.com>;tag=t1
To: <sip:a@%ME%>;tag=f1
Call-ID: corner@phone
CSeq: 7 BYE
Content-Length: %LENGTH%

"""
OFFER = """v=0
o=- 1 1 IN IP%FAMILY% %HOST%
s=corners
c=IN IP%FAMILY% %HOST%
t=0 0
m=audio %MEDIA% RTP/AVP 0
a=sendrecv
"""
FAR_ANSWER = OFFER.replace("%HOST%", "%FAR%").replace("%MEDIA%", "7000")

Shape = Callable[[str, str], tuple[str, str]]


@dataclass(frozen=True)
class Text:
    """A message with signs in it: head, body, and what stands behind its end."""

    head: str
    body: str = ""
    behind: str = ""

    def shaped(self, shape: Shape) -> Text:
        return Text(*shape(self.head.replace("\n", "\r\n"), self.body.replace("\n", "\r\n")),
                    self.behind)

    def over(self, transport: str) -> Text:
        return Text(self.head.replace("%TRANSPORT%", transport), self.body, self.behind)

    def render(self, signs: dict[str, str]) -> bytes:
        head, body = self.head, self.body
        for sign, value in signs.items():
            head, body = head.replace(sign, value), body.replace(sign, value)
        encoded = body.encode("latin-1")
        head = head.replace("%LENGTH%", str(len(encoded)))
        return head.encode("latin-1") + encoded + self.behind.encode("latin-1")


def _signs(world: World, me: Address, media: int, written: str = "") -> dict[str, str]:
    """What the signs stand for where `me` is the phone; `written`: how it spells its host."""
    host = written or me[0]
    return {"%ME%": f"{host_text(host)}:{me[1]}", "%PORT%": str(me[1]), "%HOST%": host,
            "%MEDIA%": str(media), "%FAMILY%": str(world.plan.family),
            "%SERVER%": host_port((world.plan.far(10), 5060)), "%FAR%": world.plan.far(20)}


def _next(agent: Agent, what: str) -> tuple[bytes, Address]:
    """What arrives next; from a stream, with the empty lines before it."""
    def ready() -> bool:
        return any(data.strip(b"\r\n") for data, _ in agent.received) or (
            not agent.streams and bool(agent.received))
    agent.world.wait(what, ready)
    found = [agent.received.pop(0)]
    while agent.streams and not found[-1][0].strip(b"\r\n"):
        found.append(agent.received.pop(0))
    return b"".join(data for data, _ in found), found[-1][1]


def _arrives(sender: Agent, receiver: Agent, to: Address, sent: bytes, wanted: bytes,
             what: str) -> None:
    sender.send(sent, to)
    found, _ = _next(receiver, f"{what} arrives")
    must_equal(found.decode("latin-1"), wanted.decode("latin-1"), what)


def _whole_call(world: World, shape: Shape, behind: str = "", written: str = "") -> None:
    """INVITE, 200 and BYE of that shape, each compared byte for byte; audio both ways."""
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    invite, answer, bye = (
        Text(head, body, behind).over(phone.transport.upper()).shaped(shape)
        for head, body in ((INVITE, OFFER), (ANSWER, FAR_ANSWER), (BYE, "")))
    inside = _signs(world, phone.address, 4000, written)
    phone.send(invite.render(inside), server.address)
    inside["%PORT%"] = str(phone.seen_at(server.address)[1])
    found, source = _next(server, "the INVITE arrives")
    port = re.search(rb"m=audio (\d+)", found)
    must(port is not None, "an m= line outside")
    assert port is not None
    outside = _signs(world, source, int(port.group(1)))
    must_equal(found.decode("latin-1"), invite.render(outside).decode("latin-1"), "INVITE")
    _arrives(server, phone, source, answer.render(outside), answer.render(inside), "200")
    check_audio(world, near, (source[0], int(port.group(1))), far, far.address, first="outside")
    _arrives(server, phone, source, bye.render(outside), bye.render(inside), "BYE")


def _lines(head: str, change: Callable[[str], str]) -> str:
    """Every header line changed, the start line not."""
    first, *rest = head.split("\r\n")
    return "\r\n".join([first, *(change(line) if line else "" for line in rest)])


@scenario("R20", "empty lines before each message", BOTH_VERSIONS)
def empty_lines(world: World) -> None:
    _whole_call(world, lambda head, body: ("\r\n\r\n\r\n" + head, body))


@scenario("R20", "lines that end with LF alone", BOTH_VERSIONS)
def lf_alone(world: World) -> None:
    _whole_call(world, lambda head, body: (head.replace("\r\n", "\n"), body.replace("\r\n", "\n")))


@scenario("R20", "session lines that end with LF in a message with CRLF", (SHIFTED,))
def lf_in_session(world: World) -> None:
    _whole_call(world, lambda head, body: (head, body.replace("\r\n", "\n")))


@scenario("R20", "headers folded wherever it is allowed", BOTH_VERSIONS, subset=True)
def folded(world: World) -> None:
    def fold(line: str) -> str:
        return re.sub(r" (?=%ME%|%SERVER%)", "\r\n   ", line.replace(": ", ":\r\n\t").replace(
            ";", "\r\n ;\r\n  ").replace("=%", "\r\n =\r\n\t%"))
    _whole_call(world, lambda head, body: (_lines(head, fold), body))


COMPACT = {"Via": "v", "From": "f", "To": "t", "Call-ID": "i", "Contact": "m",
           "Content-Type": "c", "Content-Length": "l"}


@scenario("R20", "compact header names", (SHIFTED,))
def compact(world: World) -> None:
    def shorten(line: str) -> str:
        name, _, value = line.partition(":")
        return f"{COMPACT.get(name, name)}:{value}"
    _whole_call(world, lambda head, body: (_lines(head, shorten), body))


@scenario("R20", "no space behind the colon", (SHIFTED,))
def no_space(world: World) -> None:
    _whole_call(world, lambda head, body: (_lines(head, lambda line: line.replace(": ", ":", 1)), body))


@scenario("R20", "spaces and tabs wherever they are allowed", BOTH_VERSIONS)
def spaces(world: World) -> None:
    def widen(line: str) -> str:
        line = re.sub(r"^([\w-]+): ", "\\1 \t:  \t", line)
        line = re.sub(r"SIP/2.0/(\w+|%TRANSPORT%) ", "SIP / 2.0 /\t\\1  ", line)
        return line.replace(";", " ; ").replace("=%", " =  %").replace("INVITE", "  INVITE  ")
    _whole_call(world, lambda head, body: (_lines(head, widen), body))


@scenario("R20", "upper and lower case", BOTH_VERSIONS)
def upper_and_lower(world: World) -> None:
    def swap(line: str) -> str:
        name, _, value = line.partition(":")
        for old, new in (("sip:", "sIP:"), ("application/sdp", "Application/SDP"), ("branch", "BRANCH"),
                         ("received", "Received"), ("rport", "RPort"), ("SIP/2.0/UDP", "sip/2.0/udp"),
                         ("SIP/2.0/TCP", "sip/2.0/tcp")):
            value = value.replace(old, new)
        return f"{name.swapcase()}:{value}"
    _whole_call(world, lambda head, body: (_lines(head, swap), body))


@scenario("R20", "quoted strings with commas, brackets, quotes and addresses in them", (SHIFTED,))
def quoted(world: World) -> None:
    name = r'"A, <sip:x@192.0.2.5:99>;tag=no \" \\"'

    def quote(line: str) -> str:
        return line.replace(": <", f": {name} <").replace("rport\r", 'rport;q="a, b;c"\r')
    _whole_call(world, lambda head, body: (_lines(head, quote), body))


@scenario("R20", "display names without quotes and in other alphabets", (SHIFTED,))
def display_names(world: World) -> None:
    name = "J\xc3\xb6rg \xd0\x96. van-der.A!%*_+`'~"
    _whole_call(world, lambda head, body: (head.replace(": <", f": {name} <"), body))


@scenario("R20", "bytes that are no UTF-8", (SHIFTED,))
def not_utf8(world: World) -> None:
    _whole_call(world, lambda head, body: (
        head.replace("Call-ID", "Subject: \xe9\xff\xfe\r\nCall-ID"), body.replace("corners", "\xe9\xff")))


@scenario("R20", "several values on one line", BOTH_VERSIONS)
def several_values(world: World) -> None:
    def shape(head: str, body: str) -> tuple[str, str]:
        below = ", SIP/2.0/UDP proxy.example:5070;branch=z9hG4bK-b , SIP/2.0/TCP 192.0.2.8;branch=1\r\nMax"
        if not head.startswith("BYE"):
            head = head.replace("Contact:", "Record-Route: <sip:%ME%;lr>,<sip:p.example;lr>\r\nContact:")
        head = head.replace("\r\nMax", below).replace("\r\nFrom", "\r\nAllow: INVITE,ACK ,BYE\r\nFrom")
        return head, body
    _whole_call(world, shape)


@scenario("R20", "addresses without a user part", BOTH_VERSIONS)
def no_user(world: World) -> None:
    _whole_call(world, lambda head, body: (head.replace("sip:a@", "sip:").replace("sip:b@", "sip:"), body))


@scenario("R20", "users with escapes, parameters and passwords in them", (SHIFTED,))
def odd_users(world: World) -> None:
    _whole_call(world, lambda head, body: (
        head.replace("sip:a@", "sip:a%20b;c=1&=+$,?/:p%40w@").replace("sip:b@", "sip:+49(30)1*#@"), body))


@scenario("R20", "addresses without angle brackets", BOTH_VERSIONS)
def no_brackets(world: World) -> None:
    _whole_call(world, lambda head, body: (re.sub(r"<(sip:[^>]*)>", r"\1", head), body))


@scenario("R20", "parameters that nobody knows, with and without a value", BOTH_VERSIONS)
def unknown_parameters(world: World) -> None:
    _whole_call(world, lambda head, body: (re.sub(
        r"(%ME%>?)(?! SIP)", r'\1;x;y=1;z=";%";rport2=9;maddr.x=7', head), body))


@scenario("R20", "empty headers, unknown headers and very long ones", (SHIFTED,))
def odd_headers(world: World) -> None:
    more = ("\r\nSubject:\r\nSupported: \r\nX-Via: SIP/2.0/UDP 192.0.2.1\r\nViaduct: a\r\nContact-X: *\r\n"
            + "X-Long: " + "0123456789" * 90 + "\r\nCSeq")
    _whole_call(world, lambda head, body: (head.replace("\r\nCSeq", more), body))


@scenario("R20", "bytes behind the body stay behind it", (SHIFTED,),
          udp_only="they are the next message there")
def behind_body(world: World) -> None:
    _whole_call(world, lambda head, body: (head, body), "\r\nbehind c=IN IP4 192.0.2.1\r\nm=audio 1 x\r\n")


@scenario("R20", "Content-Length with zeros and spaces, and headers behind it", (SHIFTED,))
def odd_length(world: World) -> None:
    """Lengths of three digits all, so that the zeros do not move."""
    def shape(head: str, body: str) -> tuple[str, str]:
        if not body:
            return head, body
        return head.replace("%LENGTH%\r\n", "  %LENGTH% \t\r\nX-Last: 1\r\n"), body
    _whole_call(world, shape)


@scenario("R20", "session lines of unknown kinds, and blanks in known ones", (SHIFTED,))
def odd_session(world: World) -> None:
    lines = "\r\nz=1 2\r\ny=unknown\r\na=\r\na=x:  1  \r\na=rtpmap:0  PCMU/8000\r\na=sendrecv"
    _whole_call(world, lambda head, body: (head, body.replace("\r\na=sendrecv", lines)))


@scenario("R20", "session without an end to its last line", (SHIFTED,))
def no_last_end(world: World) -> None:
    _whole_call(world, lambda head, body: (head, body.removesuffix("\r\n")))


def _plain(head: str, body: str) -> tuple[str, str]:
    return head, body


@scenario("R20", "IPv6 addresses written out in full and in upper case come back so", (SHIFTED6,))
def long_literal(world: World) -> None:
    _whole_call(world, lambda head, body: (
        re.sub(r"(From|Record-Route): <sip:a@%ME%>", r"\1: <sip:a@example.com>", head).replace(
            "To: <sip:a@%ME%>", "To: <sip:a@example.com>"), body),
        written="FD77:0001:0:0:0:0:0:0011")


@scenario("R20", "keep-alives, and messages that are none, cross untouched both ways", BOTH_VERSIONS,
          udp_only="T6 and T7 say what becomes of them")
def no_messages(world: World) -> None:
    phone, server = world.phone(), world.server()
    phone.send(b"\r\n\r\n", server.address)
    _, source = _next(server, "the keep-alive")
    for data in (b"\0", b"\r\n", b"\r\n\r\n\r\n\r\n", b"jaK", b"SIP/2.0", b"INVITE", b"\xff" * 300,
                 b"GET / HTTP/1.1\r\nHost: 10.9.9.9\r\n\r\n", b"INVITE sip:a SIP/2.0\r\n", b"INVITE  SIP/2.0\r\n\r\n",
                 b"OPTIONS sip:a SIP/3.0\r\nVia: SIP/2.0/UDP 10.9.9.9\r\n\r\n", b" \r\n" * 50, b"SIP/2.0 200\r\n\r\n"):
        _arrives(phone, server, server.address, data, data, f"outward {data[:20]!r}")
        _arrives(server, phone, source, data, data, f"inward {data[:20]!r}")


@scenario("R20", "Contact: * and Expires: 0 cross as written", (SHIFTED,))
def star(world: World) -> None:
    phone, server = world.phone(), world.server()
    text = Text(INVITE.replace("INVITE sip:b@", "REGISTER sip:").replace("1 INVITE", "1 REGISTER").replace(
        "Contact: <sip:a@%ME%>", "Contact:  *\nExpires: 0").replace("Content-Type: application/sdp\n", "")
    ).over(phone.transport.upper()).shaped(_plain)
    phone.send(text.render(_signs(world, phone.address, 0)), server.address)
    found, source = _next(server, "the REGISTER arrives")
    must_equal(found, text.render(_signs(world, source, 0)), "REGISTER")
