# SPDX-License-Identifier: GPL-2.0
"""Finds flows in folders of any layout, by what the files hold."""
from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from flow import Unit, read_written, records, sides
from media import with_media_hosts
from pairs import alg_case, sdp_calls, uri_cases


def units_of(folder: Path) -> Iterator[Unit]:
    """All of them; of flows that several files hold, the first."""
    seen: set[tuple[object, ...]] = set()
    for unit in every_unit(folder):
        key = (*unit.steps, unit.inside, unit.nat, unit.trouble)
        if key in seen:
            continue
        seen.add(key)
        yield unit
        also = with_media_hosts(unit) if unit.nat != "routed" else None
        if also:
            yield also


def every_unit(folder: Path) -> Iterator[Unit]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        try:
            yield from units_in(path, name, folder)
        except (KeyError, ValueError, OSError) as error:
            yield Unit(name, [], frozenset(), trouble=f"cannot be read: {error!r}")


def units_in(path: Path, name: str, folder: Path) -> Iterator[Unit]:
    if path.suffix == ".flow":
        yield from every_router(sides(name, read_written(path)))
    elif path.suffix == ".jsonl":
        yield from from_lines(path, name)
    elif path.name == "case.json":
        yield from alg_case(path, path.parent.relative_to(folder).as_posix())


def every_router(units: list[Unit]) -> Iterator[Unit]:
    """With translation, and with a firewall alone."""
    for unit in units:
        yield unit
        yield replace(unit, nat="routed", name=unit.name.replace("inside]", "inside, routed]"))


def from_lines(path: Path, name: str) -> Iterator[Unit]:
    rows = [json.loads(line) for line in path.read_text().splitlines() if line]
    known = set(rows[0]) | set(rows[-1]) if rows else set()
    if {"src", "dst", "b64"} <= known:
        yield from sides(name, records(rows))
    elif {"orig", "trans"} <= known:
        yield from uri_cases([row for row in rows if "orig" in row], name)
    elif {"in_sdp", "op"} <= known:
        yield from sdp_calls([row for row in rows if "in_sdp" in row], name)
