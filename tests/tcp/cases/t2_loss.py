# SPDX-License-Identifier: GPL-2.0
"""T2: loss, reordering and duplication, with retransmissions cut differently."""
from __future__ import annotations

from bed import Bed, Failure
from ends import Flow, carry, chop
from listing import BOTH_VERSIONS, DNAT, DNAT6, MASQUERADE, SHIFTED, SHIFTED6, case
from net import Setup

# Each of them before the router and once more behind it, both ways
NETS = {
    "loss 5 %": "loss 2.5%",
    "loss 10 %": "loss 5%",
    "reordering 25 % before and behind the router": "delay 10ms reorder 25% 50%",
    "duplication 10 % before and behind the router": "duplicate 10%",
    "delay 20 to 100 ms before and behind the router": "delay 60ms 40ms",
    "loss 10 %, reordering, duplication and delay": "delay 20ms 10ms loss 5% reorder 25% duplicate 10%",
}
MESSAGES = {100: 8, 536: 20, 1460: 30}
ROUTERS = (SHIFTED, SHIFTED6, DNAT, MASQUERADE, DNAT6)


def lossy(bed: Bed, order: str, mss: int, offloads: bool) -> None:
    """Messages both ways at once, first as fast as they go, then in small pieces."""
    if offloads:
        bed.offloads(True)
    bed.netem(order, order)
    talk = bed.connect(mss=mss)
    chance, count = bed.random.randrange, MESSAGES[mss]
    talk.both([talk.book.register(), *talk.book.many(count, True, chance)],
              talk.book.many(count, False, chance))
    talk.both(talk.book.many(4, True, chance), talk.book.many(4, False, chance), size=60)
    talk.settle()
    bed.note(f"seed {bed.seed}; sent again: {talk.phone.info().retransmitted} segments of the "
             f"phone's, {talk.server.info().retransmitted} of the server's")


def add(name: str, mss: int, offloads: bool, setup: Setup) -> None:
    def body(bed: Bed) -> None:
        lossy(bed, NETS[name], mss, offloads)
    with_what = "with" if offloads else "without"
    case(f"T2 {name}, segments of {mss}, {with_what} offloads",
         (setup,), subset=mss == 536 and "," in name, long=mss == 100 or "loss" in name)(body)


for number, net in enumerate(NETS):
    for place, size in enumerate(MESSAGES):
        for offload in (False, True):
            add(net, size, offload, ROUTERS[(number + place + 2 * offload) % len(ROUTERS)])


@case("T2 loss 10 %, and small pieces are sent again as large ones", (SHIFTED6, SHIFTED, DNAT), long=True, subset=True)
def coalesced(bed: Bed) -> None:
    """Linux collapses what it sends again (tcp_retrans_collapse)."""
    bed.netem("loss 5%", "loss 5%")
    talk = bed.connect()
    chance = bed.random.randrange
    talk.both(talk.book.many(15, True, chance), talk.book.many(15, False, chance), size=70)
    talk.settle()
    again = talk.phone.info().retransmitted + talk.server.info().retransmitted
    if not again:
        raise Failure("nothing was sent again: the network lost nothing")
    bed.note(f"seed {bed.seed}; {again} segments sent again")


@case("T2 loss 10 %, and large pieces are sent again in small ones", BOTH_VERSIONS, long=True)
def cut_smaller(bed: Bed) -> None:
    """The path becomes narrower while segments are under way."""
    talk = bed.connect()
    chance = bed.random.randrange
    talk.say(talk.book.register())
    bed.netem("loss 5% delay 10ms", "loss 5%")
    for mtu in (1400, 1300):
        flows = []
        for way, out in ((talk.outward, True), (talk.inward, False)):
            messages = [talk.book.notify(20000, out), *talk.book.many(10, out, chance)]
            sent = b"".join(one.sent for one in messages)
            flows.append(way([sent], b"".join(one.read for one in messages)))
        begin(flows)
        bed.wide_links(mtu)
        carry(*flows)
    talk.settle()
    bed.note(f"seed {bed.seed}")


def begin(flows: list[Flow]) -> None:
    """Some of it is under way."""
    for flow in flows:
        flow.step()


@case("T2 the kernel probes for larger segments while some are lost", BOTH_VERSIONS, long=True)
def probing(bed: Bed) -> None:
    bed.ends_sysctl("tcp_mtu_probing", 2)
    bed.ends_sysctl("tcp_base_mss", 300)
    bed.netem("loss 5%", "loss 5%")
    talk = bed.connect()
    talk.both([talk.book.notify(20000), talk.book.invite()],
              [talk.book.notify(20000, False), talk.book.invite(outward=False)])
    talk.settle()


@case("T2 loss 10 %, and each message is sent when the one before was acknowledged", BOTH_VERSIONS, long=True)
def in_turn(bed: Bed) -> None:
    bed.netem("loss 5%", "loss 5%")
    talk = bed.connect()
    chance = bed.random.randrange
    sent = talk.book.many(10, True, chance)
    talk.pieces(sum((chop(one.sent, 400) for one in sent), []), b"".join(one.read for one in sent),
                acked=True)
    back = talk.book.many(10, False, chance)
    talk.pieces(sum((chop(one.sent, 400) for one in back), []), b"".join(one.read for one in back),
                False, True)
    talk.settle()
    bed.note(f"seed {bed.seed}")
