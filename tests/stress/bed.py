# SPDX-License-Identifier: GPL-2.0
"""The line that all workers share, worlds upon it that fail quickly, and what the kernel holds of ours."""
from __future__ import annotations

import itertools
import multiprocessing as mp
import os
import re
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

from net import Failure, Line, Setup
from peer import Agent, World

SHIFTED = Setup("shifted")
MODULES = os.environ.get("LAB_MODULES", "")
OURS = ("nf_conntrack_sip_ext", "nf_nat_sip_ext")
FIRST_HOST = 100
"""Of the outside hosts: one for each worker."""
HOSTS = range(FIRST_HOST, FIRST_HOST + 24)


class Quiet(World):
    """A world on a line that others use as well: without a capture, and with little patience."""

    def __init__(self, line: Line, transport: str = "udp", patience: float = 1.0) -> None:
        self._begin(replace(line.setup, transport=transport), line, line.helper)
        self.translates, self.loses = True, True
        self.numbers = itertools.count(os.getpid() * 1000000 + time.monotonic_ns() // 1000 % 1000000)
        self.patience = patience
        self.sources: list[Any] = []

    def watch(self, source: Any, drain: Callable[[], None]) -> None:
        self.sources.append(source)
        super().watch(source, drain)

    def patience_with(self, seconds: float) -> float:
        return self.patience

    def host(self, number: int, port: int = 5060) -> Agent:
        """An outside host of a worker's own."""
        return Agent(self, self.line.outside, (self.plan.far(FIRST_HOST + number), port), f"host{number}")

    def close(self) -> None:
        super().close()
        for source in self.sources:
            source.close()


class Span:
    """How long workers work: so many seconds, and until each of some things was done once; but not
    for ever."""

    LONGEST = 12    # times the seconds

    def __init__(self, seconds: float, *needed: str) -> None:
        self.seconds = seconds
        self.soonest = time.monotonic() + seconds
        self.latest = self.soonest + (self.LONGEST - 1) * seconds
        self.reached = {name: mp.get_context("fork").Event() for name in needed}

    def reach(self, name: str) -> None:
        if name in self.reached:
            self.reached[name].set()

    def over(self) -> bool:
        now = time.monotonic()
        return now >= self.latest or (now >= self.soonest and all(e.is_set() for e in self.reached.values()))


def shared_line(setup: Setup = SHIFTED) -> Line:
    line = Line(setup, "sip-ext")
    line.ip_outside(*(f"address add {line.plan.far(n)}/{line.plan.length} dev eth0" for n in HOSTS))
    return line


def program(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


def loaded() -> bool:
    text = Path("/proc/modules").read_text(encoding="ascii")
    return all(f"{name} " in text for name in OURS)


def load() -> str:
    """Both halves; what was wrong with it."""
    done = [program("insmod", f"{MODULES}/{name}.ko") for name in OURS]
    return "".join(one.stderr for one in done if "File exists" not in one.stderr)


def unload() -> str:
    """Both halves; nothing refers to them. What was wrong with it."""
    done = [program("rmmod", name) for name in OURS[::-1]]
    return "".join(one.stderr for one in done if one.returncode)


def text_of_modules() -> tuple[int, int]:
    """From where to where the code of both halves lies."""
    spans = []
    for line in Path("/proc/modules").read_text(encoding="ascii").splitlines():
        name, size, *_, _, address = line.split()[:6]
        if name in OURS:
            start = int(Path(f"/sys/module/{name}/sections/.text").read_text(encoding="ascii"), 16)
            spans.append((start, start + int(size)))
    if len(spans) != len(OURS):
        raise Failure("the modules are not loaded")
    return min(start for start, _ in spans), max(end for _, end in spans)


def objects() -> dict[str, int]:
    """How many objects of ours the slabs hold, for those that hold any."""
    for shrink in Path("/sys/kernel/slab").glob("sip_ext*/shrink"):
        shrink.write_text("1", encoding="ascii")
    found = {}
    for line in Path("/proc/slabinfo").read_text(encoding="ascii").splitlines():
        match = re.match(r"(sip_ext\w*)\s+(\d+)", line)
        if match and match.group(2) != "0":
            found[match.group(1)] = int(match.group(2))
    return found


def until(ready: Callable[[], Any], seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > limit:
            return False
        time.sleep(0.1)
    return True


TROUBLE = re.compile(r"\] (-*\[ cut here|WARNING: |BUG|Oops|INFO: |UBSAN: |=+$|refcount_t|list_(add|del) corr"
                     r"|kmemleak: \d+ new|unregister_netdevice: waiting)")


def reports() -> list[str]:
    """What the kernel has said that it says in trouble alone, since it has booted."""
    said = program("dmesg").stdout.partition("lab: guest up")[2]
    return [line for line in said.splitlines() if TROUBLE.search(line)]


class Tap:
    """One line for each thing that must hold."""

    def __init__(self) -> None:
        self.count = self.failed = 0

    def check(self, good: bool, title: str, *more: object) -> bool:
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {title}")
        if not good:
            for text in "\n".join(map(str, more)).splitlines():
                print(f"# {text}")
        print(end="", flush=True)
        return good

    def note(self, text: object) -> None:
        print(f"# {text}", flush=True)

    def done(self) -> int:
        print(f"1..{self.count}")
        return 1 if self.failed or not self.count else 0
