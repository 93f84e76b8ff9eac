# SPDX-License-Identifier: GPL-2.0
"""Replays one unit across the router and says what was wrong."""
from __future__ import annotations

import re
from dataclasses import dataclass

from bed import Scene
from flow import LARGEST, Step, Unit, call_id
from media import Negotiation, Session, Stream, agreed, headers_of, streams_of
from net import Failure
from peer import Media, check_audio
from sip import Address
from words import Names, Way

ARRIVAL = 1.0       # seconds that a message may take
PACKETS = 4         # of RTP each way and stream
SHOWN = 12          # lines of a difference


@dataclass(frozen=True)
class Fault:
    """kind: lost, double, bytes, source, length, lines, media, checksum, theirs, size, bed."""

    kind: str
    step: int
    text: str

    @property
    def key(self) -> str:
        """What an exception names it by."""
        return f"{self.kind}:{self.step}"

    def __str__(self) -> str:
        return f"{self.kind}, message {self.step}: {self.text}"


class Replay:
    """One unit in one world. The ends send what was recorded; outside's messages name the
    inside by what its messages were seen to say."""

    def __init__(self, unit: Unit, scene: Scene) -> None:
        self.unit = unit
        self.scene = scene
        self.names = Names(unit.inside, unit.media, self.scene.line.router_address)
        self.translated = self.scene.setup.translated
        self.connections: dict[tuple[Address, Address], Address] = {}
        self.talks = Negotiation()
        self.media: dict[Address, Media] = {}
        self.faults: list[Fault] = []
        self.messages = 0
        self.streams = 0
        self.outside_of: dict[tuple[bytes, Address], Address] = {}
        self.number = 0
        self.shown: list[str] = []

    def fault(self, kind: str, text: str) -> None:
        step = self.unit.steps[self.number]
        name = f"{step.note}: " if step.note else ""
        self.faults.append(Fault(kind, self.number, name + text))

    def run(self) -> list[Fault]:
        for self.number, step in enumerate(self.unit.steps):
            if self.number in self.unit.left_out:
                continue
            self.messages += 1
            outbound = self.unit.outbound(step)
            if not self.fits(step):
                continue
            read = self.leave(step) if outbound else self.enter(step)
            pair = self.talks.take(step.data, read, outbound) if read else None
            if pair:
                self.play(*pair)
        wrong = [d for d in self.scene.capture.seen if d.leaving and not d.checksum_good]
        if wrong:
            self.fault("checksum", str(wrong[0]))
        counters = self.scene.line.counters()
        self.shown.append(f"{self.unit.name}: { {n: c for n, c in counters.items() if c} }")
        return self.faults

    def fits(self, step: Step) -> bool:
        """A message that UDP cannot carry is a fault that an exception must name."""
        if self.unit.transport == "udp" and len(step.data) > LARGEST:
            self.fault("size", f"{len(step.data)} bytes")
        return self.unit.transport != "udp" or len(step.data) <= LARGEST

    def carry(self, step: Step, data: bytes, target: Address) -> tuple[bytes, Address] | None:
        """Sends, and returns the one message that arrived, with its source."""
        arrived = self.scene.deliver(step, data, target, ARRIVAL)
        if not arrived:
            self.fault("lost", f"{step.source} -> {target}: {data[:60]!r} did not arrive "
                       f"at {step.destination}")
            return None
        if len(arrived) > 1:
            self.fault("double", f"{data[:60]!r} arrived more than once")
        self.shown.append(f"{step.source} -> {target} reads {arrived[0][1]}\n"
                          + difference(data, arrived[0][0]))
        return arrived[0]

    def leave(self, step: Step) -> bytes:
        arrived = self.carry(step, step.data, step.destination)
        if arrived is None:
            return b""
        after, source = arrived
        self.connections[step.source, step.destination] = source
        wanted = self.scene.line.router_address if self.translated else step.source[0]
        if source[0] != wanted:
            self.fault("source", f"left from {source}")
        if not self.translated:
            if after != step.data or after != self.unit.theirs.get(self.number, after):
                self.fault("bytes", difference(step.data, after))
            return after
        for text in self.names.left(step.data, after, Way(step.source, step.destination, source)):
            self.fault("bytes", text)
        if slack(step.data) != slack(after):
            self.fault("length", f"Content-Length is off by {slack(after)}, was {slack(step.data)}")
        self.compare_streams(streams_of(step.data), streams_of(after))
        self.compare_theirs(after, source)
        return after

    def compare_theirs(self, ours: bytes, source: Address) -> None:
        """Line for line as the other ALG made it, but for the numbers of ports."""
        theirs = self.unit.theirs.get(self.number)
        if theirs is None:
            return
        mine, others = alike(ours, *source), alike(theirs, *self.unit.theirs_as)
        if mine != others:
            self.fault("theirs", difference(others, mine))

    def compare_streams(self, before: list[Stream], after: list[Stream]) -> None:
        """m-lines keep number and order; address and port change as a pair."""
        if [s.kind for s in before] != [s.kind for s in after]:
            self.fault("lines", f"m-lines {[s.kind for s in before]} became {after}")
        call = call_id(self.unit.steps[self.number].data)
        for old, new in zip(before, after):
            moved = old.rtp[0] in self.unit.near and old.rtp[1] >= 1024
            if not moved and old.rtp[0] not in self.unit.near and old != new:
                self.fault("lines", f"{old} is not the inside's and became {new}")
            elif moved and new.rtp[0] == old.rtp[0]:
                self.fault("lines", f"{old.rtp} was left alone")
            elif moved and self.outside_of.setdefault((call, old.rtp), new.rtp) != new.rtp:
                self.fault("lines", f"{old.rtp} became {new.rtp} and was something else before")

    def enter(self, step: Step) -> bytes:
        target = self.target(step)
        data = self.names.answered(step.data, step.source[0], step.destination, target) \
            if self.translated else step.data
        arrived = self.carry(step, data, target)
        if arrived is None:
            return b""
        got, source = arrived
        if source != step.source:
            self.fault("source", f"came in from {source}, sent by {step.source}")
        if got != step.data:
            self.fault("bytes", "the inside gets other bytes than its own\n"
                       + difference(step.data, got, data))
        return got

    def target(self, step: Step) -> Address:
        """Where outside sends to for this inside socket: what it has seen of it."""
        if not self.translated:
            return step.destination
        found = self.connections.get((step.destination, step.source))
        if found:
            return found
        for (near, far), seen in self.connections.items():
            if near == step.destination and far[0] == step.source[0]:
                return seen
        return self.names.sockets.get(
            step.destination, (self.scene.line.router_address, step.destination[1]))

    def socket(self, address: Address, inside: bool) -> Media:
        if address not in self.media:
            where = self.scene.line.inside if inside else self.scene.line.outside
            self.media[address] = Media(self.scene, where, address, f"{address}")
        return self.media[address]

    def play(self, near: Session, far: Session) -> None:
        """RTP both ways on each stream that both accepted, then RTCP."""
        for written, read, other in agreed(near, far):
            if written.rtp[0] not in self.unit.near or other.rtp[0] in self.unit.near:
                continue
            self.streams += 1
            first = "outside" if self.streams % 2 else "inside"
            self.sound(written.rtp, read.rtp, other.rtp, first)
            if written.rtcp[0] in self.unit.near and written.has_rtcp and other.has_rtcp:
                self.sound(written.rtcp, read.rtcp, other.rtcp, first)

    def sound(self, near: Address, near_seen: Address, far: Address, first: str) -> None:
        if near in self.scene.ports or far in self.scene.ports:
            return
        try:
            check_audio(self.scene, self.socket(near, True), near_seen,
                        self.socket(far, False), far, PACKETS, first)
        except (Failure, OSError) as failure:
            self.fault("media", str(failure))


