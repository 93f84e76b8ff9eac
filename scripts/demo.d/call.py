#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The demonstration, inside the lab: scripts/demo starts it.

A baresip phone behind NAT registers at a Kamailio outside, calls another baresip and is
called by it. What happened goes to the terminal and to $LAB_OUT/call.html.
"""
from __future__ import annotations

import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests" / "e2e")]

from net import FRIEND, SERVER, Failure, Setup  # noqa: E402
from page import write_page  # noqa: E402
from peer import World  # noqa: E402
from programs import Baresip, Kamailio, samples_of, seconds_heard  # noqa: E402
from sip import Address, host_port  # noqa: E402
from terminal import Terminal  # noqa: E402
from trace import Phase, Trace  # noqa: E402

PACKETS = 200   # four seconds of audio
NOTES = {"alice": (349, 440, 523), "bob": (784, 988, 1175)}
TALES = {"sip-ext": "our modules (sip-ext)", "sip": "the in-tree helper",
         "": "no helper at all"}


class Demo:
    """One run: a router, a phone inside, a registrar and a phone outside."""

    def __init__(self, helper: str) -> None:
        self.helper = helper
        self.world = World(Setup("shifted"), helper)
        plan = self.world.plan
        self.world.line.only_phone(1)
        self.registrar: Address = (plan.far(SERVER), 5060)
        self.inside: Address = (plan.phone(1), 5060)
        self.outside: Address = (plan.far(FRIEND), 5060)
        self.names = {self.inside[0]: "alice", self.world.line.router_address: "router",
                      self.registrar[0]: "Kamailio", self.outside[0]: "bob"}
        Kamailio(self.world, self.registrar)
        self.trace = Trace(self.world)
        self.terminal = Terminal(self.trace, bool(os.environ.get("DEMO_COLOUR")), self.names)
        self.phones: dict[str, Baresip] = {}
        self.failures: list[str] = []
        self.tables: list[tuple[str, str]] = []

    def proc(self, table: str) -> str:
        try:
            return self.world.line.router.read(f"/proc/net/sip_ext/{table}")
        except FileNotFoundError:
            return ""

    def keep_table(self, title: str, text: str) -> None:
        self.tables.append((title, text))
        self.terminal.table(title, text)

    def begin(self, name: str) -> Phase:
        self.world.pump(0)
        phase = Phase(name, time.time())
        self.trace.phases.append(phase)
        self.terminal.head(name)
        return phase

    def end(self, phase: Phase, failure: str = "") -> None:
        self.world.rest(0.3)
        phase.ended = time.time()
        phase.failure = failure
        self.terminal.new_messages()
        if failure:
            self.failures.append(f"{phase.name}: {failure.splitlines()[0]}")
            self.terminal.say(self.terminal.paint("1;31", f"FAILED: {failure.splitlines()[0]}"))

    def register(self) -> None:
        phase = self.begin("Registration: alice, behind the router, registers at Kamailio")
        failure = ""
        try:
            where = {"alice": (self.world.line.inside, self.inside),
                     "bob": (self.world.line.outside, self.outside)}
            for name, (namespace, address) in where.items():
                self.phones[name] = Baresip(self.world, namespace, address, name, self.registrar,
                                            NOTES[name])
                self.phones[name].registered()
        except Failure as error:
            failure = str(error)
        self.end(phase, failure)
        if self.helper == "sip-ext":
            self.keep_table("/proc/net/sip_ext/registrations", self.proc("registrations"))
            if not failure and "alice" not in self.proc("registrations") \
                    and self.inside[0] not in self.proc("registrations"):
                self.failures.append("the registration is not in /proc/net/sip_ext/registrations")

    def while_it_lives(self) -> None:
        """The router's own view, as a person would ask for it."""
        self.terminal.new_messages()
        if self.helper == "sip-ext":
            self.keep_table("/proc/net/sip_ext/calls", self.proc("calls"))
        self.keep_table("conntrack -L expect  (the pinholes)",
                        "\n".join(self.world.line.expectations()))

    def audio_flows(self, phase: Phase) -> None:
        """Waits for four seconds of audio each way; less is for the verdict to judge."""
        for interface in ("wan", "lan"):
            def enough(name: str = interface) -> bool:
                phase.ended = time.time()
                return len(self.trace.rtp_in(phase, name, True)) >= PACKETS
            try:
                self.world.wait("audio", enough, 6)
            except Failure:
                return

    def call(self, caller: str, callee: str) -> None:
        phase = self.begin(f"Call: {caller} calls {callee}")
        from_phone, to_phone = self.phones[caller], self.phones[callee]
        known = {name: len(phone.recordings()) for name, phone in self.phones.items()}
        failure = ""
        try:
            from_phone.command("dial", f"sip:{callee}@{host_port(self.registrar)}")
            to_phone.event("CALL_ESTABLISHED", 8)
            from_phone.event("CALL_ESTABLISHED", 8)
            self.world.rest(1)
            self.while_it_lives()
            self.audio_flows(phase)
            from_phone.command("hangup")
            to_phone.event("CALL_CLOSED", 8)
        except Failure as error:
            failure = str(error)
            from_phone.command("hangup")
        self.end(phase, failure)
        self.listen(phase, known)

    def listen(self, phase: Phase, known: dict[str, int]) -> None:
        """What each end recorded, and how much of it is the other's melody."""
        for name, other in (("alice", "bob"), ("bob", "alice")):
            files = self.phones[name].recordings()[known[name]:]
            heard = max((seconds_heard(f, NOTES[other]) for f in files), default=0.0)
            phase.heard[name] = heard
            phase.samples[name] = samples_of(files[-1]) if files else ()
            self.terminal.say(f"{name} heard {heard:.1f} s of {other}'s melody")
        sent = {way: len(self.trace.rtp_in(phase, entered, False))
                for way, entered in (("out", "lan"), ("in", "wan"))}
        passed = {way: len(self.trace.rtp_in(phase, left, True))
                  for way, left in (("out", "wan"), ("in", "lan"))}
        self.terminal.say(f"RTP packets: {sent['out']} from inside, {passed['out']} left outside; "
                          f"{sent['in']} from outside, {passed['in']} came inside")
        for name in ("alice", "bob"):
            if not phase.failure and phase.heard[name] < PACKETS / 50 * 0.75:
                self.failures.append(f"{phase.name}: {name} heard {phase.heard[name]:.1f} s only")

    def verdict(self) -> str:
        calls = [p for p in self.trace.phases if p.heard]
        made = sum(not p.failure for p in calls)
        inside, outside = (sum(p.heard[name] for p in calls) for name in ("alice", "bob"))
        heard = f"inside heard {inside:.1f} s, outside heard {outside:.1f} s"
        if not self.failures:
            return f"demo: OK - registered, {made} calls, audio both ways ({heard})"
        registered = "registered" if not self.trace.phases[0].failure else "not registered"
        return (f"demo: FAILED with {TALES.get(self.helper, self.helper)} - {registered}, "
                f"{made} of 2 calls ({heard}): " + "; ".join(self.failures))

    def addresses(self) -> dict[str, list[str]]:
        """What stands under each name in the ladder."""
        plan, router = self.world.plan, self.world.line.router_address
        found = {host: [host] for host in self.names}
        found[router] = [f"{plan.inside}1 inside", f"{router} outside"]
        return found

    def run(self) -> None:
        self.register()
        if not self.trace.phases[0].failure:
            self.call("alice", "bob")
            self.call("bob", "alice")
            self.keep_table("pinholes after the calls", "\n".join(self.world.line.expectations()))


def main() -> int:
    helper = os.environ.get("LAB_HELPER", "")
    try:
        demo = Demo(helper)
        demo.run()
    except Failure as failure:
        print(f"demo: FAILED - {failure}")
        return 1
    line = demo.verdict()
    out = os.environ.get("LAB_OUT")
    if out:
        write_page(Path(out) / "call.html", demo.trace, demo.names, demo.addresses(),
                   NOTES, demo.tables, line, TALES.get(helper, helper))
        print("\ndemo: to look at it instead of reading: build/demo/call.html")
    demo.world.close()
    print(line)
    return 1 if demo.failures and helper == "sip-ext" else 0


if __name__ == "__main__":
    sys.exit(main())
