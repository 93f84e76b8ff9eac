# SPDX-License-Identifier: GPL-2.0
"""Memory that is refused (Documentation/fault-injection): which allocations, and how many of them."""
from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from bed import text_of_modules

DEBUG = Path("/sys/kernel/debug")


class Injection:
    """failslab, or fail_page_alloc. Nothing fails before it is told so."""

    def __init__(self, name: str) -> None:
        self.folder = DEBUG / name
        if not (self.folder / "require-start").exists():
            raise OSError(f"this kernel has no {name} with a filter by stack")
        self.counted = 0    # how many allocations the kernel has counted for the interval
        self.set(probability=0, verbose=0)
        if name == "fail_page_alloc":
            self.set(min_order=0)

    def set(self, **values: int | str) -> None:
        for name, value in values.items():
            (self.folder / name.replace("_", "-")).write_text(f"{value}\n", encoding="ascii")

    def left(self) -> int:
        """How many may still fail."""
        return int((self.folder / "times").read_text(encoding="ascii"))

    def ours_alone(self) -> None:
        """What is allocated by functions of our modules, and by those that they call."""
        start, end = text_of_modules()
        self.set(require_start=hex(start), require_end=hex(end), stacktrace_depth=32, task_filter="N")

    def of_anybody(self) -> None:
        self.set(require_start=0, require_end=hex(2 ** 64 - 1))

    @contextmanager
    def failing(self, probability: int = 100, *, times: int = -1, space: int = 0,
                waiting: bool = False) -> Iterator[None]:
        """By chance; or all, behind the first `space` bytes. waiting: also what may wait for memory."""
        self.set(times=times, space=space, interval=1, ignore_gfp_wait="N" if waiting else "Y",
                 probability=probability)
        try:
            yield
        finally:
            self.set(probability=0)

    @contextmanager
    def one_failing(self, number: int) -> Iterator[None]:
        """That one from here on, and no other.

        The kernel refuses each whose number divides by the interval, and goes on counting where it
        was; behind a refusal it does not count, so that it is known where.
        """
        interval = self.counted + number
        self.set(times=1, space=0, interval=interval, ignore_gfp_wait="Y", probability=100)
        try:
            yield
        finally:
            self.set(probability=0)
            self.counted = interval if interval > 1 else 0
