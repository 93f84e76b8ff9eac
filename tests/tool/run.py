#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In the lab: what sip-ext says of a healthy router, and of one with each fault. TAP.

    scripts/lab run --no-load --timeout 110 tests/tool/run.py [--both] [PATTERN...]
"""
from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parent))

import faults  # noqa: E402
import screens  # noqa: E402
from bed import SHELLS, Bed, Finding, Said, Shell, call_tool, calling, install_busybox  # noqa: E402
from net import Failure, Setup  # noqa: E402

SETUP6 = Setup("masquerade", 6, "iptables", "tcp")
SETUPS = (Setup("shifted", 4, "nft"), Setup("shifted", 4, "iptables"))


class Tap:
    """Only what a pattern names is run; all of it without one."""

    def __init__(self, patterns: list[str], both: bool) -> None:
        self.patterns = [pattern.lower() for pattern in patterns]
        self.both = both
        self.count = self.failed = 0

    def wants(self, name: str) -> bool:
        return not self.patterns or any(pattern in name.lower() for pattern in self.patterns)

    def check(self, name: str, body: Callable[[], None]) -> None:
        if not self.wants(name):
            return
        self.count += 1
        problem = ""
        try:
            body()
        except Failure as failure:
            problem = str(failure)
        except Exception:  # a bug of ours is a failure of this test alone
            problem = traceback.format_exc()
        self.failed += bool(problem)
        print(f"{'not ok' if problem else 'ok'} {self.count} - {name}")
        print("".join(f"# {line}\n" for line in problem.splitlines()), end="", flush=True)


def find(said: Said, level: str, name: str, words: str) -> Finding:
    for finding in said.findings():
        if (finding.level, finding.name) == (level, name) and words in finding.text:
            if level != "ok" and not finding.todo:
                raise Failure(f"says not what to do: {finding}")
            return finding
    raise Failure(f"no {level} '{name}' with '{words}' in\n{said.text}{said.wrong}")


def healthy(bed: Bed, shell: Shell) -> None:
    said = bed.ask(shell, "doctor")
    wrong = [str(f) for f in said.findings() if f.level != "ok"]
    if wrong or said.status != 0 or said.wrong:
        raise Failure("\n".join([f"status {said.status} {said.wrong}", *wrong]))


def status_fits(said: Said) -> None:
    problems = [f for f in said.findings() if f.level == "problem"]
    if said.status != (1 if problems else 0) or said.wrong:
        raise Failure(f"status {said.status} with {len(problems)} problems; {said.wrong}")


def found(said: Said, case: faults.Case) -> None:
    find(said, case.level, case.name, case.words)
    status_fits(said)


def do_as_told(bed: Bed, said: Said, cases: list[faults.Case]) -> None:
    """The commands that doctor gave for these faults, as they stand."""
    for case in cases:
        command = find(said, case.level, case.name, case.words).todo
        with bed.line.router:
            done = subprocess.run(["/bin/sh", "-c", command], text=True, capture_output=True, check=False)
        if done.returncode:
            raise Failure(f"{command}\n{done.stdout}{done.stderr}")


def gone(said: Said, case: faults.Case) -> None:
    left = [str(f) for f in said.findings() if f.name == case.name and case.words in f.text]
    if left:
        raise Failure("\n".join(left))


def quiet(bed: Bed, shell: Shell) -> None:
    """Of a switched-off helper and packets that are not counted, only the first is a problem."""
    nothing = bed.ask(shell, "doctor", "-q")
    if (nothing.status, nothing.text, nothing.wrong) != (0, "", ""):
        raise Failure(f"doctor -q where nothing is wrong: {nothing}")
    bed.sysctl("net.netfilter.sip_ext_enabled", 0)
    bed.sysctl("net.netfilter.nf_conntrack_acct", 0)
    said = bed.ask(shell, "doctor", "--quiet")
    bed.sysctl("net.netfilter.nf_conntrack_acct", 1)
    bed.sysctl("net.netfilter.sip_ext_enabled", 1)
    if [(f.level, f.name) for f in said.findings()] != [("problem", "enabled")] or said.status != 1:
        raise Failure(f"status {said.status}\n{said.text}")


def each_fault(tap: Tap, bed: Bed, lasting: bool) -> None:
    """Each in one of the shells, in turns, so that every one of them is asked much."""
    chosen = [c for c in faults.ALL if bed.setup.rules in c.rules and c.lasting == lasting]
    groups = [[c for c in chosen if c.group == group] for group in dict.fromkeys(c.group for c in chosen)]
    for number, cases in enumerate(groups):
        if not any(tap.wants(f"{case.title} {bed.setup.rules}") for case in cases):
            continue
        try:
            with ExitStack() as stack:
                for case in cases:
                    stack.enter_context(case.make(bed))
                for shell in SHELLS if tap.both else SHELLS[number % 2:][:1]:
                    look(tap, bed, shell, cases)
        except Exception:
            text = traceback.format_exc()
            bed.load(bed.rules())
            tap.check(f"doctor: {cases[0].title}: it can be made and mended ({bed.setup.rules})",
                      lambda text=text: _fail(text))  # type: ignore[misc]


def look(tap: Tap, bed: Bed, shell: Shell, cases: list[faults.Case]) -> None:
    where = f"({bed.setup.rules}, {shell.name})"
    said = bed.ask(shell, "doctor")
    for case in cases:
        tap.check(f"doctor: {case.title} {where}",
                  lambda case=case: found(said, case))  # type: ignore[misc]
    mending = [case for case in cases if case.mends]
    if not mending or shell != SHELLS[-1] and tap.both:
        return
    do_as_told(bed, said, mending)
    after = bed.ask(shell, "doctor")
    for case in mending:
        tap.check(f"doctor: {case.title}: what it says to do mends it {where}",
                  lambda case=case: gone(after, case))  # type: ignore[misc]


def _fail(text: str) -> None:
    raise Failure(text)


def on_a_router(tap: Tap, setup: Setup) -> None:
    bed = Bed(setup)
    for when in ("at first", "when all faults are mended"):
        if when != "at first":
            each_fault(tap, bed, lasting=False)
        for shell in SHELLS:
            tap.check(f"doctor: nothing is wrong {when} ({setup.rules}, {shell.name})",
                      lambda shell=shell: healthy(bed, shell))  # type: ignore[misc]
        if when == "at first":
            all_screens(tap, bed)
    each_fault(tap, bed, lasting=True)
    bed.world.close()


def all_screens(tap: Tap, bed: Bed) -> None:
    for number, (title, body) in enumerate(screens.ALL):
        for shell in SHELLS if tap.both else SHELLS[(number + (bed.setup.rules == "nft")) % 2:][:1]:
            tap.check(f"{title} ({bed.setup.rules}, {shell.name})",
                      lambda body=body, shell=shell: body(bed, shell))  # type: ignore[misc]
    tap.check(f"doctor -q: problems alone ({bed.setup.rules})", lambda: quiet(bed, SHELLS[0]))


def over_ipv6(tap: Tap, shell: Shell) -> None:
    """Over TCP, too; and the fault that this adds: a rule for IPv4 alone."""
    bed = Bed(SETUP6)
    tap.check(f"doctor: nothing is wrong (ip6tables, TCP, {shell.name})", lambda: healthy(bed, shell))
    tap.check(f"status: the TCP connection that is followed ({shell.name})", lambda: followed(bed, shell))
    bed.run("ip6tables", "-t", "raw", "-F")
    bed.run("iptables", "-t", "raw", "-A", "PREROUTING", "-p", "tcp", "--dport", "5060", "-j", "CT", "--helper", "sip-ext")
    calling(bed.world, phone=bed.world.phone(2), server=bed.server, near=bed.world.inside_media(4000, 2),
            far=bed.world.outside_media(7200))
    said = bed.ask(shell, "doctor")
    tap.check(f"doctor: the rule is for IPv4 alone, and a phone uses IPv6 ({shell.name})", lambda: void(find(
        said, "problem", "port", "to tcp port 5060 over IPv6, for which there is no rule")))
    bed.world.close()


def followed(bed: Bed, shell: Shell) -> None:
    text = bed.ask(shell, "status").text
    ends = rf"{re.escape(bed.phone.address[0])}\]:\d+ as \[{re.escape(bed.line.router_address)}\]:\d+ at \[.*\]:5060"
    if not re.search(rf"^tcp +1 connection \(1 following\)\n +\[{ends}: following for \d+ s", text, re.MULTILINE):
        raise Failure(text)


def void(_: object) -> None:
    return


# --- modules --------------------------------------------------------------------------

def not_loaded(shell: Shell) -> None:
    said = call_tool(shell, "doctor")
    find(said, "problem", "modules", "nf_conntrack_sip_ext is not loaded")
    find(said, "problem", "rule", "no rule")
    shown = call_tool(shell, "status")
    if said.status != 1 or shown.status != 0 or "not loaded here: modprobe" not in shown.text:
        raise Failure(f"{said.status} {shown}")


def half_loaded(shell: Shell) -> None:
    said = call_tool(shell, "doctor")
    find(said, "problem", "nat-half", "nf_nat_sip_ext is not loaded")
    if said.status != 1:
        raise Failure(f"status {said.status}")


def without_programs(bed: Bed, shell: Shell, programs: tuple[str, ...], name: str, words: str) -> None:
    """As on a router where they are not installed."""
    paths = [Path("/usr/sbin", program).resolve() for program in programs]
    for path in paths:
        subprocess.run(["mount", "--bind", "/dev/null", str(path)], check=True)
    try:
        said = bed.ask(shell, "doctor")
    finally:
        for path in paths:
            subprocess.run(["umount", str(path)], check=True)
    find(said, "warning", name, words)


def modules(tap: Tap) -> None:
    for shell in SHELLS:
        tap.check(f"doctor, status: the modules are not loaded ({shell.name})",
                  lambda shell=shell: not_loaded(shell))  # type: ignore[misc]
    # which loads the other half, too
    subprocess.run(["modprobe", "nf_conntrack_sip_ext"], check=True)
    subprocess.run(["rmmod", "nf_nat_sip_ext"], check=True)
    for shell in SHELLS:
        tap.check(f"doctor: the NAT half is not loaded ({shell.name})",
                  lambda shell=shell: half_loaded(shell))  # type: ignore[misc]
    subprocess.run(["modprobe", "nf_nat_sip_ext"], check=True)


def main() -> int:
    began = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="*")
    parser.add_argument("--both", action="store_true", help="each fault in both shells")
    options = parser.parse_args()
    tap = Tap(options.pattern, options.both)
    install_busybox()
    modules(tap)
    for setup in SETUPS:
        on_a_router(tap, setup)
    over_ipv6(tap, SHELLS[1])
    bed = Bed(SETUPS[0])
    for shell in SHELLS:
        tap.check(f"doctor: conntrack(8) is not installed ({shell.name})", lambda shell=shell: without_programs(
            bed, shell, ("conntrack",), "older", "cannot be told without conntrack"))  # type: ignore[misc]
        tap.check(f"doctor: no program for rules is installed ({shell.name})", lambda shell=shell: without_programs(
            bed, shell, ("nft", "xtables-nft-multi", "xtables-legacy-multi"), "rule",
            "neither nft nor iptables-save"))  # type: ignore[misc]
    bed.world.close()
    if not tap.count:
        print(f"Bail out! no test is called {' or '.join(options.pattern)}")
        return 2
    print(f"1..{tap.count}\n# {time.monotonic() - began:.0f} s")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
