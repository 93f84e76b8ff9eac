#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What is not SIP, as fast as it goes (R24), and the switch of all flipped while calls are made (R27);
as root in the lab. TAP.

    make junk [JUNK_DATAGRAMS=N]
"""
from __future__ import annotations

import os
import random
import re
import socket
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from bed import FIRST_HOST, Span, Tap, shared_line  # noqa: E402
from left import objects, reports, until  # noqa: E402
from net import Line  # noqa: E402
from orderly import orderly, proven  # noqa: E402
from run import SEED, judge_wholeness, together  # noqa: E402
from storm import Datagrams, Streams, Tally, bound, storm  # noqa: E402
from whole import INSIDE, Writer  # noqa: E402

COUNT = int(os.environ.get("JUNK_DATAGRAMS", "6000"))
FLIPPING = 6.0
SIP, OTHER = 5060, 5999
"""A port with the helper, and one without."""
ORDINARY, ASSURED = "nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"


def junk(chance: random.Random) -> bytes:
    """Bytes that no SIP begins with, and some that almost do."""
    first = chance.choice((b"\x16\x03\x01", b"GET / HTTP/1.1\r\n", b"\0\x01\0\0\x21\x12\xa4\x42", b"SIP", b"\x80\0",
                           b"INVITE", b"REGISTER sip:x SIP/2.1\r\n", b"\xff" * 4))
    return first + chance.randbytes(chance.randrange(700))


def flood(line: Line, port: int, count: int) -> int:
    """From many sockets to one, and some of it back; how many arrived."""
    chance, arrived = random.Random(SEED), 0
    server = bound(line.outside, (line.plan.far(FIRST_HOST), port))
    phones = [bound(line.inside, (line.plan.phone(1), 0)) for _ in range(40)]
    for number in range(0, count, 20):
        for _ in range(20):
            chance.choice(phones).sendto(junk(chance), server.getsockname())
        arrived += receive(server, chance, number)
    until(lambda: receive(server, chance, 1) == 0, 1)
    for sock in (server, *phones):
        sock.close()
    return arrived


def receive(server: socket.socket, chance: random.Random, number: int) -> int:
    arrived = 0
    while True:
        try:
            source = server.recvfrom(2048)[1]
        except (BlockingIOError, ConnectionError):
            return arrived
        arrived += 1
        if number % 100 == 0:
            server.sendto(junk(chance), source)


def too_long(line: Line) -> list[str]:
    """Connections to the SIP port that live longer than conntrack gives to any."""
    ordinary, assured = (int(line.router.read(f"/proc/sys/net/netfilter/{name}")) for name in (ORDINARY, ASSURED))
    found = []
    for text in line.router.read("/proc/net/nf_conntrack").splitlines():
        left = re.match(r"ipv4 +2 udp +17 (\d+) ", text)
        if left and f"dport={SIP} " in text and int(left.group(1)) > (assured if "[ASSURED]" in text else ordinary):
            found.append(text)
    return found


def floods(tap: Tap, line: Line) -> None:
    took = {}
    for port in (OTHER, SIP):
        began = time.monotonic()
        arrived = flood(line, port, COUNT)
        took[port] = time.monotonic() - began
        tap.check(arrived > COUNT * 0.95, f"R24 junk to port {port} arrives ({arrived} of {COUNT})")
    # what it costs is counted in instructions, by scripts/perf
    tap.note(f"{took[SIP]:.2f} s with the helper, {took[OTHER]:.2f} s without")
    tap.check(not too_long(line), "R24 and lives no longer than any other", *too_long(line)[:4])
    tap.check(not objects(), "R24 and makes no state", objects())
    counted = line.counters()
    tap.check(sum(counted.get(name, 0) for name in ("not_sip", "keep_alive", "malformed_start_line", "missing_header"))
              >= COUNT * 0.9, "R24 and is counted", counted)


def connections_of_junk(tap: Tap, line: Line) -> None:
    """What is no SIP from its first byte is followed no more (T7)."""
    chance = random.Random(SEED)
    listener = bound(line.outside, (line.plan.far(FIRST_HOST), SIP), socket.SOCK_STREAM)
    listener.listen(100)
    held = []
    for _ in range(40):
        near = bound(line.inside, (line.plan.phone(1), 0), socket.SOCK_STREAM)
        near.settimeout(5)
        near.connect(listener.getsockname())
        near.sendall(b"\x16\x03\x01" + chance.randbytes(500))
        held.append(near)
    tap.check(until(lambda: not objects(), 5), "R24 connections with junk make no state", objects())
    for sock in (*held, listener):
        sock.close()


def flip(line: Line, span: Span) -> Tally:
    tally = Tally()
    while not span.over():
        line.router.sysctl("net.netfilter.sip_ext_enabled", tally.counts["flips"] % 2)
        tally.counts["flips"] += 1
        time.sleep(0.03)
    line.router.sysctl("net.netfilter.sip_ext_enabled", 1)
    return tally


def flipped(tap: Tap, line: Line) -> None:
    span = Span(FLIPPING)
    found = together({"flips": lambda: flip(line, span),
                      "datagrams": lambda: storm(Datagrams, line, 2, SEED, span),
                      "streams": lambda: storm(Streams, line, 3, SEED, span),
                      "calls": lambda: orderly(line, "udp", 4, SEED, span)}, span)
    for name, tally in found.items():
        tap.check(tally is not None, f"R27 the switch is flipped while there is traffic: {name} came to their end")
        if tally:
            tap.note(f"{name}: " + ", ".join(f"{n} {what}" for what, n in sorted(tally.counts.items())))
    judge_wholeness(tap, found)
    for transport in ("udp", "tcp"):
        wrong = proven(line, 6, transport)
        tap.check(not wrong, f"R27 switched on again calls over {transport} work both ways, with audio", wrong)


def off(tap: Tap, line: Line) -> None:
    """Nothing is read while it is off: each that was would be counted. (What was held before may end meanwhile.)"""
    line.router.sysctl("net.netfilter.sip_ext_enabled", 0)
    before = line.counters()
    server = bound(line.outside, (line.plan.far(FIRST_HOST), SIP))
    phone = bound(line.inside, (line.plan.phone(7), SIP))
    writer = Writer(line.plan.phone(7), SIP, INSIDE)
    sent = [writer.request("INVITE", f"off-{n}", 1, server.getsockname()[0], 4000) for n in range(50)]
    for message in sent:
        phone.sendto(message, server.getsockname())
    got: list[bytes] = []

    def take() -> bool:
        try:
            got.append(server.recv(4096))
        except BlockingIOError:
            pass
        return len(got) == len(sent)
    limit = time.monotonic() + 20
    while not take() and time.monotonic() < limit:
        pass
    tap.check(got == sent, "R27 switched off, each message leaves as it was", len(got))
    moved = {name: value - before[name] for name, value in line.counters().items() if value != before[name]}
    tap.check(all(count < len(sent) for count in moved.values()), "R27 and unread", moved)
    line.router.sysctl("net.netfilter.sip_ext_enabled", 1)
    phone.close()
    server.close()


def main() -> int:
    tap = Tap()
    line = shared_line()
    floods(tap, line)
    connections_of_junk(tap, line)
    flipped(tap, line)
    off(tap, line)
    tap.check(not reports(), "S11 the kernel has nothing to report", *reports())
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