def alike(message: bytes, host: str, port: int) -> bytes:
    """With the outside's numbers made equal, and no length."""
    message = message.replace(f"{host}:{port}".encode(), host.encode() + b":PORT")
    message = re.sub(rb"(?mi)^(content-length:[ \t]*)\d+", rb"\1N", message)
    return re.sub(rb"(?m)^(m=\S+) \d+", rb"\1 PORT", message)


def slack(message: bytes) -> int | None:
    """How much longer the body is than Content-Length says; None where it says nothing."""
    written = headers_of(message).get("content-length", "")
    body = message.partition(b"\r\n\r\n")[2]
    return len(body) - int(written) if written.isdigit() else None


def difference(wanted: bytes, got: bytes, sent: bytes = b"") -> str:
    """The first lines that differ; + what came, - what was wanted, > what was sent."""
    lines = [wanted.split(b"\n"), got.split(b"\n"), (sent or wanted).split(b"\n")]
    if len({len(part) for part in lines}) > 1:
        return "other lines:\n" + "\n".join(f"{len(part)}: {part!r}" for part in lines)
    shown = [f"- {a!r}\n+ {b!r}" + (f"\n> {c!r}" if sent else "")
             for a, b, c in zip(*lines) if a != b]
    return "\n".join(shown[:SHOWN])
