# SPDX-License-Identifier: GPL-2.0
"""Faults that an administrator makes, or meets: each is made, must be found, and is mended.

A fault is a generator: it breaks the bed, yields while doctor looks, and mends it.
"""
from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, ContextManager, Iterator

from bed import ACCT, Bed
from calls import register
from net import MEDIA, STRANGER
from peer import offer
from sip import Address, sdp

Fault = Callable[[Bed], ContextManager[None]]
BOTH = ("nft", "iptables")
UNSET = "no rule sets it"


@dataclass(frozen=True)
class Case:
    """What is wrong, and what doctor must say: how bad, under which name, with which words."""

    title: str
    level: str
    name: str
    words: str
    rules: tuple[str, ...]
    lasting: bool   # it leaves counters that tell of it
    group: str      # those of one group are there at once, which saves time
    make: Fault

    @property
    def mends(self) -> bool:
        """What doctor says to do can be done in the router's own namespace, and mends it."""
        return not self.lasting and self.name not in ("hook", "audio", "expectations", "conntrack", "accounting") \
            and self.words != UNSET


ALL: list[Case] = []


def fault(level: str, name: str, words: str, title: str,
          rules: tuple[str, ...] = ("nft",), lasting: bool = False, group: str = ""
          ) -> Callable[[Callable[[Bed], Iterator[None]]], None]:
    def register_case(body: Callable[[Bed], Iterator[None]]) -> None:
        ALL.append(Case(title, level, name, words, rules, lasting, group or title, contextmanager(body)))
    return register_case


def _setting(level: str, name: str, words: str, title: str, values: tuple[tuple[str, int, int], ...]
             ) -> None:
    """A fault that is nothing but sysctls: (name, wrong, right)."""
    def body(bed: Bed) -> Iterator[None]:
        for setting, wrong, _ in values:
            bed.sysctl(setting, wrong)
        yield
        for setting, _, right in values:
            bed.sysctl(setting, right)
    fault(level, name, words, title, group="settings")(body)


_setting("problem", "enabled", "switched off", "the helper is switched off",
         (("net.netfilter.sip_ext_enabled", 0, 1),))
_setting("problem", "forwarding", "does not forward IPv4", "IPv4 is not forwarded",
         (("net.ipv4.ip_forward", 0, 1),))
_setting("warning", "accounting", "cannot be told", "packets are not counted", ((ACCT, 0, 1),))
_setting("problem", "limits", "sip_ext_max_calls allows", "as many calls as the limit allows",
         (("net.netfilter.sip_ext_max_calls", 1, 65536),))
_setting("problem", "limits", "sip_ext_max_registrations allows",
         "as many registrations as the limit allows",
         (("net.netfilter.sip_ext_max_registrations", 1, 20000),))


@fault("problem", "forwarding", "does not forward IPv6", "IPv6 is not forwarded",
       group="settings")
def forwarding6(bed: Bed) -> Iterator[None]:
    bed.line.ip("address add fd77:1::1/64 dev lan nodad", "address add 2001:db8:113::1/64 dev wan nodad")
    bed.sysctl("net.ipv6.conf.all.forwarding", 0)
    yield
    bed.sysctl("net.ipv6.conf.all.forwarding", 1)
    bed.line.ip("address del fd77:1::1/64 dev lan", "address del 2001:db8:113::1/64 dev wan")


@fault("warning", "rp_filter", "several default routes", "strict reverse path filter with two ways out",
       group="settings")
def rp_filter(bed: Bed) -> Iterator[None]:
    bed.line.ip("route add default via 203.0.113.10 dev wan", "route add default via 10.77.0.200 dev lan metric 9")
    bed.sysctl("net.ipv4.conf.all.rp_filter", 1)
    yield
    bed.sysctl("net.ipv4.conf.all.rp_filter", 0)
    bed.line.ip("route del default via 203.0.113.10", "route del default via 10.77.0.200")


# --- what all namespaces share --------------------------------------------------------

def _shared(name: str) -> Path:
    return Path("/proc/sys/net/netfilter", name)


@contextmanager
def _global(name: str, value: int) -> Iterator[None]:
    before = _shared(name).read_text()
    _shared(name).write_text(str(value))
    try:
        yield
    finally:
        _shared(name).write_text(before)


@fault("problem", "expectations", "table of expectations holds", "the table of expectations is full",
       group="settings")
