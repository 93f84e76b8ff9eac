# SPDX-License-Identifier: GPL-2.0
"""T2 and T6 with ends made of raw packets: segments that overlap, come too late, or never."""
from __future__ import annotations

import time
from itertools import permutations

from bed import PORT, Bed, Failure
from book import Book, Said
from ends import End, until
from listing import BOTH_VERSIONS, ROUTED, SHIFTED, SHIFTED6, case
from net import SERVER, STRANGER
from raw import ACK, FIN, PSH, RST, SYN, URG, Model, Segment, Weather, exchange


def pair(bed: Bed, sack: bool = True, window: int = 60000) -> tuple[Model, Model, Book]:
    """A raw phone and a raw server, connected."""
    line, chance = bed.line, bed.random
    bed.raw_port += 1
    far = (line.plan.far(STRANGER), PORT)
    phone = Model("phone", line.inside, (line.plan.phone(3), bed.raw_port), chance, sack, window)
    server = Model("server", line.outside, far, chance, sack, window)
    phone.begin(far)
    server.accept()
    phone.begun()
    third = server.wait("third segment")
    if third.flags != ACK or third.seq or third.ack:
        raise Failure(f"the third segment arrives as {third}")
    server.peer_edge = third.window << 3
    book = Book(phone.own, server.peer, far, chance.randrange(10 ** 6))
    return phone, server, book


def run(bed: Bed, weather: Weather, rounds: int, sack: bool = True, window: int = 60000) -> None:
    segments = 0
    for _ in range(rounds):
        phone, server, book = pair(bed, sack, window)
        out = [book.register(), *book.many(12, True, bed.random.randrange)]
        back = book.many(12, False, bed.random.randrange)
        phone.data, server.data = (b"".join(one.sent for one in way) for way in (out, back))
        wanted = b"".join(one.read for one in back), b"".join(one.read for one in out)
        segments += exchange((phone, server), wanted, weather, bed.random)
        bed.messages += len(out) + len(back)
        bed.carried += len(phone.data) + len(server.data)
        phone.close()
        server.close()
    bed.note(f"seed {bed.seed}; {rounds} connections, {segments} segments; {weather}")


@case("T2 raw ends: loss 10 %, reordering 25 %, duplication 10 %, retransmissions cut at random",
      (SHIFTED, SHIFTED6, ROUTED), subset=True, long=True)
def bad_weather(bed: Bed) -> None:
    run(bed, Weather(0.1, 0.25, 0.1), 8)


@case("T2 raw ends: the same in small segments, without SACK", BOTH_VERSIONS, long=True)
def small_cuts(bed: Bed) -> None:
    run(bed, Weather(0.1, 0.25, 0.1, longest=90), 2, sack=False)


@case("T2 raw ends: nothing is lost, but everything is sent again and again, cut otherwise", BOTH_VERSIONS)
def again_and_again(bed: Bed) -> None:
    run(bed, Weather(0, 0.1, 0.3, longest=500, recut=0.9), 4)


@case("T2 raw ends: small windows and loss", BOTH_VERSIONS, long=True)
def small_windows(bed: Bed) -> None:
    run(bed, Weather(0.05, 0.1, 0.05), 3, window=1200)


def lone(bed: Bed) -> tuple[Model, End, Book]:
    """A raw phone and a server of the kernel's."""
    line = bed.line
    bed.raw_port += 1
    far = (line.plan.far(SERVER), PORT)
    gate = bed.listen(line.outside, far)
    gate.settimeout(20)
    phone = Model("phone", line.inside, (line.plan.phone(3), bed.raw_port), bed.random)
    phone.begin(far)
    phone.begun()
    made, seen = gate.accept()
    return phone, End("server", made), Book(phone.own, seen[:2], far, bed.random.randrange(10 ** 6))


def listen(phone: Model) -> None:
    while (one := phone.take()):
        phone.hear(one)


def reads(phone: Model, server: End, wanted: bytes) -> None:
    """The server has read exactly that so far, and the phone's bytes are acknowledged as they may be."""
    def there() -> bool:
        listen(phone)
        server.read()
        return len(server.got) >= len(wanted)
    until(f"the server reads {len(wanted)} bytes", there)
    if bytes(server.got) != wanted:
        raise Failure(f"the server reads {bytes(server.got)!r} for {wanted!r}")


def fully_acknowledged(phone: Model) -> None:
    def done() -> bool:
        listen(phone)
        return phone.acked == len(phone.data)
    until("all is acknowledged", done)


