# SPDX-License-Identifier: GPL-2.0
"""Many calls at once: all play, and every inbox must hold its own stream and nothing else."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from calls import Call, must_equal
from net import Failure
from peer import World
from rtp import differences

EXPECT_MAX = Path("/proc/sys/net/netfilter/nf_conntrack_expect_max")


def room_for_expectations(count: int) -> None:
    """What docs/install.md tells people with many calls to do; one limit for all namespaces."""
    if int(EXPECT_MAX.read_text(encoding="ascii")) < count:
        EXPECT_MAX.write_text(str(count), encoding="ascii")


def turned(made: Call) -> Call:
    """The same call, the inside end named first."""
    return replace(made, caller=made.callee, callee=made.caller,
                   caller_media=made.callee_media, callee_media=made.caller_media,
                   caller_media_seen=made.callee_media_seen,
                   callee_media_seen=made.caller_media_seen)


def play_all(world: World, calls: list[Call], count: int = 8) -> None:
    """Everybody talks at once, the caller's packet first; the caller's end is inside."""
    expected = []
    for made in calls:
        made.caller_media.inbox.clear()
        made.callee_media.inbox.clear()
    for made in calls:
        out = made.caller_media.play(made.callee_media_seen, count)
        back = made.callee_media.play(made.caller_media_seen, count)
        expected.append((made, out, back))
        world.pump(0)
    inboxes = [m.inbox for c in calls for m in (c.caller_media, c.callee_media)]
    try:
        world.wait("audio", lambda: all(len(i.packets) >= count for i in inboxes) or None, 3)
    except Failure:
        pass
    wrong = []
    for made, out, back in expected:
        for media, packets, source in ((made.callee_media, out, made.caller_media_seen),
                                       (made.caller_media, back, made.callee_media_seen)):
            wrong += [f"{media.stream}: {text}"
                      for text in differences(media.inbox, packets, source)]
    must_equal(wrong, [], "audio of all at once")
