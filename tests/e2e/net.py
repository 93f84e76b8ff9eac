# SPDX-License-Identifier: GPL-2.0
"""Network namespaces, the line they form, and the router's rules.

One world is inside -- router -- outside. The namespaces have no names: they live as
long as the process that made them, so that nothing is left behind by a killed test.
"""
from __future__ import annotations

import ctypes
import fcntl
import ipaddress
import os
import re
import socket
import struct
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Iterable, Iterator

from links import Links, nft

CLONE_NEWNET = 0x40000000
SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM = 0x17
LONG_IPV6 = re.compile(r"(?:[0-9a-f]{4}:){7}[0-9a-f]{4}")
LEFT = re.compile(r"\b\d+ (?=(?:[A-Z_0-9]+ )?src=|l3proto)")
LIBC = ctypes.CDLL(None, use_errno=True)

PATIENCE = float(os.environ.get("E2E_PATIENCE", "1"))
"""Every bounded wait is multiplied by this: emulated kernels are slow."""


class Failure(Exception):
    """A promise that did not hold, or a bed that could not be made."""


def _check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


class Namespace:
    """A network namespace; `with` it to make sockets and start programs in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._homes: list[int] = []
        home = self._current()
        _check(LIBC.unshare(CLONE_NEWNET), "unshare")
        self.fd = self._current()
        _check(LIBC.setns(home, CLONE_NEWNET), "setns")
        os.close(home)

    @staticmethod
    def _current() -> int:
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def __enter__(self) -> Namespace:
        self._homes.append(self._current())
        _check(LIBC.setns(self.fd, CLONE_NEWNET), "setns")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        home = self._homes.pop()
        _check(LIBC.setns(home, CLONE_NEWNET), "setns")
        os.close(home)

    def run(self, *argv: str, stdin: str = "", check: bool = True) -> str:
        """Runs a program in here and returns what it printed."""
        with self:
            done = subprocess.run(argv, input=stdin, capture_output=True, text=True,
                                  timeout=30 * PATIENCE, check=False)
        if check and done.returncode != 0:
            raise Failure(f"{' '.join(argv)} in {self.name}: {done.stderr.strip()}\n{stdin}")
        return done.stdout

    @contextmanager
    def links(self) -> Iterator[Links]:
        with self:
            links = Links()
            try:
                yield links
            finally:
                links.close()

    def read(self, path: str) -> str:
        with self, open(path, encoding="utf-8") as file:
            return file.read()

    def write(self, path: str, text: str) -> None:
        with self, open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def sysctl(self, name: str, value: int | str) -> None:
        self.write("/proc/sys/" + name.replace(".", "/"), str(value))

    def honest_checksums(self, *interfaces: str) -> None:
        """Senders fill in checksums themselves, so that a wrong rewrite is seen."""
        with self, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            for interface in interfaces:
                order = ctypes.create_string_buffer(struct.pack("II", ETHTOOL_STXCSUM, 0))
                request = struct.pack("16sP", interface.encode(), ctypes.addressof(order))
                fcntl.ioctl(control, SIOCETHTOOL, request.ljust(40, b"\0"))


@dataclass(frozen=True)
class Setup:
    """What kind of router: its address translation, IP version and rule tool; and what the
    signalling goes over, and through what network (see NETWORKS).
    """

    nat: str = "shifted"
    family: int = 4
    rules: str = "nft"
    transport: str = "udp"
    network: str = ""

    NATS = ("masquerade", "shifted", "snat", "dnat", "routed")

    @property
    def label(self) -> str:
        return " ".join(filter(None, [self.rules, self.nat, f"ipv{self.family}", self.network]))

    @property
    def translated(self) -> bool:
        return self.nat != "routed"


@dataclass(frozen=True)
class Plan:
    """The addresses of one IP version."""

    family: int
    inside: str
    outside: str
    length: int

    def phone(self, number: int) -> str:
        return f"{self.inside}{10 + number}"

    def far(self, number: int) -> str:
        return f"{self.outside}{number}"


PLANS = {4: Plan(4, "10.77.0.", "203.0.113.", 24),
         6: Plan(6, "fd77:1::", "2001:db8:113::", 64)}
PHONES = range(1, 13)
NETWORKS = {"lossy": "delay 4ms 2ms reorder 25% 50% loss 5% duplicate 2%"}
"""What tc-netem(8) does to TCP on every wire and in both directions; media goes unharmed."""
ROUTER, SERVER, MEDIA, FRIEND, STRANGER, GATEWAY = 1, 10, 20, 30, 66, 254
SHIFTED = "20000-30000"


NEIGHBOUR_ASKED = 10
"""Times, a second each, that a host asks for the link address of another one: the usual 3 are not
enough where many scenarios share a processor with other work."""


def _ask_long_for_neighbours() -> None:
    """On interfaces of all namespaces that are made from now on."""
    for family in ("ipv4", "ipv6"):
        Path(f"/proc/sys/net/{family}/neigh/default/mcast_solicit").write_text(str(NEIGHBOUR_ASKED),
                                                                              encoding="ascii")


def _quiet(names: tuple[Namespace, ...]) -> None:
    for name in names:
        name.sysctl("net.ipv6.conf.all.accept_dad", 0)
        name.sysctl("net.ipv6.conf.default.accept_dad", 0)


def _address_lines(plan: Plan, prefix: str, numbers: list[int], device: str) -> str:
    nodad = " nodad" if plan.family == 6 else ""
    return "".join(f"address add {prefix}{n}/{plan.length} dev {device}{nodad}\n" for n in numbers)


def _number_all(links: Links, plan: Plan, device: str, addresses: Iterable[str]) -> None:
    links.up("lo", device)
    for address in addresses:
        links.address(device, address, plan.length)


class Line:
    """inside (phones) -- lan, router, wan -- outside (servers), with the chosen rules."""

    def __init__(self, setup: Setup, helper: str) -> None:
        self.setup = setup
        self.helper = helper
        self.plan = PLANS[setup.family]
        self.inside, self.router, self.outside = (
            Namespace(n) for n in ("inside", "router", "outside"))
        self.router_address = self.plan.far(ROUTER)
        self.inside_prefixes = [self.plan.inside]
        self._join()
        self._number()
        self.load_rules()
        if setup.network:
            self._spoil(NETWORKS[setup.network])

    def _batch(self, where: Namespace, lines: str, *descriptors: int) -> None:
        with where:
            done = subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=False,
                                  capture_output=True, pass_fds=descriptors)
        if done.returncode != 0:
            raise Failure(f"ip -batch in {where.name}: {done.stderr.strip()}\n{lines}")

    def _join(self) -> None:
        _ask_long_for_neighbours()
        _quiet((self.inside, self.router, self.outside))
        with self.router.links() as links:
            for end, name in ((self.inside, "lan"), (self.outside, "wan")):
                links.pair(name, "eth0", end.fd)
        self.inside.honest_checksums("eth0")
        self.outside.honest_checksums("eth0")
        self.router.honest_checksums("lan", "wan")

    def _number(self) -> None:
        plan, far = self.plan, [FRIEND, SERVER, MEDIA, STRANGER]  # the first is what programs choose
        with self.inside.links() as links:
            _number_all(links, plan, "eth0", [plan.phone(number) for number in PHONES])
            links.default_route(f"{plan.inside}1")
        with self.outside.links() as links:
            _number_all(links, plan, "eth0", [plan.far(number) for number in far])
            if not self.setup.translated:
                links.default_route(plan.far(ROUTER))
        with self.router.links() as links:
            _number_all(links, plan, "lan", [f"{plan.inside}1"])
            self._way_out(links)
        self.router.sysctl("net.ipv4.ip_forward", 1)
        self.router.sysctl("net.ipv6.conf.all.forwarding", 1)

    def _spoil(self, network: str) -> None:
        """TCP goes through netem, wherever it is sent."""
        for where, devices in ((self.inside, ("eth0",)), (self.outside, ("eth0",)),
                               (self.router, ("lan", "wan"))):
            for device in devices:
                where.run("tc", "-batch", "-", stdin=(
                    f"qdisc add dev {device} root handle 1: prio bands 2 "
                    f"priomap {'0 ' * 16}\nqdisc add dev {device} parent 1:2 netem {network}\n"))
            with where:
                wrong = nft("table inet netem { chain out { type filter hook postrouting priority 300;"
                            " meta l4proto tcp meta priority set 65538; }\n}\n")    # class 1:2
            if wrong:
                raise Failure(f"nft: {wrong}")

    def _way_out(self, links: Links) -> None:
        """Without translation, the outside is what the default route leads to."""
        if self.setup.translated:
            _number_all(links, self.plan, "wan", [self.router_address])
            return
        links.up("wan")
        links.address("wan", self.router_address, 32 if self.plan.family == 4 else 128)
        links.default_device(self.plan.family, "wan")

    def load_rules(self) -> None:
        """A home router's rules: helper on port 5060, translation, stateful firewall."""
        if self.setup.rules == "nft":
            self.load(nft_rules(self.setup, self.helper))
            return
        program = "iptables-restore" if self.setup.family == 4 else "ip6tables-restore"
        self.router.run(program, stdin=iptables_rules(self.setup, self.helper))

    def load(self, rules: Rules) -> None:
        with self.router:
            wrong = nft(rules.text())
        if wrong:
            raise Failure(f"nft: {wrong}\n{rules.text()}")

    def ip(self, *lines: str) -> None:
        """Lines of `ip -batch` in the router."""
        self._batch(self.router, "\n".join(lines) + "\n")

    def ip_outside(self, *lines: str) -> None:
        self._batch(self.outside, "\n".join(lines) + "\n")

    def add_hosts(self, *numbers: int) -> None:
        """More addresses inside, by their last number."""
        self._batch(self.inside, _address_lines(self.plan, self.plan.inside, list(numbers), "eth0"))

    def add_lan(self, device: str, prefix: str, phones: Iterable[int] = (1,)) -> Namespace:
        """Another network inside; `prefix` may be the first one's."""
        where = Namespace(device)
        _quiet((where,))
        self._batch(self.router, f"link add {device} type veth peer name eth0 "
                    f"netns /proc/self/fd/{where.fd}\nlink set {device} up\n"
                    + _address_lines(self.plan, prefix, [1], device), where.fd)
        self._batch(where, "link set lo up\nlink set eth0 up\n"
                    + _address_lines(self.plan, prefix, [10 + n for n in phones], "eth0")
                    + f"route add default via {prefix}1\n")
        where.honest_checksums("eth0")
        self.router.honest_checksums(device)
        self.inside_prefixes.append(prefix)
        return where

    def add_uplink(self, device: str, prefix: str) -> None:
        """Another way to the same outside: the router is number 1 there, its gateway 254."""
        self._batch(self.router, f"link add {device} type veth peer name {device} "
                    f"netns /proc/self/fd/{self.outside.fd}\nlink set {device} up\n"
                    + _address_lines(self.plan, prefix, [ROUTER], device), self.outside.fd)
        self._batch(self.outside, f"link set {device} up\n"
                    + _address_lines(self.plan, prefix, [GATEWAY], device))
        self.outside.honest_checksums(device)
        self.router.honest_checksums(device)

    def only_phone(self, number: int) -> None:
        """For programs that choose a source address themselves: the inside has just one."""
        others = [10 + n for n in PHONES if n != number]
        self._batch(self.inside, _address_lines(self.plan, self.plan.inside, others, "eth0")
                    .replace("address add", "address del").replace(" nodad", ""))

    def idle_timeouts(self, seconds: int) -> None:
        """How long the router remembers what is silent: datagrams, and open connections."""
        for name in ("udp_timeout", "udp_timeout_stream", "tcp_timeout_established"):
            self.router.sysctl("net.netfilter.nf_conntrack_" + name, seconds)

    def own_setting(self, name: str, value: int) -> None:
        """One of our settings; other helpers have none."""
        if self.helper.startswith("sip-ext"):
            self.router.sysctl(f"net.netfilter.sip_ext_{name}", value)

    def _kernel_table(self, name: str) -> list[str]:
        """A table of conntrack's: read, not asked for with conntrack(8), for the sake of time.

        It is one table for all namespaces and is read page by page: what other worlds do
        meanwhile may show a line twice or hide one, so it is read until two reads agree.
        """
        def short(found: re.Match[str]) -> str:
            return str(ipaddress.ip_address(found.group()))
        before: set[str] = set()
        for _ in range(10):
            lines = self.router.read(f"/proc/net/{name}").splitlines()
            seen = {LEFT.sub("", line) for line in lines}
            if seen == before and len(seen) == len(lines):
                break
            before = seen
        return [LONG_IPV6.sub(short, line) for line in dict.fromkeys(lines)]

    def expectations(self) -> list[str]:
        """The pinholes that stand, as conntrack -L expect prints them, but for the masks."""
        mark = f"l3proto = {socket.AF_INET if self.setup.family == 4 else socket.AF_INET6} "
        return [line.replace(mark, "") for line in self._kernel_table("nf_conntrack_expect")
                if mark in line]

    def counters(self) -> dict[str, int]:
        """Our own counters; nothing under another helper."""
        try:
            lines = self.router.read("/proc/net/sip_ext/counters").splitlines()
        except FileNotFoundError:
            return {}
        return {line.split()[0]: int(line.split()[1]) for line in lines if len(line.split()) > 1}

    def connections(self, *match: str) -> list[str]:
        """What conntrack -L prints of UDP and TCP; `match` may be --orig-src= and --orig-dst=."""
        wanted = [one.replace("--orig-", "") + " " for one in match]
        lines = [line.split(None, 2)[2] for line in self._kernel_table("nf_conntrack")
                 if line.startswith(f"ipv{self.setup.family} ")]
        firsts = [(line, line.partition("sport=")[0]) for line in lines
                  if line.startswith(("udp ", "tcp "))]
        return [line for line, first in firsts if all(one in first for one in wanted)]


