# SPDX-License-Identifier: GPL-2.0
"""A call of two baresips: what the router carried, and what each of them heard."""
from __future__ import annotations

from calls import must, must_equal
from net import Failure
from peer import World
from programs import Baresip, seconds_heard
from programs_calls import carries_audio, lost_on_the_way
from sip import Address

NOTES = {"alice": (350, 450, 550), "bob": (800, 1000, 1250), "carol": (620, 700, 1500),
         "dave": (400, 500, 900)}
PACKETS = 60
HEARD = 0.8
"""Seconds of the other's melody in what was heard of so many packets."""


def _heard_by(phone: Baresip, before: int) -> float:
    """RTP packets received since, by the size of the recording."""
    files = phone.recordings()[before:]
    return (files[-1].stat().st_size - 44) / 320 if files else 0


def talk(world: World, caller: Baresip, callee: Baresip, registrar: Address,
         deaf: Baresip | None = None) -> None:
    """A call in which both hear the other's melody, but for the one that is sent none."""
    pairs = [(one, other, len(one.recordings())) for one, other in
             ((caller, callee), (callee, caller)) if one is not deaf]
    since = len(world.capture.seen)
    caller.call(callee, registrar)
    what = f"{caller.user} calls {callee.user}"
    try:
        for one, _, before in pairs:
            world.wait(f"{what}: {one.user} hears {PACKETS} packets",
                       lambda p=one, n=before: _heard_by(p, n) >= PACKETS, 12)
    except Failure as failure:
        kept = [str(d) for d in world.capture.seen[since:] if carries_audio(d)][-6:]
        raise Failure("\n".join([str(failure), "the last audio at the router:", *kept])) from failure
    finally:
        caller.hang_up(callee)
    world.capture.drain()
    must_equal(lost_on_the_way(world.capture.seen[since:]), [], f"{what}: audio lost in the router")
    for one, other, before in pairs:
        heard = seconds_heard(one.recordings()[before], NOTES[other.user])
        must(heard >= HEARD, f"{what}: {one.user} heard {heard:.2f} s of the other's melody")
