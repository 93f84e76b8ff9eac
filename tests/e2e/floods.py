# SPDX-License-Identifier: GPL-2.0
"""Floods at full speed for a bounded time, each from a process of its own."""
from __future__ import annotations

import ctypes
import ipaddress
import multiprocessing as mp
import os
import socket
import struct
import time
from typing import Callable

from net import Failure, Namespace
from peer import World
from sip import Address, host_port, session

Packet = Callable[[int], tuple[bytes, str]]
"""The packet of that number, as a whole IP packet, and the address that it goes to."""
BURST = 32
FEWEST = 1000
"""Packets of a flood, however slow the machine is: more than the limits that it has to reach."""


LONGEST = 30
"""Times as long as it should take: then it ends all the same."""


def _pour(where: Namespace, make: Packet, seconds: float, fewest: int, sent: object) -> None:
    family = socket.AF_INET6 if ":" in make(0)[1] else socket.AF_INET
    with where:
        raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    began, number = time.monotonic(), 0
    while (took := time.monotonic() - began) < seconds or (number < fewest and took < LONGEST * seconds):
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

    def __init__(self, where: Namespace, make: Packet, seconds: float, fewest: int = FEWEST) -> None:
        context = mp.get_context("fork")
        self.sent = context.Value("L", 0)
        self.seconds = seconds
        self.process = context.Process(target=_pour, args=(where, make, seconds, fewest, self.sent))
        self.process.start()

    @property
    def runs(self) -> bool:
        return self.process.is_alive()

    def end(self) -> int:
        """How many were sent, once it is over."""
        self.process.join(self.seconds * 2 * LONGEST)
        if self.process.is_alive():
            self.process.kill()
            raise Failure("the flood did not come to its end")
        return int(self.sent.value)


def _packed(host: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)


def _ip(source: str, destination: str, protocol: int, data: bytes) -> bytes:
    """Of IPv4 the kernel fills in length and checksum."""
    ends = _packed(source) + _packed(destination)
    if len(ends) == 8:
        return struct.pack("!BBHHHBBH8s", 0x45, 0, 20 + len(data), 0, 0, 64, protocol, 0, ends) + data
    return struct.pack("!IHBB32s", 6 << 28, len(data), protocol, 64, ends) + data


def _with_checksum(source: str, destination: str, protocol: int, data: bytes, at: int) -> bytes:
    """The same, with a good checksum at that place of the data, where zeroes are."""
    ends = _packed(source) + _packed(destination)
    summed = ends + struct.pack("!II", protocol, len(data)) + data + b"\0" * (len(data) % 2)
    good = 0xFFFF - int.from_bytes(summed, "big") % 0xFFFF
    return _ip(source, destination, protocol, data[:at] + struct.pack("!H", good) + data[at + 2:])


def udp(source: Address, destination: Address, payload: bytes) -> bytes:
    data = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
    return _with_checksum(source[0], destination[0], socket.IPPROTO_UDP, data, 6)


def syn(source: Address, destination: Address, number: int) -> bytes:
    data = struct.pack("!HHIIBBHHH", source[1], destination[1], number * 2654435761 & 0xFFFFFFFF, 0,
                       0x50, 2, 65535, 0, 0)
    return _with_checksum(source[0], destination[0], socket.IPPROTO_TCP, data, 16)


GRANTED = {"REGISTER": 3600, "SUBSCRIBE": 3600}
"""Seconds, by who is asked and agrees."""


MEDIA_PORTS = range(10000, 60000, 2)


def _offer(host: str, number: int, ports: range = MEDIA_PORTS) -> str:
    """With the next of these ports in each call."""
    return session(host, f"m=audio {ports[number % len(ports)]} RTP/AVP 0")


def salt() -> str:
    """No two floods have a Call-ID in common."""
    return os.urandom(4).hex()


