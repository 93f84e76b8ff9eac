# SPDX-License-Identifier: GPL-2.0
"""Recorded flows: who sent which bytes to whom, read from the formats that they come in."""
from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sip import COMPACT, Address

SHORT = {**COMPACT, "s": "subject", "b": "referred-by", "k": "supported", "o": "event"}
LARGEST = 65507     # bytes that one UDP datagram over IPv4 can carry (RFC 768, RFC 791)
STAND_INS = "10.99.0."


@dataclass(frozen=True)
class Step:
    """One message. `note` is what reports call it by, if it has a name of its own."""

    source: Address
    destination: Address
    data: bytes
    note: str = ""

    @property
    def hosts(self) -> tuple[str, str]:
        return self.source[0], self.destination[0]


@dataclass
class Unit:
    """A flow with its sides chosen: what one world replays."""

    name: str
    steps: list[Step]
    inside: frozenset[str]
    media: frozenset[str] = frozenset()  # inside hosts besides, which it names for media
    nat: str = ""                       # empty: masquerade, and DNAT where outside begins
    router: str = ""                    # the router's outside address, where it matters
    ports: str = "20000-30000"          # the outside ports of masquerading
    theirs: dict[int, bytes] = field(default_factory=dict)  # what another ALG made of step n
    theirs_as: Address = ("", 0)        # and the socket that it gave to the inside's
    trouble: str = ""                   # why there is nothing to replay
    transport: str = "udp"              # below the signalling; media is always UDP
    left_out: frozenset[int] = frozenset()  # over TCP: steps that no connection is there for

    @property
    def family(self) -> int:
        return 6 if any(":" in host for host in self.inside) else 4

    @property
    def kind(self) -> tuple[object, ...]:
        return self.family, self.nat, self.router, self.media, self.transport

    @property
    def near(self) -> frozenset[str]:
        return self.inside | self.media

    def outbound(self, step: Step) -> bool:
        return step.source[0] in self.inside

    def far_hosts(self) -> set[str]:
        return {host for step in self.steps for host in step.hosts} - self.inside

    def doors(self) -> list[Address]:
        """Inside sockets that a host outside speaks to, unasked and about nothing that was
        spoken of before: DNAT leads to them."""
        spoken: set[tuple[Address, str]] = set()
        calls: set[bytes] = set()
        found: list[Address] = []
        for step in self.steps:
            call = call_id(step.data)
            if self.outbound(step):
                spoken |= {(socket, step.destination[0])
                           for socket in (step.source, *_named_sockets(step))}
            elif (step.destination, step.source[0]) not in spoken and call not in calls \
                    and step.destination not in found:
                found.append(step.destination)
            calls.add(call)
        return found


def call_id(message: bytes) -> bytes:
    found = re.search(rb"(?mi)^(?:call-id|i)[ \t]*:[ \t]*(.*)", message)
    return found[1].strip() if found else b""


def _named_sockets(step: Step) -> Iterator[Address]:
    """Where a message says that its sender listens: its Via (RFC 3261 18.2.2) and Contact."""
    host = re.escape(step.source[0].encode())
    pattern = rb"(?mi)^(?:via|v|contact|m)[ \t]*:.*?[ @:<]\[?" + host + rb"\]?(?::(\d+))?"
    for port in re.findall(pattern, step.data):
        yield step.source[0], int(port or 5060)


def sides(name: str, steps: list[Step]) -> list[Unit]:
    """Every host of a flow is once the inside one."""
    hosts = dict.fromkeys(host for step in steps for host in step.hosts)
    units = []
    for host in hosts:
        own = [step for step in steps if host in step.hosts]
        units.append(Unit(f"{name} [{host} inside]", own, frozenset({host})))
    return units


def records(rows: list[dict[str, Any]]) -> list[Step]:
    """Objects with proto, src, sport, dst, dport, b64. TCP messages go as datagrams: what a
    Via says of its transport is no matter of addresses."""
    return apart([Step((row["src"], row["sport"]), (row["dst"], row["dport"]),
                       base64.b64decode(row["b64"])) for row in rows])


