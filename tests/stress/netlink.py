# SPDX-License-Identifier: GPL-2.0
"""What userspace may do to single connections and expectations, by ctnetlink: conntrack(8) has no
words for some of it, and starting it costs more than the deed.
"""
from __future__ import annotations

import random
import re
import socket
import struct

from links import NLM_F_ACK, NLM_F_REQUEST, attribute
from net import Namespace

NETLINK_NETFILTER = 12
CONNTRACK, EXPECT = 1 << 8, 2 << 8
CT_NEW, CT_DELETE, EXP_DELETE = CONNTRACK | 0, CONNTRACK | 2, EXPECT | 2
NESTED = 0x8000
CTA_TUPLE_ORIG, CTA_TIMEOUT, CTA_EXPECT_TUPLE = 1, 7, 2
TUPLE = re.compile(r"src=([\d.]+) dst=([\d.]+) sport=(\d+) dport=(\d+)")
PROTOCOL = re.compile(r"\b(?:proto=|udp +|tcp +)(\d+)")


def nested(kind: int, *inner: bytes) -> bytes:
    return attribute(kind | NESTED, b"".join(inner))


def tuple_of(kind: int, line: str) -> bytes:
    """The first tuple in a line of /proc/net/nf_conntrack or nf_conntrack_expect; empty: it has none."""
    found, protocol = TUPLE.search(line), PROTOCOL.search(line)
    if not found or not protocol:
        return b""
    addresses = (socket.inet_aton(found.group(n)) for n in (1, 2))
    ports = (struct.pack("!H", int(found.group(n))) for n in (3, 4))
    return nested(kind, nested(1, *(attribute(n, raw) for n, raw in enumerate(addresses, 1))),
                  nested(2, attribute(1, bytes([int(protocol.group(1))])),
                         *(attribute(n, raw) for n, raw in enumerate(ports, 2))))


class Tables:
    """Of one namespace."""

    def __init__(self, where: Namespace) -> None:
        self.where = where
        with where:
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)

    def ask(self, kind: int, body: bytes) -> int:
        """Returns the kernel's error number, 0 for none."""
        message = struct.pack("!BBH", socket.AF_INET, 0, 0) + body
        self.socket.send(struct.pack("=IHHII", 16 + len(message), kind, NLM_F_REQUEST | NLM_F_ACK, 0, 0)
                         + message)
        return -int(struct.unpack("=i", self.socket.recv(65536)[16:20])[0])

    def lines(self, name: str, word: str) -> list[str]:
        return [line for line in self.where.read(f"/proc/net/{name}").splitlines() if word in line]

    def one(self, name: str, word: str, kind: int, chance: random.Random) -> bytes:
        lines = self.lines(name, word)
        return tuple_of(kind, chance.choice(lines)) if lines else b""

    def delete_connection(self, chance: random.Random) -> bool:
        chosen = self.one("nf_conntrack", "dport=5060", CTA_TUPLE_ORIG, chance)
        return bool(chosen) and self.ask(CT_DELETE, chosen) == 0

    def delete_expectation(self, chance: random.Random) -> bool:
        chosen = self.one("nf_conntrack_expect", "proto=", CTA_EXPECT_TUPLE, chance)
        return bool(chosen) and self.ask(EXP_DELETE, chosen) == 0

    def hurry(self, chance: random.Random) -> bool:
        """A connection that has one second left."""
        chosen = self.one("nf_conntrack", "dport=5060", CTA_TUPLE_ORIG, chance)
        return bool(chosen) and self.ask(CT_NEW, chosen + attribute(CTA_TIMEOUT, struct.pack("!I", 1))) == 0
