# SPDX-License-Identifier: GPL-2.0
"""Flows over TCP, whatever they were recorded over: the same messages at random cuts, on the
connections that TCP would have had. URIs say so, too; what a Via says of its transport stays."""
from __future__ import annotations

import os
import random
import re
import secrets
import select
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

from bed import Scene
from flow import Step, Unit, call_id
from net import PATIENCE, Failure
from sip import Address

SEED = int(os.environ.get("TCP_SEED", "0")) or secrets.randbits(31)
HEAD = re.compile(rb"\r?\n\r?\n")
LENGTH = re.compile(rb"(?mi)^((?:content-length|l)[ \t]*:[ \t]*)([^\r\n]*?)([ \t]*\r?)$")
TRANSPORT = re.compile(rb";transport=udp\b", re.IGNORECASE)
QUIET = 0.3     # seconds after which no more is expected of what has no length
Pair = tuple[Address, Address]


# ---- what changes in a flow -----------------------------------------------------------------


def for_stream(message: bytes) -> bytes:
    """A URI with transport=udp names another socket (RFC 3261 19.1.1)."""
    gap = HEAD.search(message)
    end = gap.start() if gap else len(message)
    return with_right_length(TRANSPORT.sub(b";transport=tcp", message[:end]) + message[end:])


def with_right_length(message: bytes) -> bytes:
    """RFC 3261 20.14: over a stream every message needs its length. What is no number, or
    stands there twice, was recorded for its own sake and stays."""
    gap = HEAD.search(message)
    if not gap or not re.match(rb"[^\r\n]* SIP/2\.0\r?\n|SIP/2\.0 ", message):
        return message
    head, body = message[:gap.start()], message[gap.end():]
    found = LENGTH.findall(head)
    if not found:
        end = b"\r\n" if b"\r\n" in head else b"\n"
        return head + end + b"Content-Length: %d" % len(body) + message[gap.start():]
    if len(found) > 1 or not found[0][1].isdigit() or int(found[0][1]) == len(body):
        return message
    return LENGTH.sub(rb"\g<1>%d\3" % len(body), head) + message[gap.start():]


def transaction(message: bytes) -> bytes:
    """What a request and its response have in common."""
    found = re.search(rb"(?mi)^cseq[ \t]*:[ \t]*([^\r\n]*)", message)
    return call_id(message) + b" " + (found[1].strip() if found else b"")