def read_written(path: Path) -> list[Step]:
    """`=== SOURCE -> DESTINATION` and the message below it, up to the next such line.

    Lines end in CR LF on the wire, Content-Length is filled in where it says `?`, and lines
    above the first message are comment.
    """
    steps = []
    for part in re.split(r"(?m)^=== ", path.read_text())[1:]:
        title, _, text = part.partition("\n")
        source, _, destination = title.partition(" -> ")
        head, _, body = text.rstrip("\n").partition("\n\n")
        body = body + "\n" if body else ""
        wire = body.replace("\n", "\r\n").encode()
        head = head.replace("Content-Length: ?", f"Content-Length: {len(wire)}")
        steps.append(Step(_socket(source), _socket(destination),
                          head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + wire))
    return steps


def _socket(text: str) -> Address:
    host, _, port = text.strip().rpartition(":")
    return host.strip("[]"), int(port)


def header_name(line: bytes) -> str:
    """Lower case and long; empty for a line that is no header's first."""
    found = re.match(rb"([\w.!%*+`'~-]+)[ \t]*:", line)
    name = found.group(1).decode().lower() if found else ""
    return SHORT.get(name, name)


def apart(steps: list[Step]) -> list[Step]:
    """Flows recorded on one machine: every socket gets a host of its own, with its port."""
    if all(step.source[0] != step.destination[0] for step in steps):
        return steps
    sockets = dict.fromkeys(end for step in steps for end in (step.source, step.destination))
    hosts = {socket: f"{STAND_INS}{n}" for n, socket in enumerate(sockets, 11)}
    moved = []
    for step in steps:
        source = (hosts[step.source], step.source[1])
        destination = (hosts[step.destination], step.destination[1])
        moved.append(Step(source, destination, _moved(step, hosts), step.note))
    return moved


def _moved(step: Step, hosts: dict[Address, str]) -> bytes:
    """A message with the hosts' new names. Where no known port says which host is meant,
    the field does: the author's in its own fields, elsewhere the server's."""
    old = step.source[0].encode()
    server = min(hosts, key=lambda socket: (socket[1] not in (5060, 5080), socket[1]))
    response = step.data.startswith(b"SIP/2.0")
    by_port = {port: host.encode() for (_, port), host in hosts.items()}

    def owner(name: str, body: bool) -> bytes:
        if name == "via":
            return hosts[step.destination if response else step.source].encode()
        own = body or name == "contact"
        return hosts[step.source if own else server].encode()
    head, gap, body = step.data.partition(b"\r\n\r\n")
    pattern = re.compile(re.escape(old) + rb"(?::(\d+))?(?!\d)")

    def change(line: bytes, host: bytes) -> bytes:
        def one(found: re.Match[bytes]) -> bytes:
            port = int(found[1] or 0)
            return by_port.get(port, host) + (b":" + found[1] if found[1] else b"")
        return pattern.sub(one, line)
    lines = [line if header_name(line) == "call-id" else change(line, owner(header_name(line), False))
             for line in head.split(b"\r\n")]
    new_body = b"\r\n".join(change(line, owner("", True)) for line in body.split(b"\r\n"))
    fresh = b"\r\n".join(lines) + gap + new_body
    return with_length(fresh, len(new_body) - len(body))


def with_length(message: bytes, growth: int) -> bytes:
    """Content-Length follows a body that grew."""
    def one(found: re.Match[bytes]) -> bytes:
        return found[1] + str(int(found[2]) + growth).encode()
    if not growth:
        return message
    head, gap, body = message.partition(b"\r\n\r\n")
    return re.sub(rb"(?mi)^((?:content-length|l)[ \t]*:[ \t]*)(\d+)", one, head) + gap + body


def unicast(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return not (address.is_multicast or address.is_unspecified or address.is_loopback
                or address.is_link_local or host == "255.255.255.255")
