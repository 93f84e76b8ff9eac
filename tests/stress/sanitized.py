#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Everything that runs in the router, in kernels whose sanitizers are on (S11): one TAP line a boot.

    make sanitized [STRESS_SECONDS=N] [FAULTS_SECONDS=N]
    tests/stress/sanitized.py [--list] [PART-OF-A-NAME...]

On uml-7.3-kasan: KASAN, UBSAN, lockdep, PROVE_RCU, DEBUG_ATOMIC_SLEEP. On uml-7.3: kmemleak, and SLUB's
own checks of every object; lockdep rests there (tests/stress/resting says why). Not all in one, because
KASAN takes what SLUB writes around an object for a fault. Both have two processors. The scenarios come in
parts, a boot for each: a kernel that has taken too much of the machine's memory is ended, and failed.
"""
from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

TOP = Path(__file__).resolve().parent.parent.parent
KEPT = TOP / "build" / "sanitized"
KASAN, LEAKS = "uml-7.3-kasan", "uml-7.3"
CAUGHT = TOP / "build" / "caught" / LEAKS
PARTS = {"udp": 5, "tcp": 4}
MOST = 8 << 20
"""Kilobytes that a kernel may hold."""
LIMIT = 1500
"""Seconds for one boot, beside what its command is told to take."""
SECONDS = {name: os.environ.get(name, default) for name, default in
           (("STRESS_SECONDS", "180"), ("FAULTS_SECONDS", "60"), ("STRESS_SEED", "0"))}
PATIENCE = os.environ.get("E2E_PATIENCE", "6")
RESULT = re.compile(r"(ok|not ok) \d+", re.MULTILINE)


@dataclass(frozen=True)
class Boot:
    name: str
    kernel: str
    command: tuple[str, ...]
    load: bool = True   # the modules, before the command runs

    @property
    def file(self) -> Path:
        return KEPT / re.sub(r"\W+", "-", self.name)

    def lab(self) -> list[str]:
        words = [str(TOP / "scripts/lab"), "run", "--kernel", self.kernel, "--cpus", "2", "--mem", "2048",
                 "--timeout", str(LIMIT + int(SECONDS["STRESS_SECONDS"]) + int(SECONDS["FAULTS_SECONDS"])),
                 # slabs of one size share one cache, unless they are told not to
                 "--append", "slab_nomerge", "--log", f"{self.file}.log"]
        before: list[str] = []
        if self.kernel == LEAKS:
            words += ["--append", "kmemleak=on", "--append", "slub_debug=FZPU"]
            before = [str(TOP / "tests/stress/resting"), str(CAUGHT / "sip_ext_caught.ko")]
        for name, value in {**SECONDS, "E2E_PATIENCE": PATIENCE}.items():
            words += ["--env", f"{name}={value}"]
        return [*words, *([] if self.load else ["--no-load"]), *before,
                str(TOP / "tests" / self.command[0]), *self.command[1:]]


def boots() -> Iterator[Boot]:
    for kernel in (KASAN, LEAKS):
        for transport, count in PARTS.items():
            for number in range(1, count + 1):
                yield Boot(f"{kernel} e2e over {transport}, part {number} of {count}", kernel,
                           ("e2e/run.py", "--transport", transport, "--part", f"{number}/{count}", "--jobs", "8"))
        yield Boot(f"{kernel} streams", kernel, ("tcp/run.py", "--jobs", "8"))
        # failslab can tell our allocations from others on the one kernel alone
        for name in ("run.py", "junk.py", *(["faults.py"] if kernel == KASAN else [])):
            yield Boot(f"{kernel} stress {name}", kernel, (f"stress/{name}",))
        for name in ("modules.sh", "tcp.sh", "visible.sh"):
            yield Boot(f"{kernel} lab {name}", kernel, (f"lab/{name}",), load=False)


def build_caught() -> None:
    """What tells lockdep to rest; and both kernels are there."""
    lab = str(TOP / "scripts/lab")
    subprocess.run([lab, "prepare", KASAN, LEAKS], check=True)
    tree = subprocess.run([lab, "kdir", LEAKS], check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run(["make", "-s", "-C", str(TOP), "--no-print-directory", "kunit", "CAUGHT=1", f"KDIR={tree}",
                    f"O={CAUGHT}"], check=True, stdout=subprocess.DEVNULL)


def family(root: int) -> Iterator[tuple[int, int]]:
    """The processes below this one, with the kilobytes that each has in memory."""
    children: dict[int, list[tuple[int, int]]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(words[1]), []).append((int(path.parent.name), int(words[21]) * 4))
    waiting = [root]
    while waiting:
        for child in children.get(waiting.pop(), []):
            waiting.append(child[0])
            yield child


@dataclass
class Outcome:
    status: int
    text: str
    largest: int
    seconds: float

    @property
    def counts(self) -> Counter[str]:
        return Counter(RESULT.findall(self.text))

    @property
    def good(self) -> bool:
        return self.status == 0 and self.counts["ok"] > 0 and not self.counts["not ok"]

    def sentence(self) -> str:
        return (f"{self.counts['ok']} passed, {self.counts['not ok']} failed, {self.seconds:.0f} s, "
                f"at most {self.largest >> 10} MB")

    def why(self) -> list[str]:
        """What failed with what was said of it, and what the lab said at last."""
        found = re.findall(r"^not ok .*\n(?:#.*\n)*", self.text, re.MULTILINE)
        last = self.text.rpartition("\nlab: ")[2] if "\nlab: " in self.text else ""
        return [f"status {self.status}", *"".join(found).splitlines()[:80], *last.splitlines()[:60]]


def perform(boot: Boot) -> Outcome:
    began, largest = time.monotonic(), 0
    with Path(f"{boot.file}.tap").open("w+", encoding="utf-8", errors="replace") as kept:
        with subprocess.Popen(boot.lab(), cwd=TOP, stdout=kept, stderr=subprocess.STDOUT) as running:
            try:
                while running.poll() is None and largest <= MOST:
                    largest = max([largest, *(size for _, size in family(running.pid))])
                    time.sleep(1)
            finally:
                running.terminate()     # nothing, if it has ended
        if largest > MOST:
            kept.write(f"\nlab: ended: it has taken {largest >> 10} MB\n")
        kept.seek(0)
        return Outcome(running.wait(), kept.read(), largest, time.monotonic() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="*", help="a part of a boot's name")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    chosen = [boot for boot in boots() if all(pattern in boot.name for pattern in options.pattern)]
    if options.list or not chosen:
        print("\n".join(boot.name for boot in chosen) or "Bail out! no boot of that name")
        return 0 if chosen else 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    KEPT.mkdir(parents=True, exist_ok=True)
    build_caught()
    sums, failed, began = Counter[str](), 0, time.monotonic()
    for number, boot in enumerate(chosen, 1):
        print(f"# {time.strftime('%H:%M:%S')} {boot.name}", flush=True)
        outcome = perform(boot)
        sums += outcome.counts
        failed += not outcome.good
        print(f"{'ok' if outcome.good else 'not ok'} {number} - S11 {boot.name}: {outcome.sentence()}")
        for line in [] if outcome.good else outcome.why():
            print("# " + line.removeprefix("# "))
    print(f"1..{len(chosen)}")
    print(f"# sanitized: {len(chosen) - failed} boots passed, {failed} failed; in them {sums['ok']} tests passed, "
          f"{sums['not ok']} failed; {(time.monotonic() - began) / 60:.0f} minutes")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
