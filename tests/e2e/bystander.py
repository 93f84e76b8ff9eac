# SPDX-License-Identifier: GPL-2.0
"""Who must not suffer from a flood: a phone that is registered, talks, and makes and takes calls meanwhile.

What the machine itself makes of so many packets says a flood of the same packets that is none of the
helper's business; with that is compared what the flood in question did.
"""
from __future__ import annotations

import itertools
import multiprocessing as mp
import selectors
import socket
import struct
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from typing import Callable

from calls import call, hang_up, must_equal, register, ring
from capture import SO_TIMESTAMPNS
from dialog import Session, calling, session_of
from floods import Flood, Packet
from net import MEDIA, PATIENCE, Failure, Namespace
from peer import Agent, Media, Port, World
from rtp import packet

CONNTRACK_MAX = Path("/proc/sys/net/netfilter/nf_conntrack_max")
SOFTNET = Path("/proc/net/softnet_stat")
PACE = 0.01
"""Seconds from one packet of audio to the next, each way."""
ARRIVES = 1.0
"""Seconds in which a packet arrives that ever does."""
SLOWER = 4
"""Times as long as in the flood that is none of the helper's business: half of the calls take to be set up,
and nine of ten packets of audio from one end to the other."""
FLOOR = 0.02
"""Seconds, one packet of a phone's audio, that both may take in any case: below that it is chance."""
PAUSE = 0.03
"""Seconds between one round of life and the next: a phone, no flood of its own."""
AGAIN = 2
"""Messages that may have to be sent once more, besides twice the share of them in the other flood."""
LOST = 0.01
"""The share of the audio that may be lost where the kernel says that it has dropped packets, before any helper
saw them, or where the other flood lost some; else nothing may be."""
MESSAGES = 20
"""Of one round of life, about."""


@dataclass(frozen=True)
class Life:
    """What one round of a bystander's life cost."""

    seconds: float      # to set up a call, on average of two
    asked_again: int    # messages that it had to send once more


@dataclass
class Heard:
    """What became of audio that was played all the time, both ways."""

    sent: int = 0
    lost: int = 0
    wrong: int = 0          # changed, another stream's, from elsewhere, or once more
    late: list[float] = field(default_factory=list)     # seconds that each packet took

    @property
    def most(self) -> float:
        """What nine of ten packets took at most."""
        return quantiles(self.late, n=10)[-1] if len(self.late) > 1 else 0.0


def dropped() -> int:
    """Packets for which there was no room where they wait for a processor, in all namespaces."""
    return sum(int(line.split()[1], 16) for line in SOFTNET.read_text(encoding="ascii").splitlines())


