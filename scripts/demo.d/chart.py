# SPDX-License-Identifier: GPL-2.0
"""The drawings of the page: the router's time line, and what each end heard."""
from __future__ import annotations

import base64
import io
import struct
import wave
from html import escape

from programs import RATE, share_of_tone
from trace import Phase, Pinhole, Trace

WIDTH, LEFT, RIGHT = 1000, 226, 16
BAR, GAP, FLOW = 15, 7, 34
STEP = 0.1


class Scale:
    """Seconds of the run to x."""

    def __init__(self, trace: Trace) -> None:
        self.began = trace.began
        self.length = max([p.ended for p in trace.phases] + [trace.began + 1]) - trace.began

    def x(self, when: float) -> float:
        part = min(max((when - self.began) / self.length, 0.0), 1.0)
        return LEFT + part * (WIDTH - LEFT - RIGHT)


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
            f"{escape(text)}</text>")


def _rect(x: float, y: float, width: float, height: float, kind: str, title: str = "") -> str:
    inner = f"<title>{escape(title)}</title>" if title else ""
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 2):.1f}" height="{height:.1f}" '
            f'rx="2" class="{kind}">{inner}</rect>')


def _grid(scale: Scale, height: float) -> str:
    parts = []
    step = 1 if scale.length < 16 else 5 if scale.length < 80 else 20
    for second in range(0, int(scale.length) + 1, step):
        x = scale.x(scale.began + second)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="22" y2="{height:.1f}" class="grid"/>')
        parts.append(_text(x, height + 14, f"{second} s", "soft", "middle"))
    return "".join(parts)


def _phases(scale: Scale, phases: list[Phase], height: float) -> str:
    parts = []
    for phase in phases:
        if not phase.heard:
            continue
        x = scale.x(phase.began)
        parts.append(_rect(x, 22, scale.x(phase.ended) - x, height - 22, "band"))
        parts.append(_text(x + 4, 14, phase.name, "soft"))
    return "".join(parts)


def _rows(pinholes: list[Pinhole]) -> list[tuple[str, list[Pinhole]]]:
    """One row for each thing that was let through; pinholes for the same share it."""
    rows: dict[str, list[Pinhole]] = {}
    for pinhole in pinholes:
        rows.setdefault(f"{pinhole.kind}  {pinhole.field('dst')}:{pinhole.port}", []).append(pinhole)
    return list(rows.items())


def _flow(scale: Scale, times: list[float], y: float, kind: str) -> str:
    """Packets per tenth of a second as a row of small columns."""
    counts: dict[int, int] = {}
    for when in times:
        step = int((when - scale.began) / STEP)
        counts[step] = counts.get(step, 0) + 1
    highest = max(counts.values(), default=1)
    return "".join(_rect(scale.x(scale.began + step * STEP), y + FLOW * (1 - count / highest),
                         scale.x(scale.began + STEP) - LEFT - 0.8, FLOW * count / highest, kind)
                   for step, count in counts.items())


def timeline(trace: Trace) -> str:
    scale, y, parts = Scale(trace), 34.0, []
    parts.append(_text(LEFT - 10, y + 10, "SIP messages", "soft", "end"))
    for message in trace.messages():
        if message.crosses:
            x = scale.x(message.when)
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y:.1f}" y2="{y + 12:.1f}" '
                         f'class="tick"><title>{escape(message.name)}</title></line>')
    y += BAR + GAP + 4
    for label, group in _rows(trace.pinholes):
        parts.append(_text(LEFT - 10, y + 11, label, "mono", "end"))
        for hole in group:
            end = hole.closed or scale.began + scale.length
            kind = hole.kind if hole.kind in ("signalling", "audio") else "other"
            parts.append(_rect(scale.x(hole.opened), y, scale.x(end) - scale.x(hole.opened), BAR,
                               kind, f"from {hole.source}"))
        y += BAR + GAP
    for label, interface, kind in (("audio out", "wan", "flow-out"), ("audio in", "lan", "flow-in")):
        parts.append(_text(LEFT - 10, y + FLOW / 2 + 8, label, "soft", "end"))
        parts.append(_flow(scale, [d.when for d in trace.rtp(interface, True)], y + 4, kind))
        y += FLOW + 12
    under = _phases(scale, trace.phases, y) + _grid(scale, y)
    return (f'<svg viewBox="0 0 {WIDTH} {y + 24:.0f}" role="img" aria-label="Pinholes and audio '
            f'over time">{under}{"".join(parts)}</svg>')


def _roll(samples: tuple[int, ...], tunes: dict[str, tuple[int, ...]]) -> str:
    """The recording as notes: one mark for each piece in which a known note sounds."""
    every = sorted((hertz, name) for name, tune in tunes.items() for hertz in tune)
    piece, marks = RATE // 20, []
    count = max(len(samples) // piece, 1)
    for column in range(len(samples) // piece):
        part = samples[column * piece:(column + 1) * piece]
        share, row = max((share_of_tone(part, hertz), row) for row, (hertz, _) in enumerate(every))
        if share > 0.6:
            marks.append(f'<rect x="{column * 400 / count:.1f}" y="{50 - row * 9}" rx="2" '
                         f'width="{400 / count + 0.4:.1f}" height="6" '
                         f'class="{every[row][1]}"/>')
    lines = "".join(f'<path d="M0 {53 - row * 9}H400"/>' for row in range(len(every)))
    return (f'<svg viewBox="0 0 400 58" preserveAspectRatio="none" aria-hidden="true">{lines}'
            f'{"".join(marks)}</svg>')


def _player(samples: tuple[int, ...]) -> str:
    if not samples:
        return ""
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    data = base64.b64encode(memory.getvalue()).decode("ascii")
    return f'<audio controls preload="none" src="data:audio/wav;base64,{data}"></audio>'


def recordings(trace: Trace, tunes: dict[str, tuple[int, ...]]) -> str:
    cards = []
    for phase in trace.phases:
        for name, seconds in phase.heard.items():
            samples = phase.samples.get(name, ())
            cards.append(
                f"<article><h3>{escape(name)}, {'inside' if name == 'alice' else 'outside'}</h3>"
                f"<p>{escape(phase.name)}: {seconds:.1f} s of the other's melody</p>"
                f"{_roll(samples, tunes)}{_player(samples)}</article>")
    return "\n".join(cards) or "<p>No call was made.</p>"
