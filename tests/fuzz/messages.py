#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The messages in the inputs of the parse and road targets, each as a file of its own, for those who
send them: tests/replay/oneway.py.

    messages.py --build DIR [--found N] FOLDER

FOLDER is made anew. --found N: besides the kept seeds, N inputs of each target of what was found until
now ($SIP_EXT_CACHE/fuzz-TARGET), by chance (--seed).
"""
from __future__ import annotations

import argparse
import random
import shutil
import sys
from pathlib import Path

from run import CACHE, unpack

FLAGS = 3           # of a road: what its line is like
MOST_MESSAGES = 4   # that road_fuzz.cpp reads of one
BETWEEN = b"\x1e"


def messages_of(target: str, data: bytes) -> list[bytes]:
    return data[FLAGS:].split(BETWEEN)[:MOST_MESSAGES] if target == "road" else [data]


def inputs_of(target: str, options: argparse.Namespace) -> list[Path]:
    seeds = sorted(unpack(target, options.build).iterdir())
    folder = CACHE / f"fuzz-{target}"
    found = sorted(folder.iterdir()) if options.found and folder.is_dir() else []
    return [*seeds, *random.Random(options.seed).sample(found, min(options.found, len(found)))]


def write(target: str, options: argparse.Namespace) -> int:
    folder: Path = options.folder / target
    folder.mkdir(parents=True)
    there: set[bytes] = {b""}
    for path in inputs_of(target, options):
        for number, message in enumerate(messages_of(target, path.read_bytes())):
            if message not in there:
                (folder / f"{path.name[:12]}-{number}").write_bytes(message)
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
    counts = {target: write(target, options) for target in ("parse", "road")}
    print("# messages of fuzzing: " + ", ".join(f"{target} {count}" for target, count in counts.items()))
    return 0 if all(counts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
