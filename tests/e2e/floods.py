# SPDX-License-Identifier: GPL-2.0
"""Floods at full speed for a bounded time, each from a process of its own, and the bystander:
a phone that is registered, talks, and makes and takes calls meanwhile.
"""
from __future__ import annotations

import ctypes
import itertools
import multiprocessing as mp
import os
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from calls import call, hang_up, must, must_equal, register, ring
from dialog import calling, session_of
from net import MEDIA, Failure, Namespace
from peer import Agent, Media, World
from sip import Address

Packet = Callable[[int], tuple[bytes, str]]
"""The packet of that number, as a whole IPv4 packet, and the address that it goes to."""
BURST = 32
FEWEST = 600
"""Packets of a flood, however slow the machine is: more than the limits that it has to reach."""
CONNTRACK_MAX = Path("/proc/sys/net/netfilter/nf_conntrack_max")


def _pour(where: Namespace, make: Packet, seconds: float, sent: object) -> None:
    with where:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    began, number = time.monotonic(), 0
    while (took := time.monotonic() - began) < seconds or (number < FEWEST and took < 10 * seconds):
        for number in range(number, number + BURST):
            packet, to = make(number)
            try:
                raw.sendto(packet, (to, 0))
            except OSError:     # no room in a queue, or nobody at that address
                pass
        number += 1
    sent.value = number         # type: ignore[attr-defined]


class Flood:
    """Packets as fast as they go."""

    def __init__(self, where: Namespace, make: Packet, seconds: float) -> None:
        context = mp.get_context("fork")
        self.sent = context.Value("L", 0)
        self.seconds = seconds
        self.process = context.Process(target=_pour, args=(where, make, seconds, self.sent))
        self.process.start()

    @property
    def runs(self) -> bool:
        return self.process.is_alive()

    def end(self) -> int:
        """How many were sent, once it is over."""
        self.process.join(self.seconds * 20)
        if self.process.is_alive():
            self.process.kill()
            raise Failure("the flood did not come to its end")
        return int(self.sent.value)


def ip4(source: str, destination: str, protocol: int, data: bytes) -> bytes:
    """The kernel fills in length and checksum."""
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 0, 0, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(destination)) + data


def udp(source: Address, destination: Address, payload: bytes) -> bytes:
    """A datagram without a checksum, as IPv4 allows."""
    header = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0)
    return ip4(source[0], destination[0], socket.IPPROTO_UDP, header + payload)


def syn(source: Address, destination: Address, number: int) -> bytes:
    """A SYN with a good checksum."""
    tcp = struct.pack("!HHIIBBHHH", source[1], destination[1], number * 2654435761 & 0xFFFFFFFF, 0,
                      0x50, 2, 65535, 0, 0)
    pseudo = (socket.inet_aton(source[0]) + socket.inet_aton(destination[0])
              + struct.pack("!HH", socket.IPPROTO_TCP, len(tcp)))
    total = sum(struct.unpack("!16H", pseudo + tcp))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return ip4(source[0], destination[0], socket.IPPROTO_TCP,
               tcp[:16] + struct.pack("!H", ~total & 0xFFFF) + tcp[18:])


SALT = os.urandom(4).hex()
BODY = ("v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        "m=audio {media} RTP/AVP 0\r\n")


def request(method: str, number: int, source: Address, to: Address) -> bytes:
    """One of a kind: Call-ID, tag, branch and user are new in each."""
    host, server = f"{source[0]}:{source[1]}", f"{to[0]}:{to[1]}"
    body = BODY.format(host=source[0], media=10000 + number * 2 % 50000) if method == "INVITE" else ""
    more = "Content-Type: application/sdp\r\n" if body else "Expires: 3600\r\nEvent: presence\r\n"
    return (f"{method} sip:u{number}@{server} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host};branch=z9hG4bK{SALT}{number};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:u{number}@{server}>;tag={number}\r\nTo: <sip:u{number}@{server}>\r\n"
            f"Call-ID: {SALT}-{number}\r\nCSeq: 1 {method}\r\nContact: <sip:u{number}@{host}>\r\n"
            f"{more}Content-Length: {len(body)}\r\n\r\n{body}").encode()


def _agree(server: socket.socket, answered: object) -> None:
    number = 0
    while True:
        message, source = server.recvfrom(65535)
        head, _, _ = message.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        if not first.startswith("INVITE "):
            continue
        number += 1
        kept = [line + (";tag=1" if line.startswith("To:") else "") for line in lines
                if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))]
        host, port = server.getsockname()
        body = BODY.format(host=host, media=10000 + number * 2 % 50000)
        server.sendto("\r\n".join(["SIP/2.0 200 OK", *kept, f"Contact: <sip:x@{host}:{port}>",
                                   "Content-Type: application/sdp", f"Content-Length: {len(body)}",
                                   "", body]).encode(), source)
        answered.value = number     # type: ignore[attr-defined]


class Accomplice:
    """Who floods has a server outside that takes each call, with other ports for media in each."""

    def __init__(self, where: Namespace, address: Address) -> None:
        with where:
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(address)
        context = mp.get_context("fork")
        self.answered = context.Value("L", 0)
        self.process = context.Process(target=_agree, args=(server, self.answered))
        self.process.start()
        server.close()

    def end(self) -> int:
        """How many calls it took."""
        self.process.kill()
        self.process.join()
        return int(self.answered.value)


SO_ATTACH_FILTER = 26
LOAD_HALF, LOAD_WORD, EQUAL, RETURN = 0x28, 0x20, 0x15, 0x06
TYPE, SOURCE, DESTINATION = 12, 26, 30     # in an Ethernet frame that holds IPv4


