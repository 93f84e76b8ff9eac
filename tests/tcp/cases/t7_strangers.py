# SPDX-License-Identifier: GPL-2.0
"""T7: what is not SIP from its first byte is left alone for good."""
from __future__ import annotations

from bed import Bed, Failure
from book import Said, plain
from ends import Talk, chop
from listing import ALL_ROUTERS, BOTH_VERSIONS, DNAT, SHIFTED, SHIFTED6, case

TLS_HELLO = bytes.fromhex("1603010200010001fc0303") + bytes(range(256)) * 2
HTTP = (b"POST / HTTP/1.1\r\nHost: 203.0.113.10:5060\r\nContent-Type: multipart/form-data; "
        b"boundary=x\r\nContent-Length: 100000\r\n\r\n--x\r\n")
GREETINGS = {
    "a TLS client's hello": TLS_HELLO,
    "an HTTP request": HTTP,
    "an HTTP response": b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n",
    "a word of letters without end": b"REGISTERREGISTER" * 40,
    "an SMTP greeting": b"220 mail.example.com ESMTP\r\n",
    "an SSH greeting": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a request of another protocol with a SIP URI": b"GET sip:alice@10.77.0.11 RTSP/1.0\r\n\r\n",
    "one byte of zero": b"\0",
}


def later(talk: Talk, out: bool) -> list[Said]:
    """SIP with the phone's address in it, that nobody may touch."""
    book = talk.book
    made = [book.register(), book.invite()] if out else [book.invite(outward=False)]
    return [one.untouched for one in (*made, book.options(out), book.invite(2500, out))]


@case("T7 streams that do not begin as SIP pass untouched, though SIP follows", ALL_ROUTERS, subset=True)
def strangers(bed: Bed) -> None:
    """In the direction that begins otherwise."""
    for greeting in GREETINGS.values():
        for out in (True, False):
            talk = bed.connect()
            talk.say(plain(greeting), out=out)
            talk.say(*later(talk, out), out=out)
            talk.say(*later(talk, out), out=out, cuts=(200, 900), acked=True)
            talk.close()
    bed.must_count("not_sip", 2 * len(GREETINGS))


@case("T7 a stranger's first bytes in small pieces, then SIP at the beginning of a segment", BOTH_VERSIONS)
def strangers_in_pieces(bed: Bed) -> None:
    for greeting in GREETINGS.values():
        for size in (1, 7):
            talk = bed.connect()
            talk.pieces(chop(greeting, size), greeting, True, True)
            for message in later(talk, True):
                talk.say(message, acked=True)
            talk.close()
    bed.must_count("not_sip", 2 * len(GREETINGS))


@case("T7 random bytes pass untouched, SIP behind them too, in segments of any size",
      (SHIFTED, SHIFTED6, DNAT), subset=True)
def random_bytes(bed: Bed) -> None:
    chance = bed.random
    for _ in range(20):
        talk = bed.connect(mss=chance.choice((0, 100, 536)))
        noise = bytes([chance.choice(b"\x00\x01\x16\x80\xff{}<>@")]) + chance.randbytes(chance.randrange(3000))
        for out in (True, False):
            sent = [noise, *[one.sent for one in later(talk, out)]]
            talk.pieces(sent, b"".join(sent), out)
        talk.close()
    bed.note(f"seed {bed.seed}")
    bed.must_count("not_sip", 20)


@case("T7 one direction does not begin as SIP: from there on both are left alone", BOTH_VERSIONS)
def one_direction(bed: Bed) -> None:
    for out in (True, False):
        talk = bed.connect()
        first = talk.book.options(out)
        talk.say(first, out=out)
        talk.say(plain(HTTP), out=not out)
        for way in (out, not out):
            talk.say(*later(talk, way), out=way, cuts=(50, 700), acked=True)
        talk.close()
    bed.must_count("not_sip", 2)


@case("T7 HTTP whose body is cut so that REGISTER begins a segment, at every size of segments", BOTH_VERSIONS)
def slipstream(bed: Bed) -> None:
    """NAT slipstreaming: the helper must not take a segment for a message."""
    talk = bed.connect()
    mss = talk.phone.info().mss
    for pad in (0, 100, mss - len(HTTP), 2 * mss - len(HTTP)):
        head = HTTP + b"x" * pad
        attack = talk.book.register().untouched
        talk.say(plain(head), acked=True)
        talk.say(attack, acked=True)
        talk.say(plain(head), attack, cuts=(len(head),))
    talk.close()
    bed.must_count("not_sip")
    if bed.counters().get("translated", 0):
        raise Failure("something was translated")