class _Playing:
    """Plays from both ends of a call, each packet a moment after the other, and hears both."""

    def __init__(self, talks: Session) -> None:
        self.heard = Heard()
        self.ways = [(talks.near_media, talks.far_seen, talks.far_media, talks.near_seen),
                     (talks.far_media, talks.near_seen, talks.near_media, talks.far_seen)]
        self.under_way: dict[bytes, float] = {}

    def run(self, over: Connection) -> None:
        selector = selectors.DefaultSelector()
        selector.register(over, selectors.EVENT_READ, None)
        for _, _, receiver, source in self.ways:
            receiver.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            selector.register(receiver.socket, selectors.EVENT_READ, (receiver, source))
        number, limit = self.ways[0][0].sent, None
        while limit is None or (self.under_way and time.monotonic() < limit):
            due = time.monotonic() + PACE
            if limit is None:
                self.play(number)
                number += 1
            while (left := due - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    if key.data:
                        self.hear(*key.data)
                    elif limit is None:
                        limit = time.monotonic() + ARRIVES * PATIENCE
                        selector.unregister(over)
        self.heard.lost = len(self.under_way)
        over.send(self.heard)

    def play(self, number: int) -> None:
        for sender, to, receiver, _ in self.ways:
            data = packet(sender.stream, number)
            self.under_way[receiver.stream.encode() + data] = time.time()
            self.heard.sent += 1
            sender.send(data, to)

    def hear(self, receiver: Media, source: tuple[str, int]) -> None:
        data, ancillary, _, sender = receiver.socket.recvmsg(2048, 64)
        began = self.under_way.pop(receiver.stream.encode() + data, None)
        if began is None or sender[:2] != source:
            self.heard.wrong += 1
            return
        seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
        self.heard.late.append(seconds + nanoseconds / 1e9 - began)


def _play(talks: Session, over: Connection) -> None:
    _Playing(talks).run(over)


class Audio:
    """A call's audio, at a steady pace in a process of its own."""

    def __init__(self, talks: Session) -> None:
        context = mp.get_context("fork")
        self.talks = talks
        self.ours, its = context.Pipe()
        self.process = context.Process(target=_play, args=(talks, its))
        self.process.start()
        its.close()

    def end(self) -> Heard:
        self.ours.send(None)
        if not self.ours.poll(20 * PATIENCE):
            self.process.kill()
            raise Failure("the audio did not come to its end")
        heard: Heard = self.ours.recv()
        self.process.join()
        for media in (self.talks.near_media, self.talks.far_media):
            media.sent += heard.sent
        return heard


@dataclass
class Measured:
    """What a bystander went through."""

    rounds: list[Life]
    audio: Heard
    dropped: int        # packets, by the kernel
    packets: int = 0    # of the flood

    @property
    def usually(self) -> float:
        """Seconds to set up a call, of half of them."""
        return median(life.seconds for life in self.rounds)

    @property
    def again(self) -> int:
        return sum(life.asked_again for life in self.rounds)

    def __str__(self) -> str:
        slowest = max(life.seconds for life in self.rounds)
        return (f"{2 * len(self.rounds)} calls set up in {1000 * self.usually:.1f} ms, at most {1000 * slowest:.0f}, "
                f"{self.again} messages sent again; {self.audio.lost} of {self.audio.sent} packets of audio lost, "
                f"9 of 10 took {1000 * self.audio.most:.1f} ms; dropped by the kernel: {self.dropped}")


def complaints(world: World, now: Measured, usual: Measured) -> list[str]:
    """Why the bystander suffered more than it does from `usual`."""
    found = []

    def no_slower(what: str, took: float, then: float) -> None:
        most = SLOWER * then + world.patience_with(FLOOR)
        if took > most:
            found.append(f"{what} took {1000 * took:.1f} ms, {1000 * most:.1f} ms are allowed")
    no_slower("half of the calls set up", now.usually, usual.usually)
    no_slower("nine of ten packets of audio", now.audio.most, usual.audio.most)
    again = AGAIN + 2 * MESSAGES * len(now.rounds) * usual.again / (MESSAGES * len(usual.rounds))
    if now.again > again:
        found.append(f"{now.again} messages sent again, {again:.0f} are allowed")
    lost = now.audio.sent * max(LOST, 2 * usual.audio.lost / usual.audio.sent)
    if now.audio.lost > (lost if now.dropped or usual.audio.lost else 0):
        found.append(f"{now.audio.lost} packets of audio lost")
    if now.audio.wrong:
        found.append(f"{now.audio.wrong} packets of audio changed, doubled or from elsewhere")
    return found


def _close(*ports: Port) -> None:
    for port in ports:
        port.world.selector.unregister(port.socket)
        port.socket.close()


class Bystander:
    """A phone with a registration and calls that nothing shall disturb."""

    def __init__(self, world: World, number: int = 1, server: Agent | None = None) -> None:
        self.world = world
        self.newcomers = True       # a phone may register anew in each round
        self.phone = world.phone(number)
        self.server = server or world.server()
        self.contact = register(self.phone, self.server, granted=600).contact
        self.number = number
        self.ports = itertools.count(0, 4)
        self.standing, self.playing = self._talks(4000, 7000), self._talks(4010, 7010)
        for media in (self.playing.near_media, self.playing.far_media):
            world.selector.unregister(media.socket)
        self.rounds: list[Life] = []
        self.own = {"calls": 2, "registrations": 1}
        """At most so many entries of our tables are its own."""
        # conntrack's own table is small here, and gives up what has no answer yet when it is full
        CONNTRACK_MAX.write_text("262144", encoding="ascii")
        # a machine that is flooded loses datagrams long before they come to any helper
        world.repeats = not world.over_tcp
        self.quiet = self._undisturbed()
        """What it goes through with no flood."""
        self.usual, self.reference = self.quiet, lambda: self.in_rounds(3)

    def _talks(self, near: int, far: int) -> Session:
        made = calling(self.world, self.world.inside_media(near, self.number), self.world.outside_media(far, MEDIA),
                       self.phone, self.server)
        made.talk()
        return made

    def _undisturbed(self) -> Measured:
        """With no flood; a machine that is busy gets some attempts."""
        for _ in range(4):
            found = self.in_rounds(3)
            wrong = complaints(self.world, found, found) or found.again
            if not wrong:
                return found
        raise Failure(f"suffers with no flood: {wrong}; {found}")

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
        _close(near, far)
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
        if not self.world.over_tcp:
            _close(phone, caller)

    def _media(self) -> tuple[Media, Media]:
        """Sockets that nobody has spoken from: without a pinhole nothing comes in to them."""
        place = next(self.ports)
        return (self.world.inside_media(20000 + place, self.number),
                self.world.outside_media(20000 + place, MEDIA))

    def meanwhile(self, goes_on: Callable[[], bool]) -> Measured:
        """Lives, and its audio plays, as long as that goes on, and for one round at least."""
        self.rounds, before = [], dropped()
        audio = Audio(self.playing)
        try:
            while goes_on() or not self.rounds:
                self.lives()
                self.world.rest(PAUSE)
            heard = audio.end()
        finally:
            audio.process.kill()
        return Measured(self.rounds, heard, dropped() - before)

    def in_rounds(self, count: int) -> Measured:
        return self.meanwhile(lambda: len(self.rounds) < count)

    def through(self, flood: Flood) -> Measured:
        """Lives on until it is over, and after it."""
        try:
            measured = self.meanwhile(lambda: flood.runs)
            measured.packets = flood.end()
        finally:
            flood.process.kill()
        self.lives()
        return measured

    def compares_with(self, where: Namespace, make: Packet, seconds: float) -> Measured:
        """From now on with a flood of these packets, which are none of the helper's business."""
        self.reference = lambda: self.through(Flood(where, make, seconds))
        self.usual = self.reference()
        return self.usual

    def suffered(self, now: Measured) -> None:
        """Fails if it was disturbed more than by the reference. A machine that has become busy has done so for
        that, too: where it looks so, that is made once more."""
        if complaints(self.world, now, self.usual):
            again = self.reference()
            must_equal(complaints(self.world, now, again), [], f"suffered: {now}\n  instead of: {again}")