def expectations(bed: Bed) -> Iterator[None]:
    with _global("nf_conntrack_expect_max", len(bed.line.expectations())):
        yield


@fault("problem", "conntrack", "table of connections holds", "the table of connections is nearly full",
       group="settings")
def connections(bed: Bed) -> Iterator[None]:
    now = int(bed.line.router.read("/proc/sys/net/netfilter/nf_conntrack_count"))
    with _global("nf_conntrack_max", now):
        yield


# --- rules ----------------------------------------------------------------------------

def _changed(old: str, new: str) -> Callable[[Bed], Iterator[None]]:
    def body(bed: Bed) -> Iterator[None]:
        bed.load_changed(old, new)
        yield
        bed.load(bed.rules())
    return body


@fault("problem", "rule", "no rule gives any connection the helper", "no rule", BOTH)
def no_rule(bed: Bed) -> Iterator[None]:
    bed.load(bed.rules(""))
    yield
    bed.load(bed.rules())


ATTACH = 'udp dport 5060 ct helper set "alg";\n tcp dport 5060 ct helper set "alg-tcp";'
fault("warning", "rule", UNSET, "helper objects that no rule sets")(_changed(ATTACH, ""))
fault("problem", "hook", "before conntrack's", "the rule is before conntrack")(
    _changed("prerouting priority -150", "prerouting priority -300"))
fault("problem", "hook", "before conntrack's", "the rule is at conntrack's own priority")(
    _changed("prerouting priority -150", "prerouting priority -200"))
fault("problem", "hook", "no chain with a hook leads to it", "the rule is in a chain that nothing leads to")(
    _changed("chain attach { type filter hook prerouting priority -150;", "chain attach {"))
fault("problem", "hook", "no chain with a hook leads to it", "the rule is in a chain that nothing leads to",
      ("iptables",))(_changed("-A PREROUTING -p udp --dport 5060 -j CT",
                              ":SIP -\n-A SIP -p udp --dport 5060 -j CT"))
NO_RELATED = "drops what no rule accepts, and none accepts related packets"
fault("problem", "related", NO_RELATED, "forward accepts no related packets")(
    _changed("ct state established,related accept", "ct state established accept"))
fault("problem", "related", NO_RELATED, "forward accepts another helper's related packets alone")(
    _changed("ct state established,related accept",
             'ct state established accept; ct state related ct helper "ftp" accept'))
fault("problem", "related", NO_RELATED, "a reject at the end of forward, and no related packets")(
    _changed("priority 0; policy drop;\n ct state established,related accept;",
             "priority 0;\n ct state established accept; counter reject;"))
fault("warning", "related", "has rules that drop, and none that accepts related",
      "forward accepts the rest, drops some, and knows no related packets")(
    _changed("priority 0; policy drop;\n ct state established,related accept;",
             'priority 0;\n iifname "wan" udp sport 7000 drop;'))
fault("problem", "related", NO_RELATED, "FORWARD accepts no related packets", ("iptables",))(
    _changed("--ctstate ESTABLISHED,RELATED", "--ctstate ESTABLISHED"))
fault("problem", "related", NO_RELATED, "a REJECT at the end of FORWARD, and no related packets",
      ("iptables",))(_changed("-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
                              "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
                              "-A FORWARD -j REJECT"))
fault("warning", "notrack", "keeps packets from conntrack", "a rule keeps SIP from conntrack")(
    _changed("chain leave", "chain early { type filter hook prerouting priority -300;\n"
             ' iifname "nowhere" udp dport 5060 notrack;\n}\nchain leave'))
fault("warning", "notrack", "keeps packets from conntrack", "a rule keeps SIP from conntrack",
      ("iptables",))(_changed("*raw", "*raw\n-A PREROUTING -i nowhere -p udp --dport 5060 -j CT --notrack"))
fault("problem", "in-tree", "a rule attaches the in-tree helper", "a rule attaches the in-tree helper as well")(
    _changed("chain attach", 'ct helper theirs { type "sip" protocol udp; }\nchain other { type filter hook '
             'prerouting priority 0;\n iifname "nowhere" udp dport 5060 ct helper set "theirs";\n}\nchain attach'))
fault("problem", "in-tree", "a rule attaches the in-tree helper", "a rule attaches the in-tree helper as well",
      ("iptables",))(_changed("*raw", "*raw\n-A PREROUTING -i nowhere -p udp --dport 5060 -j CT --helper sip"))


