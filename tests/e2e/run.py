#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the scenarios as root, many at once, and prints TAP.

    scripts/lab run --timeout 600 tests/e2e/run.py [--transport tcp] [--subset] [--jobs N] [PATTERN...]

The helper is $LAB_HELPER (sip-ext, sip, or empty for none); a PATTERN is a part of a title.
"""
from __future__ import annotations

import argparse
import gc
import os
import resource
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent))

import pool  # noqa: E402
import scenarios  # noqa: E402,F401
from capture import Crossing, leaks  # noqa: E402
from left import afterwards  # noqa: E402
from net import PATIENCE, Failure, Setup  # noqa: E402
from peer import World  # noqa: E402
from registry import ALL, Scenario  # noqa: E402

SCENARIO_LIMIT = 120
SHOWN_ON_FAILURE = 4
LIVE = 1.0
"""Seconds for which every router of ours remembers a flow: the shortest that a scenario sets is 2."""
FILES = 8192
"""Sockets of a scenario with 250 phones, each with a port, a connection and two for media."""


@dataclass
class Result:
    """What one scenario on one setup came to."""

    failure: str = ""
    leaks: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    dropped_inbound: list[str] = field(default_factory=list)
    checksums: list[str] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    messages: int = 0
    seconds: float = 0.0


@dataclass
class Task:
    scenario: Scenario
    setup: Setup
    result: Result | None = None

    @property
    def title(self) -> str:
        return self.scenario.title(self.setup)


def show(crossing: Crossing) -> str:
    """A message before and after the router; lines that differ stand twice."""
    where = "out" if crossing.outbound else "in"
    before = crossing.before.payload.decode("utf-8", "replace").split("\r\n")
    if crossing.after is None:
        return f"{where}: {crossing.before} NEVER LEFT\n" + "\n".join(f"  {b}" for b in before)
    after = crossing.after.payload.decode("utf-8", "replace").split("\r\n")
    lines = [f"{where}: {crossing.before}; {crossing.after}"]
    if len(before) != len(after):
        return "\n".join(lines + [f"- {b}" for b in before] + [f"+ {a}" for a in after])
    for old, new in zip(before, after):
        lines += [f"  {old}"] if old == new else [f"- {old}", f"+ {new}"]
    return "\n".join(lines)


def _is_expected(world: World, crossing: Crossing) -> bool:
    """Whether a message from outside belongs to somebody inside: it came over a mapping that is
    live, because within the last LIVE seconds something left the router from the very address that
    it came to, for the very address that it came from; or to the port that a DNAT rule forwards.

    What comes to a pinhole, or from elsewhere to a mapping, is the scenarios' own to look at: only
    they know whether it was to come in.
    """
    came = crossing.before
    if world.setup.nat == "dnat" and came.destination == (world.line.router_address, 5060):
        return True
    return any(d.leaving and (d.source, d.destination) == (came.destination, came.source)
               and 0 <= came.when - d.when < LIVE for d in world.capture.seen)


def _inspect(world: World, result: Result, body: Scenario) -> None:
    """What every message of every scenario must obey, whatever the scenario is about."""
    pairs = world.crossings()
    result.messages = len(pairs)
    for crossing in pairs:
        named = f"{body.sentence}: {crossing.message.name}"
        if world.translates:
            result.leaks += [f"{named}: {text}" for text in leaks(world.line, crossing)]
        if crossing.after is None and not world.loses:
            if crossing.outbound:
                result.dropped.append(named)
            elif _is_expected(world, crossing):
                result.dropped_inbound.append(f"{named}: {crossing.before}")
    result.checksums = [f"{body.sentence}: {d}" for d in world.capture.seen
                        if d.leaving and not d.checksum_good]
    if not world.loses:
        result.streams = [f"{body.sentence}: {text}" for text in world.capture.stream_faults()]


def _perform(task: Task, channel: Connection) -> None:
    def too_long(_signal: int, _frame: FrameType | None) -> None:
        raise Failure("the scenario did not come to its end")
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(int(SCENARIO_LIMIT * PATIENCE))
    result, began, world = Result(), time.monotonic(), None
    try:
        world = World(task.setup, os.environ.get("LAB_HELPER", ""))
        task.scenario.body(world)
    except Failure as failure:
        result.failure = str(failure)
    except Exception:  # a bug of ours must show as a failure of this scenario alone
        result.failure = traceback.format_exc()
    signal.alarm(0)
    if world:
        _inspect(world, result, task.scenario)
        result.notes = world.notes
        if result.failure:
            tail = [show(c) for c in world.crossings()[-SHOWN_ON_FAILURE:]]
            said = [diagnosis() for diagnosis in world.diagnoses]
            result.failure = "\n".join([result.failure, *said, "the last messages:", *tail])
        world.close()
    result.seconds = time.monotonic() - began
    channel.send(result)


def run_all(tasks: list[Task], jobs: int, report: Reporter) -> None:
    died = Result(failure="the scenario's process died")
    pool.run_all(tasks, jobs, _perform, died, report.finished)


class Reporter:
    """TAP, in the order of the list, as soon as each line's turn has come."""

    def __init__(self, tasks: list[Task]) -> None:
        self.tasks = tasks
        self.printed = 0
        self.number = 0
        self.failed = 0

    def line(self, good: bool, title: str, text: str = "") -> None:
        self.number += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.number} - {title}")
        for part in text.splitlines():
            print("# " + "".join(c if c.isprintable() else "?" for c in part))
        sys.stdout.flush()

    def finished(self) -> None:
        while self.printed < len(self.tasks) and self.tasks[self.printed].result:
            task = self.tasks[self.printed]
            assert task.result
            said = "\n".join([task.result.failure, *task.result.notes])
            self.line(not task.result.failure, task.title, said.strip())
            self.printed += 1

    def summary(self) -> None:
        """One line per setup for what holds of all messages."""
        for setup in dict.fromkeys(task.setup for task in self.tasks):
            results = [t.result for t in self.tasks if t.setup == setup and t.result]
            count = sum(r.messages for r in results)
            for promise, sentence, found in (
                    ("R2", "no inside address or port in any message outside",
                     [text for r in results for text in r.leaks]),
                    ("R3", "every message from inside left the router",
                     [text for r in results for text in r.dropped]),
                    ("R3", "every message from outside to a live mapping left the router",
                     [text for r in results for text in r.dropped_inbound]),
                    ("R3", "every checksum is right after the router",
                     [text for r in results for text in r.checksums]),
                    *([("T2", "every TCP stream leaves message by message as it came",
                        [text for r in results for text in r.streams])]
                      if setup.transport == "tcp" else [])):
                shown = [f"{len(found)} in {count} messages", *found[:12]] if found else []
                transport = " over tcp" if setup.transport == "tcp" else ""
                self.line(not found, f"{promise} {sentence}{transport} [{setup.label}]",
                          "\n".join(shown))

    def afterwards(self) -> None:
        """What must hold of the kernel when all of them are over."""
        for good, sentence, text in afterwards(os.environ.get("LAB_HELPER", "")):
            self.line(good, sentence, text)

    def slowest(self, count: int = 5) -> None:
        took = sorted(((t.result.seconds, t.title) for t in self.tasks if t.result), reverse=True)
        for seconds, title in took[:count]:
            print(f"# {seconds:.0f} s: {title}")