class Paths:
    """Which connection each message takes: responses that of their request, requests that of
    their own sockets, or one that is there between the two hosts (RFC 3261 18.2.2, RFC 5923)."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.there: list[Pair] = []     # (inside, outside), the latest last
        self.asked: dict[tuple[bytes, str, str], Pair] = {}

    def of(self, step: Step, doors: list[Address]) -> Pair | None:
        outbound = self.unit.outbound(step)
        own = (step.source, step.destination) if outbound else (step.destination, step.source)
        chosen = self._chosen(step, own, outbound, doors)
        if chosen:
            self.there = [pair for pair in self.there if pair != chosen] + [chosen]
            self.asked[transaction(step.data), chosen[0][0], chosen[1][0]] = chosen
        return chosen

    def _chosen(self, step: Step, own: Pair, outbound: bool, doors: list[Address]) -> Pair | None:
        hosts = own[0][0], own[1][0]
        if step.data.startswith(b"SIP/2.0 "):
            asked = self.asked.get((transaction(step.data), *hosts))
            if asked:
                return asked
        if own in self.there or outbound:
            return own
        between = [pair for pair in self.there if (pair[0][0], pair[1][0]) == hosts]
        if between:
            return between[-1]
        return own if own[0] in doors else None


def over_tcp(unit: Unit) -> Unit:
    """The same flow over TCP."""
    doors, paths = unit.doors(), Paths(unit)
    steps, left_out = [], set()
    for number, step in enumerate(unit.steps):
        pair = paths.of(step, doors)
        if pair is None:
            left_out.add(number)
            steps.append(step)
            continue
        ends = pair if unit.outbound(step) else pair[::-1]
        steps.append(Step(*ends, for_stream(step.data), step.note))
    theirs = {number: TRANSPORT.sub(b";transport=tcp", data) for number, data in unit.theirs.items()}
    return replace(unit, name=f"{unit.name} over TCP", steps=steps, transport="tcp", theirs=theirs,
                   left_out=frozenset(left_out))


def also_over_tcp(units: Iterator[Unit]) -> Iterator[Unit]:
    for unit in units:
        yield unit
        if not unit.trouble:
            yield over_tcp(unit)


# ---- the line ---------------------------------------------------------------------------------


class StreamScene(Scene):
    """The ends speak over connections, which begin when they are needed."""

    def __init__(self, units: list[Unit], helper: str) -> None:
        super().__init__(units, helper)
        self.chance = random.Random(SEED)
        self.gates: dict[Address, socket.socket] = {}
        self.open: dict[Pair, tuple[socket.socket, socket.socket, Address]] = {}

    def socket_at(self, address: Address) -> socket.socket:
        inside = address[0] in self.near_hosts
        with self.line.inside if inside else self.line.outside:
            made = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET,
                                 socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.settimeout(5 * PATIENCE)
        made.bind(address)
        return made

    def gate(self, address: Address) -> socket.socket:
        if address not in self.gates:
            self.gates[address] = self.socket_at(address)
            self.gates[address].listen(16)
        return self.gates[address]

    def connection(self, source: Address, destination: Address, target: Address
                   ) -> tuple[socket.socket, socket.socket, Address]:
        """The sender's socket, the receiver's, and the sender as the receiver sees it."""
        if (destination, source) in self.open:
            began, listened, _ = self.open[destination, source]
            return listened, began, began.getpeername()[:2]
        if (source, destination) not in self.open:
            gate, near = self.gate(destination), self.socket_at(source)
            near.connect(target)
            far, seen = gate.accept()
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                one.setblocking(False)
            self.open[source, destination] = near, far, seen[:2]
        return self.open[source, destination]

    def deliver(self, step: Step, data: bytes, target: Address, seconds: float
                ) -> list[tuple[bytes, Address]]:
        try:
            sender, receiver, seen = self.connection(step.source, step.destination, target)
            got = self.carried(sender, receiver, data, seconds * 5 * PATIENCE)
        except OSError as error:
            raise Failure(f"{step.source} -> {target}: {error}") from error
        self.pump(0)
        return [(got, seen)] if got else []

    def pieces(self, data: bytes) -> list[bytes]:
        """Cut at random places: few or many."""
        chance = self.chance
        count = chance.choice((0, 1, 1, 2, 3, min(20, len(data) // 2)))
        places = sorted(chance.sample(range(1, len(data)), min(count, len(data) - 1)))
        edges = [0, *places, len(data)]
        return [data[a:b] for a, b in zip(edges, edges[1:])]

    def carried(self, sender: socket.socket, receiver: socket.socket, data: bytes, seconds: float
                ) -> bytes:
        """What the receiver reads of one message: all of it, or what came within the time."""
        waiting, got = self.pieces(data), b""
        last = time.monotonic()
        while True:
            now = time.monotonic()
            while waiting:
                try:
                    size = sender.send(waiting[0])
                except BlockingIOError:
                    break
                waiting[0:1] = [waiting[0][size:]] if size < len(waiting[0]) else []
            try:
                fresh = receiver.recv(1 << 16)
                got, last = got + fresh, now
                if not fresh:
                    return got
                continue
            except BlockingIOError:
                pass
            wait = 0.0 if complete(got, data) and not waiting else QUIET if whole(got, data) else seconds
            if now - last >= wait and not waiting or now - last > seconds:
                return got
            select.select([receiver], [sender] if waiting else [], [], 0.05)


def complete(got: bytes, sent: bytes) -> bool:
    """One message with its body."""
    gap = HEAD.search(got)
    if not gap:
        return False
    found = LENGTH.findall(got[:gap.start()])
    return len(found) == 1 and found[0][1].isdigit() and len(got) - gap.end() >= int(found[0][1]) \
        and HEAD.search(sent) is not None


def whole(got: bytes, sent: bytes) -> bool:
    """No less than what was sent; what has no length may become shorter, too."""
    return len(got) >= len(sent) or not HEAD.search(sent)
