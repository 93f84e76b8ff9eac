# SPDX-License-Identifier: GPL-2.0
"""Workers that behave: they register, call both ways, talk, offer again and hang up, and begin anew
when something is taken from under them.
"""
from __future__ import annotations

import random
from collections import Counter

from bed import Quiet, Span
from calls import Call, call, hang_up, must, register, talk
from net import Failure, Line
from peer import Media
from sip import address_of
from storm import Tally

PACKETS = 3


class Worker:
    """One phone and one host, with sockets of their own for media."""

    def __init__(self, world: Quiet, number: int, chance: random.Random) -> None:
        self.world, self.number, self.chance = world, number, chance
        self.phone, self.host = world.phone(number), world.host(number)
        self.near = [world.inside_media(port, number) for port in (4000, 4100)]
        self.far = [Media(world, world.line.outside, (self.host.address[0], port), f"far {number} {port}")
                    for port in (7000, 7100)]

    def outward(self) -> Call:
        return call(self.phone, self.host, self.host.uri, self.host.address, self.near[0], self.far[0])

    def inward(self) -> Call:
        granted = register(self.phone, self.host)
        return call(self.host, self.phone, granted.contact, address_of(granted.contact), self.far[1],
                    self.near[1])

    def round(self, counts: Counter[str]) -> None:
        made = self.outward()
        counts["calls out"] += 1
        talk(self.world, made, True, count=PACKETS)
        counts["audio out"] += 1
        if self.chance.random() < 0.7:
            hang_up(made)
        back = self.inward()
        counts["calls in"] += 1
        talk(self.world, back, False, count=PACKETS)
        counts["audio in"] += 1
        if self.chance.random() < 0.7:
            hang_up(back)


def orderly(line: Line, transport: str, number: int, seed: int, span: Span, patience: float = 1.0) -> Tally:
    """Calls until it is over; failures are counted, since the router is being shaken."""
    tally, chance = Tally(), random.Random(seed * 100 + number)
    while not span.over():
        world = Quiet(line, transport, patience)
        try:
            worker = Worker(world, number, chance)
            for _ in range(3):
                if not span.over():
                    worker.round(tally.counts)
                    span.reach(transport)
        except (Failure, OSError) as error:
            tally.counts["failed"] += 1
            tally.faults = [f"{transport}: {error}"]
        finally:
            world.close()
    return tally


def proven(line: Line, number: int, transport: str) -> str:
    """A registration, a call each way with audio: what was wrong with it, or nothing."""
    world = Quiet(line, transport, 8.0)
    counts: Counter[str] = Counter()
    try:
        Worker(world, number, random.Random(0)).round(counts)
        must(counts["audio out"] == counts["audio in"] == 1, str(counts))
    except (Failure, OSError) as error:
        return str(error)
    finally:
        world.close()
    return ""
