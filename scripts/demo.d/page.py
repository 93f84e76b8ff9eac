# SPDX-License-Identifier: GPL-2.0
"""The run as one page: ladder, before and after, pinholes, audio. No part comes from elsewhere."""
from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

from chart import recordings, timeline
from marks import Line, changed_bytes, compare_messages
from sip import Address, host_port
from trace import Phase, Pinhole, Shown, Trace

HERE = Path(__file__).resolve().parent
PHONE, ROUTER, SERVER, FRIEND = range(4)
TOGETHER = 0.002  # pinholes that open within this time belong to one message


def _x(lane: int) -> float:
    return 12.5 + 25 * lane


def _span(kind: str, a: int, b: int, text: str = "") -> str:
    left, width = min(_x(a), _x(b)), abs(_x(a) - _x(b))
    return (f'<span class="{kind}" style="left:{left:g}%;width:{width:g}%">'
            f"<b>{escape(text)}</b></span>" if text else
            f'<span class="{kind}" style="left:{left:g}%;width:{width:g}%"></span>')


def _arrow(a: int, b: int) -> str:
    return _span(f"arrow {'right' if b > a else 'left'}", a, b)


class Ladder:
    """Everything that happened, one row each, in order of time."""

    def __init__(self, trace: Trace, names: dict[str, str]) -> None:
        self.trace = trace
        self.lanes = {host: place for place, host in enumerate(names)}
        self.router = list(names)[ROUTER]

    def lane(self, address: Address) -> int:
        return self.lanes.get(address[0], SERVER)

    def clock(self, when: float) -> str:
        return f'<span class="time">{when - self.trace.began:.3f} s</span>'

    def rows(self) -> str:
        rows = [(p.began, self.phase(p)) for p in self.trace.phases]
        rows += [(m.when, self.message(m)) for m in self.trace.messages()]
        rows += self.pinholes("opened", "opens", lambda p: p.opened)
        rows += self.pinholes("closed", "closes", lambda p: p.closed)
        rows += [row for p in self.trace.phases for row in self.audio(p)]
        return "\n".join(text for _, text in sorted(rows, key=lambda row: row[0]))

    def phase(self, phase: Phase) -> str:
        failed = f" <em>{escape(phase.failure.splitlines()[0])}</em>" if phase.failure else ""
        return f'<div class="phase">{escape(phase.name)}{failed}</div>'

    def message(self, shown: Shown) -> str:
        source, label = self.lane(shown.before.source), escape(shown.name)
        if not shown.crosses:
            target = self.lane(shown.before.destination)
            lanes = _span("label", source, target, shown.name) + _arrow(source, target)
            body = self.single(shown, "between two parties outside; the router never sees it")
            return self.fold("beside", shown, lanes, body)
        way = "out" if shown.outbound else "in"
        if shown.after is None:
            lanes = (_span("label lost-note", source, ROUTER, shown.name)
                     + _arrow(source, ROUTER) + '<span class="spot lost"></span>')
            return self.fold(way, shown, lanes, self.single(shown, "did not leave the router"))
        target = self.lane(shown.after.destination)
        spot = "dot" if shown.changed else "ring"
        lanes = (_span("label", source, target, shown.name)
                 + _arrow(source, ROUTER) + _arrow(ROUTER, target)
                 + _span("where", source, ROUTER, self.seen_as(shown, True))
                 + _span("where", ROUTER, target, self.seen_as(shown, False))
                 + f'<span class="spot {spot}" title="{label}"></span>')
        return self.fold(way, shown, lanes, self.diff(shown))

    @staticmethod
    def seen_as(shown: Shown, first: bool) -> str:
        """The address of the phone inside, as each side of the router has it."""
        assert shown.after
        datagram = shown.before if first else shown.after
        return host_port(datagram.source if shown.outbound else datagram.destination)

    def fold(self, way: str, shown: Shown, lanes: str, body: str) -> str:
        return (f'<details class="message {way}"><summary class="row">{self.clock(shown.when)}'
                f'<div class="lanes">{lanes}</div></summary>{body}</details>')

    @staticmethod
    def single(shown: Shown, note: str) -> str:
        lines = shown.before.payload.decode("utf-8", "replace").rstrip("\r\n").split("\r\n")
        cells = "".join(f"<p>{escape(line)}</p>" for line in lines)
        return (f'<div class="diff"><div style="grid-column:1/-1"><h4>{escape(note)}</h4>'
                f"{cells}</div></div>")

    def diff(self, shown: Shown) -> str:
        assert shown.after
        pairs = compare_messages(shown.before.payload, shown.after.payload)
        note = f"{changed_bytes(pairs)} bytes differ" if shown.changed else "byte-identical"
        heads = [f"<h4>{word} the router: <code>{escape(host_port(d.source))}</code> to "
                 f"<code>{escape(host_port(d.destination))}</code>, {len(d.payload)} bytes"
                 f"{extra}</h4>" for word, d, extra in (("before", shown.before, ""),
                                                        ("after", shown.after, f", {note}"))]
        while pairs and pairs[-1] == ([], []):
            pairs.pop()
        rows = "".join(self.cell(a, "was") + self.cell(b, "now") for a, b in pairs)
        return f'<div class="diff">{"".join(heads)}{rows}</div>'

    @staticmethod
    def cell(line: Line, kind: str) -> str:
        text = "".join(f"<mark>{escape(p.text)}</mark>" if p.changed else escape(p.text)
                       for p in line)
        mark = f' class="{kind}"' if any(p.changed for p in line) else ""
        return f"<p{mark}>{text}</p>"

    def pinholes(self, done: str, does: str, when) -> list[tuple[float, str]]:
        """Pinholes that open or close together share one row."""
        groups: list[tuple[float, list[Pinhole]]] = []
        for pinhole in sorted((p for p in self.trace.pinholes if when(p)), key=when):
            if groups and when(pinhole) - groups[-1][0] < TOGETHER:
                groups[-1][1].append(pinhole)
            else:
                groups.append((when(pinhole), [pinhole]))
        return [(at, self.pinhole_row(at, group, done, does)) for at, group in groups]

    def pinhole_row(self, when: float, group: list[Pinhole], done: str, does: str) -> str:
        what = "pinhole" if len(group) == 1 else f"{len(group)} pinholes"
        shut = " shut" if done == "closed" else ""
        text = f"{what} {does if len(group) == 1 else does.rstrip('s')}"
        items = "".join(f"<li>{escape(describe(p))}</li>" for p in group)
        return (f'<details class="message holes"><summary class="row">{self.clock(when)}'
                f'<div class="lanes"><span class="chip{shut}">{escape(text)}</span></div>'
                f"</summary><ul>{items}</ul></details>")

    def audio(self, phase: Phase) -> list[tuple[float, str]]:
        rows = []
        for way, entered, left, ends in (("out", "lan", "wan", (PHONE, FRIEND)),
                                         ("in", "wan", "lan", (FRIEND, PHONE))):
            sent = self.trace.rtp_in(phase, entered, False)
            if not sent:
                continue
            passed = self.trace.rtp_in(phase, left, True)
            lanes = _span("label", ends[0], ends[1],
                          f"audio: {len(passed)} of {len(sent)} RTP packets crossed")
            lanes += _arrow(ends[0], ROUTER) + (_arrow(ROUTER, ends[1]) if passed else "")
            if passed:
                lanes += _span("where", ends[0], ROUTER, self.flow(sent[0], way))
                lanes += _span("where", ROUTER, ends[1], self.flow(passed[0], way))
            spot = "dot" if passed else "lost"
            rows.append((sent[0].when, f'<div class="row rtp {way}">{self.clock(sent[0].when)}'
                         f'<div class="lanes">{lanes}<span class="spot {spot}"></span></div></div>'))
        return rows

    @staticmethod
    def flow(datagram, way: str) -> str:
        return host_port(datagram.source if way == "out" else datagram.destination)


