#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Every message one way through the router, from inside and from outside: each must arrive,
once. As root in the lab; ONEWAY and ONESTREAM are the programs of that name, over UDP and over
TCP, which need no root to be built.

    scripts/lab run tests/replay/oneway.py ONEWAY ONESTREAM FOLDER...

A FOLDER `own` stands for the project's own cases.
"""
from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tcp"), str(HERE.parent / "e2e")]

from net import SERVER, Line, Namespace, Setup  # noqa: E402
from sip import Address  # noqa: E402
from street import Street  # noqa: E402

SHOWN_FAULTS = 20
LIMIT = 200
SEED = int(os.environ.get("TCP_SEED", "0")) or secrets.randbits(31)
COUNTS = ("sent", "changed", "oversize", "framed", "followed", "streams")


@dataclass
class Pass:
    """One way of sending them all."""

    title: str
    setup: Setup
    outward: bool
    named: bool


PASSES = (
    Pass("from inside", Setup("shifted"), True, False),
    Pass("from inside that names the sender", Setup("shifted"), True, True),
    Pass("from outside, to a server behind DNAT", Setup("dnat"), False, False),
    Pass("from outside that names a server behind DNAT", Setup("dnat"), False, True),
    Pass("from outside, over a phone's connection", Setup("shifted"), False, False),
    Pass("of IPv6 from inside", Setup("shifted", 6), True, False),
    Pass("of IPv6 from inside that names the sender", Setup("shifted", 6), True, True),
    Pass("of IPv6 from outside that names a server behind DNAT", Setup("dnat", 6), False, True),
)
STREAMS = (
    Pass("from inside", Setup("masquerade"), True, False),
    Pass("from inside that names the sender", Setup("masquerade"), True, True),
    Pass("from outside that names a server behind DNAT", Setup("dnat"), False, True),
    Pass("from outside that names a phone, over its connection", Setup("masquerade"), False, True),
    Pass("of IPv6 from inside that names the sender", Setup("masquerade", 6), True, True),
)


def socket_in(where: Namespace, address: Address) -> socket.socket:
    with where:
        made = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(address)
    return made


def ends_of(way: Pass, line: Line) -> tuple[socket.socket, socket.socket, Address]:
    """Sender, receiver, and where to send to."""
    near, far = (line.plan.phone(1), 5060), (line.plan.far(SERVER), 5060)
    phone, server = socket_in(line.inside, near), socket_in(line.outside, far)
    if way.outward:
        return phone, server, far
    if way.setup.nat == "dnat":
        return server, phone, (line.router_address, 5060)
    phone.sendto(b"\r\n\r\n", far)
    server.settimeout(5)
    return server, phone, server.recvfrom(100)[1][:2]


def send_all(way: Pass, program: str, folders: list[str]) -> tuple[dict[str, int], list[str]]:
    """Counts, and what went wrong."""
    line = Line(way.setup, os.environ.get("LAB_HELPER", ""))
    sender, receiver, target = ends_of(way, line)
    fds = (sender.fileno(), receiver.fileno())
    own = line.plan.phone(1) if way.outward else line.router_address
    words = [program, *(["--named", own] if way.named else []), *map(str, fds),
             target[0], str(target[1]), *folders]
    return outcome(words, fds)


def stream_all(way: Pass, program: str, folders: list[str]) -> tuple[dict[str, int], list[str]]:
    """The same over TCP."""
    line = Street(way.setup, os.environ.get("LAB_HELPER", ""))
    phone, server = line.plan.phone(1), line.plan.far(SERVER)
    line.router.sysctl("net.netfilter.nf_conntrack_tcp_timeout_time_wait", 1)
    ends = (line.inside.fd, line.outside.fd, phone, server, server)
    if way.setup.nat == "dnat":
        ends = (line.outside.fd, line.inside.fd, server, phone, line.router_address)
    back = not way.outward and way.setup.nat != "dnat"
    own = phone if way.outward else line.router_address
    words = [program, *(["--named", own] if way.named else []), str(SEED), str(int(back)),
             *map(str, ends), *folders]
    return outcome(words, (line.inside.fd, line.outside.fd))


def outcome(words: list[str], fds: tuple[int, ...]) -> tuple[dict[str, int], list[str]]:
    """What one of the programs said."""
    began = time.monotonic()
    done = subprocess.run(words, capture_output=True, pass_fds=fds, timeout=LIMIT, check=False)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    faults = [line.removeprefix("fault ") for line in lines if line.startswith("fault ")]
    left = [line.removeprefix("left ") for line in lines if line.startswith("left ")]
    for name in left[:SHOWN_FAULTS]:
        print(f"# not followed behind it: {name}")
    if done.returncode:
        faults.append(f"status {done.returncode}: {done.stderr.decode('utf-8', 'replace')}")
    counts = {word: int(number) for word, _, number in (line.partition(" ") for line in lines)
              if word in COUNTS}
    print(f"# {time.monotonic() - began:.0f} s")
    return counts, faults


def shown(counts: dict[str, int]) -> str:
    text = f"{counts.get('sent', 0)} sent, {counts.get('changed', 0)} translated"
    if "streams" not in counts:
        return f"{text}, {counts.get('oversize', 0)} too long for UDP"
    return (f"{text}, {counts['framed']} with their length, which left {counts['followed']} streams "
            f"followed; these together in {counts['streams']} streams, cuts by TCP_SEED={SEED}")


def report(number: int, title: str, counts: dict[str, int], faults: list[str]) -> bool:
    if not counts.get("sent"):
        faults.append("nothing was sent")
    print(f"{'not ok' if faults else 'ok'} {number} - {title} arrives, once")
    print(f"# {shown(counts)}")
    for text in faults[:SHOWN_FAULTS]:
        print(f"# {text}")
    if len(faults) > SHOWN_FAULTS:
        print(f"# ... and {len(faults) - SHOWN_FAULTS} more")
    sys.stdout.flush()
    return bool(faults)


def main() -> int:
    datagrams, streams, *folders = sys.argv[1:]
    failed = number = 0
    for number, way in enumerate(PASSES, 1):
        failed += report(number, f"R20 every message {way.title}", *send_all(way, datagrams, folders))
    for number, way in enumerate(STREAMS, number + 1):
        failed += report(number, f"T1 every message over TCP {way.title}", *stream_all(way, streams, folders))
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
