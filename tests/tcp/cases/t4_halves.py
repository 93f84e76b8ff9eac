# SPDX-License-Identifier: GPL-2.0
"""T4: complete messages and a part of the next in one segment."""
from __future__ import annotations

from bed import Bed
from ends import Talk
from listing import ALL_ROUTERS, BOTH_VERSIONS, case


def one_and_half(talk: Talk, out: bool, place: int, acked: bool) -> None:
    """A message and the next one's first `place` bytes; then its rest and all of a third."""
    book = talk.book
    first, second, third = book.invite(outward=out), book.message(200, out), book.options(out)
    middle = len(first.sent) + place
    talk.say(first, second, third, out=out, cuts=(middle,), acked=acked)


@case("T4 a message and half of the next in one segment, the rest with one more, both ways",
      ALL_ROUTERS, subset=True, in_tree_fails=True)
def halves(bed: Bed) -> None:
    talk = bed.connect()
    for out in (True, False):
        for acked in (True, False):
            one_and_half(talk, out, 150, acked)
    talk.close()


@case("T4 a message and any number of bytes of the next in one segment", BOTH_VERSIONS, long=True)
def any_part(bed: Bed) -> None:
    talk = bed.connect()
    length = len(talk.book.message(200).sent)
    for place in range(1, length):
        one_and_half(talk, bool(place % 2), place, True)
    talk.close()
    bed.note(f"{length - 1} places")


@case("T4 halves of messages in both directions at once, each answered by the other's", BOTH_VERSIONS)
def crossing_halves(bed: Bed) -> None:
    talk = bed.connect()
    book = talk.book
    chance = bed.random.randrange
    talk.both([book.register(), *book.many(60, True, chance)],
              book.many(60, False, chance), size=777, acked=True)
    bed.note(f"seed {bed.seed}")
    talk.close()
