# SPDX-License-Identifier: GPL-2.0
"""T3: full segments that grow, aggregates, SACK, window scaling and timestamps."""
from __future__ import annotations

from itertools import product

from bed import Bed, Failure
from listing import BOTH_VERSIONS, DNAT, DNAT6, SHIFTED, SHIFTED6, case
from wire import Wire, fits

MTU = 1500


def full_sizes(bed: Bed, mtu: int) -> None:
    """Messages that end with a full segment, one byte before and one behind it."""
    talk = bed.connect()
    wires = [Wire(bed.line.outside), Wire(bed.line.inside)]
    for out in (True, False):
        mss = (talk.phone if out else talk.server).info().mss
        for count in (1, 2, 3, 10):
            for more in (-1, 0, 1):
                talk.say(talk.book.sized(count * mss + more, out), out=out)
            talk.say(*[talk.book.sized(mss, out) for _ in range(count)], out=out)
        talk.say(talk.book.notify(40000, out), out=out)
    talk.settle()
    for wire in wires:
        fits(wire.drain(), mtu)
    bed.note(f"{sum(len(wire.seen) for wire in wires)} packets, none longer than {mtu}, none in fragments, "
             "every checksum right")
    talk.close()


@case("T3 a full segment that grows arrives, and no packet is longer than the links",
      (SHIFTED, SHIFTED6, DNAT, DNAT6), subset=True)
def growing(bed: Bed) -> None:
    full_sizes(bed, MTU)


@case("T3 a full segment that grows arrives where the outer link is narrower", BOTH_VERSIONS)
def narrow(bed: Bed) -> None:
    bed.line.ip("link set wan mtu 1400")
    bed.line.ip_outside("link set eth0 mtu 1400")
    full_sizes(bed, MTU)


@case("T3 a full segment that grows arrives without timestamps", BOTH_VERSIONS)
def without_timestamps(bed: Bed) -> None:
    bed.ends_sysctl("tcp_timestamps", 0)
    full_sizes(bed, MTU)


@case("T3 aggregates come in and are translated, and what leaves is cut to fit",
      (SHIFTED, SHIFTED6, DNAT, DNAT6), subset=True)
def aggregates(bed: Bed) -> None:
    bed.offloads(True)
    talk = bed.connect()
    wire = Wire(bed.line.router)
    chance = bed.random.randrange
    for _ in range(3):
        for out in (True, False):
            book = talk.book
            talk.say(book.notify(40000, out), *book.many(20, out, chance), out=out)
            talk.say(*[book.invite(outward=out) for _ in range(40)], out=out)
    talk.settle()
    fits(wire.drain(), MTU)
    came = [packet for packet in wire.seen if packet.aggregate and not packet.leaving]
    bed.note(f"seed {bed.seed}; {len(came)} aggregates came in, the longest of "
             f"{max((packet.payload for packet in came), default=0)} bytes; "
             f"{sum(1 for p in wire.seen if p.aggregate and p.leaving)} left")
    if not came:
        raise Failure("no aggregate came to the router")
    talk.close()


@case("T3 segments that receive offload made one are translated", (SHIFTED, SHIFTED6, DNAT))
def received_offload(bed: Bed) -> None:
    """The ends send single segments, and the router's links merge what they can."""
    bed.offloads(False)
    bed.router_gro()
    talk = bed.connect()
    wire = Wire(bed.line.router)
    for out in (True, False):
        talk.say(*[talk.book.notify(40000, out) for _ in range(5)], out=out)
        talk.say(*[talk.book.invite(outward=out) for _ in range(60)], out=out)
    talk.settle()
    fits([packet for packet in wire.drain() if packet.leaving], MTU)
    bed.note(f"{len(wire.seen)} packets at the router's links")
    talk.close()


def options(bed: Bed, names: tuple[str, ...], on: tuple[int, ...]) -> None:
    for name, value in zip(names, on):
        bed.ends_sysctl(name, value)
    bed.netem("delay 5ms 3ms loss 3% reorder 25%", "loss 3%")
    talk = bed.connect()
    chance = bed.random.randrange
    talk.both([talk.book.notify(20000, True), *talk.book.many(12, True, chance)],
              [talk.book.notify(20000, False), *talk.book.many(12, False, chance)])
    talk.settle()
    bed.note(f"seed {bed.seed}")


NAMES = ("tcp_sack", "tcp_window_scaling", "tcp_timestamps")


def add(on: tuple[int, ...], number: int) -> None:
    def body(bed: Bed) -> None:
        options(bed, NAMES, on)
    words = ", ".join(f"{name[4:].replace('_', ' ')} {'on' if value else 'off'}"
                      for name, value in zip(NAMES, on))
    case(f"T3 lost and overtaken segments with {words}",
         ((SHIFTED, SHIFTED6, DNAT)[number % 3],), long=True, subset=on == (1, 1, 1))(body)


for place, values in enumerate(product((1, 0), repeat=3)):
    add(values, place)
