# SPDX-License-Identifier: GPL-2.0
"""The run on a terminal: colours where there are any, else [-before-] and {+after+}."""
from __future__ import annotations

from marks import Line, compare_messages

from trace import Shown, Trace


class Terminal:
    """Prints what happened since it printed last."""

    def __init__(self, trace: Trace, colour: bool, names: dict[str, str]) -> None:
        self.trace = trace
        self.colour = colour
        self.names = names
        self.printed = 0

    def paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def head(self, text: str) -> None:
        print("\n" + self.paint("1", text), flush=True)

    def say(self, text: str) -> None:
        print("  " + text, flush=True)

    def marked(self, line: Line, after: bool) -> str:
        if self.colour:
            code = "1;32" if after else "1;31"
            return "".join(self.paint(code, p.text) if p.changed else p.text for p in line)
        left, right = ("{+", "+}") if after else ("[-", "-]")
        return "".join(f"{left}{p.text}{right}" if p.changed else p.text for p in line)

    def name(self, host: str) -> str:
        return self.names.get(host, host)

    def new_messages(self) -> None:
        messages = self.trace.messages()
        for shown in messages[self.printed:]:
            self.message(shown)
        self.printed = len(messages)

    def message(self, shown: Shown) -> None:
        clock = f"{shown.when - self.trace.began:7.3f} s"
        sender, receiver = self.name(shown.before.source[0]), self.name(
            shown.after.destination[0] if shown.after else shown.before.destination[0])
        title = f"{clock}  {shown.name:<22} {sender} -> {receiver}"
        if not shown.crosses:
            self.say(self.paint("2", title + "  (does not pass the router)"))
            return
        if shown.after is None:
            self.say(title + self.paint("1;31", "  THE ROUTER DID NOT PASS IT ON"))
            return
        if not shown.changed:
            self.say(title + "  unchanged")
            return
        self.say(self.paint("1", title))
        for before, after in compare_messages(shown.before.payload, shown.after.payload):
            if any(p.changed for p in before + after):
                print(f"      before  {self.marked(before, False)}")
                print(f"      after   {self.marked(after, True)}", flush=True)

    def table(self, title: str, text: str) -> None:
        self.say(self.paint("1", title))
        for line in text.rstrip("\n").splitlines() or ["(nothing)"]:
            print(f"      {line}", flush=True)
