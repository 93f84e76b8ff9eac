#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the streams with the in-tree helper and with none, and sets all side by side.

    tests/tcp/compare.py [--kernel NAME] [--sample] [--reuse]

The others' failures are their own and fail nothing here. But T4's fault that REQUIREMENTS names
in brackets must show up, with what the in-tree helper does for it, as proof that the cases can
fail; and every case must pass where the router only routes, with no helper, as proof that its
failures are the router's. The table is in build/tcp/report.txt. --sample runs the list for slow
kernels; --reuse takes results that are there already.
"""
from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import cases  # noqa: E402,F401
from listing import ALL  # noqa: E402

RESULTS = HERE.parents[1] / "build" / "tcp"
HELPERS = ("ext", "in-tree", "none", "none-routed")
LINE = re.compile(r"(not ok|ok) \d+ - (.*)")
EXPECTED = 30   # a list shorter than this did not come to its end
# how a stream fails, in the words of ends.py
WAYS = {"other bytes": "WRONG BYTES", "stalled": "STALLS", "reset": "RESET", "no connection": "REFUSED",
        "reads the end": "CUT OFF"}


def way_of(text: str) -> str:
    """What went wrong, in a word or two."""
    return next((word for part, word in WAYS.items() if part in text), "FAILS")


def read(path: Path) -> dict[str, str]:
    """Title to what became of it; empty if the run is not there."""
    found: dict[str, str] = {}
    title = ""
    for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
        match = LINE.match(line)
        if match:
            title = match[2]
            found[title] = "ok" if match[1] == "ok" else "FAILS"
        elif found.get(title) == "FAILS" and line.startswith("# "):
            found[title] = way_of(line)
    return found


def results(helper: str, options: argparse.Namespace) -> dict[str, str]:
    path = RESULTS / f"{options.kernel}-{helper}.tap"
    # ours has a step of its own; here it is only shown
    if helper != "ext" and not (options.reuse and len(read(path)) > EXPECTED):
        name, routed, _ = helper.partition("-routed")
        words = ["--routed"] if routed else ["--once", "--jobs", "40"]
        words += ["--subset"] if options.sample else []
        subprocess.run([HERE / "in-lab", options.kernel, name, *words], stdout=subprocess.DEVNULL,
                       check=False, env={**os.environ, "TAP_NAME": path.stem})
    return read(path)


def sentence(title: str) -> str:
    return title.rpartition(" [")[0]


def table(found: dict[str, dict[str, str]]) -> str:
    """One line per case: where it passes on all of its routers, or how it fails on the first."""
    rows = {}
    for helper, titles in found.items():
        for title, what in titles.items():
            row = rows.setdefault(sentence(title), {})
            if row.get(helper, "ok") == "ok":
                row[helper] = what
    width = max((len(name) for name in rows), default=8)
    heads = {"ext": "ours", "in-tree": "in-tree", "none": "no helper", "none-routed": "only routed"}
    lines = [f"{'case':<{width}}  " + "  ".join(f"{heads[h]:>11}" for h in found)]
    lines += [f"{name:<{width}}  " + "  ".join(f"{row.get(helper, '-'):>11}" for helper in found)
              for name, row in rows.items()]
    for word, good in (("passed", True), ("failed", False)):
        lines.append(f"{word:<{width}}  " + "  ".join(
            f"{sum((what == 'ok') is good for what in one.values()):>11}" for one in found.values()))
    return "\n".join(lines)


def proofs(found: dict[str, dict[str, str]]) -> int:
    """TAP: the fault named in REQUIREMENTS shows, and what works everywhere works."""
    number = failed = 0

    def line(good: bool, text: str) -> None:
        nonlocal number, failed
        number += 1
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {text}")

    for helper in HELPERS[1:]:
        line(len(found[helper]) > EXPECTED, f"the streams run to their end: {helper}")
    for one in (one for one in ALL if one.in_tree_fails):
        seen = [what for title, what in found["in-tree"].items() if sentence(title) == one.sentence]
        line(seen != [] and "ok" not in seen, f"the in-tree helper's known fault shows: {one.sentence}"
             f" ({', '.join(seen)})")
    wrong = [title for title, what in found["none-routed"].items() if what != "ok"]
    line(not wrong, "every case passes where a router only routes")
    for title in wrong:
        print(f"# {title}: {found['none-routed'][title]}")
    line("ok" in found["in-tree"].values(), "the in-tree helper passes what it can do")
    print(f"1..{number}")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", default="uml-6.1")
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--reuse", action="store_true")
    options = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    found = {helper: results(helper, options) for helper in HELPERS}
    text = table(found)
    (RESULTS / "report.txt").write_text(text + "\n")
    print("\n".join("# " + line for line in text.splitlines()))
    return 1 if proofs(found) else 0


if __name__ == "__main__":
    sys.exit(main())
