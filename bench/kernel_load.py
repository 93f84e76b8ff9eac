# SPDX-License-Identifier: GPL-2.0
"""What kernel-cost sends through the virtual router, and what the system calls for it take."""
from __future__ import annotations

import ctypes
import os
import re
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Callable

MESSAGES = Path(__file__).resolve().parent / "messages"
EXACT = "LAB_ICOUNT" in os.environ     # a nanosecond is an instruction
BATCH, BATCHES, ROUNDS = (24, 12, 1) if EXACT else (24, 12, 4)
MODES = {"plain NAT": "", "in-tree": "sip", "ours": "sip-ext"}
PORT = 5060
LIVE, LIVE_PHONES = 1000, 50
AMONG, MORE = f", {LIVE:,} live calls", ", one live call more with each"
WARM_UP = 24
"""The number of the call that comes before those that are counted."""
ONCE_MORE = 2 * WARM_UP + 1
"""Of another one: its media is beside theirs."""

# linux/tcp.h
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21
RECEIVE_QUEUE, SEND_QUEUE, REPAIR_OFF = 1, 2, -1    # off without a window probe

CLOCK_MONOTONIC_COARSE = 6      # linux/time.h

Seen = tuple[bytes, tuple[str, int]]
"""A datagram, and where it came from."""

