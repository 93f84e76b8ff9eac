# SPDX-License-Identifier: GPL-2.0
"""What `sip-ext status` must show of a router with a phone and a call."""
from __future__ import annotations

import re
from typing import Callable

from bed import ACCT, TOP, Bed, Shell
from net import Failure

Check = Callable[[Bed, Shell], None]
ALL: list[tuple[str, Check]] = []


def screen(title: str) -> Callable[[Check], Check]:
    def register_check(body: Check) -> Check:
        ALL.append((title, body))
        return body
    return register_check


def _shows(bed: Bed, shell: Shell, *patterns: str, status: int = 0) -> str:
    said = bed.ask(shell, "status")
    if said.status != status or said.wrong:
        raise Failure(f"status {said.status}, standard error {said.wrong!r}\n{said.text}")
    for pattern in patterns:
        if not re.search(pattern, said.text, re.MULTILINE):
            raise Failure(f"no {pattern!r} in\n{said.text}")
    return said.text


@screen("status: attached by which rule, modules, switched on, signalling")
def attached(bed: Bed, shell: Shell) -> None:
    place = "nft inet e2e attach" if bed.setup.rules == "nft" else "iptables raw PREROUTING"
    _shows(bed, shell, r"^switched +on$",
           rf"^attached +(udp|tcp) +port 5060 +sip-ext +by {place}$",
           r"^modules +nf_conntrack_sip_ext \([0-9.]+\), nf_nat_sip_ext \([0-9.]+\), nf_conntrack_sip( not loaded)?$", r"^signalling +1 connection to udp 5060$")


@screen("status: who is registered, from where, until when")
def registered(bed: Bed, shell: Shell) -> None:
    inside, registrar = bed.phone.name, bed.server.name
    _shows(bed, shell, r"^registered +1 registration$",
           rf"^ +{inside} as {bed.line.router_address}:\d+ at {registrar}, until \d\d:\d\d.* \(\d+ min\)$")


@screen("status: live calls with their streams and what conntrack counted of them")
def calls(bed: Bed, shell: Shell) -> None:
    near, far = bed.session.near_media, bed.session.far_media
    bed.forget("-p", "udp", "-s", near.address[0], "--sport", str(near.address[1]))
    bed.session.talk(count=5)
    bed.session.talk(count=2, first="outside")
    _shows(bed, shell, r"^calls +1 \(1 answered\)$", rf"answered: {bed.phone.name} with {bed.server.name}$",
           rf"{near.address[0]}:4000 = \S+ with {far.address[0]}:7000: "
           r"out 7 packets \d+ B, in 7 packets \d+ B$")


@screen("status: says how packets are counted where they are not")
def accounting(bed: Bed, shell: Shell) -> None:
    bed.sysctl(ACCT, 0)
    _shows(bed, shell, r"7000: flows$", r"sysctl -w net.netfilter.nf_conntrack_acct=1")
    bed.sysctl(ACCT, 1)


@screen("status: pinholes, and counters that moved with the source's own sentences")
def counters(bed: Bed, shell: Shell) -> None:
    counted = bed.line.counters()
    lines = [rf"^ +{count} {name} " for name, count in counted.items() if count]
    sentence = re.search(r'X\(translated, "(.*?)"\)', (TOP / "kernel" / "reasons.h").read_text())
    assert sentence
    text = _shows(bed, shell, r"^pinholes +[1-9]\d* waiting \(.*4 (audio|media).*holds \d+ of \d+$", *lines, sentence[1])
    silent = [name for name, count in counted.items() if not count and re.search(rf" {name} ", text)]
    if silent:
        raise Failure(f"counters that did not move: {silent}\n{text}")


@screen("status: settings that are not what the module began with")
def settings(bed: Bed, shell: Shell) -> None:
    bed.sysctl("net.netfilter.sip_ext_media_source", 1)
    text = _shows(bed, shell, r"^setting +net.netfilter.sip_ext_media_source = 1$")
    bed.sysctl("net.netfilter.sip_ext_media_source", 0)
    if text.count("\nsetting ") != 1:
        raise Failure(f"one setting was changed\n{text}")


@screen("status: nothing attached, and switched off")
def nothing(bed: Bed, shell: Shell) -> None:
    bed.load(bed.rules(""))
    bed.sysctl("net.netfilter.sip_ext_enabled", 0)
    _shows(bed, shell, r"^attached +nothing: no rule", r"^switched +OFF")
    bed.sysctl("net.netfilter.sip_ext_enabled", 1)
    bed.load(bed.rules())
