#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The messages in the inputs of the parse, road and core targets, each as a file of its own, for those who
send them: tests/replay/oneway.py. A core's input is a play, and the target itself (DIR/core-fuzz) writes what is
sent in it.

    messages.py --build DIR [--found N] FOLDER

FOLDER is made anew. --found N: besides the kept seeds, N inputs of each target of what was found until
now ($SIP_EXT_CACHE/fuzz-TARGET), by chance (--seed).
"""
from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from run import CACHE, unpack

TARGETS = ("parse", "road", "core")
FLAGS = 3           # of a road: what its line is like
MOST_MESSAGES = 4   # that road_fuzz.cpp reads of one
BETWEEN = b"\x1e"


def messages_of(target: str, options: argparse.Namespace) -> Iterator[tuple[str, bytes]]:
    """Each with a name."""
    inputs = inputs_of(target, options)
    if target == "core":
        yield from played(options.build / "core-fuzz", inputs)
        return
    for path in inputs:
        data = path.read_bytes()
        messages = data[FLAGS:].split(BETWEEN)[:MOST_MESSAGES] if target == "road" else [data]
        for number, message in enumerate(messages):
            yield f"{path.name[:12]}-{number}", message


def played(program: Path, plays: list[Path]) -> Iterator[tuple[str, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([program, "-rss_limit_mb=1500", *plays], env={**os.environ, "FUZZ_MESSAGES": folder},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{done.stdout[-2000:]}{program}: status {done.returncode}")
        for path in sorted(Path(folder).iterdir()):
            yield path.name, path.read_bytes()


def inputs_of(target: str, options: argparse.Namespace) -> list[Path]:
    seeds = sorted(unpack(target, options.build).iterdir())
    folder = CACHE / f"fuzz-{target}"
    found = sorted(folder.iterdir()) if options.found and folder.is_dir() else []
    return [*seeds, *random.Random(options.seed).sample(found, min(options.found, len(found)))]


def write(target: str, options: argparse.Namespace) -> int:
    folder: Path = options.folder / target
    folder.mkdir(parents=True)
    there: set[bytes] = {b""}
    for name, message in messages_of(target, options):
        if message not in there:
            (folder / name).write_bytes(message)
        there.add(message)
    return len(there) - 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--found", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    counts = {target: write(target, options) for target in TARGETS}
    print("# messages of fuzzing: " + ", ".join(f"{target} {count}" for target, count in counts.items()))
    return 0 if all(counts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
