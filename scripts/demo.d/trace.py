# SPDX-License-Identifier: GPL-2.0
"""What a run leaves behind for people: messages, pinholes and audio, on one clock."""
from __future__ import annotations

import os
import re
import subprocess
import time
from dataclasses import dataclass, field

from capture import Capture, Datagram, crossings
from net import Namespace
from peer import World
from programs import needed
from sip import Message, is_sip

RTP_SIZE = 172
FLAGS = re.compile(r" (PERMANENT|INACTIVE|USERSPACE)[A-Z,]*")
EVENT = re.compile(r"\[(\d+)\.(\d+) *\]\s+\[(\w+)\]\s+\d+ (.*)")


@dataclass
class Shown:
    """One SIP message on its way: through the router, or between two parties outside."""

    when: float
    name: str
    outbound: bool
    before: Datagram
    after: Datagram | None
    crosses: bool

    @property
    def message(self) -> Message:
        return Message(self.before.payload)

    @property
    def changed(self) -> bool:
        return self.after is not None and self.after.payload != self.before.payload


@dataclass
class Pinhole:
    """A kernel expectation: from when to when it stood."""

    text: str
    opened: float
    closed: float | None = None

    def field(self, name: str) -> str:
        found = re.search(rf"(?<![\w-]){name}=(\S+)", self.text)
        return found.group(1) if found else ""

    @property
    def port(self) -> int:
        """The port it leads to; the mask's own dport comes after it."""
        return int(self.field("dport") or 0)

    @property
    def source(self) -> str:
        host = self.field("src")
        return "anyone" if host in ("0.0.0.0", "::") else host

    @property
    def kind(self) -> str:
        return {"0": "signalling", "1": "audio", "2": "video"}.get(self.field("class"), "media")


@dataclass
class Phase:
    """A stretch of the run with a name, such as one call."""

    name: str
    began: float
    ended: float = 0.0
    heard: dict[str, float] = field(default_factory=dict)
    samples: dict[str, tuple[int, ...]] = field(default_factory=dict)
    failure: str = ""


class PinholeWatch:
    """Follows `conntrack -E expect`: every pinhole that opens or closes.

    conntrack takes the time when it reads an event, so it must run at once.
    """

    def __init__(self, world: World, router: Namespace) -> None:
        with router:
            self.process = subprocess.Popen(
                [needed("chrt"), "-f", "10", needed("stdbuf"), "-oL", needed("conntrack"),
                 "-E", "expect", "-o", "timestamp"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout
        self.out = self.process.stdout.fileno()
        self.rest = b""
        self.pinholes: list[Pinhole] = []
        world.programs.append(self.process)
        world.watch(self.out, self._read)

    def _read(self) -> None:
        *lines, self.rest = (self.rest + os.read(self.out, 65536)).split(b"\n")
        for line in lines:
            if found := EVENT.match(line.decode()):
                self._event(found)

    def _event(self, found: re.Match[str]) -> None:
        when = int(found.group(1)) + int(found.group(2)) / 1e6
        text = found.group(4)
        if found.group(3) == "NEW":
            self.pinholes.append(Pinhole(text, when))
        elif found.group(3) == "DESTROY":
            same = next((p for p in self.pinholes
                         if p.closed is None and FLAGS.sub("", p.text) == FLAGS.sub("", text)), None)
            if same:
                same.closed = when


class Trace:
    """Captures on the router and beside the server, and what they add up to."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.beside = Capture(world.line.outside)
        self.watch = PinholeWatch(world, world.line.router)
        self.phases: list[Phase] = []
        self.began = time.time()
        world.watch(self.beside.socket, self.beside.drain)

    @property
    def pinholes(self) -> list[Pinhole]:
        return self.watch.pinholes

    def messages(self) -> list[Shown]:
        """All messages, each once, in the order in which they were sent."""
        shown = [Shown(c.before.when, c.message.name, c.outbound, c.before, c.after, True)
                 for c in crossings(self.world.capture.seen)]
        self.beside.drain()
        for datagram in self.beside.seen:
            if datagram.interface == "lo" and datagram.leaving and is_sip(datagram.payload) \
                    and Message(datagram.payload).method != "OPTIONS":
                message = Message(datagram.payload)
                shown.append(Shown(datagram.when, message.name, False, datagram, datagram, False))
        return sorted(shown, key=lambda one: one.when)

    def rtp(self, interface: str, leaving: bool) -> list[Datagram]:
        return [d for d in self.world.capture.seen if d.interface == interface
                and d.leaving == leaving and len(d.payload) == RTP_SIZE]

    def rtp_in(self, phase: Phase, interface: str, leaving: bool) -> list[Datagram]:
        return [d for d in self.rtp(interface, leaving) if phase.began <= d.when <= phase.ended]
