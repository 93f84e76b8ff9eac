#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A router that works while everything is done to it, for a given time; as root in the lab. TAP.

    make stress STRESS_SECONDS=N [STRESS_SEED=N]

Afterwards nothing of it may be left: no word of the kernel, no object, no module that cannot go; and
calls work.
"""
from __future__ import annotations

import multiprocessing as mp
import os
import secrets
import sys
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Callable

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from bed import Span, Tap, shared_line  # noqa: E402
from chaos import Chaos, victims  # noqa: E402
from left import objects, reports, unload, until  # noqa: E402
from net import Line  # noqa: E402
from orderly import orderly, proven  # noqa: E402
from storm import Datagrams, Streams, Tally, storm  # noqa: E402

SECONDS = float(os.environ.get("STRESS_SECONDS", "30"))
SEED = int(os.environ.get("STRESS_SEED", "0")) or secrets.randbits(31)
GRACE = 60.0
"""For a worker to come to its end after its time is over."""
ENOUGH, SHARE = 20, 0.1
"""Of the messages in a storm; 0.28 to 0.60 of them in seven runs of eight seconds, by how long rules, modules
and addresses happen to be away: without a helper more messages arrive in the same time."""
Work = Callable[[], Tally]


def _perform(work: Work, channel: Connection) -> None:
    channel.send(work())


def together(works: dict[str, Work], span: Span) -> dict[str, Tally | None]:
    """All at once, each in a process of its own. None: it did not come to its end."""
    context = mp.get_context("fork")
    running = {}
    for name, work in works.items():
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_perform, args=(work, theirs))
        process.start()
        theirs.close()
        running[name] = (ours, process)
    found: dict[str, Tally | None] = {}
    for name, (channel, process) in running.items():
        try:
            left = max(span.latest + GRACE - time.monotonic(), 0)
            found[name] = channel.recv() if channel.poll(left) else None
        except EOFError:
            found[name] = None
        if found[name] is None:
            process.kill()
        process.join()
    return found


def judge_wholeness(tap: Tap, found: dict[str, Tally | None], kinds: tuple[str, ...] = ("datagrams", "streams")
                    ) -> None:
    """Of the storms, whose messages prove themselves."""
    storms = Tally()
    for name, tally in found.items():
        if tally and name.startswith(kinds):
            storms.add(tally)
    counts = storms.counts
    tap.check(not storms.faults, f"R3 each of {counts['arrived']} messages arrived whole: translated in all "
              f"places ({counts['translated']}) or as it was", f"{counts['wrong']} are not", *storms.faults)
    tap.check(counts["translated"] >= max(ENOUGH, counts["arrived"] * SHARE),
              f"many of them were translated: {ENOUGH}, and {SHARE:.0%} of all", counts)


def shaken(tap: Tap, line: Line) -> None:
    """Everything at once."""
    span = Span(SECONDS, "deeds", "namespace", "udp", "tcp")
    works: dict[str, Work] = {
        "datagrams 1": lambda: storm(Datagrams, line, 1, SEED, span),
        "datagrams 2": lambda: storm(Datagrams, line, 2, SEED, span),
        "streams": lambda: storm(Streams, line, 3, SEED, span),
        "calls over udp": lambda: orderly(line, "udp", 4, SEED, span),
        "calls over tcp": lambda: orderly(line, "tcp", 5, SEED, span),
        "victims": lambda: victims(SEED, span),
        "deeds": lambda: Chaos(line, SEED).until(span)}
    found = together(works, span)
    for name, tally in found.items():
        tap.check(tally is not None, f"S11 {name}: they came to their end")
        if not tally:
            continue
        tap.note(f"{name}: " + ", ".join(f"{count} {what}" for what, count in sorted(tally.counts.items())))
        if name == "deeds":
            tap.check(not tally.faults, "S11 everything could be done", *tally.faults)
    # a TCP connection whose entry is deleted loses by how much its numbers are shifted: what follows
    # is a stream with bytes missing, and no message of it proves anything
    judge_wholeness(tap, found, ("datagrams",))
    works: Counter[str] = Counter()
    for tally in found.values():
        works.update(tally.counts if tally else {})
    for what in ("audio out", "audio in", "namespaces ended", "modules reloaded",
                 "connection deleted", "expectation deleted", "address changed", "rules flushed"):
        tap.check(works[what] > 0, f"S11 in the midst of it: {what} ({works[what]} times)")


def calm(tap: Tap, line: Line) -> None:
    """What must be left: nothing, and a router that works."""
    line.router.run("conntrack", "-F", check=False)
    for transport in ("udp", "tcp"):
        wrong = proven(line, 6, transport)
        tap.check(not wrong, f"S11 afterwards calls over {transport} work both ways, with audio", wrong)
    line.router.run("nft", "flush", "ruleset")
    line.router.run("conntrack", "-F", check=False)
    tap.check(until(lambda: not objects(), 20), "S11 no object of ours is left", objects())
    wrong = unload()
    tap.check(not wrong, "S11 both modules leave", wrong)
    tap.check(not reports(), "S11 the kernel has nothing to report", *reports())


def main() -> int:
    tap = Tap()
    tap.note(f"STRESS_SECONDS={SECONDS:.0f} STRESS_SEED={SEED}, {os.cpu_count()} processors")
    line = shared_line()
    shaken(tap, line)
    calm(tap, line)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
