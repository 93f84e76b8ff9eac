# SPDX-License-Identifier: GPL-2.0
"""Programs of bench/bench.mk, and what callgrind counted of them."""
from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
OUT = TOP / "build" / "bench"


@dataclass
class Dump:
    """One region: `count` messages, `size` bytes; see bench/counted.h."""
    name: str
    kind: str
    count: int
    size: int
    instructions: int
    text: str


def build(*names: str) -> list[Path]:
    programs = [OUT / name for name in names]
    done = subprocess.run(["make", "-s", "-j2", "-f", TOP / "bench/bench.mk", f"ROOT={TOP}",
                           f"OUT={OUT}", *programs], check=False)
    if done.returncode:
        sys.exit(f"bench: {', '.join(names)} cannot be built")
    return programs


def run(program: Path, *words: str | Path) -> list[Dump]:
    """All dumps of one run, in their order."""
    base = OUT / f"callgrind.{program.name}"
    for old in OUT.glob(f"{base.name}.*"):
        old.unlink()
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--combine-dumps=no",
         f"--callgrind-out-file={base}", program, *words], capture_output=True, text=True,
        check=False, env={**os.environ, "LD_BIND_NOW": "1"})
    if done.returncode:
        sys.exit(f"bench: {program.name}: {done.stderr}")
    found = []
    for path in sorted(OUT.glob(f"{base.name}.*"), key=lambda path: int(path.suffix[1:])):
        text = path.read_text(errors="replace")
        name = re.search(r"^desc: Trigger: Client Request: (.*):(\w+):(\d+):(\d+)$", text, re.M)
        total = re.search(r"^(?:totals|summary): (\d+)", text, re.M)
        if name and total:
            found.append(Dump(name[1], name[2], int(name[3]), int(name[4]), int(total[1]), text))
        path.unlink()
    return found