SIP = "meta l4proto { tcp, udp } th dport 5060"
"""An nft match for signalling over either transport."""


def attaches(name: str, match: str = "") -> list[str]:
    """Rules that give signalling that helper: an object of nft's is for one transport alone."""
    return [f'{match} udp dport 5060 ct helper set "{name}"'.strip(),
            f'{match} tcp dport 5060 ct helper set "{name}-tcp"'.strip()]


@dataclass
class Rules:
    """The router's nft table in parts, which a scenario may change before it loads them."""

    helpers: dict[str, str]  # the helper that each name of an object stands for
    attach: list[str]
    forward: list[str]
    leave: list[str]
    enter: list[str]
    more: list[str]          # chains and tables of other kinds, whole

    def text(self) -> str:
        objects = [f'ct helper {name}{suffix} {{ type "{kind}" protocol {transport}; }}'
                   for name, kind in self.helpers.items()
                   for suffix, transport in (("", "udp"), ("-tcp", "tcp"))]
        chains = (("attach", "filter hook prerouting priority -150", self.attach),
                  ("forward", "filter hook forward priority 0; policy drop", self.forward),
                  ("input", "filter hook input priority 0", ['iifname "wan*" meta l4proto udp drop']),
                  ("leave", "nat hook postrouting priority 100", self.leave),
                  ("enter", "nat hook prerouting priority -100", self.enter))
        written = [f"chain {name} {{ type {kind};\n" + "".join(f" {line};\n" for line in lines) + "}"
                   for name, kind, lines in chains]
        # replaced as a whole, in one step; a table has to be there to be deleted
        return "\n".join(["table inet e2e", "delete table inet e2e", "table inet e2e {",
                          *objects, *self.more, *written, "}", ""])


