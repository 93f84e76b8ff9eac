#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Replays flows across the router, as root in the lab, and prints TAP: a line for each flow
and the side that is inside.

    scripts/lab run tests/replay/run.py [--only PART]... FOLDER...

FOLDER may have any layout: what a file holds decides what it is. exceptions.txt names what
may be otherwise than it should be, and why.
"""
from __future__ import annotations

import argparse
import multiprocessing as mp
import os
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from bed import Scene, bundles  # noqa: E402
from flow import Unit  # noqa: E402
from net import Failure  # noqa: E402
from over_tcp import SEED, StreamScene, also_over_tcp  # noqa: E402
from replay import Fault, Replay  # noqa: E402
from sources import units_of  # noqa: E402

JOBS = 6
SHOWN_FAULTS = 6


@dataclass
class Result:
    """What one flow came to."""

    name: str
    faults: list[Fault] = field(default_factory=list)
    messages: int = 0
    streams: int = 0
    left_out: int = 0
    shown: list[str] = field(default_factory=list)
    seconds: float = 0.0


def perform(units: list[Unit]) -> list[Result]:
    """The flows of one line, one after the other."""
    results: list[Result] = []
    if units[0].trouble:
        return [Result(units[0].name, [Fault("bed", 0, units[0].trouble)])]
    try:
        scene = (StreamScene if units[0].transport == "tcp" else Scene)(units, os.environ.get("LAB_HELPER", ""))
    except Failure as failure:
        return [Result(unit.name, [Fault("bed", 0, str(failure))]) for unit in units]
    for unit in units:
        began = time.monotonic()
        result = Result(unit.name, left_out=len(unit.left_out))
        replay = Replay(unit, scene)
        try:
            replay.run()
        except Exception:  # a bug of ours must show as a failure of this flow alone
            replay.fault("bed", traceback.format_exc())
        result.faults, result.shown = replay.faults, replay.shown
        result.messages, result.streams = replay.messages, replay.streams
        result.seconds = time.monotonic() - began
        results.append(result)
    scene.close()
    return results


class Exceptions:
    """Lines `NAME  FAULT:MESSAGE[,MESSAGE...]  reason`: this is expected there. Behind a `?`
    stands what the core does wrong: it may show until that is mended."""

    def __init__(self, path: Path) -> None:
        self.sure: dict[str, set[str]] = {}
        self.known: dict[str, set[str]] = {}
        for line in path.read_text().splitlines():
            words = [w.strip() for w in line.split("  ") if w.strip()]
            if len(words) != 3 or line.startswith("#"):
                continue
            kind, _, numbers = words[1].partition(":")
            there = self.known if kind.startswith("?") else self.sure
            keys = {f"{kind.lstrip('?')}:{number}" for number in numbers.split(",")}
            name = words[0].removesuffix(" over UDP")
            for flow in {name, words[0] if words[0] != name else f"{name} over TCP"}:
                there.setdefault(flow, set()).update(keys)


def judge(result: Result, exceptions: Exceptions) -> tuple[list[str], list[str]]:
    """The faults that nothing excuses, with the excuses that nothing needs any more; and
    those that wait for the core."""
    sure = exceptions.sure.get(result.name, set())
    known = exceptions.known.get(result.name, set())
    wrong = [str(fault) for fault in result.faults if fault.key not in sure | known]
    unneeded = sorted(sure - {fault.key for fault in result.faults})
    wrong += [f"the exception {key} is not needed any more" for key in unneeded]
    waiting = sorted(known & {fault.key for fault in result.faults})
    return wrong, waiting


def promise_of(name: str) -> str:
    """R25 is the firewall alone, R8 media elsewhere than signalling, R4 the exact way back; T1
    the same in a stream."""
    if name.endswith("over TCP"):
        return "T1"
    return "R25" if "routed]" in name else "R8" if "media by others]" in name else "R4"


def report(results: list[Result], exceptions: Exceptions) -> int:
    failed = 0
    for number, result in enumerate(results, 1):
        wrong, waiting = judge(result, exceptions)
        failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number} - {promise_of(result.name)} replay {result.name}")
        print(f"# {result.messages} messages, {result.streams} streams, {result.seconds:.1f} s"
              + (f"; {result.left_out} left out: no connection leads there" if result.left_out else "")
              + (f"; known faults: {' '.join(waiting)}" if waiting else ""))
        for text in wrong[:SHOWN_FAULTS]:
            print("\n".join(f"# {line}" for line in text.splitlines()))
        if len(wrong) > SHOWN_FAULTS:
            print(f"# ... and {len(wrong) - SHOWN_FAULTS} more")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="+", type=Path)
    parser.add_argument("--only", action="append", default=[], help="a part of a name")
    parser.add_argument("--show", action="store_true", help="what changed in each message")
    parser.add_argument("--jobs", type=int, default=JOBS)
    options = parser.parse_args()
    units = [unit for folder in options.folder for unit in also_over_tcp(units_of(folder))
             if not options.only or any(part in unit.name for part in options.only)]
    if not units:
        print("Bail out! no flow found")
        return 2
    began = time.monotonic()
    with mp.get_context("fork").Pool(options.jobs, maxtasksperchild=1) as pool:
        done = pool.map(perform, bundles(units), chunksize=1)
    place = {unit.name: number for number, unit in enumerate(units)}
    results = sorted((r for group in done for r in group), key=lambda r: place[r.name])
    if options.show:
        print("\n".join(f"# {line}" for r in results for text in r.shown
                        for line in text.splitlines()))
    failed = report(results, Exceptions(HERE / "exceptions.txt"))
    print(f"1..{len(results)}")
    print(f"# cuts by TCP_SEED={SEED}")
    print(f"# replay: {len(results)} flows, {sum(r.messages for r in results)} messages, "
          f"{sum(r.streams for r in results)} streams, {failed} failed, "
          f"{time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
