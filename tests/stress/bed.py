# SPDX-License-Identifier: GPL-2.0
"""The line that all workers share, worlds upon it that fail quickly, and where our code lies."""
from __future__ import annotations

import itertools
import multiprocessing as mp
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

from left import OURS
from net import Failure, Line, Setup
from peer import Agent, World

SHIFTED = Setup("shifted")
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
