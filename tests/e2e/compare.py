#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the scenarios with the in-tree helper and with none, and sets all side by side.

    tests/e2e/compare.py [--kernel NAME] [--sample] [--reuse | --markdown]
    tests/e2e/compare.py --old

The others' failures are their own and fail nothing here. But the faults that REQUIREMENTS
names in brackets must show up, as proof that the scenarios can fail, and so must attacks that
such a helper is open to succeed, in each variant that gains.txt names and in no other; that is
what the TAP says. The table is in build/e2e/report.txt,
with what the attacks got below it, and a shorter one for the README in what-works.md beside it.
--sample runs the in-tree helper with the list for slow kernels and with what shows its faults:
minutes less. --old plays against the in-tree helper of an older kernel the attack that newer
ones have been corrected for. --reuse takes results that are there already; --markdown prints what-works.md from
them and does nothing else.
"""
from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import scenarios  # noqa: E402,F401
import gains  # noqa: E402
from attacks import KINDS, SUCCEEDS, WAYS, Ways, ways_in  # noqa: E402
from registry import ALL, Scenario  # noqa: E402

RESULTS = HERE.parents[1] / "build" / "e2e"
HELPERS = ("ext", "in-tree", "none")
TRANSPORTS = ("udp", "tcp")
LINE = re.compile(r"(not ok|ok) \d+ - (.*)")
EXPECTED = 40   # a scenario list shorter than this did not come to its end


@dataclass
class Outcome:
    """What a scenario came to: true if it held."""

    good: bool
    gain: str = ""      # what an attack got
    ways: Ways = field(default_factory=dict)    # and by which of its variants

    def __bool__(self) -> bool:
        return self.good

    @property
    def word(self) -> str:
        return "ok" if self.good else "ATTACKED" if self.gain else "FAILS"


Results = dict[str, Outcome]
"""Title to outcome."""


def read(path: Path) -> Results:
    """Empty if the run is not there."""
    found: Results = {}
    last = Outcome(True)
    for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
        if match := LINE.match(line):
            last = found[match.group(2)] = Outcome(match.group(1) == "ok")
        elif line.startswith("# " + SUCCEEDS):
            last.gain = line[2 + len(SUCCEEDS):]
        elif line.startswith("# " + WAYS):
            last.ways = ways_in(line[2:])
    return found


def tap(kernel: str, helper: str, transport: str) -> Path:
    """What in-lab keeps of a run over one transport."""
    return RESULTS / f"{kernel}-{helper}-{transport}.tap"


def run(kernel: str, helper: str, transport: str, sample: bool) -> None:
    """What fails waits: once is enough, and a sample to show what no helper at all can do."""
    some = ["--subset"] if helper == "none" else ["--subset", "--faults"] if sample else []
    subprocess.run([HERE / "in-lab", kernel, helper, "--transport", transport, "--once", *some],
                   stdout=subprocess.DEVNULL, check=False)


def results(helper: str, options: argparse.Namespace) -> Results:
    found: Results = {}
    for transport in TRANSPORTS:
        path = tap(options.kernel, helper, transport)
        # ours has steps of its own; here it is only shown
        if helper != "ext" and not (options.reuse and len(read(path)) > EXPECTED):
            run(options.kernel, helper, transport, options.sample)
        found |= read(path)
    return found


def word(found: Results, title: str) -> str:
    return found[title].word if title in found else "-"


def table(found: dict[str, Results]) -> str:
    """One line per scenario and setup; below, what the attacks got."""
    titles = list(dict.fromkeys(title for one in found.values() for title in one))
    width = max((len(title) for title in titles), default=8)
    lines = [f"{'scenario':<{width}}  " + "  ".join(f"{h:>8}" for h in found)]
    lines += [f"{title:<{width}}  " + "  ".join(f"{word(one, title):>8}" for one in found.values())
              for title in titles]
    lines.append(f"{'passed':<{width}}  " + "  ".join(f"{sum(map(bool, one.values())):>8}"
                                                      for one in found.values()))
    lines.append(f"{'failed':<{width}}  " + "  ".join(
        f"{sum(not good for good in one.values()):>8}" for one in found.values()))
    lines += ["", "ATTACKED: the attack succeeds. What it got:", ""]
    lines += [f"{helper}: {title}\n    {outcome.gain}" for helper, one in found.items()
              for title, outcome in one.items() if outcome.gain]
    lines += ["", "By which variant of an attack the in-tree helper lets what in:", "",
              *gains.written({title: outcome.ways for title, outcome in found["in-tree"].items()
                              if outcome.ways}).splitlines()]
    return "\n".join(lines)


def standing(one: Scenario, transport: str, results_of: Results) -> str:
    """What a scenario came to over all the routers that it ran on."""
    setups = one.of_transport(transport)
    seen = [results_of[title] for title in map(one.title, setups) if title in results_of]
    if not setups:
        return "-"
    if not seen:
        return "not run"
    failed = sum(not good for good in seen)
    if not failed:
        return "ok"
    if any(outcome.gain for outcome in seen):
        got = {kind for outcome in seen for kinds in outcome.ways.values() for kind in kinds}
        return "attack succeeds" + (": " + ", ".join(sorted(got, key=KINDS.index)) if got else "")
    return "FAILS" if failed == len(seen) else f"FAILS on {failed} of {len(seen)} routers"


def markdown(found: dict[str, Results]) -> str:
    """One row per sentence: what works over UDP and TCP, and the test that shows it."""
    lines = ["| promise | what works | test | ours, UDP | ours, TCP | in-tree, UDP | in-tree, TCP |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for one in sorted(ALL, key=lambda one: (one.promise[0], int(one.promise[1:]))):
        file = one.body.__module__.rpartition(".")[2]
        cells = (one.promise, one.sentence, f"[{file}](tests/e2e/scenarios/{file}.py)",
                 *(standing(one, transport, found[helper]) for helper in ("ext", "in-tree")
                   for transport in TRANSPORTS))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


class Tap:
    """Lines of TAP, and how many of them are bad."""

    def __init__(self) -> None:
        self.number = self.failed = 0

    def line(self, good: bool, text: str, why: list[str] | None = None) -> None:
        self.number += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.number} - {text}")
        for part in [] if good else why or []:
            print(f"# {part}")

    def end(self) -> int:
        print(f"1..{self.number}")
        return self.failed


def variants(tap_lines: Tap, one: Scenario, seen: list[Outcome], kernel: str) -> None:
    """Each variant of an attack gets against the in-tree helper what gains.txt says, no more and
    no less: what the README tells of it is so."""
    wanted = gains.expected(kernel).get(one.sentence)
    if wanted is None:
        tap_lines.line(False, f"gains.txt tells of {one.promise} {one.sentence}")
        return
    why = [text for outcome in seen for text in gains.differences(outcome.ways, wanted)]
    ran = seen != [] and all(outcome.good == (not wanted) for outcome in seen)
    count = f"{len(wanted)} variants" if wanted else "no variant"
    tap_lines.line(ran and not why, f"{count} of the attack gain, as gains.txt says, against the in-tree "
                   f"helper of {kernel}: {one.promise} {one.sentence}", why)


def proofs(found: dict[str, Results], kernel: str) -> int:
    """TAP: each fault named in REQUIREMENTS shows, and what works everywhere works."""
    lines = Tap()
    for helper in ("in-tree", "none"):
        lines.line(len(found[helper]) > EXPECTED, f"the scenarios run to their end with {helper}")
    for one in (s for s in ALL if s.in_tree_fails):
        seen = outcomes(one, found["in-tree"])
        shows = "attack succeeds against the in-tree helper" if one.promise[0] == "S" else (
            "the in-tree helper's known fault shows")
        lines.line(seen != [] and not any(seen) and (one.promise[0] != "S" or all(o.gain for o in seen)),
                   f"{shows}: {one.promise} {one.sentence}")
    for one in (s for s in ALL if s.told):
        variants(lines, one, outcomes(one, found["in-tree"]), kernel)
    lines.line(any(found["in-tree"].values()), "the in-tree helper passes what it can do")
    readme = (HERE.parents[1] / "README.md").read_text()
    lines.line(all(f"| {one.sentence} |" in readme for one in ALL),
               "README's table of what works lists every scenario")
    return lines.end()


def outcomes(one: Scenario, results_of: Results) -> list[Outcome]:
    """Of its first routers, or of those over TCP where it has no others."""
    setups = one.of_transport("udp") or one.setups
    return [results_of[title] for title in map(one.title, setups) if title in results_of]


def old() -> int:
    """TAP: what newer kernels have been corrected for succeeds against an older one's helper."""
    path = RESULTS / f"{gains.OLD}-in-tree.tap"
    RESULTS.mkdir(parents=True, exist_ok=True)
    # that kernel shows all namespaces' expectations in each: one scenario at a time
    with path.open("w", encoding="utf-8") as out:
        subprocess.run([HERE.parents[1] / "scripts" / "lab", "run", "--kernel", gains.OLD, "--helper",
                        "in-tree", "--timeout", "180", "--env", "E2E_PATIENCE=3", HERE / "run.py",
                        "--jobs", "1", "--once", gains.OLD_SENTENCE], stdout=out, check=False)
    lines = Tap()
    for one in (s for s in ALL if gains.OLD_SENTENCE in s.sentence):
        variants(lines, one, outcomes(one, read(path)), gains.OLD)
    return lines.end()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", default="uml-6.1")
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--reuse", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--old", action="store_true")
    options = parser.parse_args()
    if options.old:
        return 1 if old() else 0
    if options.markdown:
        there = {helper: {title: good for transport in TRANSPORTS for title, good in read(
            tap(options.kernel, helper, transport)).items()} for helper in HELPERS}
        print(markdown(there), end="")
        return 0
    found = {helper: results(helper, options) for helper in HELPERS}
    text = table(found)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "report.txt").write_text(text + "\n")
    (RESULTS / "what-works.md").write_text(markdown(found))
    print("\n".join("# " + line for line in text.splitlines()))
    return 1 if proofs(found, options.kernel) else 0


if __name__ == "__main__":
    sys.exit(main())