# --- connections ------------------------------------------------------------------------

def _keep_alive(bed: Bed, number: int, transport: str = "udp") -> socket.socket:
    """A connection to port 5060 of the server, with packets both ways."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with bed.line.inside:
        made = socket.socket(socket.AF_INET, kind)
    made.bind((bed.line.plan.phone(number), 5060))
    made.settimeout(5)
    if kind == socket.SOCK_STREAM:
        with bed.line.outside:
            listener = socket.create_server((bed.line.plan.far(STRANGER), 5060))
        made.connect((bed.line.plan.far(STRANGER), 5060))
        listener.close()
        return made
    before = len(bed.server.received)
    made.sendto(b"\r\n\r\n", bed.server.address)
    bed.world.wait("a keep-alive", lambda: len(bed.server.received) > before)
    source: Address = bed.server.received.pop()[1]
    bed.server.send(b"\r\n", source)
    made.recv(100)
    return made


def _forget(bed: Bed, number: int) -> None:
    for transport in ("udp", "tcp"):
        bed.forget("-p", transport, "-s", bed.line.plan.phone(number), "--dport", "5060")


@fault("problem", "older", "to udp port 5060 over IPv4 without the helper, though a rule is there",
       "a connection is older than the rule", BOTH)
def older(bed: Bed) -> Iterator[None]:
    bed.load(bed.rules(""))
    with _keep_alive(bed, 2):
        bed.load(bed.rules())
        yield
    _forget(bed, 2)


@fault("problem", "port", "to udp port 5060 over IPv4, for which there is no rule", "the rule is for another port", BOTH)
def other_port(bed: Bed) -> Iterator[None]:
    if bed.setup.rules == "nft":
        bed.load_changed("udp dport 5060", "udp dport { 5080, 5090-5099 }")
    else:
        bed.load_changed("udp --dport 5060 -j CT", "udp --dport 5080 -j CT")
    with _keep_alive(bed, 2):
        yield
    bed.load(bed.rules())
    _forget(bed, 2)


@fault("problem", "port", "to tcp port 5060 over IPv4, for which there is no rule", "the rule is for UDP alone, and a phone uses TCP",
       BOTH)
def other_protocol(bed: Bed) -> Iterator[None]:
    bed.load_changed("tcp dport 5060" if bed.setup.rules == "nft" else "tcp --dport 5060 -j CT",
                     "tcp dport 5070" if bed.setup.rules == "nft" else "tcp --dport 5070 -j CT")
    with _keep_alive(bed, 2, "tcp"):
        yield
    bed.load(bed.rules())
    _forget(bed, 2)


@fault("warning", "port", "to udp port 5062 over IPv4, which has no rule", "SIP on a port that has no rule", BOTH)
def unusual_port(bed: Bed) -> Iterator[None]:
    with bed.line.inside:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((bed.line.plan.phone(2), 5060))
    made.sendto(b"\r\n\r\n", (bed.line.plan.far(MEDIA), 5062))
    yield
    made.close()
    bed.forget("-p", "udp", "--dport", "5062")


@fault("problem", "in-tree", "connection has the in-tree helper: ", "a connection has the in-tree helper", BOTH)
def in_tree_connection(bed: Bed) -> Iterator[None]:
    bed.load(bed.rules("sip"))
    with _keep_alive(bed, 2):
        bed.load(bed.rules())
        yield
    _forget(bed, 2)


@fault("problem", "flowtable", "no packet reaches the helper",
       "a flowtable has taken the signalling before the rule was there")
def flowtable(bed: Bed) -> Iterator[None]:
    text = bed.rules("").replace("policy drop;\n", "policy drop;\n meta l4proto udp flow add @fast;\n")
    bed.load(text.replace("chain leave", "flowtable fast { hook ingress priority 0; devices = { lan, wan }; }\n"
                          "chain leave"))
    with _keep_alive(bed, 2):
        bed.world.wait("offloaded", lambda: any("OFFLOAD" in line for line in bed.line.connections()))
        bed.nft('table inet late { ct helper ours { type "sip-ext" protocol udp; }\nchain attach {'
                ' type filter hook prerouting priority 0;\n udp dport 5060 ct helper set "ours";\n}\n}\n')
        yield
    bed.nft("delete table inet late")
    bed.load(bed.rules())
    _forget(bed, 2)


# --- phones and calls -------------------------------------------------------------------

@fault("warning", "audio", "packets went out, none came in", "media comes from where nobody said", BOTH)
def one_way(bed: Bed) -> Iterator[None]:
    bed.forget("-p", "udp", "-s", bed.line.plan.phone(1), "--sport", "4000")
    bed.forget("-p", "udp", "--reply-src", bed.line.plan.phone(1), "--reply-port-src", "4000")
    bed.session.near_media.play(bed.session.far_seen, 5)
    bed.world.wait("the media", lambda: len(bed.session.far_media.inbox.packets) >= 5)
    yield
    bed.session.talk()


@fault("warning", "audio", "no packet in either direction", "a call without any media")
def no_media(bed: Bed) -> Iterator[None]:
    bed.forget("-p", "udp", "-s", bed.line.plan.phone(1), "--sport", "4000")
    bed.forget("-p", "udp", "--reply-src", bed.line.plan.phone(1), "--reply-port-src", "4000")
    yield
    bed.session.talk()


def _invite(bed: Bed, body: str) -> None:
    """A call that is refused, with that session description."""
    invite = bed.phone.invitation(bed.server.uri, body)
    bed.phone.send_message(invite, bed.server.address)
    seen, source = bed.server.request("INVITE", invite.call_id)
    bed.server.send_message(bed.server.answer(seen, source, 486, "Busy Here"), source)
    bed.phone.response(486, invite)


@fault("warning", "counter", "media_not_owner", "a phone names another host for its media", lasting=True)
def not_owner(bed: Bed) -> Iterator[None]:
    bed.world.translates = False
    _invite(bed, sdp(bed.phone.address[0], (bed.line.plan.phone(5), 4400)))
    yield


@fault("warning", "counter", "unmatched_response", "an answer to nothing that was asked", lasting=True)
def unmatched(bed: Bed) -> Iterator[None]:
    invite = bed.phone.invitation(bed.server.uri, "")
    bed.phone.send_message(invite, bed.server.address)
    seen, source = bed.server.request("INVITE", invite.call_id)
    answer = bed.server.answer(seen, source, 486, "Busy Here")
    wrong = answer.raw.replace(invite.call_id.encode(), b"never-asked")
    bed.server.send(wrong, source)
    bed.world.wait("the answer", lambda: [d for d, _ in bed.phone.received if b"never-asked" in d])
    yield


@fault("warning", "limits", "limit_calls", "a call too many", lasting=True)
def too_many_calls(bed: Bed) -> Iterator[None]:
    bed.sysctl("net.netfilter.sip_ext_max_calls", 1)
    _invite(bed, offer(bed.world.inside_media(4600)))
    bed.sysctl("net.netfilter.sip_ext_max_calls", 65536)
    yield


@fault("warning", "counter", "no_port", "no outside port is left for media", lasting=True)
def no_port(bed: Bed) -> Iterator[None]:
    bed.sysctl("net.netfilter.sip_ext_media_port_min", 20000)
    bed.sysctl("net.netfilter.sip_ext_media_port_max", 20003)
    for number in (6, 7, 8, 9):
        other = bed.world.phone(number)
        invite = other.invitation(bed.server.uri, offer(bed.world.inside_media(4000, number)))
        other.send_message(invite, bed.server.address)
        bed.server.request("INVITE", invite.call_id)
    bed.sysctl("net.netfilter.sip_ext_media_port_max", 32767)
    bed.sysctl("net.netfilter.sip_ext_media_port_min", 10000)
    yield


@fault("warning", "expectations", "but was full", "the table of expectations was full before", lasting=True)
def was_full(bed: Bed) -> Iterator[None]:
    with _global("nf_conntrack_expect_max", len(bed.line.expectations())):
        _invite(bed, offer(bed.world.inside_media(4800)))
    yield


@fault("warning", "registered", "has asked, and no registrar has granted it",
       "the registrar does not answer", lasting=True)
def not_granted(bed: Bed) -> Iterator[None]:
    register(bed.phone, bed.server, granted=0, asked=0)
    sent = bed.phone.registration(bed.server.address, 600)
    bed.phone.send_message(sent, bed.server.address)
    bed.server.request("REGISTER", sent.call_id)
    yield
