# SPDX-License-Identifier: GPL-2.0
"""What the kernel holds of ours, and what it has had to report; what must be left in the end: nothing."""
from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any, Callable, Iterator

MODULES = os.environ.get("LAB_MODULES", "")
OURS = ("nf_conntrack_sip_ext", "nf_nat_sip_ext")
BEGIN = "lab: guest up"
TROUBLE = re.compile(r"\] (-*\[ cut here|WARNING: |BUG|Oops|INFO: |UBSAN: |=+$|refcount_t|list_(add|del) corr"
                     r"|kmemleak: \d+ new|unregister_netdevice: waiting)")
KMEMLEAK = Path("/sys/kernel/debug/kmemleak")
OLD_ENOUGH = 5.2
"""Seconds; kmemleak does not speak of younger objects."""
FAULTS = 1 << 4 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14
"""Bits of /proc/sys/kernel/tainted: machine check, bad page, died, warned, locked up."""
WAIT = 60.0
"""For the kernel to end namespaces, which it does in its own time."""


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


def away() -> bool:
    """Told to go, and gone."""
    unload()
    return not any(Path(f"/sys/module/{name}").exists() for name in OURS)


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


def reports() -> list[str]:
    """What the kernel has said that it says in trouble alone, since it has booted."""
    said = program("dmesg").stdout
    said = said.partition(BEGIN)[2] if BEGIN in said else said
    return [line for line in said.splitlines() if TROUBLE.search(line)]


def looks_for_leaks() -> bool:
    return "kmemleak=on" in Path("/proc/cmdline").read_text(encoding="ascii").split()


def leaked() -> str:
    """What nothing points to any more."""
    try:
        for _ in range(2):
            time.sleep(OLD_ENOUGH)
            KMEMLEAK.write_text("scan", encoding="ascii")
        return KMEMLEAK.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return f"kmemleak looks no more: {error}"


def tainted() -> int:
    return int(Path("/proc/sys/kernel/tainted").read_text(encoding="ascii")) & FAULTS


def afterwards(helper: str) -> Iterator[tuple[bool, str, str]]:
    """The tests that end every run: whether it holds, what, and more about it."""
    where = f"[{os.environ.get('LAB_KERNEL', 'kernel')}, processors: {os.cpu_count()}]"
    if helper == "sip-ext":
        good = until(lambda: not objects(), WAIT)
        yield good, f"S11 no object of ours is left {where}", "" if good else str(objects())
        good = until(away, WAIT)
        yield good, f"S11 both modules leave {where}", "" if good else unload()
    if looks_for_leaks():
        lost = leaked()
        yield not lost, f"S11 nothing has leaked {where}", lost
    found = reports() + ([f"tainted: {tainted()}"] if tainted() else [])
    yield not found, f"S11 the kernel has nothing to report {where}", "\n".join(found)