def request(method: str, number: int, source: Address, to: Address, ports: range, salted: str) -> bytes:
    """One of a kind: Call-ID, tag, branch and user are new in each. Without ports, a call offers nothing."""
    host, server = host_port(source), host_port(to)
    body = _offer(source[0], number, ports) if method == "INVITE" and ports else ""
    more = "Content-Type: application/sdp\r\n" if body else "Expires: 3600\r\nEvent: presence\r\n"
    return (f"{method} sip:u{number}@{server} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host};branch=z9hG4bK{salted}{number};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:u{number}@{server}>;tag={number}\r\nTo: <sip:u{number}@{server}>\r\n"
            f"Call-ID: {salted}-{number}\r\nCSeq: 1 {method}\r\nContact: <sip:u{number}@{host}>\r\n"
            f"{more}Content-Length: {len(body)}\r\n\r\n{body}").encode()


def _agree(server: socket.socket, answered: object) -> None:
    number = 0
    host, port = server.getsockname()[:2]
    while True:
        message, source = server.recvfrom(65535)
        head, _, _ = message.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method = first.split(" ")[0]
        if method != "INVITE" and method not in GRANTED:
            continue
        number += 1
        kept = [line + (";tag=1" if line.startswith("To:") else "") for line in lines
                if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))]
        if method == "INVITE":
            body = _offer(host, number)
            kept += [f"Contact: <sip:x@{host_port((host, port))}>", "Content-Type: application/sdp"]
        else:
            body = ""
            kept += [line for line in lines if line.startswith("Contact:")] + [f"Expires: {GRANTED[method]}"]
        server.sendto("\r\n".join(["SIP/2.0 200 OK", *kept, f"Content-Length: {len(body)}", "", body]).encode(), source)
        answered.value = number     # type: ignore[attr-defined]


class Accomplice:
    """Who floods has a server outside that takes each call, with other ports for media in each, and grants
    whatever it is asked for."""

    def __init__(self, where: Namespace, address: Address) -> None:
        with where:
            server = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(address)
        context = mp.get_context("fork")
        self.answered = context.Value("L", 0)
        self.process = context.Process(target=_agree, args=(server, self.answered))
        self.process.start()
        server.close()

    def end(self) -> int:
        """How many requests it agreed to."""
        self.process.kill()
        self.process.join()
        return int(self.answered.value)


SO_ATTACH_FILTER = 26
LOAD_HALF, LOAD_WORD, AND, EQUAL, RETURN = 0x28, 0x20, 0x54, 0x15, 0x06
Rule = tuple[int, int, int, int]
TYPE = 12   # in an Ethernet frame
PLACES = {4: (0x0800, (26, 30)), 6: (0x86DD, (22, 38))}
"""What says the IP version there, and where then are source and destination."""


def _rules(words: list[tuple[int, int]], version: int) -> list[Rule]:
    """To leave out what has these words, each with a mask, in front of its source or its destination."""
    kind, places = PLACES[version]
    size = 3 * len(words)
    rules: list[Rule] = [(LOAD_HALF, 0, 0, TYPE), (EQUAL, 0, 2 * (size + 1), kind)]
    for place in places:
        for at, (word, mask) in enumerate(words):
            rules += [(LOAD_WORD, 0, 0, place + 4 * at), (AND, 0, 0, mask), (EQUAL, 0, size - 3 * at - 2, word)]
        rules.append((RETURN, 0, 0, 0))
    return [*rules, (RETURN, 0, 0, 0xFFFFFFFF)]


def deaf_to(world: World, whom: str) -> None:
    """The capture leaves out what that host, or that network, sends and gets: to look at a flood takes longer
    than to send it."""
    network = ipaddress.ip_network(whom)
    words, masks = (struct.unpack(f"!{network.max_prefixlen // 32}I", address.packed)
                    for address in (network.network_address, network.netmask))
    rules = _rules([pair for pair in zip(words, masks) if pair[1]], network.version)
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    world.capture.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                                    struct.pack("HP", len(rules), ctypes.addressof(program)))
