# SPDX-License-Identifier: GPL-2.0
"""What a case is: a title that begins with its promise, the routers it must hold on, a function."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from net import Setup

if TYPE_CHECKING:
    from bed import Bed

Body = Callable[["Bed"], None]

SHIFTED, SHIFTED6 = Setup("shifted"), Setup("shifted", 6)
MASQUERADE, MASQUERADE6 = Setup("masquerade"), Setup("masquerade", 6)
ROUTED, ROUTED6 = Setup("routed"), Setup("routed", 6)
DNAT, DNAT6 = Setup("dnat"), Setup("dnat", 6)
ALL_ROUTERS = (SHIFTED, SHIFTED6, MASQUERADE, DNAT, DNAT6, ROUTED, ROUTED6)
BOTH_VERSIONS = (SHIFTED, SHIFTED6)
USUAL = (SHIFTED, SHIFTED6, DNAT, ROUTED)


@dataclass(frozen=True)
class Case:
    """One line of the report, for each router."""

    sentence: str
    body: Body
    routers: tuple[Setup, ...]
    subset: bool    # also on slow beds, on the first of its routers
    alone: bool     # looks at what all namespaces share
    long: bool      # started first, so that the others run in its shadow
    in_tree_fails: bool     # named in REQUIREMENTS as what the in-tree helper does wrong

    def title(self, setup: Setup) -> str:
        return f"{self.sentence} [{setup.nat} ipv{setup.family}]"


ALL: list[Case] = []


def case(sentence: str, routers: tuple[Setup, ...] = (SHIFTED,), *, subset: bool = False,
         alone: bool = False, long: bool = False, in_tree_fails: bool = False) -> Callable[[Body], Body]:
    def register(body: Body) -> Body:
        ALL.append(Case(sentence, body, routers, subset, alone, long, in_tree_fails))
        return body
    return register
