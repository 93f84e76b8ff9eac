#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the stream cases as root, many at once, and prints TAP.

    scripts/lab run --append slab_nomerge --timeout 300 tests/tcp/run.py [--subset] [PATTERN...]

The helper is $LAB_HELPER (sip-ext, sip, or empty for none); a PATTERN is a part of a title.
"""
from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import cases  # noqa: E402,F401
import pool  # noqa: E402
from bed import Bed  # noqa: E402
from ends import pauses  # noqa: E402
from left import afterwards  # noqa: E402
from listing import ALL, Case  # noqa: E402
from net import PATIENCE, Failure, Setup  # noqa: E402

CASE_LIMIT = 150
BACKLOG = Path("/proc/sys/net/core/netdev_max_backlog")


@dataclass
class Result:
    """What one case on one router came to."""

    failure: str = ""
    notes: list[str] = field(default_factory=list)
    messages: int = 0
    carried: int = 0
    connections: int = 0
    seconds: float = 0.0


@dataclass
class Task:
    case: Case
    setup: Setup
    result: Result | None = None

    @property
    def title(self) -> str:
        return self.case.title(self.setup)


def too_long(_signal: int, _frame: FrameType | None) -> None:
    raise Failure("the case did not come to its end")


def attempt(task: Task, result: Result) -> Bed | None:
    """Runs the case; what goes wrong is in the result."""
    bed = None
    try:
        bed = Bed(task.setup, os.environ.get("LAB_HELPER", ""))
        task.case.body(bed)
    except Failure as failure:
        result.failure = str(failure)
    except Exception:  # a bug of ours must show as a failure of this case alone
        result.failure = traceback.format_exc()
    return bed


def perform(task: Task, channel: Connection) -> None:
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(int(CASE_LIMIT * PATIENCE))
    result, began = Result(), time.monotonic()
    bed = attempt(task, result)
    signal.alarm(0)
    if bed:
        result.notes = bed.notes + pauses
        result.messages = sum(talk.messages for talk in bed.talks) + bed.messages
        result.carried = sum(talk.carried for talk in bed.talks) + bed.carried
        result.connections = len(bed.talks)
        if result.failure:
            moved = {name: value for name, value in bed.counters().items() if value}
            result.failure += f"\nseed {bed.seed}; counters {moved}; invalid {bed.invalid()}"
        bed.close()
    result.seconds = time.monotonic() - began
    channel.send(result)


def run_all(tasks: list[Task], jobs: int, report: Reporter) -> None:
    died = Result(failure="the case's process died")
    pool.run_all(tasks, jobs, perform, died, report.finished)


class Reporter:
    """TAP, in the order of the list, as soon as each line's turn has come."""

    def __init__(self, tasks: list[Task]) -> None:
        self.tasks = tasks
        self.printed = self.failed = 0

    def finished(self) -> None:
        while self.printed < len(self.tasks) and self.tasks[self.printed].result:
            task = self.tasks[self.printed]
            assert task.result
            self.line(not task.result.failure, task.title, *task.result.notes, task.result.failure)

    def line(self, good: bool, title: str, *texts: str) -> None:
        self.printed += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.printed} - {title}")
        for text in texts:
            print("".join(f"# {line}\n" for line in text.splitlines()), end="")
        sys.stdout.flush()

    def afterwards(self) -> None:
        """What must hold of the kernel when all of them are over."""
        for good, sentence, text in afterwards(os.environ.get("LAB_HELPER", "")):
            self.line(good, sentence, text)

    def summary(self, seconds: float) -> None:
        results = [task.result for task in self.tasks if task.result]
        took = sorted(((t.result.seconds, t.title) for t in self.tasks if t.result), reverse=True)
        for one, title in took[:8]:
            print(f"# {one:.0f} s: {title}")
        print(f"# streams: {self.printed - self.failed} passed, {self.failed} failed; "
              f"{sum(r.connections for r in results)} connections, "
              f"{sum(r.messages for r in results)} messages, "
              f"{sum(r.carried for r in results)} bytes, {seconds:.0f} s")


def choose(patterns: list[str], subset: bool) -> list[Task]:
    chosen = [Task(one, setup) for one in ALL if one.subset or not subset
              for setup in (one.routers[:1] if subset else one.routers)]
    wanted = [p.lower() for p in patterns]
    return [t for t in chosen if not wanted or any(p in t.title.lower() for p in wanted)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="*")
    parser.add_argument("--subset", action="store_true", help="the list for slow kernels")
    parser.add_argument("--once", action="store_true", help="each on the first of its routers")
    parser.add_argument("--repeat", type=int, default=1, help="each so many times: what is rare shows")
    parser.add_argument("--routed", action="store_true",
                        help="all without translation: what must hold with no helper at all")
    parser.add_argument("--jobs", type=int, default=16)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    tasks = choose(options.pattern, options.subset)
    if options.once:
        tasks = [t for t in tasks if t.setup == t.case.routers[0]]
    if options.routed:
        tasks = list({t.title: t for t in (Task(t.case, Setup("routed", t.setup.family))
                                           for t in tasks)}.values())
    tasks = [Task(t.case, t.setup) for t in tasks for _ in range(options.repeat)]
    if options.list:
        print("\n".join(task.title for task in tasks))
        return 0
    if not tasks:
        print("Bail out! no case of that name")
        return 2
    BACKLOG.write_text(str(1 << 16))    # many namespaces share it, and it drops what is beyond
    report = Reporter(tasks)
    gc.freeze()
    print(f"# streams: helper '{os.environ.get('LAB_HELPER', '')}', {len(tasks)} cases")
    began = time.monotonic()
    crowd = sorted((t for t in tasks if not t.case.alone), key=lambda t: not t.case.long)
    run_all(crowd, options.jobs, report)
    run_all([t for t in tasks if t.case.alone], 1, report)
    report.afterwards()
    print(f"1..{report.printed}")
    report.summary(time.monotonic() - began)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
