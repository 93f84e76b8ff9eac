# SPDX-License-Identifier: GPL-2.0
"""T6: keep-alives, messages that never end, FIN, RST, data in the SYN, pick-up in the middle."""
from __future__ import annotations

import time

from bed import Bed, Failure
from book import KEEP_ALIVE, PONG, plain
from ends import End, Talk, until
from listing import ALL_ROUTERS, BOTH_VERSIONS, DNAT, MASQUERADE, ROUTED, SHIFTED, SHIFTED6, case
from net import PATIENCE

FAST_OPEN_BOTH_WITHOUT_COOKIE = 0x207


@case("T6 CRLF CRLF and its answer CRLF, between messages, glued to them and in pieces",
      (SHIFTED, SHIFTED6, DNAT, ROUTED), subset=True)
def keep_alives(bed: Bed) -> None:
    talk = bed.connect()
    book = talk.book
    ping, pong = plain(KEEP_ALIVE), plain(PONG)
    talk.say(ping)
    talk.say(pong, out=False)
    talk.say(book.register())
    for _ in range(3):
        talk.say(ping, acked=True)
        talk.say(pong, out=False, acked=True)
    for out in (True, False):
        talk.say(ping, book.invite(outward=out), ping, pong, book.options(out), pong, out=out)
        talk.say(ping, out=out, cuts=(1, 2, 3), acked=True)
        for place in (1, 2, 3, 4, 5):
            talk.say(ping, book.options(out), ping, out=out, cuts=(place,), acked=True)
        message = book.options(out)
        for place in (1, 2, 3):
            talk.say(message, ping, message, out=out, cuts=(len(message.sent) + place,), acked=True)
    talk.say(plain(KEEP_ALIVE * 200), book.options())
    talk.close()


@case("T6 a message that never ends passes as it is after tcp_hold, and so does what follows it",
      (SHIFTED, SHIFTED6, DNAT), subset=True)
def never_ends(bed: Bed) -> None:
    hold = max(1, round(PATIENCE))
    bed.setting("tcp_hold", hold)
    for out in (True, False):
        talk = bed.connect()
        book = talk.book
        talk.say(book.options(out), out=out)
        half = book.invite(outward=out).sent[:-40]
        talk.say(plain(half), out=out)
        # the message's own rest, and what comes after it
        talk.say(plain(b"x" * 40), book.invite(outward=out).untouched, out=out)
        talk.say(book.options(not out), book.invite(outward=not out), out=not out)
        talk.close()
    bed.must_count("stream_too_slow", 2)


def ends_with(talk: Talk, out: bool, sent: bytes, wanted: bytes) -> None:
    """One end sends this and FIN, and the other reads that and the end."""
    sender, receiver = (talk.phone, talk.server) if out else (talk.server, talk.phone)
    flow = (talk.outward if out else talk.inward)([sent], wanted)
    while flow.pieces:
        flow.step()
    sender.finish()
    read_to_end(receiver, flow.start, wanted)


def read_to_end(receiver: End, start: int, wanted: bytes) -> None:
    def ended() -> bool:
        receiver.read()
        return receiver.ended
    until(f"the {receiver.name} reads the end of the stream", ended)
    got = bytes(receiver.got[start:])
    if got != wanted:
        raise Failure(f"{receiver.name} reads {got[-60:]!r} at the end, of {len(got)} bytes, "
                      f"for {wanted[-60:]!r}, of {len(wanted)}")
    receiver.checked = len(receiver.got)


@case("T6 FIN at any place of a message: what is whole is translated, the rest passes as it is",
      (SHIFTED, SHIFTED6, DNAT), subset=True)
def fin_in_the_middle(bed: Bed) -> None:
    for out in (True, False):
        for place in (1, 3, 7, 30, 100, 400, 800):
            talk = bed.connect()
            first, second = talk.book.options(out), talk.book.invite(outward=out)
            ends_with(talk, out, first.sent + second.sent[:place], first.read + second.sent[:place])
            # half closed: the other direction goes on, and is translated
            talk.say(talk.book.invite(outward=not out), talk.book.options(not out), out=not out,
                     cuts=(200, 900), acked=True)
            (talk.server if out else talk.phone).finish()
            read_to_end(talk.phone if out else talk.server,
                        (talk.phone if out else talk.server).checked, b"")
            talk.drop()
    bed.must_count("stream_cut", 8)


@case("T6 FIN behind half a message that is held, and half-closed connections", BOTH_VERSIONS)
def fin_later(bed: Bed) -> None:
    for out in (True, False):
        talk = bed.connect()
        sender, receiver = (talk.phone, talk.server) if out else (talk.server, talk.phone)
        half = talk.book.invite(outward=out).sent[:500]
        flow = (talk.outward if out else talk.inward)([half], half)
        flow.step()
        until("the half is acknowledged", lambda: not sender.unacknowledged())
        sender.finish()
        read_to_end(receiver, flow.start, half)
        for _ in range(20):
            talk.say(talk.book.options(not out), talk.book.message(300, not out), out=not out)
        receiver.finish()
        until("the other end is read", lambda: bool(sender.read() or sender.ended))
        talk.drop()


