# SPDX-License-Identifier: GPL-2.0
"""Which bytes of a message the router changed."""
from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

TOKEN = re.compile(r"[0-9A-Fa-f:.]*[0-9A-Fa-f]|\w+|\s+|.")


@dataclass(frozen=True)
class Piece:
    text: str
    changed: bool


Line = list[Piece]


def _pieces(tokens: list[str], spans: list[tuple[int, int, bool]]) -> Line:
    return [Piece("".join(tokens[a:b]), changed) for a, b, changed in spans if a != b]


def compare(before: str, after: str) -> tuple[Line, Line]:
    """Both lines, cut where they differ; addresses and ports are never cut in two."""
    old, new = TOKEN.findall(before), TOKEN.findall(after)
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return (_pieces(old, [(a, b, kind != "equal") for kind, a, b, _, _ in steps]),
            _pieces(new, [(a, b, kind != "equal") for kind, _, _, a, b in steps]))


def compare_messages(before: bytes, after: bytes) -> list[tuple[Line, Line]]:
    """Line by line: the router adds and removes none; if it did, all counts as changed."""
    old = before.decode("utf-8", "replace").split("\r\n")
    new = after.decode("utf-8", "replace").split("\r\n")
    if len(old) == len(new):
        return [compare(a, b) for a, b in zip(old, new)]
    longest = max(len(old), len(new))
    old += [""] * (longest - len(old))
    new += [""] * (longest - len(new))
    return [([Piece(a, a != b)], [Piece(b, a != b)]) for a, b in zip(old, new)]


def changed_bytes(pairs: list[tuple[Line, Line]]) -> int:
    return sum(len(p.text.encode()) for _, after in pairs for p in after if p.changed)
