# SPDX-License-Identifier: GPL-2.0
"""Many plays at once, each in a process of its own."""
from __future__ import annotations

import multiprocessing as mp
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol, TypeVar


class Play(Protocol):
    """What is played, and what it came to."""

    result: Any


P = TypeVar("P", bound=Play)
Perform = Callable[[P, Connection], None]
"""Runs in the new process, and sends the result over the connection."""


def _start(perform: Perform[P], play: P) -> tuple[Connection, mp.process.BaseProcess]:
    ours, theirs = mp.get_context("fork").Pipe(duplex=False)
    process = mp.get_context("fork").Process(target=perform, args=(play, theirs))
    process.start()
    theirs.close()
    return ours, process


def run_all(plays: list[P], jobs: int, perform: Perform[P], died: Any, finished: Callable[[], None]) -> None:
    """So many at once; `died` is the result of one whose process ended without a word."""
    waiting = deque(plays)
    running: dict[Connection, tuple[P, mp.process.BaseProcess]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            play = waiting.popleft()
            channel, process = _start(perform, play)
            running[channel] = (play, process)
        for ready in wait(list(running)):
            assert isinstance(ready, Connection)
            play, process = running.pop(ready)
            try:
                play.result = ready.recv()
            except EOFError:
                play.result = died
            ready.close()
            process.join()
            finished()