def nft_rules(setup: Setup, helper: str) -> Rules:
    """A home router's: the helper on port 5060, translation, a stateful firewall."""
    plan = PLANS[setup.family]
    ip = "ip" if setup.family == 4 else "ip6"
    leave = {"masquerade": "masquerade", "dnat": "masquerade", "routed": "accept",
             "snat": f"snat {ip} to {plan.far(ROUTER)}",
             "shifted": f"meta l4proto {{ tcp, udp }} masquerade to :{SHIFTED}"}[setup.nat]
    enter = [f'iifname "wan" {SIP} dnat {ip} to {plan.phone(1)}']
    return Rules(helpers={"alg": helper} if helper else {},
                 attach=attaches("alg") if helper else [],
                 forward=["ct state established,related accept", 'iifname "lan*" accept',
                          f"ct status dnat ct state new {SIP} accept"],
                 leave=[f'oifname "wan" {leave}'],
                 enter=enter if setup.nat == "dnat" else [], more=[])


def iptables_rules(setup: Setup, helper: str) -> str:
    plan, both = PLANS[setup.family], ("udp", "tcp")
    leave = {"masquerade": "MASQUERADE", "dnat": "MASQUERADE", "routed": "ACCEPT",
             "snat": f"SNAT --to-source {plan.far(ROUTER)}",
             "shifted": f"MASQUERADE --to-ports {SHIFTED}"}[setup.nat]
    attach = [f"-A PREROUTING -p {one} --dport 5060 -j CT --helper {helper}" for one in both]
    enter = [f"-A PREROUTING -i wan -p {one} --dport 5060 -j DNAT --to-destination {plan.phone(1)}"
             for one in both]
    return "\n".join([
        "*raw", *(attach if helper else []), "COMMIT",
        "*nat", *(enter if setup.nat == "dnat" else []),
        *(f"-A POSTROUTING -o wan -p {one} -j {leave}" for one in both), "COMMIT",
        "*filter", ":FORWARD DROP",
        "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
        "-A FORWARD -i lan+ -j ACCEPT",
        *(f"-A FORWARD -p {one} --dport 5060 -m conntrack --ctstate DNAT -j ACCEPT" for one in both),
        "-A INPUT -i wan+ -p udp -j DROP", "COMMIT", ""])