def describe(pinhole: Pinhole) -> str:
    host = pinhole.field("dst")
    return f"{pinhole.kind}: from {pinhole.source} to {host_port((host, pinhole.port))}"


def _heads(names: dict[str, str], addresses: dict[str, list[str]]) -> str:
    roles = {"alice": "phone inside", "router": "translates", "Kamailio": "registrar",
             "bob": "phone outside"}
    return "".join(
        f'<div class="{"router" if name == "router" else "end"}"><b>{escape(name)}</b>'
        f'<small>{escape(roles.get(name, ""))}</small>'
        + "".join(f"<small>{escape(a)}</small>" for a in addresses.get(host, [host])) + "</div>"
        for host, name in names.items())


def _cards(trace: Trace) -> str:
    crossed = [m for m in trace.messages() if m.crosses]
    changed = [m for m in crossed if m.changed]
    calls = [p for p in trace.phases if p.heard]
    total = sum(changed_bytes(compare_messages(m.before.payload, m.after.payload))
                for m in changed if m.after)
    cards = [(f"{sum(not p.failure for p in calls)} of {len(calls)}", "calls answered and ended"),
             (f"{sum(p.heard['alice'] for p in calls):.1f} s", "of the other's melody heard inside"),
             (f"{sum(p.heard['bob'] for p in calls):.1f} s", "of the other's melody heard outside"),
             (f"{len(changed)} of {len(crossed)}", f"messages translated, {total} bytes in all"),
             (str(len(trace.pinholes)), "pinholes opened, "
              f"{sum(p.closed is not None for p in trace.pinholes)} closed again")]
    return "\n".join(f"<li><b>{escape(big)}</b><span>{escape(small)}</span></li>"
                     for big, small in cards)


def _tables(tables: list[tuple[str, str]]) -> str:
    return "\n".join(f'<h3 class="table">{escape(title)}</h3><pre class="table">'
                     f"{escape(text.rstrip() or '(nothing)')}</pre>" for title, text in tables)


def write_page(path: Path, trace: Trace, names: dict[str, str], addresses: dict[str, list[str]],
               tunes: dict[str, tuple[int, ...]], tables: list[tuple[str, str]], verdict: str,
               helper: str) -> None:
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    path.write_text(template.substitute(
        css=(HERE / "page.css").read_text(encoding="utf-8"), helper=escape(helper),
        state="good" if verdict.startswith("demo: OK") else "bad",
        verdict=escape(verdict.removeprefix("demo: ")), cards=_cards(trace),
        heads=_heads(names, addresses), ladder=Ladder(trace, names).rows(),
        timeline=timeline(trace), heard=recordings(trace, tunes), tables=_tables(tables)),
        encoding="utf-8")
