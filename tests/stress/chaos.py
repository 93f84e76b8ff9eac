# SPDX-License-Identifier: GPL-2.0
"""What an administrator may do to a router, done all the time while it works: each deed once, then
by chance.
"""
from __future__ import annotations

import multiprocessing as mp
import os
import random
import sys
import time
from collections import Counter
from typing import Callable

from bed import Span, shared_line
from left import load, program, unload
from net import Failure, Line, iptables_rules
from netlink import Tables
from orderly import orderly
from storm import Datagrams, Streams, Tally, storm

SETTINGS = {"enabled": (0, 1), "media_source": (0, 1, 2), "direct_media": (0, 1), "max_calls": (1, 20, 65536),
            "max_calls_per_host": (1, 2000), "max_registrations": (1, 20000),
            "max_registrations_per_host": (1, 1000), "tcp_connections": (1, 65536), "tcp_memory": (1024, 65536),
            "tcp_buffer": (80, 256), "tcp_inbound": (0, 1), "media_hosts": ("", "10.77.0.0/24")}
USUAL = {"enabled": 1, "media_source": 0, "direct_media": 0, "max_calls": 65536, "max_calls_per_host": 2000,
         "max_registrations": 20000, "max_registrations_per_host": 1000, "tcp_connections": 65536,
         "tcp_memory": 65536, "tcp_buffer": 256, "tcp_inbound": 0, "media_hosts": ""}
SECOND_ADDRESS = 2


class Chaos:
    """One deed after the other, by chance."""

    def __init__(self, line: Line, seed: int) -> None:
        self.line, self.chance, self.counts = line, random.Random(seed), Counter[str]()
        self.tables = Tables(line.router)
        self.iptables = False
        self.faults: list[str] = []
        self.deeds: dict[str, tuple[int, Callable[[], object]]] = {
            "connection deleted": (6, lambda: self.tables.delete_connection(self.chance)),
            "expectation deleted": (6, lambda: self.tables.delete_expectation(self.chance)),
            "connection hurried": (4, lambda: self.tables.hurry(self.chance)),
            "setting changed": (8, self.change_setting),
            "conntrack -F": (2, lambda: self.run("conntrack", "-F")),
            "conntrack -F expect": (2, lambda: self.run("conntrack", "-F", "expect")),
            "conntrack -D": (2, lambda: self.run("conntrack", "-D", "-p", "udp", "--orig-port-dst", "5060")),
            "tables read": (6, self.read_tables),
            "rules flushed": (2, self.flush_rules),
            "rules of the other tool": (1, self.change_tool),
            "address changed": (1, self.change_address),
            "NAT half reloaded": (1, self.reload_nat),
            "modules reloaded": (1, self.reload),
        }

    def run(self, *argv: str) -> bool:
        self.line.router.run(*argv, check=False)
        return True

    def setting(self, name: str, value: object) -> None:
        self.line.router.write(f"/proc/sys/net/netfilter/sip_ext_{name}", f"{value}\n")

    def change_setting(self) -> None:
        name = self.chance.choice(list(SETTINGS))
        self.setting(name, self.chance.choice(SETTINGS[name]))

    def read_tables(self) -> None:
        for name in os.listdir("/proc/net/sip_ext"):
            self.line.router.read(f"/proc/net/sip_ext/{name}")
        self.run("conntrack", "-L", "expect")

    def load_rules(self) -> None:
        if self.iptables:
            self.line.router.run("iptables-restore", stdin=iptables_rules(self.line.setup, "sip-ext"))
        else:
            self.line.load_rules()

    def clear_rules(self) -> None:
        self.run("nft", "flush", "ruleset")     # iptables is nft_compat's: it goes with it

    def flush_rules(self) -> None:
        if self.iptables:
            for table in ("raw", "nat", "filter"):
                self.run("iptables", "-t", table, "-F")
        else:
            self.clear_rules()
        time.sleep(self.chance.random() / 5)
        self.load_rules()

    def change_tool(self) -> None:
        self.clear_rules()
        self.iptables = not self.iptables
        self.load_rules()

    def change_address(self) -> None:
        """Away, another one, and back."""
        first, second = (f"{self.line.plan.far(n)}/24" for n in (1, SECOND_ADDRESS))
        self.line.ip(f"address add {second} dev wan", f"address del {first} dev wan")
        time.sleep(self.chance.random() / 4)
        self.line.ip("address flush dev wan", f"address add {first} dev wan")

    def reload_nat(self) -> None:
        program("rmmod", "nf_nat_sip_ext")
        time.sleep(self.chance.random() / 5)
        self.must(load())

    def reload(self) -> None:
        """Nothing refers to the modules any more, but connections live on, and packets come."""
        self.clear_rules()
        wrong = unload()
        if wrong:
            self.counts["rmmod refused"] += 1
        time.sleep(self.chance.random() / 5)
        self.must(load())
        self.load_rules()

    def must(self, wrong: str) -> None:
        if wrong:
            self.faults.append(wrong)

    def until(self, span: Span) -> Tally:
        os.nice(-15)    # its programs wait for nobody
        names = list(self.deeds)
        weights = [self.deeds[name][0] for name in names]
        first = self.chance.sample(names, len(names))
        while not span.over():
            if not first:
                span.reach("deeds")
            name = first.pop() if first else self.chance.choices(names, weights)[0]
            try:
                if self.deeds[name][1]() is not False:
                    self.counts[name] += 1
                elif not self.counts[name]:
                    first.insert(0, name)   # there was nothing to do it to
            except (OSError, Failure) as error:
                self.faults.append(f"{name}: {error}")
            time.sleep(self.chance.random() / 20)
        self.calm()
        return Tally(self.counts, self.faults[:8])

    def calm(self) -> None:
        """As it was at the beginning."""
        self.clear_rules()
        self.must(load())
        for name, value in USUAL.items():
            self.setting(name, value)
        self.iptables = False
        self.line.load_rules()


def victim(seed: int, seconds: float) -> None:
    """A router whose namespace ends while others still send through it. Ends with the process."""
    try:
        line = shared_line()
    except Failure:     # the modules are not loaded just now
        sys.exit(1)
    context = mp.get_context("fork")
    span = Span(seconds + 1.5)

    def sender(work: Callable[[], object]) -> None:
        os.close(line.router.fd)
        try:
            work()
        except OSError:     # its network has gone with the router's end of it
            pass

    works: list[Callable[[], object]] = [
        lambda: storm(Datagrams, line, 1, seed, span), lambda: storm(Streams, line, 2, seed, span),
        lambda: orderly(line, "udp", 3, seed, span, 0.5)]
    for work in works:
        context.Process(target=sender, args=(work,)).start()
    time.sleep(seconds)
    # without waiting for the senders: what names the router's namespace is closed now
    os._exit(0)


def victims(seed: int, span: Span) -> Tally:
    """One after the other."""
    tally = Tally()
    context = mp.get_context("fork")
    while not span.over():
        one = context.Process(target=victim, args=(seed + tally.counts["namespaces ended"], 2.0))
        one.start()
        one.join()
        tally.counts["namespaces ended"] += one.exitcode == 0
        if one.exitcode == 0:
            span.reach("namespace")
    return tally

