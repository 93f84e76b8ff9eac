# SPDX-License-Identifier: GPL-2.0
"""The line of replayed flows: its ends have the very addresses that were recorded."""
from __future__ import annotations

from collections.abc import Iterable

from flow import Step, Unit
from media import media_hosts
from net import Failure, Line, Setup
from peer import Port, World
from sip import Address

LAN = {4: "100.127.77.1", 6: "fd7f:77::1"}
ROUTERS = {4: ("198.18.5.1", "198.19.77.9"), 6: ("2001:db8:5::1", "2001:db8:77::9")}


class Street(Line):
    """A line with any hosts at its ends. Each host has a route of its own."""

    def __init__(self, units: list[Unit], helper: str) -> None:
        first = units[0]
        self.units = units
        self.near_hosts = sorted({host for unit in units for host in unit.near})
        self.far_hosts = sorted({host for unit in units for host in far_hosts(unit)})
        texts = b"".join(step.data for unit in units for step in unit.steps)
        self.own_address = first.router or next(
            address for address in ROUTERS[first.family] if address.encode() not in texts)
        super().__init__(Setup(first.nat or "masquerade", first.family), helper)
        self.router_address = self.own_address

    def _number(self) -> None:
        family = self.setup.family
        whole, everywhere = (32, "0.0.0.0/0") if family == 4 else (128, "::/0")
        nodad = " nodad" if family == 6 else ""
        up = "link set lo up\nlink set eth0 up\n"

        def hosts(which: list[str]) -> str:
            return "".join(f"address add {h}/{whole} dev eth0{nodad}\n" for h in which)

        self._batch(self.router, "link set lo up\nlink set lan up\nlink set wan up\n"
                    f"address add {LAN[family]}/{whole} dev lan{nodad}\n"
                    f"address add {self.own_address}/{whole} dev wan{nodad}\n"
                    + "".join(f"route add {h}/{whole} dev lan\n" for h in self.near_hosts)
                    + f"route add {everywhere} dev wan\n")
        self._batch(self.inside, up + hosts(self.near_hosts)
                    + f"route add {LAN[family]}/{whole} dev eth0\n"
                    f"route add default via {LAN[family]} dev eth0\n")
        home = (f"route add default via {self.own_address} dev eth0\n"
                if not self.setup.translated else "")
        self._batch(self.outside, up + hosts(self.far_hosts)
                    + f"route add {self.own_address}/{whole} dev eth0\n" + home)
        self.router.sysctl("net.ipv4.ip_forward", 1)
        self.router.sysctl("net.ipv6.conf.all.forwarding", 1)

    def load_rules(self) -> None:
        """And the setting for servers that name other hosts for media."""
        named = self.units[0].media
        if named and self.helper == "sip-ext":
            self.router.sysctl("net.netfilter.sip_ext_media_hosts", ",".join(sorted(named)))
        self.router.run("nft", "-f", "-", stdin=rules(self))


def rules(street: Street) -> str:
    """Helper on every port that the flows signal to, masquerading, DNAT where outside
    begins, and a home router's firewall."""
    ip = "ip" if street.setup.family == 4 else "ip6"
    ports = listed(str(step.destination[1]) for unit in street.units for step in unit.steps)
    over = street.units[0].transport
    attach = (f'ct helper alg {{ type "{street.helper}" protocol {over}; }}\n'
              "chain attach { type filter hook prerouting priority -150;\n"
              f' {over} dport {ports} ct helper set "alg"; }}') if street.helper else ""
    leave, enter, open_all = "", "", f" {over} dport {ports} accept\n"
    if street.setup.translated:
        leave = "".join(_leave(unit, ip) for unit in street.units)
        enter = "".join(_enter(unit, ip) for unit in street.units)
        open_all = ""
    return f"""table inet replay {{
{attach}
chain forward {{ type filter hook forward priority 0; policy drop;
 ct state established,related accept
 iifname "lan" accept
{open_all} ct status dnat ct state new accept; }}
chain input {{ type filter hook input priority 0;
 iifname "wan" meta l4proto {{ tcp, udp }} drop; }}
chain leave {{ type nat hook postrouting priority 100;
{leave} }}
chain enter {{ type nat hook prerouting priority -100;
{enter} }}
}}
"""


def listed(words: Iterable[str]) -> str:
    return "{ " + ", ".join(sorted(set(words))) + " }"


def _leave(unit: Unit, ip: str) -> str:
    """A server that is called from outside keeps its port; phones lose theirs."""
    shifted = "" if unit.doors() else f" to :{unit.ports}"
    return (f' oifname "wan" {ip} saddr {listed(unit.near)} '
            f"meta l4proto {{ tcp, udp }} masquerade{shifted};\n")


def _enter(unit: Unit, ip: str) -> str:
    callers = listed(unit.far_hosts())
    return "".join(f' iifname "wan" {ip} saddr {callers} {unit.transport} dport {port} dnat {ip} to {host};\n'
                   for host, port in unit.doors())


def far_hosts(unit: Unit) -> set[str]:
    return unit.far_hosts() | media_hosts(unit)


def bundles(units: Iterable[Unit]) -> list[list[Unit]]:
    """Flows that share no host are replayed on one line, one after the other: to make a line
    takes longer than most flows do."""
    made: list[tuple[list[Unit], set[str]]] = []
    for unit in units:
        hosts = unit.near | far_hosts(unit)
        fits = (group for group, there in made
                if hosts and not there & hosts and not unit.router and group[0].kind == unit.kind)
        group = next(fits, None)
        if group is None:
            made.append(([unit], set(hosts)))
            continue
        group.append(unit)
        next(there for other, there in made if other is group).update(hosts)
    return [group for group, _ in made]


class Scene(World):
    """A world on that line, with a socket wherever a flow has one."""

    def __init__(self, units: list[Unit], helper: str) -> None:
        street = Street(units, helper)
        super().__init__(street.setup, helper, street)
        self.near_hosts = set(street.near_hosts)
        self.ports: dict[Address, Port] = {}

    def at(self, address: Address) -> Port:
        """The signalling socket of this address."""
        if address not in self.ports:
            where = self.line.inside if address[0] in self.near_hosts else self.line.outside
            self.ports[address] = Port(self, where, address)
        return self.ports[address]

    def deliver(self, step: Step, data: bytes, target: Address, seconds: float
                ) -> list[tuple[bytes, Address]]:
        """Sends one message; what its receiver got for it, and from whom."""
        far = self.at(step.destination)
        mark = len(far.received)
        self.at(step.source).send(data, target)
        try:
            self.wait("arrival", lambda: len(far.received) > mark or None, seconds)
        except Failure:
            return []
        return far.received[mark:]