@case("T6 RST in the middle of a message reaches the other end, which has read no wrong byte",
      (SHIFTED, SHIFTED6, DNAT, ROUTED), subset=True)
def rst_in_the_middle(bed: Bed) -> None:
    for out in (True, False):
        for place in (1, 7, 100, 800):
            talk = bed.connect()
            sender, receiver = (talk.phone, talk.server) if out else (talk.server, talk.phone)
            first, second = talk.book.options(out), talk.book.invite(outward=out)
            talk.say(first, out=out)
            sender.write(second.sent[:place])
            until("the part is acknowledged", lambda: not sender.unacknowledged())
            sender.abort()
            expect_reset(receiver)
            rest = bytes(receiver.got[receiver.checked:])
            if not second.read.startswith(rest):
                raise Failure(f"the {receiver.name} read {rest!r}")
            receiver.socket.close()


def expect_reset(receiver: End) -> None:
    def reset() -> bool:
        try:
            receiver.read()
        except Failure:
            return True
        if receiver.ended:
            raise Failure(f"the {receiver.name} reads the end of the stream instead of a reset")
        return False
    until(f"the {receiver.name} is reset", reset)


@case("T6 data in the SYN: messages, halves of them, and what is no SIP", (SHIFTED, SHIFTED6, DNAT, ROUTED),
      subset=True)
def fast_open(bed: Bed) -> None:
    bed.ends_sysctl("tcp_fastopen", FAST_OPEN_BOTH_WITHOUT_COOKIE)
    from_phone = bed.setup.nat != "dnat"
    for place in (1, 20, 300, 0):
        # who begins does not know yet what it will be called; what it writes names its own address
        book, message = bed.early_book(from_phone)
        first = message.sent[:place or len(message.sent)]
        talk = bed.connect(first=first)
        wanted = bed.seen_as(talk, book, message)
        talk.pieces([message.sent[len(first):]], wanted, from_phone)
        talk.say(talk.book.options(from_phone), talk.book.invite(outward=from_phone), out=from_phone)
        talk.say(talk.book.options(not from_phone), out=not from_phone)
        talk.close()
    hello = b"\x16\x03\x01\x02\x00" + b"hello" * 20
    talk = bed.connect(first=hello)
    talk.pieces([], hello, from_phone)
    talk.say(talk.book.invite(outward=from_phone).untouched, out=from_phone)
    talk.close()


@case("T6 the helper's rule comes after the connection: all of it passes untouched", BOTH_VERSIONS)
def rule_later(bed: Bed) -> None:
    bed.without_helper()
    talk = bed.connect()
    talk.say(talk.book.register().untouched, talk.book.invite().untouched)
    bed.with_helper()
    for out in (True, False):
        talk.say(talk.book.invite(outward=out).untouched, talk.book.options(out).untouched, out=out,
                 cuts=(100, 700), acked=True)
    talk.close()


@case("T6 a connection picked up in the middle, with the helper, passes untouched",
      (MASQUERADE, ROUTED), subset=True)
def picked_up(bed: Bed) -> None:
    bed.without_helper()
    talk = bed.connect()
    talk.say(talk.book.register().untouched)
    bed.with_helper()
    bed.forget()
    for _ in range(3):
        for out in (True, False):
            talk.say(talk.book.invite(outward=out).untouched, talk.book.options(out).untouched, out=out,
                     cuts=(100, 700), acked=True)
    talk.say(talk.book.invite().untouched, cuts=(50,))
    talk.close()
    bed.must_count("stream", 10)


@case("T6 conntrack forgets a connection with half a message held: no wrong byte is read", (ROUTED,))
def forgotten(bed: Bed) -> None:
    """Nothing was translated, so the numbers still fit: what was held is sent again by nobody,
    but whatever is read is right."""
    talk = bed.connect()
    first, second = talk.book.options(), talk.book.invite()
    talk.say(first)
    bed.forget()
    talk.say(second, cuts=(100, 300), acked=True)
    talk.close()


@case("T6 a connection in silence for as long as a message may be held, then messages again",
      (SHIFTED, DNAT))
def silence(bed: Bed) -> None:
    bed.setting("tcp_hold", 1)
    talk = bed.connect()
    for _ in range(3):
        for out in (True, False):
            talk.say(talk.book.invite(outward=out), out=out, cuts=(300,), acked=True)
        time.sleep(1.5)
    talk.close()


@case("T6 every way of ending a connection, both sides at once too", ALL_ROUTERS)
def closings(bed: Bed) -> None:
    for way in range(4):
        talk = bed.connect()
        talk.both([talk.book.register(), talk.book.invite()], [talk.book.invite(outward=False)])
        if way == 0:
            talk.close()
        elif way == 1:
            talk.phone.finish()
            talk.server.finish()
            for end in (talk.phone, talk.server):
                read_to_end(end, end.checked, b"")
        elif way == 2:
            # messages and FIN in one
            out, back = talk.book.options(), talk.book.options(False)
            ends_with(talk, True, out.sent, out.read)
            ends_with(talk, False, back.sent, back.read)
        else:
            talk.settle()
            talk.server.abort()
            expect_reset(talk.phone)
            talk.phone.socket.close()


