# SPDX-License-Identifier: GPL-2.0
"""T1: any split of the stream into segments."""
from __future__ import annotations

from bed import Bed, Failure
from book import Said
from ends import Talk, chop
from listing import ALL_ROUTERS, BOTH_VERSIONS, DNAT, ROUTED, SHIFTED, SHIFTED6, case

TRIPLES = 400


def dialog(talk: Talk, name: str) -> tuple[Said, bool]:
    """The message of that name, with what must have gone before it, and its direction."""
    book = talk.book
    if name == "REGISTER":
        return book.register(), True
    if name == "INVITE":
        return book.invite(), True
    if name == "200":
        talk.say(book.invite(outward=False), out=False)
        return book.accept(), True
    if name == "granted":
        talk.say(book.register())
        return book.granted(), False
    if name == "called":
        return book.invite(outward=False), False
    talk.say(book.invite())
    return book.accept(outward=False), False


NAMES = ("REGISTER", "INVITE", "200", "granted", "called", "answered")


@case("T1 every message alone: REGISTER, INVITE, 200, NOTIFY of 40 KB, OPTIONS, MESSAGE, both ways",
      ALL_ROUTERS, subset=True)
def alone(bed: Bed) -> None:
    talk = bed.connect()
    for out in (True, False):
        for name in NAMES:
            message, outward = dialog(talk, name)
            talk.say(message, out=outward)
        book = talk.book
        talk.say(book.options(out), out=out)
        talk.say(book.message(outward=out), out=out)
        talk.say(book.invite(2500, out), out=out)
        talk.say(book.accept(2500, not out), out=not out)
        talk.say(book.notify(40000, out), out=out)
    talk.close()
    if bed.setup.translated:
        bed.must_count("translated", 10)


class Counted:
    """The pieces leave as as many segments: what was to be tested was."""

    def __init__(self, talk: Talk, outward: bool) -> None:
        self.end = talk.phone if outward else talk.server
        self.before = self.end.info()   # a SYN that was sent again is counted there, too

    def must_be(self, expected: int) -> None:
        now = self.end.info()
        again = now.retransmitted - self.before.retransmitted
        if now.segments - self.before.segments - again != expected:
            raise Failure(f"the pieces should leave as {expected} segments, but did as "
                          f"{now.segments - self.before.segments}, {again} of them again")


def split(bed: Bed, name: str, cuts: list[tuple[int, ...]], acked: bool) -> None:
    """One message again and again over one connection, each time cut at other places."""
    talk = bed.connect()
    message, out = dialog(talk, name)
    counted = Counted(talk, out)
    for places in cuts:
        talk.say(message, out=out, cuts=places, acked=acked)
    talk.settle()
    if acked:
        counted.must_be(sum(len(places) + 1 for places in cuts))
    talk.close()


def in_two(bed: Bed, name: str, acked: bool) -> None:
    talk = bed.connect()
    length = len(dialog(talk, name)[0].sent)
    talk.close()
    split(bed, name, [(place,) for place in range(1, length)], acked)
    bed.note(f"{name}: cut at {length - 1} places")


@case("T1 a REGISTER, an INVITE and a 200 of the phone, cut in two at every place",
      (SHIFTED, SHIFTED6, DNAT, ROUTED), subset=True)
def out_in_two(bed: Bed) -> None:
    for name in NAMES[:3]:
        in_two(bed, name, True)


@case("T1 a 200 to REGISTER, an INVITE and a 200 to INVITE for the phone, cut in two at every place",
      (SHIFTED, SHIFTED6, DNAT))
def in_in_two(bed: Bed) -> None:
    for name in NAMES[3:]:
        in_two(bed, name, True)


@case("T1 cut in two at every place, the second segment at once behind the first", BOTH_VERSIONS)
def at_once(bed: Bed) -> None:
    for name in ("INVITE", "called"):
        in_two(bed, name, False)


@case("T1 REGISTER, INVITE and 200 both ways, cut in three, at a sample of places",
      (SHIFTED, SHIFTED6, DNAT))
def in_three(bed: Bed) -> None:
    for name in NAMES:
        talk = bed.connect()
        length = len(dialog(talk, name)[0].sent)
        talk.close()
        cuts: list[tuple[int, ...]] = [(1, 2), (length - 2, length - 1), (1, length - 1)]
        while len(cuts) < TRIPLES:
            cuts.append(tuple(sorted(bed.random.sample(range(1, length), 2))))
        split(bed, name, cuts, True)
    bed.note(f"seed {bed.seed}: {TRIPLES} of about {length * (length - 1) // 2} pairs of places "
             f"for each of {len(NAMES)} messages")


@case("T1 one byte in each segment, both ways", (SHIFTED, SHIFTED6, DNAT, ROUTED), subset=True)
def bytewise(bed: Bed) -> None:
    for name in NAMES:
        talk = bed.connect()
        message, out = dialog(talk, name)
        counted = Counted(talk, out)
        talk.pieces(chop(message.sent, 1), message.read, out, True)
        counted.must_be(len(message.sent))
        talk.close()


@case("T1 segments of at most 100 bytes, both ways at once", (SHIFTED, SHIFTED6, DNAT, ROUTED), subset=True)
def small_segments(bed: Bed) -> None:
    talk = bed.connect(mss=100)
    chance = bed.random.randrange
    talk.both([talk.book.register(), *talk.book.many(30, True, chance)],
              talk.book.many(30, False, chance))
    talk.both([talk.book.notify()], [talk.book.notify(outward=False)])
    if talk.phone.info().mss > 100 or talk.server.info().mss > 100:
        raise Failure("the segments are larger than they should be")
    bed.note(f"seed {bed.seed}")
    talk.close()


@case("T1 ten messages in one segment, both ways", (SHIFTED, SHIFTED6, DNAT, ROUTED), subset=True)
def ten_in_one(bed: Bed) -> None:
    for mss in (8000, 1460):    # in one aggregate; in as many segments as it takes
        if mss == 8000:
            bed.wide_links(9000)
        talk = bed.connect(mss=mss if mss < 2000 else 0)
        for out in (True, False):
            book = talk.book
            messages = [book.options(out), book.message(20, out), book.invite(300, out),
                        book.message(0, out), book.options(out), book.message(31, out),
                        book.options(out), book.invite(250, out), book.message(7, out),
                        book.options(out)]
            counted = Counted(talk, out)
            talk.say(*messages, out=out)
            if mss == 8000:
                counted.must_be(1)
        talk.close()
        if mss == 8000:
            bed.wide_links(1500)


@case("T1 random cuts: fifty random messages each way, pieces of 1 to 3000 bytes", ALL_ROUTERS, subset=True)
def random_cuts(bed: Bed) -> None:
    chance = bed.random.randrange
    for acked in (True, False):
        talk = bed.connect()
        for out in (True, False):
            messages = talk.book.many(50, out, chance)
            sent = b"".join(one.sent for one in messages)
            cuts, at = [], 0
            while at < len(sent):
                at += 1 + chance(3 if chance(2) else 3000)
                cuts.append(min(at, len(sent)))
            talk.say(*messages, out=out, cuts=cuts, acked=acked)
        talk.close()
    bed.note(f"seed {bed.seed}")
