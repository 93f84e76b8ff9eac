# SPDX-License-Identifier: GPL-2.0
"""T5: no stall and no reset, whatever the habits of sender and receiver."""
from __future__ import annotations

import socket
import time

from bed import Bed
from book import plain
from ends import Flow, carry, chop
from listing import BOTH_VERSIONS, DNAT, ROUTED, SHIFTED, SHIFTED6, case

WIDE = (SHIFTED, SHIFTED6, DNAT, ROUTED)


@case("T5 Nagle's sender with small pieces, both ways", WIDE, subset=True)
def nagle(bed: Bed) -> None:
    talk = bed.connect(nodelay=False)
    chance = bed.random.randrange
    for size in (1, 60, 700):
        for out in (True, False):
            messages = talk.book.many(3 if size == 1 else 10, out, chance)
            talk.pieces(chop(b"".join(one.sent for one in messages), size),
                        b"".join(one.read for one in messages), out)
    talk.both(talk.book.many(20, True, chance), talk.book.many(20, False, chance), size=90)
    bed.note(f"seed {bed.seed}")
    talk.close()


@case("T5 a sender that waits for each acknowledgement, both ways", WIDE, subset=True)
def waiting(bed: Bed) -> None:
    talk = bed.connect()
    chance = bed.random.randrange
    for size in (7, 100, 1000, 1448):
        for out in (True, False):
            messages = talk.book.many(8, out, chance)
            talk.pieces(chop(b"".join(one.sent for one in messages), size),
                        b"".join(one.read for one in messages), out, True)
    made = talk.book.notify()
    talk.pieces(chop(made.sent, 1000), made.read, True, True)
    bed.note(f"seed {bed.seed}")
    talk.close()


@case("T5 a sender that holds its segments back until they are full (TCP_CORK)", BOTH_VERSIONS)
def corked(bed: Bed) -> None:
    talk = bed.connect()
    chance = bed.random.randrange
    for out in (True, False):
        end = talk.phone if out else talk.server
        for _ in range(5):
            messages = talk.book.many(10, out, chance)
            end.option(socket.TCP_CORK, 1)
            flow = (talk.outward if out else talk.inward)(
                chop(b"".join(one.sent for one in messages), 300), b"".join(one.read for one in messages))
            while flow.pieces:
                flow.step()
            end.option(socket.TCP_CORK, 0)
            carry(flow)
    bed.note(f"seed {bed.seed}")
    talk.close()


@case("T5 messages of just below 64 KB, both ways", WIDE, subset=True)
def large(bed: Bed) -> None:
    for acked in (False, True):
        talk = bed.connect()
        for out in (True, False):
            for size in (60000, 65000, 65400):
                made = talk.book.sized(size, out)
                talk.pieces(chop(made.sent, 1400), made.read, out, acked)
            talk.say(talk.book.invite(outward=out), out=out)
        talk.close()


@case("T5 a message longer than any that is translated passes as it is, and so does what follows it",
      (SHIFTED, SHIFTED6, DNAT), subset=True)
def too_long(bed: Bed) -> None:
    for out in (True, False):
        talk = bed.connect()
        book = talk.book
        talk.say(book.register())
        talk.say(book.invite(outward=out), out=out)
        for made in (book.sized(66000, out), book.invite(outward=out), book.options(out)):
            talk.say(made.untouched, out=out)
        # the other direction goes on
        talk.say(book.invite(outward=not out), book.options(not out), out=not out)
        talk.close()
    bed.must_count("stream_too_long", 2)


@case("T5 the smallest buffer and messages of 60 KB one behind the other", BOTH_VERSIONS)
def buffer_bound(bed: Bed) -> None:
    bed.setting("tcp_buffer", 80)
    talk = bed.connect()
    chance = bed.random.randrange
    for acked in (False, True):
        for out in (True, False):
            messages = [talk.book.sized(60000 + chance(5000), out) for _ in range(4)]
            talk.pieces(chop(b"".join(one.sent for one in messages), 1 + chance(5000)),
                        b"".join(one.read for one in messages), out, acked)
    talk.both([talk.book.notify(60000) for _ in range(4)],
              [talk.book.notify(60000, False) for _ in range(4)])
    bed.note(f"seed {bed.seed}")
    talk.close()


@case("T5 a receiver with a small window that reads slowly", WIDE, subset=True)
def small_window(bed: Bed) -> None:
    talk = bed.connect(buffer=4096)
    chance = bed.random.randrange
    for out in (True, False):
        messages = [talk.book.notify(30000, out), *talk.book.many(10, out, chance)]
        flow = (talk.outward if out else talk.inward)(
            [b"".join(one.sent for one in messages)], b"".join(one.read for one in messages))
        flow.reads = 700
        carry(flow)
    bed.note(f"seed {bed.seed}")
    talk.close()


@case("T5 a receiver that does not read for two seconds: its window closes and opens again",
      (SHIFTED6, SHIFTED), subset=True)
def closed_window(bed: Bed) -> None:
    for buffer in (4096, 0):
        talk = bed.connect(buffer=buffer)
        for out in (True, False):
            messages = [talk.book.notify(40000, out) for _ in range(30 if not buffer else 3)]
            flow = (talk.outward if out else talk.inward)(
                [b"".join(one.sent for one in messages)], b"".join(one.read for one in messages))
            fill(flow)
            carry(flow)
        talk.close()


def fill(flow: Flow) -> None:
    """Writes for two seconds while nobody reads."""
    limit = time.monotonic() + 2
    while time.monotonic() < limit:
        if flow.pieces:
            size = flow.sender.write(flow.pieces[0])
            rest = flow.pieces.popleft()[size:]
            if rest:
                flow.pieces.appendleft(rest)
        time.sleep(0.01)


@case("T5 four megabytes of messages each way at once", BOTH_VERSIONS, long=True)
def megabytes(bed: Bed) -> None:
    talk = bed.connect()
    talk.both([talk.book.notify() for _ in range(100)],
              [talk.book.notify(outward=False) for _ in range(100)])
    talk.close()


@case("T5 two hundred connections at once, each with an incomplete message that is completed later",
      (SHIFTED, SHIFTED6))
def many_connections(bed: Bed) -> None:
    talks = [bed.connect() for _ in range(200)]
    flows = []
    for talk in talks:
        first, second = talk.book.invite(), talk.book.options()
        sent = first.sent + second.sent
        flow = talk.outward([sent[:500]], first.read + second.read)
        flow.step()
        flow.pieces.append(sent[500:])
        flows.append(flow)
        talk.messages += 2
    carry(*flows)
    for talk in talks:
        talk.close()


@case("T5 a word at a time: lines of a message with pauses between them", (SHIFTED, ROUTED))
def pauses(bed: Bed) -> None:
    talk = bed.connect(nodelay=False)
    for out in (True, False):
        message = talk.book.invite(outward=out)
        flow = (talk.outward if out else talk.inward)([], message.read)
        for line in message.sent.splitlines(keepends=True):
            flow.pieces.append(line)
            flow.step()
            time.sleep(0.03)
        carry(flow)
    talk.say(plain(b"\r\n\r\n"))
    talk.close()