@case("T2 overlapping retransmissions, cut otherwise than the first time", (SHIFTED, SHIFTED6, ROUTED), subset=True)
def overlaps(bed: Bed) -> None:
    phone, server, book = lone(bed)
    messages = [book.register(), book.invite(), book.options()]
    phone.data, wanted = (b"".join(texts) for texts in zip(*((m.sent, m.read) for m in messages)))
    size = len(phone.data)
    for begin, end in ((0, 100), (50, 200), (0, 300), (299, 301), (100, 600), (550, 1200), (0, 1400),
                       (1000, 1100), (1399, size), (0, 700), (700, size), (size - 1, size)):
        phone.send(begin, end)
        listen(phone)
    reads(phone, server, wanted)
    fully_acknowledged(phone)
    phone.close()


@case("T2 segments beyond a hole, which is filled later, in every order of four", (SHIFTED, SHIFTED6, ROUTED))
def holes(bed: Bed) -> None:
    phone, server, book = lone(bed)
    wanted = b""
    for order in permutations(range(4)):
        message = book.invite()
        start, quarter = len(phone.data), len(message.sent) // 4 + 1
        phone.data += message.sent
        wanted += message.read
        for _ in range(3):      # a hole may have to be filled by its sender
            for part in order:
                begin = start + part * quarter
                phone.send(begin, min(begin + quarter, len(phone.data)))
                listen(phone)
        reads(phone, server, wanted)
    fully_acknowledged(phone)
    bed.must_count("stream_hole")    # what is kept back is counted
    phone.close()


@case("T6 keep-alive probes of TCP, with a byte of garbage and without, while a message is held",
      (SHIFTED, SHIFTED6, ROUTED), subset=True)
def probes(bed: Bed) -> None:
    bed.ends_sysctl("tcp_invalid_ratelimit", 0)
    phone, server, book = lone(bed)
    first, second = book.options(), book.invite()
    phone.data = first.sent + second.sent
    phone.send(0, len(first.sent))
    reads(phone, server, first.read)
    for place in (len(first.sent), len(first.sent) + 1, len(first.sent) + 300):
        if place > phone.sent:
            phone.send(phone.sent, place)
        until("the part is acknowledged", lambda: bool(listen(phone) or phone.acked == phone.sent))
        for garbage in (b"", b"\0", phone.data[place - 1:place]):
            answers = 0
            phone.put(Segment(ACK, place - 1, phone.read.next, garbage, phone.window_field()))
            answers += phone.wait("an answer to a probe").ack == place
            if not answers:
                raise Failure(f"a probe at {place - 1} is not answered with {place}")
            listen(phone)
    phone.send(phone.sent, len(phone.data))
    reads(phone, server, first.read + second.read)
    fully_acknowledged(phone)
    phone.close()


def held(bed: Bed) -> tuple[Model, End, Said, Said, int]:
    """A message that was read, and the next one's first 400 bytes, which are held."""
    phone, server, book = lone(bed)
    first, second = book.options(), book.invite()
    phone.data = first.sent + second.sent
    place = len(first.sent) + 400
    phone.send(0, len(first.sent))
    reads(phone, server, first.read)
    phone.send(len(first.sent), place)
    until("the part is acknowledged", lambda: bool(listen(phone) or phone.acked == place))
    return phone, server, first, second, place


@case("T6 RST of a raw end while a message is held reaches the other end", (SHIFTED, SHIFTED6, ROUTED), subset=True)
def raw_reset(bed: Bed) -> None:
    for late in (False, True):
        phone, server, first, second, place = held(bed)
        if late:    # with bytes that nobody saw
            phone.put(Segment(RST | ACK, place, phone.read.next, window=0))
        else:
            phone.put(Segment(RST, place, 0, window=0))

        def reset() -> bool:
            try:
                server.read()
            except Failure:
                return True
            return False
        until("the server is reset", reset)
        got = bytes(server.got)
        if not (first.read + second.read).startswith(got) and not (first.read + second.sent).startswith(got):
            raise Failure(f"the server read {got!r}")
        phone.close()


@case("T6 FIN with the last bytes, FIN again, and FIN before the bytes that it ends", (SHIFTED, SHIFTED6, ROUTED))
def raw_fin(bed: Bed) -> None:
    for way in range(3):
        phone, server, first, second, place = held(bed)
        end = len(phone.data)
        if way == 2:    # it overtakes
            phone.put(Segment(FIN | ACK, end, phone.read.next, window=phone.window_field()))
            time.sleep(0.05)
            phone.sent = end + 1
            listen(phone)
        for _ in range(3 if way else 1):
            phone.put(Segment(FIN | ACK | PSH, place, phone.read.next, phone.data[place:],
                              phone.window_field()))
            phone.sent = end + 1
            listen(phone)
        reads(phone, server, first.read + second.read)
        until("the server reads the end", lambda: bool(server.read() or server.ended))
        until("FIN is acknowledged", lambda: bool(listen(phone) or phone.acked == end + 1))
        phone.close()


