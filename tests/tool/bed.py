# SPDX-License-Identifier: GPL-2.0
"""A router with a registered phone and a live call, and the tool in it, in two shells."""
from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "e2e"))

from calls import register  # noqa: E402
from dialog import Session, calling  # noqa: E402
from links import nft  # noqa: E402
from net import Failure, Setup, iptables_rules, nft_rules  # noqa: E402
from peer import World  # noqa: E402

TOOL = TOP / "scripts" / "sip-ext"
BUSYBOX = Path("/tmp/busybox-applets")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ACCT = "net.netfilter.nf_conntrack_acct"


@dataclass(frozen=True)
class Shell:
    name: str
    command: tuple[str, ...]
    path: str


SHELLS = (Shell("dash", ("/bin/dash",), PATH),
          Shell("busybox", ("/bin/busybox", "ash"), f"{BUSYBOX}:{PATH}"))


def install_busybox() -> None:
    """Its applets before all else: no other awk, sed or readlink is found."""
    BUSYBOX.mkdir(parents=True, exist_ok=True)
    subprocess.run(["/bin/busybox", "--install", "-s", str(BUSYBOX)], check=True)


@dataclass
class Finding:
    level: str
    name: str
    text: str
    todo: str = ""


@dataclass
class Said:
    """What the tool printed, and its status."""

    status: int
    text: str
    wrong: str

    def findings(self) -> list[Finding]:
        found: list[Finding] = []
        for line in self.text.splitlines():
            words = line.split(None, 2)
            if words[0] == "->" and found:
                found[-1].todo = line.split("-> ", 1)[1]
            elif words[0] in ("ok", "warning", "problem") and len(words) == 3:
                found.append(Finding(*words))
            else:
                raise Failure(f"not a line of doctor's: {line!r}")
        return found


def call_tool(shell: Shell, *arguments: str, env: dict[str, str] | None = None,
              path: str = "") -> Said:
    done = subprocess.run([*shell.command, str(TOOL), *arguments], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False,
                          env={"PATH": f"{path}:{shell.path}" if path else shell.path, **(env or {})})
    return Said(done.returncode, done.stdout, done.stderr)


class Bed:
    """One world with the helper attached, a phone registered and talking."""

    def __init__(self, setup: Setup) -> None:
        self.world = World(setup, "sip-ext")
        self.setup = setup
        self.line = self.world.line
        self.sysctl = self.line.router.sysctl
        self.sysctl(ACCT, 1)
        self.line.idle_timeouts(600)    # nothing is forgotten while a fault is looked at
        self.phone, self.server = self.world.phone(), self.world.server()
        register(self.phone, self.server, granted=600)
        self.session: Session = calling(self.world, phone=self.phone, server=self.server)
        self.session.talk()

    def ask(self, shell: Shell, *arguments: str) -> Said:
        """What the tool says in the router."""
        with self.line.router:
            said = call_tool(shell, *arguments)
        self.world.pump(0)
        return said

    def run(self, *argv: str, stdin: str = "") -> str:
        return self.line.router.run(*argv, stdin=stdin)

    def nft(self, text: str) -> None:
        with self.line.router:
            wrong = nft(text)
        if wrong:
            raise Failure(f"nft: {wrong}\n{text}")

    def rules(self, helper: str = "sip-ext") -> str:
        """The rules of a home router, in the language of this bed's tool."""
        if self.setup.rules == "nft":
            return nft_rules(self.setup, helper).text()
        return iptables_rules(self.setup, helper)

    def load(self, text: str) -> None:
        if self.setup.rules == "nft":
            # the other table is what doctor says to make
            self.nft(f"table inet sip\ndelete table inet sip\n{text}")
        else:
            self.run("iptables-restore", stdin=text)

    def load_changed(self, old: str, new: str) -> None:
        text = self.rules()
        if old not in text:
            raise Failure(f"the rules have no {old!r} to change:\n{text}")
        self.load(text.replace(old, new))

    def forget(self, *match: str) -> None:
        """conntrack -D; nothing that matches is no fault."""
        self.line.router.run("conntrack", "-D", *match, check=False)

