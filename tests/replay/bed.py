# SPDX-License-Identifier: GPL-2.0
"""The line of a replayed flow: its ends have the very addresses that were recorded."""
from __future__ import annotations

from flow import Unit
from net import Line, Setup
from peer import Port, World
from sip import Address

LAN = {4: "100.127.77.1", 6: "fd7f:77::1"}
ROUTERS = {4: ("198.18.5.1", "198.19.77.9"), 6: ("2001:db8:5::1", "2001:db8:77::9")}


class Street(Line):
    """A line with any hosts at its ends. Each host has a route of its own."""

    def __init__(self, unit: Unit, far_hosts: set[str], helper: str) -> None:
        family = 6 if any(":" in host for host in unit.inside) else 4
        self.unit = unit
        self.far_hosts = sorted(far_hosts)
        texts = b"".join(step.data for step in unit.steps)
        self.own_address = unit.router or next(
            address for address in ROUTERS[family] if address.encode() not in texts)
        super().__init__(Setup(unit.nat or "masquerade", family), helper)
        self.router_address = self.own_address

    def _number(self) -> None:
        family = self.setup.family
        whole = 32 if family == 4 else 128
        nodad = " nodad" if family == 6 else ""
        up = "link set lo up\nlink set eth0 up\n"

        def hosts(which: list[str]) -> str:
            return "".join(f"address add {h}/{whole} dev eth0{nodad}\n" for h in which)

        def routes(which: list[str], device: str) -> str:
            return "".join(f"route add {h}/{whole} dev {device}\n" for h in which)
        near = sorted(self.unit.inside)
        self._batch(self.router, "link set lo up\nlink set lan up\nlink set wan up\n"
                    f"address add {LAN[family]}/{whole} dev lan{nodad}\n"
                    f"address add {self.own_address}/{whole} dev wan{nodad}\n"
                    + routes(near, "lan") + routes(self.far_hosts, "wan"))
        self._batch(self.inside, up + hosts(near)
                    + f"route add {LAN[family]}/{whole} dev eth0\n"
                    f"route add default via {LAN[family]} dev eth0\n")
        home = (f"route add default via {self.own_address} dev eth0\n"
                if not self.setup.translated else "")
        self._batch(self.outside, up + hosts(self.far_hosts)
                    + f"route add {self.own_address}/{whole} dev eth0\n" + home)
        self.router.sysctl("net.ipv4.ip_forward", 1)
        self.router.sysctl("net.ipv6.conf.all.forwarding", 1)

    def load_rules(self) -> None:
        self.router.run("nft", "-f", "-", stdin=rules(self))


def rules(street: Street) -> str:
    """Helper on every port that the flow signals to, masquerading, DNAT where outside
    begins, and a home router's firewall."""
    unit, ip = street.unit, "ip" if street.setup.family == 4 else "ip6"
    ports = ", ".join(sorted({str(step.destination[1]) for step in unit.steps}))
    attach = (f'ct helper alg {{ type "{street.helper}" protocol udp; }}\n'
              "chain attach { type filter hook prerouting priority -150;\n"
              f' udp dport {{ {ports} }} ct helper set "alg"; }}') if street.helper else ""
    doors = unit.doors()
    shifted = "" if doors else f" to :{unit.ports}"
    leave = f"meta l4proto udp masquerade{shifted}" if street.setup.translated else "accept"
    enter = "".join(f' iifname "wan" udp dport {port} dnat {ip} to {host};\n'
                    for host, port in doors) if street.setup.translated else ""
    open_all = "" if street.setup.translated else f" udp dport {{ {ports} }} accept\n"
    return f"""table inet replay {{
{attach}
chain forward {{ type filter hook forward priority 0; policy drop;
 ct state established,related accept
 iifname "lan" accept
{open_all} ct status dnat ct state new accept; }}
chain input {{ type filter hook input priority 0;
 iifname "wan" meta l4proto udp drop; }}
chain leave {{ type nat hook postrouting priority 100;
 oifname "wan" {leave}; }}
chain enter {{ type nat hook prerouting priority -100;
{enter} }}
}}
"""


class Scene(World):
    """A world on that line, with a socket wherever the flow has one."""

    def __init__(self, unit: Unit, far_hosts: set[str], helper: str) -> None:
        street = Street(unit, far_hosts, helper)
        super().__init__(street.setup, helper, street)
        self.unit = unit
        self.ports: dict[Address, Port] = {}

    def at(self, address: Address) -> Port:
        """The signalling socket of this address."""
        if address not in self.ports:
            where = self.line.inside if address[0] in self.unit.inside else self.line.outside
            self.ports[address] = Port(self, where, address)
        return self.ports[address]
