#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the lab does not show of sip-ext: other versions' outputs, big tables, bad usage. TAP.

Each case is a machine of files: proc/ and sys/ in a folder, and programs that print a text.
"""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable

TOP = Path(__file__).resolve().parents[2]
TOOL = TOP / "scripts" / "sip-ext"
PROGRAMS = ("nft", "conntrack", "iptables", "iptables-save", "ip6tables-save", "iptables-nft-save",
            "ip6tables-nft-save", "iptables-legacy-save", "ip6tables-legacy-save")
USUAL = {"proc/modules": "nf_nat_sip_ext 1 0 - Live 0\nnf_conntrack_sip_ext 1 1 nf_nat_sip_ext, Live 0\n",
         "proc/net/sip_ext/counters": "translated 5\nunchanged 0\n",
         "proc/net/sip_ext/calls": "", "proc/net/sip_ext/registrations": "",
         "proc/sys/net/netfilter/sip_ext_enabled": "1\n", "proc/sys/net/ipv4/ip_forward": "1\n",
         "proc/sys/net/netfilter/nf_conntrack_acct": "1\n",
         "proc/sys/net/netfilter/nf_conntrack_expect_max": "512\n",
         "proc/sys/net/netfilter/nf_conntrack_count": "3\n", "proc/sys/net/netfilter/nf_conntrack_max": "65536\n",
         "proc/sys/net/netfilter/sip_ext_max_calls": "65536\n",
         "proc/sys/net/netfilter/sip_ext_max_registrations": "20000\n",
         "proc/sys/net/ipv4/conf/all/rp_filter": "0\n"}
TWO_WAYS = ("Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
            "a\t00000000\t0102030A\t0003\t0\t0\t0\t00000000\nb\t00000000\t0102040A\t0003\t0\t0\t1\t00000000\n")
NFT = """table ip sip {
	ct helper ours {
		type "sip-ext" protocol udp
		l3proto ip
	}

	chain pre {
		type filter hook prerouting priority PRIORITY; policy accept;
		RULE
	}
}
"""
ATTACH = 'udp dport 5060 ct helper set "ours"'
FORWARD = """table inet fw {
	chain forward {
		type filter hook forward priority filter; policy POLICY;
		RULE
	}
}
"""
TALK6 = ("ipv6     10 udp      17 29 src=fd00:0001:0000:0000:0000:0000:0000:0010 dst=2001:0db8:0000:0000:0000:0000:0000:0009 "
         "sport=4000 dport=7000 packets=11 bytes=2200 src=2001:0db8:0000:0000:0000:0000:0000:0009 "
         "dst=2001:0db8:0000:0000:0000:0000:0000:0001 sport=7000 dport=4000 packets=22 bytes=4400 [ASSURED] mark=0 zone=0 use=2\n")
CALL6 = ("call 1 answered inside=[fd00:1::10]:5060 peer=[2001:db8::9]:5060 expires=100\n"
         "  stream 0 inside=[fd00:1::10]:4000 outside=[2001:db8::1]:4000 remote=[2001:db8::9]:7000\n")


class Machine:
    """A folder that looks like a router, and a shell."""

    def __init__(self, folder: Path, shell: str) -> None:
        self.root = folder / "root"
        self.bin = folder / "bin"
        self.shell = shell
        self.bin.mkdir(parents=True)
        if shell == "busybox":
            subprocess.run(["busybox", "--install", "-s", str(self.bin)], check=True)
        for path, text in USUAL.items():
            self.file(path, text)
        for program in PROGRAMS:
            self.program(program, "")

    def file(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def program(self, name: str, text: str, script: str = "") -> None:
        """One that prints a text, or does what a script says first."""
        printed = self.bin.parent / f"{name}.text"
        printed.write_text(text)
        (self.bin / name).write_text(f"#!/bin/sh\n{script}\ncat {printed}\n")
        (self.bin / name).chmod(0o755)

    def rules(self, rule: str = ATTACH, priority: str = "filter") -> None:
        self.program("nft", NFT.replace("RULE", rule).replace("PRIORITY", priority))

    def forward(self, rule: str, policy: str = "accept") -> None:
        self.program("nft", FORWARD.replace("RULE", rule).replace("POLICY", policy))

    def iptables(self, table: str, *lines: str) -> None:
        self.program("iptables-nft-save", "\n".join((f"*{table}", *lines, "COMMIT\n")))

    def run(self, *arguments: str, tool: Path = TOOL, folder: Path = TOP, root: str | None = None
            ) -> subprocess.CompletedProcess[str]:
        command = ["busybox", "ash"] if self.shell.startswith("busybox") else ["dash"]
        if self.shell.endswith("as nobody"):
            command = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        return subprocess.run([*command, str(tool), *arguments], text=True, capture_output=True, check=False,
                              stdin=subprocess.DEVNULL, cwd=folder,
                              env={"SIP_EXT_ROOT": str(self.root) if root is None else root,
                                   "PATH": f"{self.bin}:/usr/bin:/bin"})

    def tells(self, name: str, level: str, of: str) -> None:
        """How doctor finds one thing that it looks at."""
        done = self.run("doctor")
        if not re.search(f"^{level} +{name} ", done.stdout, re.MULTILINE) or done.stderr:
            raise AssertionError(f"{of}: {name} is not told as {level} in\n{done.stdout}{done.stderr}")

    def says(self, *patterns: str, command: tuple[str, ...] = ("doctor",)) -> str:
        done = self.run(*command)
        missing = [p for p in patterns if not re.search(p, done.stdout, re.MULTILINE)]
        if missing or done.stderr:
            raise AssertionError(f"no {missing} in\n{done.stdout}{done.stderr}")
        return done.stdout


Case = Callable[[Machine], None]
ALL: list[tuple[str, Case]] = []


def case(title: str) -> Callable[[Case], Case]:
    def register(body: Case) -> Case:
        ALL.append((title, body))
        return body
    return register


@case("a machine of files is healthy where it should be")
def usual(machine: Machine) -> None:
    machine.rules()
    machine.program("conntrack", "udp 17 29 src=10.0.0.2 dst=203.0.113.9 sport=5060 dport=5060 src=203.0.113.9 "
                    "dst=203.0.113.1 sport=5060 dport=5060 [ASSURED] mark=0 helper=sip-ext use=1\n")
    machine.says(r"^ok +rule +udp port 5060 of IPv4 has sip-ext$", "^ok +connections +2 connections have the helper")


@case("a setting that cannot be read is a warning with its name, and never well")
def unread(machine: Machine) -> None:
    machine.rules()
    machine.file("proc/net/route", TWO_WAYS)
    machine.file("proc/net/if_inet6", "")
    for setting, name in (("net.ipv6.conf.all.forwarding", "forwarding"), ("net.ipv4.ip_forward", "forwarding"),
                          ("net.ipv4.conf.a.rp_filter", "rp_filter"), ("net.ipv4.conf.all.rp_filter", "rp_filter"),
                          ("net.netfilter.nf_conntrack_acct", "accounting"), ("net.netfilter.sip_ext_enabled", "enabled"),
                          ("net.netfilter.sip_ext_max_calls", "limits"),
                          ("net.netfilter.sip_ext_max_registrations", "limits"),
                          ("net.netfilter.nf_conntrack_count", "conntrack"),
                          ("net.netfilter.nf_conntrack_max", "conntrack"),
                          ("net.netfilter.nf_conntrack_expect_max", "expectations")):
        for other in ("net.ipv6.conf.all.forwarding", "net.ipv4.conf.a.rp_filter", "net.ipv4.conf.b.rp_filter"):
            machine.file(f"proc/sys/{other.replace('.', '/')}", "1\n" if "ipv6" in other else "0\n")
        machine.tells(name, "ok", f"all but {setting}")
        file = machine.root / "proc/sys" / setting.replace(".", "/")
        text = file.read_text()
        file.unlink()
        said = machine.says(rf"^warning +{name} +{setting} could not be read$", rf"^ +-> sysctl {setting}   # not there: ")
        assert said.count("could not be read") == 1 and not re.search(r"-1\b", said), said
        assert name == "forwarding" or not re.search(f"^ok +{name} ", said, re.MULTILINE), said
        machine.file(str(file.relative_to(machine.root)), text)


@case("settings that some kernels and routers do without are no fault")
def without(machine: Machine) -> None:
    machine.rules()
    said = machine.says("^ok +forwarding +IPv4 is forwarded$", "^ok +in-tree ")
    assert "IPv6" not in said and "could not be read" not in said, said
    (machine.root / "proc/sys/net/netfilter/nf_conntrack_max").unlink()
    machine.file("proc/sys/net/nf_conntrack_max", "70000\n")
    machine.says("^ok +conntrack +the kernel's table of connections holds 3 of 70000$")
    (machine.root / "proc/sys/net/ipv4/conf/all/rp_filter").unlink()
    machine.says("^ok +rp_filter ")


@case("expectations that nothing tells of are not none")
def untold(machine: Machine) -> None:
    machine.program("conntrack", "", "exit 1")
    said = machine.says("^warning +expectations +how many there are cannot be told$", "^ +-> install conntrack")
    assert not re.search("^ok +expectations", said, re.MULTILINE), said
    machine.says("^pinholes +cannot be told: ", command=("status",))
    machine.program("conntrack", "")
    machine.says("^ok +expectations +the kernel's table of expectations holds 0 of 512$")


@case("status says what it cannot read")
def unread_on_screen(machine: Machine) -> None:
    for setting in ("sip_ext_enabled", "nf_conntrack_expect_max"):
        (machine.root / "proc/sys/net/netfilter" / setting).unlink()
    said = machine.says("^switched +cannot be told: net.netfilter.sip_ext_enabled could not be read$",
                        r"table holds 0 \(nf_conntrack_expect_max could not be read\)$", command=("status",))
    assert not re.search(r"-1\b|^switched +on", said, re.MULTILINE), said


@case("names of priorities, with an offset")
def priorities(machine: Machine) -> None:
    for priority, fault in (("raw + 50", True), ("raw", True), ("mangle - 50", True), ("mangle", False),
                            ("-199", False), ("-300", True), ("filter - 10", False), ("dstnat + 5", False)):
        machine.rules(priority=priority)
        seen = "before conntrack's" in machine.run("doctor").stdout
        assert seen == fault, f"priority {priority}: {'fault' if seen else 'no fault'}"


@case("rules that name ports in other ways")
def ports(machine: Machine) -> None:
    for text, shown in (("udp dport sip", "5060"), ("udp dport { 5060, 5070-5080 }", "5060,5070-5080"),
                        ("udp dport { sip, sip-tls }", "5060,5061"), ("udp dport != 22", "any"),
                        ("udp dport @sip", "any"), ("th dport 5060-5062", "5060-5062")):
        machine.rules(f'{text} ct helper set "ours"')
        machine.says(rf"udp +port {shown} +sip-ext", command=("status",))
    machine.rules('ct helper set udp dport map { 5060 : "ours" }')
    machine.says(r"udp +port any +sip-ext", command=("status",))
    machine.program("nft", "")
    for text, shown in (("-p udp -m multiport --dports 5060,5070:5080", "5060,5070-5080"),
                        ("-p udp -m udp ! --dport 22", "any"), ("-p udp -m udp --dport 5060", "5060")):
        machine.program("iptables-nft-save", "*raw\n:PREROUTING ACCEPT [0:0]\n"
                        f"-A PREROUTING {text} -j CT --helper sip-ext\nCOMMIT\n")
        machine.says(rf"udp +port {shown} +sip-ext +by iptables raw", command=("status",))


@case("chains that others lead to, also by a map of verdicts")
def jumps(machine: Machine) -> None:
    chain = '\t}\n\n\tchain sip {\n\t\tudp dport 5060 ct helper set "ours"'
    for way in ("jump sip", "udp dport 5060 goto sip", 'iifname vmap { "a" : jump sip, "b" : drop }',
                "iifname vmap @zones"):
        machine.rules(f"{way}\n{chain}")
        machine.says("^ok +rule +udp port 5060")
    machine.rules(f"counter{chain}")
    machine.says("^problem +hook .*no chain with a hook leads to it")


@case("a dormant table attaches nothing, and its chains neither drop nor accept")
def dormant(machine: Machine) -> None:
    sleeping = "{\n\tcomment \"flags dormant\"\n\tflags dormant\n\n"
    for flags in ("flags dormant", 'flags dormant\n\tcomment "sip"', "flags owner,dormant", "flags dormant, persist"):
        text = NFT.replace("RULE", ATTACH).replace("PRIORITY", "filter")
        machine.program("nft", text.replace("{\n", f"{{ # handle 1\n\t{flags}\n\n", 1))
        machine.says("udp +port 5060 +sip-ext +by nft ip sip pre: BUT the table ip sip is dormant$",
                     command=("status",))
        text = machine.says("^problem +hook .* nft ip sip pre cannot work: the table ip sip is dormant$",
                            "^ +-> nft add table ip sip   # ",
                            "^problem +rule +no rule gives any connection the helper$")
        assert not re.search("^ok +rule ", text, re.MULTILINE), text
    machine.program("nft", text=NFT.replace("RULE", ATTACH).replace("PRIORITY", "filter")
                    .replace("{\n", '{\n\tcomment "flags dormant"\n\n', 1))
    machine.says("^ok +rule +udp port 5060")
    open_one, closed = (FORWARD.replace("RULE", "ct state related accept").replace("POLICY", policy)
                        for policy in ("accept", "drop"))
    closed = closed.replace("ct state related accept", "udp dport 9 drop").replace("inet fw", "inet other")
    for text, level in ((open_one + closed, "problem"), (open_one.replace("{\n", sleeping, 1) + closed, "problem"),
                        (open_one + closed.replace("{\n", sleeping, 1), "ok")):
        machine.program("nft", text)
        machine.tells("related", level, text)
    text = NFT.replace("sip-ext", "sip").replace("PRIORITY", "0")
    text = text.replace("RULE", f"{ATTACH}\n\t\tudp dport 5060 notrack")
    machine.program("nft", text)
    machine.says("^problem +in-tree ", "^warning +notrack ")
    machine.program("nft", text.replace("{\n", sleeping, 1))
    assert "notrack" not in machine.says("^ok +in-tree ")


@case("a dormant table of iptables-nft, which iptables-save lists as it lists others")
def dormant_of_iptables(machine: Machine) -> None:
    kept = ("table ip {0} {{\n\tflags dormant\n\n\tchain {1} {{\n\t\ttype filter hook {2} priority {0}; "
            "policy accept;\n\t}}\n}}\n")
    machine.iptables("raw", ":PREROUTING ACCEPT [0:0]",
                     "-A PREROUTING -p udp -m udp --dport 5060 -j CT --helper sip-ext")
    machine.program("nft", kept.format("raw", "PREROUTING", "prerouting"))
    machine.says("^problem +hook .* iptables raw PREROUTING cannot work: the table ip raw is dormant$",
                 "^ +-> nft add table ip raw   # ")
    machine.program("nft", kept.format("raw", "mine", "prerouting"))
    machine.says("^ok +rule +udp port 5060")
    machine.iptables("filter", ":FORWARD DROP [0:0]")
    machine.says("^problem +related ")
    machine.program("nft", kept.format("filter", "FORWARD", "forward"))
    machine.says("^ok +related ")


@case("an nft that does not know -t, and one that is refused")
def other_nft(machine: Machine) -> None:
    machine.program("nft", NFT.replace("RULE", ATTACH).replace("PRIORITY", "0"),
                    '[ "$2" != -t ] || { echo "nft: invalid option -- t" >&2; exit 1; }')
    machine.says("^ok +rule +udp port 5060")
    machine.program("nft", "", "echo 'Error: Operation not permitted' >&2; exit 1")
    machine.says("^warning +rules .*Operation not permitted", "^problem +rule ")


@case("iptables-legacy is asked only where it has tables")
def legacy(machine: Machine) -> None:
    machine.program("iptables-legacy-save", "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -m udp "
                    "--dport 5060 -j CT --helper sip-ext\nCOMMIT\n", f"touch {machine.root}/asked")
    machine.says("^problem +rule ")
    assert not (machine.root / "asked").exists(), "asked, which would have loaded the tables"
    machine.file("proc/net/ip_tables_names", "raw\n")
    machine.says("^ok +rule +udp port 5060")


@case("rules of ip6tables, and a router without IPv6")
def ipv6(machine: Machine) -> None:
    machine.program("ip6tables-nft-save", "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp "
                    "--dport 5060 -j CT --helper sip-ext\nCOMMIT\n")
    machine.says("^problem +rule ")
    machine.file("proc/net/if_inet6", "")
    machine.says("^ok +rule +tcp port 5060 of IPv6 has sip-ext$")
    machine.says("tcp +port 5060 +sip-ext +by ip6tables raw PREROUTING$", command=("status",))


@case("called by its bare name in its own folder, by a path, and by a link")
def called(machine: Machine) -> None:
    link = machine.root / "link"
    link.symlink_to(TOOL)
    for tool, folder in ((Path(TOOL.name), TOOL.parent), (Path("scripts/sip-ext"), TOP), (link, TOP)):
        done = machine.run("--version", tool=tool, folder=folder)
        assert done.returncode == 0 and re.fullmatch(r"sip-ext \d\S+\n", done.stdout), f"{tool}: {done}"


@case("root alone may look: one clear line for others")
def not_root(machine: Machine) -> None:
    subprocess.run(["make", "-s", "-C", str(TOP), "tool_install", f"DESTDIR={machine.root}"], check=True)
    for folder in (machine.root.parent, machine.root):
        folder.chmod(0o755)
    machine.shell += "" if os.geteuid() else " as nobody"
    done = machine.run("status", tool=machine.root / "usr/local/sbin/sip-ext", root="")
    assert (done.returncode, done.stderr) == (2, "sip-ext: as root, please\n"), done


@case("what iptables-nft keeps in nftables is not judged twice")
def twice(machine: Machine) -> None:
    machine.program("nft", "# Warning: table ip filter is managed by iptables-nft, do not touch!\n"
                    "table ip filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority filter; policy drop;\n"
                    '\t\txt match "conntrack" counter packets 0 bytes 0 accept\n\t}\n}\n')
    machine.program("iptables-nft-save", "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate "
                    "RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n")
    machine.says("^ok +related ")


@case("ways to let related packets in, and ways not to")
def related(machine: Machine) -> None:
    for rule, level in (("ct state vmap { established : accept, related : accept, invalid : drop }", "ok"),
                        ("ct state vmap @states", "ok"), ('ct state related ct helper "sip-ext" accept', "ok"),
                        ('ct state related ct helper "ftp" accept', "problem"), ("ct state established accept", "problem"),
                        ("ct state != new accept", "ok"), ("counter packets 1 bytes 2 accept", "ok"),
                        ("ct state related counter packets 0 bytes 0 drop", "problem"),
                        ("ct status expected accept", "ok"), ("iifname wan udp dport 1-9 accept", "problem")):
        machine.forward(rule, "drop")
        machine.tells("related", level, rule)
    machine.forward("ct state invalid drop")
    machine.says("^ok +related")


@case("of a map of verdicts, what stands behind related counts, and where it leads")
def verdicts(machine: Machine) -> None:
    to_one = "ct state vmap { established : accept, related : %s }\n\t}\n\n\tchain one {\n\t\t%s"
    for policy, rule, level in (
            ("drop", "ct state vmap { established : accept, related : drop, new : accept }", "problem"),
            ("drop", "ct state vmap { established : accept, related : return, new : accept }", "problem"),
            ("drop", "ct state vmap { established : accept, new : accept } # handle 4", "problem"),
            ("drop", "ct state vmap { invalid : drop, established : accept, related : accept }", "ok"),
            ("drop", "ct state vmap { established,related : accept, invalid : drop}", "ok"),
            ("drop", "ct state vmap { invalid : drop, established | related : accept } # handle 4", "ok"),
            ("drop", "ct state vmap { invalid : drop, * : accept }", "ok"),
            ("drop", "ct state vmap { related : drop, * : accept }", "problem"),
            ("drop", 'ct state . iifname vmap { related . "a" : drop, established . "a" : accept }', "problem"),
            ("drop", 'ct state . iifname vmap { related . "a" : drop, related . "b" : accept }', "ok"),
            ("drop", "ip6 saddr . ct state vmap { fe80::1 . established : accept, fe80::2 . related : drop }",
             "problem"),
            ("drop", "ip6 saddr . ct state vmap { fe80::1 . new : drop, fe80::2 . related : accept }", "ok"),
            ("drop", "ct state . iifname vmap @zones", "ok"),
            ("drop", 'ct state new iifname vmap { "related" : accept, "b" : drop }', "problem"),
            ("drop", 'ct state related iifname vmap { "a" : accept, "b" : drop }', "ok"),
            ("drop", "ct state related iifname vmap @zones", "ok"),
            ("drop", to_one % ("jump one", "udp dport 1024-65535 accept"), "ok"),
            ("drop", to_one % ("goto one", "jump two\n\t}\n\n\tchain two {\n\t\tip daddr 10.0.0.0/8 accept"), "ok"),
            ("drop", to_one % ("goto one", "queue to 0"), "ok"), ("drop", to_one % ("jump one", "counter"), "problem"),
            ("drop", to_one % ("jump one", "udp dport 9 drop"), "problem"),
            ("accept", "ct state vmap { established : accept, related : drop, new : accept }", "warning"),
            ("accept", "ct state vmap { established : accept, related : drop, invalid : drop }", "warning"),
            ("accept", "ct state vmap { established : accept, invalid : drop, new : accept }", "ok"),
            ("accept", "tcp dport vmap { 22 : drop, 23 : accept }", "warning"),
            ("accept", "ct state vmap { new : accept, related : return }\n\t\tdrop", "ok"),
            ("accept", to_one % ("goto one", "drop"), "warning")):
        machine.forward(rule, policy)
        machine.tells("related", level, rule)


@case("rules for related packets, of one state or of several, and rules for all others")
def states(machine: Machine) -> None:
    to_one = "%s\n\t}\n\n\tchain one {\n\t\t%s"
    for policy, rule, level in (
            ("drop", "ct state { established, related } accept", "ok"),
            ("drop", "ct state established,related accept", "ok"),
            ("drop", "ct state { established, related } counter packets 1 bytes 2 accept # handle 9", "ok"),
            ("drop", 'ct state . iifname { established . "a", related . "b" } accept', "ok"),
            ("drop", "ct state new jump related_too", "problem"), ("drop", "ct state @related accept", "ok"),
            ("drop", 'iifname "related" ct state new accept', "problem"),
            ("drop", "ct state != { established, related } accept", "problem"),
            ("drop", "ct state ! established,related accept", "problem"), ("drop", "ct state ! new accept", "ok"),
            ("accept", "ct state != established | related drop", "ok"), ("drop", "ct state != new drop", "problem"),
            ("accept", "ct state ! established,related drop", "ok"), ("drop", "counter log level info accept", "ok"),
            ("drop", to_one % ("ct state related jump one", 'ct helper "sip-ext" accept'), "ok"),
            ("drop", to_one % ("ct state related jump one", "counter"), "problem")):
        machine.forward(rule, policy)
        machine.tells("related", level, rule)
    machine.program("nft", "")
    for rules, level in ((("-m conntrack --ctstate RELATED -j ONE", "-p udp -j ACCEPT"), "ok"),
                         (("-m conntrack --ctstate RELATED -g ONE", "-p udp -j LOG"), "problem"),
                         (("-m state --state RELATED,ESTABLISHED -j ACCEPT", "-j DROP"), "ok"),
                         (("-m conntrack --ctstate NEW -j RELATED_TOO", "-j DROP"), "problem")):
        machine.iptables("filter", ":FORWARD DROP [0:0]", ":ONE - [0:0]", f"-A FORWARD {rules[0]}",
                         f"-A ONE {rules[1]}")
        machine.tells("related", level, rules[0])


@case("remarks in rules of nftables say nothing of what the rules do")
def remarks(machine: Machine) -> None:
    for policy, rule, level in (
            ("accept", 'comment "we drop much here"', "ok"), ("accept", 'comment "policy drop; # handle 3"', "ok"),
            ("accept", 'udp dport 9 accept comment "or drop it" # handle 4', "ok"),
            ("accept", 'comment "{"\nct state new accept\ncomment "}"\nudp dport 9 drop', "warning"),
            ("accept", 'udp dport 9 counter comment "two\nlines that drop something" # handle 4', "ok"),
            ("accept", 'log prefix "we drop it" level info accept', "ok"),
            ("accept", 'udp dport 9 drop comment "invalid"', "warning"),
            ("drop", 'comment "accept"', "problem"), ("drop", 'comment "ct state related accept"', "problem"),
            ("drop", 'ct state established accept comment "not related"', "problem"),
            ("drop", 'ct state new jump x comment "related: accept"', "problem"),
            ("drop", 'ct state related drop comment "else accept"', "problem"),
            ("drop", r'log prefix "related \" ct state new accept', "problem"),
            ("drop", 'ct state { established comment "a", related comment "no }, drop" } accept', "ok"),
            ("drop", 'log prefix "ct helper \'ftp\' " ct state related accept comment "drop"', "ok")):
        machine.forward(rule, policy)
        machine.tells("related", level, rule)
    machine.rules(f'udp dport 5062 accept comment "once: ct helper set ours"\n{ATTACH} comment "not udp dport 5090"')
    machine.says("^attached +udp +port 5060 .*by nft ip sip pre$", command=("status",))
    machine.rules(f'{ATTACH}\nudp dport 5060 accept comment "notrack once"')
    assert "notrack" not in machine.says("^ok +rule ")


@case("remarks in rules of iptables say nothing of what the rules do")
def remarks_of_iptables(machine: Machine) -> None:
    comment = "-m comment --comment"
    for policy, rule, level in (
            ("ACCEPT", f'{comment} "or -j DROP it" -j ACCEPT', "ok"),
            ("ACCEPT", '-j LOG --log-prefix " -j DROP "', "ok"),
            ("ACCEPT", rf'{comment} "a \" -j DROP \\" -p icmp -j ACCEPT', "ok"),
            ("ACCEPT", f'{comment} "two\n-A FORWARD -j DROP" -p icmp -j ACCEPT', "ok"),
            ("ACCEPT", f"-p icmp {comment} INVALID -j DROP", "warning"),
            ("DROP", f'{comment} "drop related" -p icmp -j ACCEPT', "problem"),
            ("DROP", f'-m conntrack --ctstate NEW {comment} "RELATED" -j ACCEPT', "problem"),
            ("DROP", f"-m conntrack --ctstate NEW {comment} RELATED -j ACCEPT", "problem"),
            ("DROP", f"-m conntrack --ctstate NEW {comment} \"! --ctstate NEW -j ACCEPT\" -j MARK", "problem"),
            ("DROP", f'-m conntrack --ctstate RELATED {comment} "never -j DROP" -j ACCEPT', "ok"),
            ("DROP", f'-m conntrack --ctstate RELATED {comment} "--helper ftp" -j ACCEPT', "ok")):
        machine.iptables("filter", f":FORWARD {policy} [0:0]", f"-A FORWARD {rule}")
        machine.tells("related", level, rule)
    rule = f'-p udp -m udp --dport 5060 {comment} "-p tcp --dport 5 --helper none" -j CT --helper'
    machine.iptables("raw", ":PREROUTING ACCEPT [0:0]", f"-A PREROUTING {rule} sip-ext",
                     f'-A PREROUTING {comment} "once -j CT --helper sip-ext, -j NOTRACK" -j ACCEPT')
    text = machine.says(r"^ok +rule +udp port 5060 of IPv4 has sip-ext$")
    assert "notrack" not in text, text
    machine.iptables("raw", ":PREROUTING ACCEPT [0:0]", f"-A PREROUTING {rule} sip")
    machine.says("^problem +in-tree ", f"^ +-> iptables -t raw -D PREROUTING {rule} sip$")


@case("without conntrack(8): audio of IPv6 calls from /proc, and no guess who has the helper")
def from_proc(machine: Machine) -> None:
    machine.rules()
    machine.program("conntrack", "", "exit 1")
    machine.file("proc/net/nf_conntrack", TALK6 + TALK6.replace("sport=4000 dport=7000", "sport=5060 dport=5060"))
    machine.file("proc/net/sip_ext/calls", CALL6)
    machine.says(r"\[2001:db8::9\]:7000: out 11 packets 2200 B, in 22 packets 4400 B", "which have the helper cannot be told",
                 command=("status",))
    text = machine.says("^warning +older .*cannot be told without conntrack", "^ok +audio")
    assert "problem  older" not in text and "problem  port" not in text, text


@case("halves of two versions")
def versions(machine: Machine) -> None:
    machine.file("sys/module/nf_conntrack_sip_ext/version", "0.1\n")
    machine.file("sys/module/nf_nat_sip_ext/version", "0.1\n")
    machine.says("^ok +modules", command=("doctor",))
    machine.file("sys/module/nf_nat_sip_ext/version", "0.2\n")
    machine.says("^warning +modules +they are of two versions")
    machine.says(r"nf_conntrack_sip_ext \(0.1\), nf_nat_sip_ext \(0.2\)", command=("status",))


@case("expectations of kernels that name no helper for media, of IPv6, of others, and without /proc")
def expectations(machine: Machine) -> None:
    machine.file("proc/net/sip_ext/calls", CALL6)
    other = "src=2001:0db8:0000:0000:0000:0000:0000:0009 dst=2001:0db8:0000:0000:0000:0000:0000:0007"
    lines = (f"9 l3proto = 10 proto=17 {other.replace('0007', '0001')} sport=0 dport=4001 PERMANENT\n"
             f"9 l3proto = 10 proto=17 {other} sport=0 dport=4000 PERMANENT\n"
             f"9 l3proto = 10 proto=17 {other} sport=0 dport=5060 PERMANENT sip-ext/signalling\n"
             f"9 l3proto = 10 proto=6 {other} sport=0 dport=21 ftp/default\n")
    machine.file("proc/net/nf_conntrack_expect", lines)
    machine.says(r"^pinholes +2 waiting \((1 media, 1 signalling|1 signalling, 1 media)\); .* holds 4 of 512",
                 command=("status",))
    (machine.root / "proc/net/nf_conntrack_expect").unlink()
    machine.program("conntrack", f"9 proto=17 {other} sport=0 dport=4000 mask-src=:: mask-dst=:: sport=0 dport=65535 "
                    "class=1 helper=sip-ext\n", '[ "$2" = expect ] || exit 1')
    machine.says(r"^pinholes +1 waiting \(1 of class 1\); .* holds 1 of 512", command=("status",))


@case("the kernel that gives helpers to ports by itself")
def autoassign(machine: Machine) -> None:
    machine.file("proc/sys/net/netfilter/nf_conntrack_helper", "1\n")
    machine.says("^warning +in-tree .*by itself")
    machine.file("proc/modules", USUAL["proc/modules"] + "nf_conntrack_sip 1 0 - Live 0\n")
    machine.says("^problem +in-tree .*gives nf_conntrack_sip to port 5060 by itself")
    machine.file("proc/sys/net/netfilter/nf_conntrack_helper", "0\n")
    machine.says("^ok +in-tree +nf_conntrack_sip is loaded, but nothing has it")


@case("a thousand phones: the first few and their number; -a: all")
def thousand(machine: Machine) -> None:
    machine.file("proc/net/sip_ext/registrations", "".join(
        f"registration {n:08x} live inside=10.0.{n // 250}.{n % 250 + 1}:5060 outside=203.0.113.1:{1024 + n} "
        f"registrar=203.0.113.9:5060 expires={n * 100}\n" for n in range(1000)))
    machine.file("proc/net/sip_ext/calls", "".join(CALL6 for _ in range(300)))
    text = machine.says("^registered +1000 registrations$", r"\.\.\. and 990 more", "^calls +300",
                        r"\.\.\. and 290 more calls", command=("status",))
    assert text.count("\n") < 60, f"{text.count(chr(10))} lines are no screen"
    text = machine.says("^registered +1000 registrations$", command=("status", "-a"))
    assert text.count(" until ") == 1000 and " more" not in text, text[:2000]
    assert text.count("answered: ") == 300, text[-2000:]
    machine.says(r"10.0.0.2:5060 as 203.0.113.1:1025 .* \(100 s\)$", r"10.0.0.10:.*\(15 min\)$",
                 r"until \d\d:\d\d \+[12]d \(27 h 45 min\)$", command=("status", "-a"))


@case("counters are told with the source's own sentences, and what is new needs none")
def counters(machine: Machine) -> None:
    machine.file("proc/net/sip_ext/counters", "translated 5\nno_port 3\nnot_yet_known 7\nunchanged 0\n")
    text = machine.says("5 translated +message left with its addresses translated$",
                        "3 no_port +no free outside port for a media stream$", "7 not_yet_known",
                        command=("status",))
    assert "unchanged" not in text, text
    machine.says("^warning +counter +no_port 3: no free outside port for a media stream$")


@case("TCP connections that are followed, and those that pass, where the modules have that table")
def followed(machine: Machine) -> None:
    assert "\ntcp " not in machine.run("status").stdout
    ends = "from=10.0.0.2:40001 seen=203.0.113.1:40001 to=203.0.113.9:5060 at=203.0.113.9:5060"
    machine.file("proc/net/sip_ext/connections", f"connection following {ends} held=0 shift=4,-2 age=500\n")
    machine.says("^ok +tcp +1 TCP connection is followed$")
    machine.file("proc/net/sip_ext/connections", f"connection following {ends} held=700 shift=4,-2 age=500\n"
                 f"connection passing stream_middle {ends} held=0 shift=0,0 age=90\n")
    machine.says("^tcp +2 connections \\((1 following, 1 passing|1 passing, 1 following)\\)$",
                 "^ +10.0.0.2:40001 as 203.0.113.1:40001 at 203.0.113.9:5060: following for 8 min, 700 B held$",
                 r"passes unread \(stream_middle\) for 90 s$", command=("status",))
    machine.says("^warning +tcp +1 TCP connection passes unread, stream_middle: TCP: connection whose beginning")


@case("TCP connections without the helper: phones shall connect again, since no command helps")
def older_over_tcp(machine: Machine) -> None:
    line = ("tcp 6 431999 ESTABLISHED src=10.0.0.{0} dst=203.0.113.9 sport=4{0} dport=5060 src=203.0.113.9 "
            "dst=203.0.113.1 sport=5060 dport=4{0} [ASSURED] mark=0 use=1\n")
    machine.program("conntrack", line.format(2), script='[ "$3" = ipv4 ] || exit 0')
    machine.program("nft", NFT.replace("protocol udp", "protocol tcp").replace("PRIORITY", "filter")
                    .replace("RULE", 'tcp dport 5060 ct helper set "ours"'))
    machine.says("^problem +older +1 connection to tcp port 5060 over IPv4", r"^ +-> let 10\.0\.0\.2 connect again")
    machine.program("conntrack", "".join(line.format(n) for n in range(2, 7)), script='[ "$3" = ipv4 ] || exit 0')
    machine.says(r"^ +-> let 10\.0\.0\.2, 10\.0\.0\.3, 10\.0\.0\.4 and the others connect again")
    machine.rules()
    said = machine.says("^problem +port +5 connections to tcp port 5060", "^ +-> nft '.*'   # and let 10")
    assert "conntrack -D" not in said, said


@case("a limit at the most that its setting takes")
def most(machine: Machine) -> None:
    machine.rules()
    for limit, advised in ((600000, 1000000), (5000, 10000)):
        machine.file("proc/sys/net/netfilter/sip_ext_max_calls", f"{limit}\n")
        machine.file("proc/net/sip_ext/counters", "translated 5\nlimit_calls 3\n")
        machine.says(rf"^ +-> sysctl -w net.netfilter.sip_ext_max_calls={advised} ")


@case("a setting's name that doctor names exists, and so does every counter")
def names(_machine: Machine) -> None:
    doctor = (TOOL.parent / "sip-ext.d" / "doctor.awk").read_text()
    known = set(re.findall(r"^\tX\((\w+),", (TOP / "kernel" / "reasons.h").read_text(), re.MULTILINE))
    advised = set(re.findall(r'advice\["(\w+)"\]', doctor)) | set(re.findall(r'"(limit_\w+)"', doctor))
    assert advised and advised <= known, f"no counters: {advised - known}"
    source = (TOP / "kernel" / "settings.c").read_text()
    settings = set(re.findall(r"sip_ext_(\w+)", doctor))
    settings = {name for name in settings if name not in ("", "calls") and not name.startswith("ext")}
    missing = {name for name in settings if f'"{name}"' not in source and f"sip_ext_{name}" not in source}
    assert settings and not missing, f"no settings: {missing}"


@case("docs/troubleshooting.md explains every name that doctor uses")
def explained(_machine: Machine) -> None:
    doctor = (TOOL.parent / "sip-ext.d" / "doctor.awk").read_text()
    page = (TOP / "docs" / "troubleshooting.md").read_text()
    used = set(re.findall(r'\b(?:ok|warning|problem)\("([\w-]+)"', doctor))
    missing = sorted(name for name in used if f"| `{name}` |" not in page)
    assert len(used) > 15 and not missing, f"not explained: {missing}"


@case("bad usage: one clear line, status 2")
def bad_usage(machine: Machine) -> None:
    for arguments, words in ((("walk",), "no command is called walk"), (("--walk",), "no option is called --walk"),
                             (("",), "no command is called ''"), ((r"a\nb",), r"no command is called a\nb"),
                             (("status", "-q"), "status has no option -q"), (("doctor", "x"), "doctor has no option x"),
                             (("doctor", ""), "doctor has no option ''"), (("doctor", "-h", "x"), "doctor has no option x"),
                             (("--help", "junk"), "--help has no option junk"), (("-h", "-a"), "-h has no option -a"),
                             (("--version", "junk"), "--version has no option junk"),
                             (("doctor", "a\nb\n"), "doctor has no option a?b? (see"),
                             (("doctor", "\033[2J\a\x7f\t\u009b"), "doctor has no option ?[2J????? (see"),
                             (("\r", "x"), "no command is called ? (see"), (("-\n",), "no option is called -? (see")):
        done = machine.run(*arguments)
        assert done.returncode == 2 and done.stdout == "", done
        assert done.stderr.count("\n") == 1 and words in done.stderr, done
        assert done.stderr[:-1].isprintable() and done.stderr.endswith("\n"), done
    done = machine.run()
    assert done.returncode == 2 and done.stderr.startswith("usage: sip-ext status"), done
    for arguments in (("--help",), ("-h",), ("status", "--help"), ("doctor", "-h")):
        done = machine.run(*arguments)
        assert done.returncode == 0 and done.stdout.startswith("usage: ") and not done.stderr, done


@case("a part that is missing: one clear line, status 2")
def torn(machine: Machine) -> None:
    alone = machine.root / "alone" / "sip-ext"
    alone.parent.mkdir()
    shutil.copy(TOOL, alone)
    done = machine.run("status", tool=alone)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "rules.awk is missing" in done.stderr, done


@case("make tool_install: it runs through its link and has all that it needs")
def installed(machine: Machine) -> None:
    where = machine.root / "destination"
    done = subprocess.run(["make", "-s", "-C", str(TOP), "tool_install", f"DESTDIR={where}"], text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    tool = where / "usr/local/sbin/sip-ext"
    version = machine.run("--version", tool=tool).stdout
    conf = (TOP / "dkms.conf").read_text()
    assert f'PACKAGE_VERSION="{version.split()[-1]}"' in conf, version
    machine.rules()
    shown = machine.run("status", tool=tool).stdout
    assert "message left with its addresses translated" in shown and "by nft ip sip pre" in shown, shown
    subprocess.run(["make", "-s", "-C", str(TOP), "tool_uninstall", f"DESTDIR={where}"], check=True)
    left = [str(path) for path in where.rglob("*sip-ext*")]
    assert not left, left


def attempt(body: Case, shell: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        try:
            body(Machine(Path(folder), shell))
        except AssertionError as error:
            return str(error) or "failed"
    return ""


def main() -> int:
    os.chdir(TOP)
    failed = 0
    print(f"1..{2 * len(ALL)}")
    for number, (title, body) in enumerate(ALL):
        for place, shell in enumerate(("dash", "busybox")):
            problem = attempt(body, shell)
            failed += bool(problem)
            print(f"{'not ok' if problem else 'ok'} {2 * number + place + 1} - sip-ext: {title} ({shell})")
            print("".join(f"# {line}\n" for line in problem.splitlines()), end="", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