libc = ctypes.CDLL(None, use_errno=True)


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Message(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("name_length", ctypes.c_uint32),
                ("iov", ctypes.POINTER(Iovec)), ("iov_count", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("unused", ctypes.c_int),
                ("length", ctypes.c_uint32), ("padding", ctypes.c_uint32)]


@dataclass(frozen=True)
class Family:
    number: int
    inside: str
    outside: str
    suffix: str     # of the names of what is measured
    written: str    # in SDP (RFC 8866 5.7)

    def host(self, address: str) -> str:
        return f"[{address}]" if ":" in address else address


IPV4 = Family(socket.AF_INET, "10.0.0.10", "203.0.113.2", "", "IP4")
IPV6 = Family(socket.AF_INET6, "fd00:1::10", "2001:db8:2::2", " over IPv6", "IP6")


def enter(namespace: str) -> None:
    with open(f"/run/netns/{namespace}", "rb") as file:
        if libc.setns(file.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")


def socket_in(namespace: str, family: Family, address: str, port: int) -> socket.socket:
    enter(namespace)
    made = socket.socket(family.number, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    made.bind((address, port))
    made.setblocking(False)
    return made


class Ticks:
    """Of the kernel's clock. A tick and what waits for it (timers, a grace period of RCU, the threads that
    these wake) are no packet's cost, and add 500 instructions to each of a batch. The least of many batches
    would not leave them out: a guest that has waited for a busy host goes on from a tick, so that they fall
    into the same batch of each round, of one helper and not of another."""

    def __init__(self) -> None:
        """A tick moves the coarse clock, and the next ones come at equal distances."""
        self.period = round(time.clock_getres(CLOCK_MONOTONIC_COARSE) * 1e9)
        before = time.clock_gettime_ns(CLOCK_MONOTONIC_COARSE)
        while time.clock_gettime_ns(CLOCK_MONOTONIC_COARSE) == before:
            pass
        self.phase = time.monotonic_ns() % self.period

    def leave_behind(self) -> None:
        """Returns when one has passed, and what waited for it: the next is almost a period away."""
        passed = (time.monotonic_ns() - self.phase) % self.period
        time.sleep((self.period - passed + self.period // 16) / 1e9)


TICKS = Ticks() if EXACT else None


def between_ticks() -> None:
    """To be called before what is measured, which is over before the next one."""
    if TICKS:
        TICKS.leave_behind()


def timed_send(sender: socket.socket, packets: list[bytes]) -> int:
    """Nanoseconds for all of them in one system call."""
    buffers = [ctypes.create_string_buffer(p, len(p)) for p in packets]
    vectors = [Iovec(ctypes.addressof(b), len(p)) for b, p in zip(buffers, packets)]
    messages = (Message * len(packets))()
    for message, vector in zip(messages, vectors):
        message.iov, message.iov_count = ctypes.pointer(vector), 1
    between_ticks()
    began = time.monotonic_ns()
    sent = libc.sendmmsg(sender.fileno(), messages, len(packets), 0)
    took = time.monotonic_ns() - began
    return took if sent == len(packets) else 0


def drain(receiver: socket.socket) -> list[Seen]:
    """What has arrived, after a moment for what the kernel has put off."""
    time.sleep(0.002)
    found = []
    while True:
        try:
            data, source = receiver.recvfrom(65536)
        except BlockingIOError:
            return found
        except ConnectionRefusedError:  # one of before came while a server began anew
            continue
        found.append((data, source[:2]))


def say(sender: socket.socket, packet: bytes) -> None:
    try:
        sender.send(packet)
    except ConnectionRefusedError:  # told of one of before
        sender.send(packet)


# ---- messages --------------------------------------------------------------------------------


@cache
def template(name: str) -> str:
    """Read once: while a guest waits for a file of the host, its clock runs ahead, and what is done once a
    second or what times out comes in the midst of a round."""
    return (MESSAGES / name).read_text().replace("\n", "\r\n")


def fill(name: str, family: Family, **words: str) -> bytes:
    text = template(name).replace(" IP4 ", f" {family.written} ")
    for word, value in words.items():
        text = text.replace("{" + word + "}", value)
    body = len(text) - text.index("\r\n\r\n") - 4
    return text.replace("{length}", str(body)).encode()


@dataclass(frozen=True)
class Sender:
    """Who says something, and to whom. `mark`: no other sender of requests has it."""
    family: Family
    near: tuple[str, int]
    far: tuple[str, int]
    mark: int = 0

    def words(self) -> dict[str, str]:
        at, far = (f"{self.family.host(host)}:{port}" for host, port in (self.near, self.far))
        return {"inside": at, "inside_host": self.near[0], "outside": far, "outside_host": self.far[0]}

    def media_port(self, number: int) -> int:
        """No other sender's near it in time: 50 each for what it asks and for what it answers."""
        return 20000 + self.mark % 400 * 100 + 2 * number

    def ask(self, name: str, number: int, target: str = "") -> bytes:
        """A request; with a target, for whoever is there."""
        port = self.media_port(number)
        text = fill(name, self.family, id=f"{self.mark:05}{number:03}", port=str(port), rtcp=str(port + 1),
                    **self.words())
        return re.sub(rb" sip:\S+ SIP/2.0", f" sip:6001@{target} SIP/2.0".encode(), text, count=1) if target else text

    def answer(self, request: bytes, number: int, seen_from: tuple[str, int], name: str = "ok") -> bytes:
        via, mark = re.search(rb"^Via: (.*)\r$", request, re.M), re.search(rb"^Call-ID: .*(\d{8})\r$", request, re.M)
        assert via and mark
        with_address = f";received={seen_from[0]};rport={seen_from[1]}"
        asked_by = Sender(self.family, self.far, self.near).words()
        return fill(name, self.family, id=mark[1].decode(), port=str(self.media_port(WARM_UP + 1 + number)),
                    via=via[1].decode().replace(";rport", with_address), **asked_by)


def over_tcp(message: bytes) -> bytes:
    """The same phone's over TCP: its Contact says how it is reached (RFC 3261 8.1.1.8)."""
    return message.replace(b"2.0/UDP", b"2.0/TCP").replace(b";ob>", b";transport=TCP;ob>")


def in_thirds(message: bytes) -> list[bytes]:
    cut = len(message) // 3
    return [message[:cut], message[cut:2 * cut], message[2 * cut:]]


# ---- TCP -------------------------------------------------------------------------------------


class Line:
    """A TCP connection through the router. Each segment is acknowledged at once, so that its
    acknowledgement is a part of its cost."""

    def __init__(self, listener: socket.socket, port: int) -> None:
        enter("inside")
        self.phone = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.phone.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.phone.bind((IPV4.inside, port))
        self.phone.connect((IPV4.outside, PORT))
        self.server, _ = listener.accept()
        self.server.setblocking(False)

    def send(self, pieces: list[bytes]) -> int:
        """Nanoseconds for all of them; 0: not everything arrived at once."""
        between_ticks()
        began = time.monotonic_ns()
        for piece in pieces:
            self.phone.send(piece)
        took = time.monotonic_ns() - began
        time.sleep(0.0005)
        try:
            return took if self.server.recv(65536).count(b"\n") >= sum(p.count(b"\n") for p in pieces) else 0
        except BlockingIOError:
            return 0

    def _next_number(self, queue: int) -> int:
        self.phone.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
        return self.phone.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ) & 0xFFFFFFFF

    def acknowledge(self, times: int) -> int:
        """Nanoseconds for an acknowledgement without data, which says nothing new, so many times."""
        self.phone.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        numbers = [self._next_number(queue) for queue in (SEND_QUEUE, RECEIVE_QUEUE)]
        self.phone.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF)
        here, there = self.phone.getsockname(), self.phone.getpeername()
        ends = socket.inet_aton(here[0]) + socket.inet_aton(there[0])
        tcp = struct.pack("!HHIIBBHHH", here[1], there[1], *numbers, 0x50, 0x10, 512, 0, 0)
        total = sum(struct.unpack("!16H", ends + struct.pack("!HH", socket.IPPROTO_TCP, len(tcp)) + tcp))
        total = (total & 0xFFFF) + (total >> 16)
        checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        segment = tcp[:16] + struct.pack("!H", checksum) + tcp[18:]
        enter("inside")
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
            raw.connect((there[0], 0))
            return timed_send(raw, [segment] * times)

    def close(self) -> None:
        self.phone.close()
        self.server.close()


# ---- the measurement -------------------------------------------------------------------------


class Bench:
    """The least for each mode and kind of message, of all batches in which nothing was lost."""

    def __init__(self) -> None:
        self.least: dict[tuple[str, str], float] = {}
        self.live: dict[str, int] = {}
        self.lost = 0
        self.port = 10000
        self.mode = ""
        self.servers = {family: socket_in("outside", family, family.outside, PORT) for family in (IPV4, IPV6)}
        self.listener = socket.create_server((IPV4.outside, PORT))

    def note(self, kind: str, times: list[float]) -> None:
        if all(times):
            each = sum(times) / len(times)
            self.least[self.mode, kind] = min(each, self.least.get((self.mode, kind), each))
        else:
            self.lost += 1

    def took(self, mode: str, *kinds: str) -> float:
        return sum(self.least[mode, kind] for kind in kinds)

    def phone_at(self, family: Family) -> Sender:
        return Sender(family, (family.inside, self.port), (family.outside, PORT), self.port)

    # -- over TCP

    def line(self, kind: str, messages: list[list[bytes]]) -> None:
        """Each message over one connection that has carried another before."""
        line = Line(self.listener, self.port)
        line.send(messages[0])
        self.note(kind, [line.send(pieces) for pieces in messages[1:]])
        line.close()

    def acknowledgements(self, messages: list[bytes]) -> None:
        """Over a connection whose numbers are shifted; it must still carry something afterwards."""
        line = Line(self.listener, self.port)
        line.send(messages[:1])
        took = line.acknowledge(BATCH)
        self.note("  acknowledgement", [took / BATCH if line.send(messages[1:2]) else 0])
        line.close()

    def over_tcp(self) -> None:
        def make(name: str) -> list[bytes]:
            self.port += 1
            return [over_tcp(self.phone_at(IPV4).ask(name, n)) for n in range(BATCH)]
        self.line("INVITE over TCP", [[m] for m in make("invite")])
        self.line("  in 3 segments", [in_thirds(m) for m in make("invite")])
        self.acknowledgements(make("invite"))
        self.line("OPTIONS over TCP", [[m] for m in make("options")])
        self.port += 1
        self.line("not SIP over TCP", [[b"x" * 1028 + b"\n"]] * BATCH)

    # -- over UDP

    def batch(self, kind: str, sender: socket.socket, receiver: socket.socket, packets: list[bytes]) -> list[Seen]:
        took = timed_send(sender, packets)
        arrived = drain(receiver)
        self.note(kind, [took / len(packets) if len(arrived) == len(packets) else 0])
        return arrived

    def server_to(self, family: Family, seen: tuple[str, int]) -> socket.socket:
        """The server's socket, for this one alone."""
        self.servers[family].connect(seen)
        return self.servers[family]

    def server_again(self, family: Family) -> None:
        self.servers[family].close()
        self.servers[family] = socket_in("outside", family, family.outside, PORT)

    def one_phone(self, family: Family) -> None:
        """All kinds over one fresh connection, warmed up by a call: with it comes what is done
        once a second for all."""
        self.port += 1
        here = self.phone_at(family)
        phone = socket_in("inside", family, *here.near)
        phone.connect(here.far)
        say(phone, here.ask("invite", WARM_UP))
        first = drain(self.servers[family])
        if first:
            self.from_inside(family, here, phone)
            self.from_outside(family, here, phone, first[0][1])
        else:
            self.lost += 1
        phone.close()

    def from_inside(self, family: Family, here: Sender, phone: socket.socket) -> None:
        make: Callable[[str], list[bytes]] = lambda name: [here.ask(name, n) for n in range(BATCH)]
        end, server = family.suffix, self.servers[family]
        invites = make("invite")
        arrived = self.batch("INVITE with SDP" + end, phone, server, invites)
        self.batch("INVITE again" + end, phone, server, invites)
        if arrived:
            there = Sender(family, here.far, here.near)
            answers = [there.answer(data, n, where) for n, (data, where) in enumerate(arrived)]
            self.batch("200 OK with SDP" + end, self.server_to(family, arrived[0][1]), phone, answers)
            self.server_again(family)
        server = self.servers[family]
        arrived = self.batch("REGISTER" + end, phone, server, make("register"))
        if arrived:
            there = Sender(family, here.far, arrived[0][1])
            answers = [there.answer(data, n, where, "registered") for n, (data, where) in enumerate(arrived)]
            self.batch("200 OK to a REGISTER" + end, self.server_to(family, arrived[0][1]), phone, answers)
            self.server_again(family)
        server = self.servers[family]
        self.batch("OPTIONS" + end, phone, server, make("options"))
        self.batch("OPTIONS, each another" + end, phone, server, [
            options.replace(b"Max-Forwards: 70", b"Max-Forwards: %d" % (69 - n))
            for n, options in enumerate(make("options"))])
        self.batch("not SIP" + end, phone, server, [b"x" * 1029] * BATCH)

    def from_outside(self, family: Family, here: Sender, phone: socket.socket, seen: tuple[str, int]) -> None:
        """In the reply direction: requests of the server, to where the phone has said that it is."""
        end, server = " from outside" + family.suffix, self.server_to(family, seen)
        there = Sender(family, here.far, here.near, here.mark + 50000)
        target = f"{family.host(seen[0])}:{seen[1]}"
        make: Callable[[str], list[bytes]] = lambda name: [there.ask(name, n, target) for n in range(BATCH)]
        invites = make("invite")
        arrived = self.batch("INVITE" + end, server, phone, invites)
        self.batch("INVITE again" + end, server, phone, invites)
        answers = [here.answer(data, n, where) for n, (data, where) in enumerate(arrived)]
        say(phone, here.ask("invite", ONCE_MORE))     # and with it what is done once a second
        drain(server)
        if answers:
            self.batch("200 OK to one" + end, phone, server, answers)
        self.batch("OPTIONS" + end, server, phone, make("options"))
        self.batch("not SIP" + end, server, phone, [b"x" * 1029] * BATCH)
        self.server_again(family)

    def other_flow(self) -> None:
        """Packets like those of audio, from and to ports that no rule names."""
        near, far = socket_in("inside", IPV4, IPV4.inside, 4000), socket_in("outside", IPV4, IPV4.outside, 30000)
        near.connect((IPV4.outside, 30000))
        near.send(b"\x80")
        drain(far)
        self.batch("RTP", near, far, [b"\x80" * 172] * BATCH)
        near.close()
        far.close()

    # -- while others talk

    def set_up(self, phone: socket.socket, here: Sender, count: int) -> int:
        """Calls that are answered, and how many of them."""
        server, there = self.servers[IPV4], Sender(IPV4, here.far, here.near, here.mark)
        done = 0
        for first in range(0, count, BATCH):
            numbers = range(first, min(first + BATCH, count))
            timed_send(phone, [here.ask("invite", n) for n in numbers])
            for n, (data, where) in zip(numbers, drain(server)):
                server.sendto(there.answer(data, n, where), where)
                done += 1
            done -= len(list(numbers)) - len(drain(phone))
        return done

    def among_others(self) -> None:
        """An INVITE and its 200 while there are LIVE calls of other phones, and more with each; and while there are
        as many all the time, as each batch ends before the next."""
        phones, live = [], 0
        for _ in range(LIVE_PHONES):
            self.port += 1
            here = self.phone_at(IPV4)
            phones.append(socket_in("inside", IPV4, *here.near))
            phones[-1].connect(here.far)
            live += self.set_up(phones[-1], here, LIVE // LIVE_PHONES)
        self.live[self.mode] = min(live, self.live.get(self.mode, live))
        more = [self.calls_besides(MORE) for _ in range(BATCHES)]
        for port in more:
            self.end_phone(port)
        for _ in range(BATCHES):
            self.end_phone(self.calls_besides(AMONG))
        for phone in phones:
            phone.close()

    @staticmethod
    def end_phone(port: int) -> None:
        """Its connection, unless that is over already, and with it all calls of it."""
        flow = f"-p udp --sport {port}"
        in_router("sh", "-c", f"conntrack -D {flow}; ! conntrack -L {flow} | grep -q .")

    def calls_besides(self, end: str) -> int:
        """The port of the phone that had them."""
        self.port += 1
        here = self.phone_at(IPV4)
        with socket_in("inside", IPV4, *here.near) as phone:
            phone.connect(here.far)
            say(phone, here.ask("invite", WARM_UP))
            drain(self.servers[IPV4])
            arrived = self.batch("INVITE" + end, phone, self.servers[IPV4], [here.ask("invite", n) for n in range(BATCH)])
            there = Sender(IPV4, here.far, here.near, here.mark)
            answers = [there.answer(data, n, where) for n, (data, where) in enumerate(arrived)]
            if answers:
                self.batch("200 OK" + end, self.server_to(IPV4, arrived[0][1]), phone, answers)
                self.server_again(IPV4)
        return self.port


def shell(script: str, *arguments: str) -> None:
    subprocess.run(["/bin/sh", "-c", f'. "$LAB_LIB"; {script}', "sh", *arguments], check=True,
                   stdout=subprocess.DEVNULL)


def in_router(*command: str) -> str:
    return subprocess.run(["ip", "netns", "exec", "router", *command], capture_output=True, text=True,
                          check=True).stdout


def counter(name: str) -> int:
    said = in_router("cat", "/proc/net/sip_ext/counters")
    return int(re.search(rf"^{name} (\d+)$", said, re.M)[1])  # type: ignore[index]


def measure() -> Bench:
    subprocess.run(["modprobe", "nf_nat_sip"], check=True)
    shell("lab_router; ip -n outside route change 203.0.113.0/24 dev eth0 src 203.0.113.2 quickack 1")
    Path("/proc/sys/net/netfilter/nf_conntrack_expect_max").write_text("100000")
    buckets = int(Path("/sys/module/nf_conntrack/parameters/expect_hashsize").read_text())
    if buckets < LIVE:
        sys.exit(f"kernel-cost: the kernel's table of expectations has {buckets} buckets")
    bench = Bench()
    for _ in range(ROUNDS):
        for bench.mode, helper in MODES.items():
            shell('lab_rules_flush; lab_nat nft masquerade --helper "$1"', helper)
            for _ in range(BATCHES):
                bench.one_phone(IPV4)
                bench.one_phone(IPV6)
                bench.other_flow()
                bench.over_tcp()
                in_router("conntrack", "-F")
            bench.among_others()
            in_router("conntrack", "-F")
    wanted = ROUNDS * BATCHES * BATCH * 14
    if bench.live["ours"] < LIVE:
        sys.exit(f"kernel-cost: only {bench.live['ours']} of {LIVE} calls were set up")
    if counter("translated") < wanted:
        sys.exit(f"kernel-cost: only {counter('translated')} of {wanted} messages were translated")
    return bench