@case("T6 data in a SYN that its receiver does not take: it is sent again", (SHIFTED, SHIFTED6, ROUTED))
def raw_syn_data(bed: Bed) -> None:
    for taken in (False, True):
        line = bed.line
        bed.raw_port += 1
        far = (line.plan.far(STRANGER), PORT)
        own = (line.plan.phone(3), bed.raw_port)
        phone, server = (Model("phone", line.inside, own, bed.random), Model("server", line.outside, far, bed.random))
        early = Book(own, own, far, 7).register()
        phone.data = early.sent
        phone.peer = far
        phone.put(Segment(SYN, -1, 0, phone.data[:200], 0xFFFF, options=phone.hello()))
        phone.sent = 200
        syn = server.accept()
        if taken and syn.payload:
            server.hear(Segment(ACK, 0, 0, syn.payload))
        one = phone.wait("SYN with ACK")
        if not 0 <= one.ack <= 200:
            raise Failure(f"SYN with data is answered with {one}")
        phone.acked = one.ack
        phone.peer_edge = one.window
        phone.put(Segment(ACK, phone.sent, 0, window=phone.window_field()))
        book = Book(own, server.peer, far, 7)
        server.peer_edge = 60000
        exchange((phone, server), (b"", book.register().read), Weather(longest=150), bed.random)
        phone.close()
        server.close()


@case("T2 an acknowledgement overtakes the SYN before it: the stream is followed all the same",
      (SHIFTED, SHIFTED6, ROUTED), subset=True)
def overtaken_syn(bed: Bed) -> None:
    line = bed.line
    bed.raw_port += 1
    far = (line.plan.far(STRANGER), PORT)
    own = (line.plan.phone(3), bed.raw_port)
    phone, server = (Model("phone", line.inside, own, bed.random), Model("server", line.outside, far, bed.random))
    phone.begin(far)
    if not server.wait("SYN").flags & SYN:
        raise Failure("something else comes before SYN")
    phone.theirs = server.first
    server.put(Segment(ACK, 0, 0, window=500))
    early = phone.wait("the early acknowledgement")
    server.put(Segment(SYN | ACK, -1, 0, window=60000, options=server.hello()))
    server.edge = server.peer_edge = 60000
    phone.begun()
    book = Book(own, server.peer, far, 9)
    messages = [book.register(), book.invite()]
    phone.data = b"".join(one.sent for one in messages)
    exchange((phone, server), (b"", b"".join(one.read for one in messages)), Weather(longest=300), bed.random)
    bed.note(f"it arrived as {early}")
    phone.close()
    server.close()


@case("T6 urgent data: the stream passes through from there, and no byte is lost", BOTH_VERSIONS)
def urgent(bed: Bed) -> None:
    phone, server, book = pair(bed)
    first, second, third = book.options(), book.message(100), book.options()
    phone.data = first.sent + second.sent + third.sent
    phone.send(0, len(first.sent))
    begin, end = len(first.sent), len(first.sent + second.sent)
    phone.put(Segment(ACK | PSH | URG, begin, 0, phone.data[begin:end], phone.window_field()))
    phone.sent = end
    wanted = first.read + second.sent + third.sent
    exchange((phone, server), (b"", wanted), Weather(), bed.random)
    bed.must_count("stream_urgent")
    phone.close()
    server.close()


@case("T6 signed segments (RFC 2385) pass as they are", BOTH_VERSIONS)
def signed(bed: Bed) -> None:
    line = bed.line
    bed.raw_port += 1
    far = (line.plan.far(STRANGER), PORT)
    own = (line.plan.phone(3), bed.raw_port)
    phone, server = (Model("phone", line.inside, own, bed.random), Model("server", line.outside, far, bed.random))
    signature = bytes([1, 1, 19, 18]) + bytes(range(16))
    phone.peer = far
    phone.put(Segment(SYN, -1, 0, b"", 0xFFFF, options=phone.hello() + signature))
    server.accept()
    phone.begun()
    server.wait("third segment")
    message = Book(own, own, far, 8).invite()
    for begin in (0, 300, 600):
        end = begin + 300 if begin < 600 else len(message.sent)
        phone.put(Segment(ACK | PSH, begin, 0, message.sent[begin:end], phone.window_field(), options=signature))
        one = server.wait("a signed segment")
        if (one.seq, one.payload, one.options[:20]) != (begin, message.sent[begin:end], signature):
            raise Failure(f"a signed segment arrives as {one}, {one.options.hex()}")
    bed.must_count("stream_signed")
    phone.close()
    server.close()


