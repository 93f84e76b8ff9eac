# SPDX-License-Identifier: GPL-2.0
"""What a step said in TAP, and what it came to.

A step is believed only as far as it proves itself: a plan, as many tests as planned, in
order, and an exit status that agrees. Everything else counts as one more failure.
"""
from __future__ import annotations

import re
import signal
from dataclasses import dataclass, field

PLAN = re.compile(r"1\.\.(\d+)\s*(#.*)?$")
TEST = re.compile(r"(not ok|ok)(?:\s+(\d+))?(?:\s+(?:-\s*)?(.*))?$")
DIRECTIVE = re.compile(r"^(.*?)\s*#\s*skip\b[:\s]*(.*)$", re.IGNORECASE)


@dataclass
class Test:
    name: str
    verdict: str  # ok, not ok, skip
    diagnostics: list[str] = field(default_factory=list)


class Reader:
    """Takes the lines of one step's standard output, then its end."""

    def __init__(self) -> None:
        self.tests: list[Test] = []
        self.problems: list[str] = []
        self.plan: int | None = None
        self.bailed = False

    def line(self, text: str) -> None:
        if match := PLAN.match(text):
            self._planned(int(match[1]))
        elif match := TEST.match(text):
            self._tested(match[1], match[2], match[3] or "")
        elif text.startswith("Bail out!"):
            self.bailed = True
            self.problems.append(f"gave up: {text[len('Bail out!'):].strip()}")
        elif text.startswith("#") and self.tests:
            self.tests[-1].diagnostics.append(text[1:].removeprefix(" "))

    def _planned(self, count: int) -> None:
        if self.plan is not None:
            self.problems.append("printed two plans")
        self.plan = count

    def _tested(self, verdict: str, number: str | None, name: str) -> None:
        expected = len(self.tests) + 1
        if number is not None and int(number) != expected:
            self.problems.append(f"test number {number} came where {expected} was due")
        skipped = DIRECTIVE.match(name)
        if skipped and verdict == "ok":
            self.tests.append(Test(skipped[1], "skip", [skipped[2]]))
        else:
            self.tests.append(Test(name or f"test {expected}", verdict))

    def end(self, status: int, timed_out: int | None) -> None:
        """status as subprocess has it: negative for a signal; timed_out: the limit in seconds"""
        if timed_out is not None:
            self.problems.append(f"ended by its time limit of {timed_out} s")
        elif status < 0:
            self.problems.append(f"killed by {signal.Signals(-status).name}")
        self._check_count()
        if status > 0 and not self.problems and not self.count("not ok"):
            self.problems.append(f"exited with status {status} although no test failed")

    def _check_count(self) -> None:
        seen = len(self.tests)
        if not seen:
            self.problems.append("ran no test")
        elif self.plan is None and not self.bailed:
            self.problems.append(f"printed no plan; {seen} tests were seen")
        elif self.plan is not None and seen != self.plan:
            self.problems.append(f"planned {self.plan} tests and ran {seen}")

    def count(self, verdict: str) -> int:
        return sum(test.verdict == verdict for test in self.tests)

    @property
    def failed(self) -> int:
        return self.count("not ok") + len(self.problems)
