# SPDX-License-Identifier: GPL-2.0
"""Hosts with a namespace of their own, for programs that choose addresses themselves."""
from __future__ import annotations

import os

from net import Namespace
from peer import World


def own_host(world: World, where: Namespace, address: str) -> Namespace:
    """A further host on the side `where`, with one address and no other (IPv4).

    It hangs behind that side's namespace, which answers ARP for it: to the router, and to
    the host itself, all are on one wire.
    """
    home = Namespace(address)
    name = world.token("host")
    where.run("ip", "-batch", "-", stdin=(
        f"link add {name} type veth peer name eth0 netns /proc/{os.getpid()}/fd/{home.fd}\n"
        f"link set {name} up\nroute add {address}/32 dev {name}\n"))
    home.run("ip", "-batch", "-", stdin=(
        f"link set lo up\nlink set eth0 up\naddress add {address}/32 dev eth0\n"
        "route add default dev eth0\n"))
    where.honest_checksums(name)
    home.honest_checksums("eth0")
    where.sysctl("net.ipv4.ip_forward", 1)
    for device in (name, "eth0"):
        where.sysctl(f"net.ipv4.conf.{device}.proxy_arp", 1)
        where.sysctl(f"net.ipv4.neigh.{device}.proxy_delay", 0)
    return home
