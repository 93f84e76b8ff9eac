# SPDX-License-Identifier: GPL-2.0
"""Flows made of what other projects keep: another ALG's messages before and after it,
single URIs with their translation, and session descriptions that go into calls."""
from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flow import Step, Unit, unicast
from sip import Address, build, host_port

SERVER = {4: "192.0.2.77", 6: "2001:db8:77::77"}
SIP_PORT = 5060
FIRST_MEDIA = 42000     # ports of the outside's media, two apart


def socket_of(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)


def alg_case(path: Path, name: str) -> Iterator[Unit]:
    """case.json and the messages beside it. What the inside saw is what both ends of a flow
    without NAT would have sent; what the outside saw is theirs to compare with ours."""
    case = json.loads(path.read_text())
    inside, outside = socket_of(case["inside"]), socket_of(case["outside"])
    # "fwd" is the way of the first message: to a forwarded server it comes in
    outward = not case["nat"].startswith("DNAT")
    steps, theirs = [], {}
    for number, message in enumerate(case["messages"]):
        leaves = (message["dir"] == "fwd") == outward
        near = path.parent / message["pre" if leaves else "post"]
        ends = (inside, outside) if leaves else (outside, inside)
        steps.append(Step(*ends, near.read_bytes(), near.name))
        if leaves:
            theirs[number] = (path.parent / message["post"]).read_bytes()
    if case["xlat"] == "-":
        yield Unit(name, steps, frozenset({inside[0]}), nat="routed", theirs=theirs)
        return
    host, port = socket_of(case["xlat"])
    yield Unit(name, steps, frozenset({inside[0]}), router=host,
               ports=f"{port}-{min(port + 976, 65535)}", theirs=theirs, theirs_as=(host, port))


def uri_cases(rows: list[dict[str, Any]], name: str) -> Iterator[Unit]:
    """Each URI as the Contact of an OPTIONS, each request line as itself, from 192.0.2.4 that
    another ALG made 1.1.1.1, and port 5060 that it made 1024."""
    near, far = ("192.0.2.4", SIP_PORT), ("203.0.113.8", SIP_PORT)
    steps, theirs = [], {}
    for number, row in enumerate(rows):
        steps.append(Step(near, far, _uri_message(row["orig"], number), row["orig"].strip()))
        theirs[number] = _uri_message(row["trans"], number)
    yield Unit(name, steps, frozenset({near[0]}), router="1.1.1.1", ports="1024-2000",
               theirs=theirs, theirs_as=("1.1.1.1", 1024))


def _uri_message(text: str, number: int) -> bytes:
    text = text.strip()
    line = text if text.endswith(" SIP/2.0") else "OPTIONS sip:far.example SIP/2.0"
    method = line.split(" ")[0]
    headers = [("Via", f"SIP/2.0/UDP phone.example;branch=z9hG4bK-uri-{number}"),
               ("From", "<sip:a@far.example>;tag=1"), ("To", "<sip:b@far.example>"),
               ("Call-ID", f"uri-{number}"), ("CSeq", f"1 {method}")]
    if line != text:
        headers.append(("Contact", text if text[0] == "<" else f"<{text.split(';')[0]}>"))
    return build(line, headers).raw


def sdp_calls(rows: list[dict[str, Any]], name: str) -> Iterator[Unit]:
    """Each session description as the offer, or the answer, of a phone inside."""
    files: dict[tuple[str, int], list[Step]] = {}
    homes: dict[tuple[str, int], set[str]] = {}
    different: set[tuple[str, bool]] = set()
    for row in rows:
        answers = "answer" in row["op"]
        if (row["in_sdp"], answers) in different:
            continue
        different.add((row["in_sdp"], answers))
        sdp = filled_in(row["in_sdp"])
        home = home_of(sdp)
        family = 6 if ":" in home else 4
        key = (Path(row["file"]).stem, family)
        call = Call(sdp, home, f"{key[0]}-{row['n']}", len(files.get(key, [])))
        files.setdefault(key, []).extend(call.answered() if answers else call.offered())
        homes.setdefault(key, set()).add(home)
    for (file, family), steps in files.items():
        yield Unit(f"{name} {file} IPv{family}", steps, frozenset(homes[file, family]))


