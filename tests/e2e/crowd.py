# SPDX-License-Identifier: GPL-2.0
"""Many calls at once: all play, and every inbox must hold its own stream and nothing else."""
from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Iterator

from calls import Call, must_equal
from net import Failure
from peer import Media, World
from rtp import differences
from sip import Address

Way = tuple[Media, Address, Media, Address]
"""Who sends, where to, who shall hear it, and from what address."""
EXPECT_MAX = Path("/proc/sys/net/netfilter/nf_conntrack_expect_max")


ROOM = 16384
"""Expectations of a few crowds at once: they have one table."""


def room_for_expectations() -> None:
    """What docs/install.md tells people with many calls to do; one limit for all namespaces."""
    if int(EXPECT_MAX.read_text(encoding="ascii")) < ROOM:
        EXPECT_MAX.write_text(str(ROOM), encoding="ascii")


@contextmanager
def table_of(expectations: int) -> Iterator[None]:
    usual = EXPECT_MAX.read_text(encoding="ascii")
    EXPECT_MAX.write_text(str(expectations), encoding="ascii")
    try:
        yield
    finally:
        EXPECT_MAX.write_text(usual, encoding="ascii")


def turned(made: Call) -> Call:
    """The same call, the inside end named first."""
    return replace(made, caller=made.callee, callee=made.caller,
                   caller_media=made.callee_media, callee_media=made.caller_media,
                   caller_media_seen=made.callee_media_seen,
                   callee_media_seen=made.caller_media_seen)


def play_all(world: World, calls: list[Call], count: int = 8, first: str = "inside") -> None:
    """Everybody talks at once, one end of every call before the other; the caller is inside."""
    ends = [((made.caller_media, made.callee_media_seen, made.callee_media, made.caller_media_seen),
             (made.callee_media, made.caller_media_seen, made.caller_media, made.callee_media_seen))
            for made in calls]
    order = (0, 1) if first == "inside" else (1, 0)
    wrong = []
    for turn in order:
        wrong += _one_way(world, [both[turn] for both in ends], count)
    must_equal(wrong, [], f"audio of all at once, that of {first} first")


def _one_way(world: World, ways: list[Way], count: int) -> list[str]:
    """Why not every receiver has exactly what its own sender sent, from where it was to come."""
    sent = []
    for sender, to, receiver, _ in ways:
        receiver.inbox.clear()
        sent.append(sender.play(to, count))
        world.pump(0)
    try:
        world.wait("audio", lambda: all(len(way[2].inbox.packets) >= count for way in ways), 3)
    except Failure:
        pass
    return [f"{receiver.stream}: {text}" for (_, _, receiver, source), packets in zip(ways, sent)
            for text in differences(receiver.inbox, packets, source)]