def first_with(chosen: Scenario, setup: Setup) -> bool:
    """The first scenario of its promise in the subset that has such a setup."""
    return chosen is next(one for one in ALL if one.subset and one.promise == chosen.promise
                          and any(other.family == setup.family for other in one.of_transport(setup.transport)))


def setups_of(chosen: Scenario, subset: bool) -> list[Setup]:
    """All of them; on slow kernels the first and the one with iptables rules, and of one scenario for
    each promise the first over IPv6 and the first over TCP."""
    if not subset:
        return list(chosen.setups)
    if not chosen.subset:
        return []
    udp, tcp = (chosen.of_transport(transport) for transport in ("udp", "tcp"))
    newer = [setup for setup in udp[1:] if setup.family == 6]
    return [*udp[:1], *(setup for setup in udp[1:] if (setup.rules, setup.family) == ("iptables", 4)),
            *(setup for setup in (*newer[:1], *tcp[:1]) if first_with(chosen, setup))]


def choose(patterns: list[str], subset: bool, faults: bool) -> list[Task]:
    chosen = [Task(s, setup) for s in ALL
              for setup in setups_of(s, subset and not (faults and (s.in_tree_fails or s.told)))]
    wanted = [p.lower() for p in patterns]
    return [t for t in chosen if not wanted or any(p in t.title.lower() for p in wanted)]


def part_of(tasks: list[Task], part: str) -> list[Task]:
    """K/N: the K-th of N parts, one task after the other dealt to each, so that all take about as long."""
    place, count = (int(number) for number in part.split("/"))
    if not 1 <= place <= count:
        raise SystemExit(f"no part {part}")
    return tasks[place - 1::count]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="*")
    parser.add_argument("--subset", action="store_true", help="the list for slow kernels")
    parser.add_argument("--faults", action="store_true",
                        help="besides, all that shows what the in-tree helper does wrong")
    parser.add_argument("--once", action="store_true",
                        help="each scenario on the first of its routers alone, over each transport")
    parser.add_argument("--transport", choices=("udp", "tcp"), help="that one alone")
    parser.add_argument("--part", default="1/1", metavar="K/N", help="the K-th of N parts: a boot for each")
    parser.add_argument("--jobs", type=int, default=16)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    tasks = choose(options.pattern, options.subset, options.faults)
    if options.transport:
        tasks = [task for task in tasks if task.setup.transport == options.transport]
    if options.once:
        tasks = list({(task.scenario.sentence, task.setup.transport): task
                      for task in reversed(tasks)}.values())[::-1]
    tasks = part_of(tasks, options.part)
    if options.list:
        print("\n".join(task.title for task in tasks))
        return 0
    if not tasks:
        print("Bail out! no scenario of that name")
        return 2
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    report = Reporter(tasks)
    gc.freeze()
    print(f"# e2e: helper '{os.environ.get('LAB_HELPER', '')}', {len(tasks)} scenarios")
    began = time.monotonic()
    crowd = sorted((t for t in tasks if not t.scenario.alone), key=lambda t: not t.scenario.long)
    run_all(crowd, options.jobs, report)
    together = time.monotonic() - began
    run_all([t for t in tasks if t.scenario.alone], 1, report)
    report.summary()
    report.afterwards()
    print(f"1..{report.number}")
    report.slowest()
    print(f"# e2e: {report.number - report.failed} passed, {report.failed} failed, "
          f"{time.monotonic() - began:.0f} s ({together:.0f} s together, the rest alone)")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