def filled_in(sdp: str) -> str:
    """What a collection leaves open: the session's number, ports of RTP and those of RTCP."""
    sdp = sdp.replace("SDP_VERSION", "1 1")
    sections = re.split(r"(?m)^(?=m=)", sdp)
    return "".join(part.replace("a=rtcp:PORT", f"a=rtcp:{30001 + 2 * n}")
                   .replace("PORT", str(30000 + 2 * n)) for n, part in enumerate(sections))


def home_of(sdp: str) -> str:
    """The phone that this session is of: where its media is, else its origin."""
    hosts = re.findall(r"(?m)^[co]=.*IN IP[46] ([^\s/]+)", sdp)
    media = re.findall(r"(?m)^c=IN IP[46] ([^\s/]+)", sdp)
    return next(host for host in media + hosts + ["198.51.100.250"] if unicast(host))


class Call:
    """One call of a phone inside, on its own registered connection."""

    def __init__(self, sdp: str, home: str, name: str, number: int) -> None:
        self.sdp = sdp
        self.name = name
        self.near = (home, SIP_PORT)
        self.far = (SERVER[6 if ":" in home else 4], SIP_PORT)
        self.first = FIRST_MEDIA + number % 1000 * 20

    def other(self) -> str:
        """What the far end says to the same streams: its own address and ports."""
        host, lines = self.far[0], []
        version = 6 if ":" in host else 4
        media = re.findall(r"(?m)^m=(\S+) (\d+)(\S*) (.*)$", self.sdp)
        for number, (kind, port, count, rest) in enumerate(media):
            place = 0 if port == "0" else self.first + 2 * number
            lines.append(f"m={kind} {place}{count} {rest.strip()}")
        return "\r\n".join(["v=0", f"o=- 1 1 IN IP{version} {host}", "s=-",
                            f"c=IN IP{version} {host}", "t=0 0", *lines]) + "\r\n"

    def request(self, method: str, outward: bool, number: int, body: str = "",
                tag: str = "") -> Step:
        author, other = (self.near, self.far) if outward else (self.far, self.near)
        uri = f"sip:x@{host_port(other)}"
        headers = [("Via", f"SIP/2.0/UDP {host_port(author)};branch=z9hG4bK-{self.name}-{number}{method}"),
                   ("Max-Forwards", "70"), ("From", f"<sip:{'a' if outward else 'b'}@pairs.example>;tag=1"),
                   ("To", "<sip:c@pairs.example>" + tag), ("Call-ID", self.name),
                   ("CSeq", f"{number} {method}"), ("Contact", f"<sip:x@{host_port(author)}>")]
        return self.step(f"{method} {uri} SIP/2.0", headers, body, author, other)

    def response(self, request: Step, status: str, body: str = "") -> Step:
        """With what the request says, and a tag."""
        lines = [line.partition(": ") for line in request.data.decode().split("\r\n\r\n")[0].split("\r\n")]
        kept = [(n, v) for n, _, v in lines if n in ("Via", "From", "To", "Call-ID", "CSeq")]
        headers = [(n, v if n != "To" or ";tag=" in v else v + ";tag=2") for n, v in kept]
        author, other = request.destination, request.source
        headers.append(("Contact", f"<sip:x@{host_port(author)}>"))
        return self.step(f"SIP/2.0 {status}", headers, body, author, other)

    def step(self, start: str, headers: list[tuple[str, str]], body: str, author: Address,
             other: Address) -> Step:
        if body:
            headers.append(("Content-Type", "application/sdp"))
        return Step(author, other, build(start, headers, body).raw, self.name)

    def _dialog(self, outward: bool, offer: str, answer: str) -> list[Step]:
        invite = self.request("INVITE", outward, 1, offer)
        bye = self.request("BYE", outward, 2, tag=";tag=2")
        return [invite, self.response(invite, "180 Ringing"),
                self.response(invite, "200 OK", answer),
                self.request("ACK", outward, 1, tag=";tag=2"), bye, self.response(bye, "200 OK")]

    def offered(self) -> list[Step]:
        return self._dialog(True, self.sdp, self.other())

    def answered(self) -> list[Step]:
        options = self.request("OPTIONS", True, 9)
        return [options, self.response(options, "200 OK"),
                *self._dialog(False, self.other(), self.sdp)]
