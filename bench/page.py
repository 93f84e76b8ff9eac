# SPDX-License-Identifier: GPL-2.0
"""docs/performance.md: what a command prints stands there between two marks with its name."""
from __future__ import annotations

import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def write_page(name: str, said: str) -> None:
    """Anew, instead of what it printed before."""
    before, begin, rest = PAGE.read_text().partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->\n")
    if not (begin and end):
        sys.exit(f"bench: docs/{PAGE.name} has no place for {name}")
    indented = "".join(f"    {line}".rstrip() + "\n" for line in said.strip("\n").splitlines())
    PAGE.write_text(f"{before}{begin}\n{indented}\n{end}{after}")
