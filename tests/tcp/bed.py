# SPDX-License-Identifier: GPL-2.0
"""The line of tests/e2e with a helper for TCP, and what can be set on it."""
from __future__ import annotations

import ctypes
import fcntl
import os
import random
import secrets
import socket
import struct

from book import Book, Said
from ends import LOSSY, STALL, End, Talk
from net import PATIENCE, SERVER, Failure, Namespace, Setup
from sip import Address
from street import PORT, Street, rules

SIOCETHTOOL, SIOCSIFMTU = 0x8946, 0x8922
OFFLOADS = {"tx": 0x17, "sg": 0x19, "tso": 0x1F, "gso": 0x24, "gro": 0x2C}
NOBODY = 9
"""A TCP port where nobody listens."""
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class Bed:
    """One line, and the connections of a case over it."""

    def __init__(self, setup: Setup, helper: str) -> None:
        self.setup = setup
        self.helper = helper
        self.line = Street(setup, helper)
        self.plan = self.line.plan
        self.seed = int(os.environ.get("TCP_SEED", "0")) or secrets.randbits(31)
        self.random = random.Random(self.seed)
        self.notes: list[str] = []
        self.talks: list[Talk] = []
        self.next_port = 41001
        self.raw_port = 46000
        self.stall = STALL
        self.listeners: dict[Address, socket.socket] = {}
        self.messages = self.carried = 0    # beside those of the talks

    @property
    def ours(self) -> bool:
        return self.helper.startswith("sip-ext")

    def note(self, text: str) -> None:
        """What the report shows of this case, good or bad."""
        self.notes.append(text)

    # ---- what is set before connections begin ------------------------------------------

    def ends_sysctl(self, name: str, value: int | str) -> None:
        """An option of both ends' TCP."""
        for where in (self.line.inside, self.line.outside):
            where.sysctl(f"net.ipv4.{name}", value)

    def setting(self, name: str, value: int) -> None:
        """One of our settings; other helpers have none."""
        if self.ours:
            self.line.router.sysctl(f"net.netfilter.sip_ext_{name}", value)

    def offloads(self, on: bool, router_segments: bool = True) -> None:
        """Checksums and segmentation are left to links that never do either: the router gets
        and sends aggregates, and receive offload makes some of what is not.

        router_segments: the router's own links take aggregates, too.
        """
        ends = [(self.line.inside, ("eth0",)), (self.line.outside, ("eth0",))]
        for where, names in ends:
            set_offloads(where, names, on, ("tx", "sg", "tso", "gso", "gro"))
        own = ("tx", "sg", "tso", "gso", "gro") if router_segments else ("gro",)
        set_offloads(self.line.router, ("lan", "wan"), on, own)

    def wide_links(self, mtu: int) -> None:
        """Links whose packets are that long."""
        for where, names in ((self.line.inside, ("eth0",)), (self.line.outside, ("eth0",)),
                             (self.line.router, ("lan", "wan"))):
            with where, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
                for name in names:
                    fcntl.ioctl(control, SIOCSIFMTU, struct.pack("16si", name.encode(), mtu).ljust(40, b"\0"))

    def router_gro(self) -> None:
        """Receive offload on the router's links alone."""
        set_offloads(self.line.router, ("lan", "wan"), True, ("gro",))

    def netem(self, before: str = "", after: str = "") -> None:
        """What netem does to packets before the router and behind it, in both directions."""
        self._acquaint()
        for order, where, names in ((before, self.line.inside, ("eth0",)),
                                    (before, self.line.outside, ("eth0",)),
                                    (after, self.line.router, ("lan", "wan"))):
            for name in names:
                ask_patiently(where, name)
            for name in names if order else ():
                where.run("tc", "qdisc", "replace", "dev", name, "root", "netem", "limit", "20000",
                          *order.split())
        if "loss" in before + after:
            self.stall = LOSSY
            # timers double later (few segments in flight): shorter waits, more segments
            self.ends_sysctl("tcp_thin_linear_timeouts", 1)
        self.note(f"netem before the router: {before or 'none'}; behind it: {after or 'none'}")

    def _acquaint(self) -> None:
        """Everybody knows his neighbours: where such a question is lost, the SYN waits for seconds, its
        sender takes that for the time of a round trip, and sets his timer to three times as much
        (RFC 6298 2.2)."""
        phone, server = self.plan.phone(1), self.plan.far(SERVER)
        with self.line.inside, socket.socket(FAMILIES[self.setup.family], socket.SOCK_STREAM) as probe:
            probe.bind((phone, 0))
            probe.settimeout(STALL * PATIENCE)
            try:
                probe.connect((server, NOBODY))
            except ConnectionRefusedError:
                return
            except TimeoutError as error:
                raise Failure(f"{phone} does not reach {server}") from error
        raise Failure(f"somebody answers at {server}, port {NOBODY}")

    # ---- connections ------------------------------------------------------------------------

    def _socket(self, where: Namespace, mss: int = 0, buffer: int = 0) -> socket.socket:
        with where:
            made = socket.socket(FAMILIES[self.setup.family], socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if mss:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)
        if buffer:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        return made

    def listen(self, where: Namespace, address: Address, mss: int = 0, buffer: int = 0,
               fast: bool = False) -> socket.socket:
        if address in self.listeners:
            self.listeners.pop(address).close()
        made = self._socket(where, mss, buffer)
        made.bind(address)
        if fast:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
        made.listen(64)
        self.listeners[address] = made
        return made

    def sides(self) -> tuple[Namespace, Namespace, Address, Address]:
        """Who begins and who listens, where it listens, and what the other one calls that."""
        if self.setup.nat == "dnat":
            return (self.line.outside, self.line.inside, (self.plan.phone(1), PORT),
                    (self.line.router_address, PORT))
        far = (self.plan.far(SERVER), PORT)
        return self.line.inside, self.line.outside, far, far

    def connect(self, mss: int = 0, nodelay: bool = True, buffer: int = 0, first: bytes = b""
                ) -> Talk:
        """A new connection from a phone to a server outside (behind DNAT the other way).

        buffer: of both ends' receive buffers; first: bytes for the SYN.
        """
        caller, home, listening, target = self.sides()
        gate = self.listen(home, listening, mss, buffer, bool(first))
        near = self._socket(caller, mss, buffer)
        number = SERVER if self.setup.nat == "dnat" else 1
        own = self.plan.far(number) if self.setup.nat == "dnat" else self.plan.phone(number)
        near.bind((own, self.next_port))
        self.next_port += 1
        near.settimeout(self.stall * PATIENCE)
        gate.settimeout(self.stall * PATIENCE)
        try:
            if first:
                near.sendto(first, socket.MSG_FASTOPEN, target)
            else:
                near.connect(target)
            far, seen = gate.accept()
        except (TimeoutError, OSError) as error:
            raise Failure(f"no connection to {target}: {error}") from error
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(nodelay))
        again = End("", near).info().retransmitted
        if again and self.stall == STALL and not first:
            self.note(f"SYN was sent {again} times more")
        return self._talk(near, far, seen[:2])

    def _talk(self, near: socket.socket, far: socket.socket, seen: Address) -> Talk:
        if self.setup.nat == "dnat":
            phone, server = End("phone", far, self.stall), End("server", near, self.stall)
            outside, other = (self.line.router_address, PORT), near.getsockname()[:2]
        else:
            phone, server = End("phone", near, self.stall), End("server", far, self.stall)
            outside, other = seen, far.getsockname()[:2]
        inside = phone.socket.getsockname()[:2]
        if not self.setup.translated and outside != inside and self.setup.nat != "dnat":
            raise Failure(f"the router translates {inside} to {outside}")
        book = Book(inside, outside, other, self.random.randrange(10 ** 6))
        talk = Talk(phone, server, book)
        self.talks.append(talk)
        return talk

    def early_book(self, from_phone: bool) -> tuple[Book, Said]:
        """A message of the end that will begin the next connection."""
        _, _, listening, target = self.sides()
        number = self.next_port
        if from_phone:
            own = (self.plan.phone(1), number)
            book = Book(own, own, target, self.random.randrange(10 ** 6))
            return book, book.invite()
        outside = (self.line.router_address, PORT)
        book = Book(listening, outside, (self.plan.far(SERVER), number), self.random.randrange(10 ** 6))
        return book, book.invite(outward=False)

    def seen_as(self, talk: Talk, book: Book, message: Said) -> bytes:
        """What must be read of it, now that the phone's outside address is known."""
        if book.inside != book.outside:
            return message.read
        again = Book(book.inside, talk.book.outside, book.far, int(book.mark))
        return again.invite().read

    def without_helper(self) -> None:
        """A router's rules, but for the helper's."""
        self.line.apply(rules(self.setup, "", self.line))

    def with_helper(self) -> None:
        self.line.load_rules()

    # ---- what the router says -----------------------------------------------------------------

    def counters(self) -> dict[str, int]:
        return self.line.counters()

    def must_count(self, name: str, at_least: int = 1) -> None:
        """One of our counters; other helpers have none."""
        if self.ours and self.counters().get(name, 0) < at_least:
            moved = {key: value for key, value in self.counters().items() if value}
            raise Failure(f"the counter {name} is below {at_least}: {moved}")

    def invalid(self) -> int:
        """Packets that conntrack called invalid."""
        lines = self.line.router.read("/proc/net/stat/nf_conntrack").splitlines()
        place = lines[0].split().index("invalid")
        return sum(int(line.split()[place], 16) for line in lines[1:])

    def forget(self) -> None:
        """conntrack -F: what comes now is picked up in mid-stream."""
        self.line.router.run("conntrack", "-F")

    def close(self) -> None:
        for talk in self.talks:
            talk.drop()
        for gate in self.listeners.values():
            gate.close()


def ask_patiently(where: Namespace, name: str) -> None:
    """For neighbours: three questions may well get lost."""
    for family in ("ipv4", "ipv6"):
        for kind in ("mcast_solicit", "ucast_solicit"):
            where.sysctl(f"net.{family}.neigh.{name}.{kind}", 30)


def set_offloads(where: Namespace, names: tuple[str, ...], on: bool, which: tuple[str, ...]) -> None:
    with where, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for name in names:
            for offload in which:
                order = ctypes.create_string_buffer(struct.pack("II", OFFLOADS[offload], int(on)))
                request = struct.pack("16sP", name.encode(), ctypes.addressof(order))
                fcntl.ioctl(control, SIOCETHTOOL, request.ljust(40, b"\0"))


__all__ = ["PORT", "Bed", "Failure"]
