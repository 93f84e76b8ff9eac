# SPDX-License-Identifier: GPL-2.0
"""What each variant of an attack gets against the in-tree helper: gains.txt says it, and
compare.py holds it against what a run found.
"""
from __future__ import annotations

from pathlib import Path

from attacks import KINDS, Ways

FILE = Path(__file__).resolve().with_name("gains.txt")
TODAY = "today"
OLD = "debian-5.10-old"
"""A kernel whose in-tree helper lacks corrections that all others of the lab have."""
OLD_SENTENCE = "Content-Length of 2^32+n"
Expected = dict[str, Ways]
"""By the scenario's sentence; empty: it gets nothing."""


def expected(kernel: str) -> Expected:
    """The part of the file that is about this kernel, or about all that have today's helper."""
    found: dict[str, Expected] = {}
    part: Expected = {}
    ways: Ways = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            part = found.setdefault(line.strip("[]"), {})
        elif line.startswith("    "):
            how, _, kinds = line.strip().rpartition(" = ")
            ways[how] = set(kinds.split())
        elif line and not line.startswith("#"):
            ways = part.setdefault(line, {})
    return found[kernel if kernel in found else TODAY]


def differences(found: Ways, wanted: Ways) -> list[str]:
    """Variants that got something else than the file says, one a line."""
    def kinds(ways: Ways, how: str) -> str:
        return " ".join(kind for kind in KINDS if kind in ways.get(how, set())) or "nothing"
    return [f"{how}: got {kinds(found, how)}, should get {kinds(wanted, how)}"
            for how in dict.fromkeys([*found, *wanted]) if kinds(found, how) != kinds(wanted, how)]


def written(results: dict[str, Ways]) -> str:
    """As the file has it."""
    return "\n".join(line for sentence, ways in results.items() for line in (
        sentence, *(f"    {how} = {' '.join(kind for kind in KINDS if kind in kinds)}"
                    for how, kinds in ways.items())))
