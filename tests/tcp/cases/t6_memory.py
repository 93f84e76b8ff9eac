# SPDX-License-Identifier: GPL-2.0
"""T6 and T7: what a connection needed is given back when it ends, or when it is none of ours."""
from __future__ import annotations

from pathlib import Path

from bed import Bed, Failure
from book import Said, plain
from cases.t7_strangers import TLS_HELLO
from ends import Talk, until
from listing import BOTH_VERSIONS, SHIFTED, case

SLABS = Path("/sys/kernel/slab")
QUICK = ("time_wait", "close", "close_wait", "last_ack", "fin_wait", "established", "unacknowledged")


def objects(name: str) -> int:
    """Objects of that slab that are in use, of all namespaces."""
    slab = SLABS / name
    try:
        (slab / "shrink").write_text("1")
        return int((slab / "objects").read_text().split()[0])
    except FileNotFoundError as error:
        raise Failure(f"{slab}: {error} (the kernel needs slab_nomerge)") from error


def forgets_after(bed: Bed, seconds: int) -> None:
    """How long the router remembers a connection after its next packet."""
    for name in QUICK:
        bed.line.router.sysctl(f"net.netfilter.nf_conntrack_tcp_timeout_{name}", seconds)


def tcp_connections(bed: Bed) -> int:
    """What has timed out goes when it is looked at."""
    return bed.line.router.read("/proc/net/nf_conntrack").count(" tcp ")


def none_left(bed: Bed) -> bool:
    tcp_connections(bed)
    return not objects("sip_ext_tcp")


@case("T6 the state of connections is freed: idle, in the middle of a message, reset, half-closed",
      (SHIFTED,), subset=True, alone=True)
def freed(bed: Bed) -> None:
    if not bed.ours:
        return
    until("earlier cases left nothing", lambda: none_left(bed))
    talks = [bed.connect() for _ in range(40)]
    for number, talk in enumerate(talks):
        talk.say(talk.book.register(), talk.book.options())     # a call would keep its connection
        if number % 4:
            unfinished(talk, number)
    standing = objects("sip_ext_tcp")
    if standing != len(talks):
        raise Failure(f"{len(talks)} connections stand, and {standing} objects")
    forgets_after(bed, 1)
    for number, talk in enumerate(talks):
        (talk.phone.abort if number % 2 else talk.phone.finish)()
        talk.drop()
    until("no state is left of connections that ended", lambda: none_left(bed))
    bed.note(f"{standing} objects, none at the end; of calls and registrations' connections "
             f"{objects('sip_ext_connection')}")


def unfinished(talk: Talk, number: int) -> None:
    """Half a message, of either side."""
    end = talk.phone if number % 2 else talk.server
    end.write(talk.book.invite(outward=bool(number % 2)).sent[:600])
    until("the half is acknowledged", lambda: not end.unacknowledged())


@case("T7 the state of a connection that is not SIP is freed while it lives", (SHIFTED,), subset=True, alone=True)
def strangers_freed(bed: Bed) -> None:
    if not bed.ours:
        return
    until("earlier cases left nothing", lambda: none_left(bed))
    talks = [bed.connect() for _ in range(20)]
    for number, talk in enumerate(talks):
        talk.say(plain(TLS_HELLO), out=bool(number % 2))
    until("no state is left of strangers", lambda: not objects("sip_ext_tcp"))
    for talk in talks:
        talk.say(talk.book.invite().untouched)
        talk.close()


@case("T6 memory is given back: four hundred halves of messages within a bound of one megabyte", BOTH_VERSIONS)
def given_back(bed: Bed) -> None:
    bed.setting("tcp_memory", 1024)
    for _ in range(10):
        forgets_after(bed, 300)
        talks = [bed.connect() for _ in range(20)]
        for talk in talks:
            for out in (True, False):
                first, second = talk.book.options(out), talk.book.notify(3000, out)
                end = talk.phone if out else talk.server
                end.write(first.sent + second.sent[:2000])
                until("the half is acknowledged", lambda end=end: not end.unacknowledged())
        forgets_after(bed, 1)
        for number, talk in enumerate(talks):
            if number % 3:
                talk.phone.abort()
            talk.drop()
        until("conntrack has forgotten them", lambda: not tcp_connections(bed))
    forgets_after(bed, 300)
    talk = bed.connect()
    talk.say(talk.book.notify(), talk.book.invite(), cuts=(1000, 30000, 40000), acked=True)
    talk.close()
    if bed.counters().get("limit_stream_memory"):
        raise Failure("memory was not given back: the limit was reached")


@case("T5 a bound on the memory of all connections is reached: streams pass as they are, none stalls",
      BOTH_VERSIONS)
def memory_bound(bed: Bed) -> None:
    bed.setting("tcp_memory", 1024)
    talks = []
    for _ in range(60):     # of 60 KB each, all but the last byte
        talk = bed.connect()
        message = talk.book.sized(60000)
        talks.append((talk, message))
        end = talk.phone
        sent = 0
        while sent < len(message.sent) - 1:
            sent += end.write(message.sent[sent:-1])
            talk.server.read()
        until("the part is acknowledged", lambda end=end: not end.unacknowledged())
    untouched = 0
    for talk, message in talks:
        talk.phone.write(message.sent[-1:])

        def whole(talk: Talk = talk, message: Said = message) -> bool:
            talk.server.read()
            return bytes(talk.server.got) in (message.sent, message.read)
        until("the message is read, translated or as it was", whole)
        got = bytes(talk.server.got)
        untouched += got == message.sent
        talk.drop()
    bed.note(f"{untouched} of {len(talks)} messages passed as they were")
    bed.must_count("limit_stream_memory")
