# SPDX-License-Identifier: GPL-2.0
"""The line of tests/e2e with a helper for TCP."""
from __future__ import annotations

from links import nft
from net import SHIFTED, Failure, Line, Setup

PORT = 5060


def rules(setup: Setup, helper: str, line: Line) -> str:
    """A home router's: the helper on TCP port 5060, translation, a stateful firewall."""
    ip = "ip" if setup.family == 4 else "ip6"
    attach = (f'ct helper alg {{ type "{helper}" protocol tcp; }}\n'
              "chain attach { type filter hook prerouting priority -150;\n"
              f' tcp dport {PORT} ct helper set "alg"; }}') if helper else ""
    leave = {"masquerade": "masquerade", "dnat": "masquerade", "routed": "accept",
             "shifted": f"meta l4proto tcp masquerade to :{SHIFTED}"}[setup.nat]
    enter = (f' iifname "wan" tcp dport {PORT} dnat {ip} to {line.plan.phone(1)};\n'
             if setup.nat == "dnat" else "")
    return f"""table inet streams
delete table inet streams
table inet streams {{
{attach}
chain forward {{ type filter hook forward priority 0; policy drop;
 ct state established,related accept;
 iifname "lan" accept;
 ct status dnat ct state new tcp dport {PORT} accept; }}
chain input {{ type filter hook input priority 0;
 iifname "wan" meta l4proto tcp drop; }}
chain leave {{ type nat hook postrouting priority 100;
 oifname "wan" {leave}; }}
chain enter {{ type nat hook prerouting priority -100;
{enter} }}
}}
"""


class Street(Line):
    """inside -- router -- outside."""

    def load_rules(self) -> None:
        self.apply(rules(self.setup, self.helper, self))

    def apply(self, text: str) -> None:
        with self.router:
            wrong = nft(text)
        if wrong:
            raise Failure(f"nft: {wrong}\n{text}")
