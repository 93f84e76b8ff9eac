# SPDX-License-Identifier: GPL-2.0
"""A call of two baresips: what the router carried, and what each of them heard."""
from __future__ import annotations

import struct

from calls import must, must_equal
from net import Failure
from peer import World
from programs import Baresip, samples_of, seconds_heard, share_of_tone
from programs_calls import PACE, SLOW, Dialog, carries_audio, lost_on_the_way
from sip import Address

NOTES = {"alice": (350, 450, 550), "bob": (800, 1000, 1250), "carol": (620, 700, 1500),
         "dave": (400, 500, 900)}
PACKETS = 40
HEARD = 0.5
"""Seconds of the other's melody in what was heard of so many packets."""


def _heard_by(phone: Baresip, before: int) -> float:
    """RTP packets received since, by the size of the recording."""
    files = phone.recordings()[before:]
    return (files[-1].stat().st_size - 44) / 320 if files else 0


def _has_heard(world: World, phone: Baresip, before: int) -> bool:
    """Looked at now and then: asking at every packet would cost more than the packets."""
    world.rest(0.2)
    return _heard_by(phone, before) >= PACKETS


def _linear(byte: int) -> int:
    """One sample of PCMU as 16 bits (ITU-T G.711)."""
    byte = ~byte & 0xFF
    size = (((byte & 0x0F) << 3) + 0x84 << (byte >> 4 & 7)) - 0x84
    return -size if byte & 0x80 else size


LINEAR = [_linear(byte) for byte in range(256)]


def meet(world: World, end: Dialog, phone: Baresip, before: int) -> None:
    """A scripted end and a baresip in a call: what each heard is what the other played."""
    inbox, played = end.media.inbox, list[bytes]()
    inbox.clear()
    for _ in range(16 * PACKETS):
        played += [p[12:] for p in end.media.play(end.peer, 1)]
        world.rest(PACE)
        end.serve()
        if len(played) % 10 == 0 and len(inbox.packets) >= PACKETS \
                and _heard_by(phone, before) >= PACKETS:
            break
    notes = NOTES[phone.user]
    tones = [max(share_of_tone(tuple(LINEAR[b] for b in p[12:]), hertz) for hertz in notes) > 0.7
             for p in inbox.packets]
    must(sum(tones) / 50 >= HEARD, f"{end.agent.user} heard {sum(tones) / 50:.2f} s of "
         f"{phone.user}'s melody in {len(tones)} packets")
    must_equal(set(inbox.sources), {end.peer}, f"what {end.agent.user} heard came from")
    files = phone.recordings()[before:]
    samples = samples_of(files[-1]) if files else []    # once: it is being written
    heard = struct.pack(f"<{len(samples)}h", *samples)
    found = sum(struct.pack(f"<{len(p)}h", *(LINEAR[b] for b in p)) in heard for p in played)
    must(found / 50 >= HEARD, f"{phone.user} heard {found} of {len(played)} packets of "
         f"{end.agent.user}'s, {len(heard) // 320} in all")


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
                       lambda p=one, n=before: _has_heard(world, p, n), SLOW)
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