def deaf_to(world: World, host: str) -> None:
    """The capture leaves out what that host sends and gets: to look at a flood takes longer than
    to send it."""
    address = struct.unpack("!I", socket.inet_aton(host))[0]
    rules = [(LOAD_HALF, 0, 0, TYPE), (EQUAL, 0, 4, 0x0800), (LOAD_WORD, 0, 0, SOURCE),
             (EQUAL, 3, 0, address), (LOAD_WORD, 0, 0, DESTINATION), (EQUAL, 1, 0, address),
             (RETURN, 0, 0, 0xFFFFFFFF), (RETURN, 0, 0, 0)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    world.capture.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                                    struct.pack("HP", len(rules), ctypes.addressof(program)))


@dataclass(frozen=True)
class Life:
    """What one round of a bystander's life cost."""

    seconds: float      # to set up a call, on average of two
    asked_again: int    # messages that it had to send once more


SLOWER, FLOOR = 20, 2.0
"""A call set up in a flood may take so many times what it took before it, and in any case so many
seconds: a datagram lost is half a second (RFC 3261 17.1.1.2), a segment one, and one processor has
it all to do."""
AGAIN = 4
"""Messages of one round of life, of about twenty, that may have to be sent once more in a flood."""


class Bystander:
    """A phone with a registration and a call that nothing shall disturb."""

    def __init__(self, world: World, number: int = 1, server: Agent | None = None) -> None:
        self.world = world
        self.newcomers = True       # a phone may register anew in each round
        self.phone = world.phone(number)
        self.server = server or world.server()
        self.contact = register(self.phone, self.server, granted=600).contact
        self.standing = calling(world, world.inside_media(4000, number), world.outside_media(7000, MEDIA),
                                self.phone, self.server)
        self.number = number
        self.ports = itertools.count(0, 4)
        self.standing.talk()
        self.rounds: list[Life] = []
        self.own = {"calls": 1, "registrations": 1}
        """At most so many entries of our tables are its own."""
        # conntrack's own table is small here, and gives up what has no answer yet when it is full
        CONNTRACK_MAX.write_text("262144", encoding="ascii")
        # a machine that is flooded loses datagrams long before they come to any helper
        world.repeats = not world.over_tcp
        self.lives()
        self.lives()
        self.usual = min(life.seconds for life in self.rounds)
        """Seconds to set up a call, with no flood."""
        must_equal([life.asked_again for life in self.rounds], [0, 0], "messages sent again with no flood")

    def lives(self) -> None:
        """Is called, calls with audio both ways, and goes on with the call that stands."""
        began, again = time.monotonic(), self.world.again
        self.own["calls"] += 3
        self.own["registrations"] += 1
        ring(self.phone, self.server, self.contact, "in the flood")
        near, far = self._media()
        made = call(self.phone, self.server, self.server.uri, self.server.address, near, far)
        took = (time.monotonic() - began) / 2
        session_of(self.world, made, True).talk("outside")
        hang_up(made)
        for used in (near, far):
            self.world.selector.unregister(used.socket)
            used.socket.close()
        self.standing.talk("outside")
        if self.newcomers:
            self.newcomer()
        self.rounds.append(Life(took, self.world.again - again))

    def newcomer(self) -> None:
        """A phone that registers only now is called, by UDP from another port of its server. It leaves
        again: one host may not have as many registrations as a flood has rounds."""
        place = next(self.ports)
        phone = self.world.phone(self.number + 2, 6000 + place)
        made = register(phone, self.server, granted=600)
        caller = self.server if self.world.over_tcp else self.world.server(5080 + place)
        ring(phone, caller, made.contact, "registered in the flood")
        register(phone, self.server, granted=0, asked=0)

    def _media(self) -> tuple[Media, Media]:
        """Sockets that nobody has spoken from: without a pinhole nothing comes in to them."""
        place = next(self.ports)
        return (self.world.inside_media(20000 + place, self.number),
                self.world.outside_media(20000 + place, MEDIA))

    def through(self, flood: Flood) -> str:
        """Lives on until it is over; what it came to, in numbers."""
        self.rounds = []
        while flood.runs or not self.rounds:
            self.lives()
        sent, rounds = flood.end(), list(self.rounds)
        self.lives()
        self.suffered(rounds)
        return f"{sent} packets in {flood.seconds:g} s; {self.told(rounds)}"

    def told(self, rounds: list[Life]) -> str:
        times, again = [life.seconds for life in rounds], sum(life.asked_again for life in rounds)
        return (f"{2 * len(rounds)} calls set up meanwhile, on average in {1000 * sum(times) / len(times):.0f} ms, "
                f"at most in {1000 * max(times):.0f} ms, with no flood in {1000 * self.usual:.0f} ms; "
                f"{again} messages sent again, no audio lost")

    def suffered(self, rounds: list[Life]) -> None:
        """Fails if it was disturbed. That no packet of its audio is lost, lives() says already."""
        most = self.world.patience_with(self.usual * SLOWER + FLOOR)
        slow = [life for life in rounds if life.seconds > most]
        must(not slow, f"calls set up within {most:.2f} s, {SLOWER} times the {self.usual:.3f} s with no flood and "
             f"{FLOOR:g} s: {slow}")
        again = sum(life.asked_again for life in rounds)
        must(again <= AGAIN * len(rounds), f"{again} messages sent again in {len(rounds)} rounds of life")
