#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Memory that our modules do not get: at each place of a registration and a call, one refusal after
the other (S12), and by chance under load; as root in the lab. TAP.

    make faults [FAULTS_SECONDS=N] [FAULTS_EVERY=N] [STRESS_SEED=N]
"""
from __future__ import annotations

import ctypes
import errno
import os
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from bed import Quiet, Span, Tap, shared_line  # noqa: E402
from calls import hang_up, register, talk  # noqa: E402
from capture import Capture, Crossing, leaks  # noqa: E402
from injection import Injection  # noqa: E402
from left import MODULES, load, loaded, objects, program, reports, unload, until  # noqa: E402
from net import Failure, Line  # noqa: E402
from orderly import Worker, orderly, proven  # noqa: E402
from run import SEED, judge_wholeness, together  # noqa: E402
from storm import Datagrams, Streams, storm  # noqa: E402
from whole import ROUTER  # noqa: E402

SECONDS = float(os.environ.get("FAULTS_SECONDS", "20"))
EVERY = int(os.environ.get("FAULTS_EVERY", "1"))
"""Which of the allocations is refused: each, or every second, third ... of them."""
CLONE_NEWNET = 0x40000000
FINIT_MODULE = 313
"""The number of that system call, on x86-64."""
LIBC = ctypes.CDLL(None, use_errno=True)


class Watched(Quiet):
    """A world that sees what crosses the router."""

    def __init__(self, line: Line, transport: str) -> None:
        super().__init__(line, transport, 0.7 if transport == "udp" else 2.5)
        self.capture = Capture(line.router)
        self.watch(self.capture.socket, self.capture.drain)


CALL_ID = re.compile(rb"\r\nCall-ID: ([^\r]*)\r\n")
NAMES = re.compile(rb"\r\n(?:From|To): [^\r]*")


def call_of(crossing: Crossing) -> bytes:
    found = CALL_ID.search(crossing.before.payload)
    return found.group(1) if found else b""


def met_outside(crossings: list[Crossing]) -> set[bytes]:
    """Calls of which the inside endpoint got a message as it was, with the router's own address: in
    From and To it repeats that, and expects it back (RFC 3261 12.2.1.1)."""
    return {call_of(c) for c in crossings if c.after and not c.outbound
            and c.after.payload == c.before.payload and ROUTER.search(c.after.payload)}


def halves(line: Line, crossing: Crossing, over_tcp: bool, repeated: set[bytes]) -> list[str]:
    """Why a message is neither translated nor as it was."""
    if crossing.after is None:
        # over TCP a packet that gets no memory is lost, and its sender repeats it
        return [] if over_tcp else [f"{crossing.message.name} never left"]
    after = crossing.after.payload
    if after == crossing.before.payload:
        return []
    if crossing.outbound:
        found = leaks(line, crossing)
    else:
        text = NAMES.sub(b"", after) if call_of(crossing) in repeated else after
        found = ["the router's own address"] if ROUTER.search(text) else []
    return [f"{crossing.message.name}: {text}\n{after.decode('utf-8', 'replace')}" for text in found]


def play(world: Watched, number: int) -> str:
    """A registration and a call each way; where it ended."""
    worker = Worker(world, number, random.Random(number))
    try:
        register(worker.phone, worker.host)
        made = worker.outward()
        talk(world, made, True, count=2)
        hang_up(made)
        back = worker.inward()
        talk(world, back, False, count=2)
        hang_up(back)
    except (Failure, OSError) as failure:
        return str(failure)
    return ""


def sweep(tap: Tap, line: Line, slab: Injection, transport: str) -> None:
    """The first allocation fails, then the second, and so on until there is none left to fail."""
    failed, through, wrong, fired = 0, 0, Counter[str](), True
    began = time.monotonic()
    while fired:
        world = Watched(line, transport)
        with slab.one_failing(1 + failed * EVERY):
            said = play(world, 1 + failed % 8)
            fired = slab.left() == 0
        crossings = list(world.crossings())
        repeated = met_outside(crossings)
        for crossing in crossings:
            wrong.update(halves(line, crossing, transport == "tcp", repeated))
        world.close()
        line.router.run("conntrack", "-F", check=False)
        failed += fired
        through += fired and not said
    tap.note(f"{transport}: {failed} refusals, {through} plays that came to their end all the same, "
             f"{time.monotonic() - began:.0f} s")
    tap.check(failed * EVERY > 15, f"S12 over {transport}: allocations failed one by one ({failed})")
    tap.check(through * 2 > failed, f"S12 over {transport}: most calls were made all the same",
              f"{through} of {failed}")
    tap.check(not wrong, f"R3 over {transport}: with each refusal, each message left, translated in all places "
              "or as it was", *list(wrong.items())[:6])


def under_load(tap: Tap, line: Line, slab: Injection, pages: Injection) -> None:
    for percent in (10, 50):
        span = Span(SECONDS / 2)
        with slab.failing(percent), pages.failing(percent):
            found = together({
                "datagrams": lambda span=span: storm(Datagrams, line, 1, SEED, span),
                "streams": lambda span=span: storm(Streams, line, 2, SEED, span),
                "calls over udp": lambda span=span: orderly(line, "udp", 3, SEED, span),
                "calls over tcp": lambda span=span: orderly(line, "tcp", 4, SEED, span, 3)}, span)
        for name, tally in found.items():
            tap.check(tally is not None, f"S12 {name}, {percent} % of our memory refused: they came to their end")
            if tally:
                tap.note(f"{name}: " + ", ".join(f"{n} {what}" for what, n in sorted(tally.counts.items())))
        judge_wholeness(tap, found)
    counted = line.counters()
    tap.check(counted.get("no_memory", 0) > 0, f"S12 it is counted (no_memory {counted.get('no_memory')})", counted)


def namespaces(tap: Tap, slab: Injection) -> None:
    """A namespace begins without the memory for our tables."""
    refused, made = 0, 0
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    for space in range(0, 4800, 400):
        with slab.failing(times=-1, space=space, waiting=True):
            failed = LIBC.unshare(CLONE_NEWNET) != 0
        refused, made = refused + failed, made + (not failed)
        if not failed:
            LIBC.setns(home, CLONE_NEWNET)
    os.close(home)
    tap.check(refused > 3 and made, f"S12 a namespace without memory for us does not begin ({refused} of {refused + made})")


def load_unlucky() -> int:
    """The module, by a process that memory is refused to; the error, or 0."""
    child = os.fork()
    if not child:
        error = errno.EIO
        try:
            module = os.open(f"{MODULES}/nf_conntrack_sip_ext.ko", os.O_RDONLY)
            Path("/proc/self/make-it-fail").write_text("1", encoding="ascii")
            error = ctypes.get_errno() if LIBC.syscall(FINIT_MODULE, module, b"", 0) else 0
        finally:
            os._exit(error)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def loading(tap: Tap, slab: Injection) -> None:
    """The modules themselves are refused memory while they load."""
    slab.of_anybody()
    slab.set(task_filter="Y")
    errors = []
    for _ in range(8):
        with slab.failing(3, times=1, waiting=True):
            errors.append(load_unlucky())
        if not errors[-1]:
            program("rmmod", "nf_conntrack_sip_ext")
    slab.set(task_filter="N")
    tap.check({errno.ENOMEM} <= set(errors) <= {errno.ENOMEM, 0},
              f"S12 without memory it does not load, and leaves nothing behind ({errors})")


def main() -> int:
    tap = Tap()
    tap.note(f"FAULTS_SECONDS={SECONDS:.0f} STRESS_SEED={SEED}")
    slab, pages = Injection("failslab"), Injection("fail_page_alloc")
    line = shared_line()
    for injection in (slab, pages):
        injection.ours_alone()
    for transport in ("udp", "tcp"):
        sweep(tap, line, slab, transport)
    under_load(tap, line, slab, pages)
    namespaces(tap, slab)
    line.router.run("conntrack", "-F", check=False)
    for transport in ("udp", "tcp"):
        wrong = proven(line, 6, transport)
        tap.check(not wrong, f"S12 afterwards calls over {transport} work both ways, with audio", wrong)
    line.router.run("nft", "flush", "ruleset")
    line.router.run("conntrack", "-F", check=False)
    tap.check(until(lambda: not objects(), 20), "S12 no object of ours is left", objects())
    tap.check(not unload() and not loaded(), "S12 both modules leave")
    loading(tap, slab)
    tap.check(not load() and not unload(), "S12 and load and leave once more")
    tap.check(not reports(), "S12 the kernel has nothing to report", *reports())
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
