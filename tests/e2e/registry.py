# SPDX-License-Identifier: GPL-2.0
"""What a scenario is: a promise, a sentence, the routers it must hold on, and a function."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable

from net import Setup
from peer import World

Body = Callable[[World], None]

MASQUERADE = Setup("masquerade")
SHIFTED = Setup("shifted")
SNAT = Setup("snat")
DNAT = Setup("dnat")
ROUTED = Setup("routed")
SHIFTED6 = Setup("shifted", 6)
DNAT6 = Setup("dnat", 6)
ROUTED6 = Setup("routed", 6)
IPTABLES = Setup("shifted", 4, "iptables")
IPTABLES6 = Setup("masquerade", 6, "iptables")
IPTABLES_DNAT = Setup("dnat", 4, "iptables")
IPTABLES_ROUTED = Setup("routed", 4, "iptables")

LOSSY = Setup("shifted", transport="tcp", network="lossy")

TRANSLATED = (SHIFTED, MASQUERADE, SNAT, SHIFTED6, IPTABLES, IPTABLES6)
BOTH_VERSIONS = (SHIFTED, SHIFTED6)
FIREWALLS = (ROUTED, ROUTED6, IPTABLES_ROUTED)
SERVERS = (DNAT, DNAT6, IPTABLES_DNAT)




def over_tcp(*setups: Setup) -> tuple[Setup, ...]:
    return tuple(replace(setup, transport="tcp") for setup in setups)


@dataclass(frozen=True)
class Scenario:
    """One line of the report, for each setup."""

    promise: str
    sentence: str
    body: Body
    setups: tuple[Setup, ...]   # first those over UDP, then those over TCP
    udp_only: str       # why it is not asked of SIP over TCP; empty: it is
    subset: bool        # also on slow beds
    alone: bool         # changes something all namespaces share
    long: bool          # started first, so that the others run in its shadow
    in_tree_fails: bool  # named in REQUIREMENTS as what the in-tree helper does wrong

    def title(self, setup: Setup) -> str:
        transport = " over tcp" if setup.transport == "tcp" else ""
        return f"{self.promise} {self.sentence}{transport} [{setup.label}]"

    @property
    def told(self) -> bool:
        """gains.txt says what each of its variants gets against the in-tree helper."""
        return self.promise == "S1"

    def of_transport(self, transport: str) -> list[Setup]:
        return [setup for setup in self.setups if setup.transport == transport]


ALL: list[Scenario] = []


def scenario(promise: str, sentence: str, setups: tuple[Setup, ...] = (SHIFTED,), *,
             tcp: int = 1, udp_only: str = "", subset: bool = False, alone: bool = False,
             long: bool = False, in_tree_fails: bool = False) -> Callable[[Body], Body]:
    """Over UDP it runs on all of `setups`, over TCP on the first `tcp` of them: what a router
    does with addresses is the same. Setups made by over_tcp() are taken as they are.
    """
    def register(body: Body) -> Body:
        given = [setup for setup in setups if setup.transport == "udp"]
        more = over_tcp(*given[:0 if udp_only else tcp])
        ALL.append(Scenario(promise, sentence, body, (*setups, *more), udp_only, subset, alone,
                            long, in_tree_fails))
        return body
    return register
