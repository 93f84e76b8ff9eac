# SPDX-License-Identifier: GPL-2.0
"""Inside addresses in messages: what the router made of them, and what a server that saw
the outside ones would have written instead."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flow import header_name
from sip import Address, host_text

# The address map: what no list here names is never touched.
ROUTING = {"", "contact", "route", "record-route", "path", "service-route", "refer-to"}
IDENTITY = {"from", "to", "reply-to", "referred-by", "p-asserted-identity", "diversion",
            "p-preferred-identity", "remote-party-id", "history-info"}
UNTOUCHED_PARAMETERS = {b"tag", b"branch"}
SDP_NUMBERS = re.compile(rb"m=[^ ]+ (\d+)|a=rtcp:(\d+)|a=candidate:(?:[^ ]+ ){5}(\d+)")
SDP_TYPE = re.compile(rb"(?mi)^(?:content-type|c)[ \t]*:[ \t]*application[ \t]*/[ \t]*sdp\b")
BOUNDARY = re.compile(rb"(?mi)^(?:content-type|c)[ \t]*:[ \t]*multipart.*?"
                      rb"boundary[ \t]*=[ \t]*\"?([^\"\s;]+)")
RPORT = re.compile(rb";[ \t]*rport=(\d+)", re.IGNORECASE)
RECEIVED = re.compile(rb";[ \t]*received=([^;,\s]+)", re.IGNORECASE)
DIGITS = re.compile(rb"\d+")


@dataclass(frozen=True)
class Word:
    """A place in a line that the router may change."""

    start: int
    end: int
    text: bytes
    is_address: bool


@dataclass(frozen=True)
class Line:
    """One line and what it is of: the start line, a field (a folded line bears its name),
    the session description, or what is never touched."""

    text: bytes
    name: str
    kind: str


def _kind_of(name: str) -> str:
    if name == "via":
        return "via"
    return "routing" if name in ROUTING else "identity" if name in IDENTITY else "untouched"


def lines_of(message: bytes) -> Iterator[Line]:
    """Lines end in LF; a CR before it is a part of the line."""
    lines = message.split(b"\n")
    gap = next((n for n, text in enumerate(lines) if n and text in (b"", b"\r")), len(lines))
    name = ""
    for place, text in enumerate(lines[:gap]):
        if place and text[:1] not in (b" ", b"\t"):
            name = header_name(text)
        yield Line(text, name, _kind_of(name))
    head = b"\n".join(lines[:gap])
    boundary = BOUNDARY.search(head)
    is_sdp = SDP_TYPE.search(head) is not None
    yield from _body_lines(lines[gap:], b"--" + boundary[1] if boundary else b"", is_sdp)


def _body_lines(lines: list[bytes], boundary: bytes, is_sdp: bool) -> Iterator[Line]:
    """Of a multipart body, the session descriptions alone may be touched."""
    in_head = False
    for text in lines:
        if boundary and text.startswith(boundary):
            in_head, is_sdp = True, False
        is_sdp = is_sdp or in_head and SDP_TYPE.search(text) is not None
        yield Line(text, "", "body" if is_sdp and not in_head else "untouched")
        in_head = in_head and text.rstrip(b"\r") != b""


def address_pattern(hosts: Iterable[str]) -> re.Pattern[bytes]:
    """These hosts as a message writes them: with a port or without, never as a user."""
    names = b"|".join(_host_pattern(host) for host in sorted(hosts))
    return re.compile(rb"(?:" + names + rb")(?::\d+)?(?![\w@-]|\.\w)", re.IGNORECASE)


def _host_pattern(host: str) -> bytes:
    text = re.escape(host.encode())
    if ":" not in host:
        return rb"(?<![\w.-])" + text
    return rb"\[" + text + rb"\]|(?<![\w.:\[-])" + text + rb"(?!:)"


def words_of(line: Line, addresses: re.Pattern[bytes]) -> list[Word]:
    found = []
    for match in addresses.finditer(line.text) if line.kind != "untouched" else ():
        before = re.search(rb";[ \t]*([\w-]+)=[^;]*$", line.text[:match.start()])
        if before is None or before[1].lower() not in UNTOUCHED_PARAMETERS:
            found.append(Word(match.start(), match.end(), match[0], True))
    for start, end in _numbers(line):
        if not any(word.start <= start < word.end for word in found):
            found.append(Word(start, end, line.text[start:end], False))
    return sorted(found, key=lambda word: word.start)


def _numbers(line: Line) -> Iterator[tuple[int, int]]:
    if line.kind == "body":
        numbers = SDP_NUMBERS.match(line.text)
        if numbers and numbers.lastindex:
            yield numbers.span(numbers.lastindex)
    elif line.name == "content-length":
        yield from (match.span() for match in DIGITS.finditer(line.text))
    elif line.name == "via":
        yield from (match.span(1) for match in RPORT.finditer(line.text))


def align(line: Line, words: list[Word], after: bytes, outside: str) -> list[bytes] | None:
    """What stands for each word, or None if the rest of the line is not as it was."""
    there = re.escape(host_text(outside).encode()) + b"|" + re.escape(outside.encode())
    pattern, place = b"", 0
    for word in words:
        pattern += re.escape(line.text[place:word.start])
        host = re.escape(re.sub(rb":\d+$", b"", word.text)) + b"|" + there
        pattern += rb"((?:" + host + rb")(?::\d+)?)" if word.is_address else rb"(\d+)"
        place = word.end
    match = re.fullmatch(pattern + re.escape(line.text[place:]), after)
    return list(match.groups()) if match else None


def parted(text: bytes) -> Address:
    """Host and port of a word; 5060 where none is written."""
    match = re.fullmatch(rb"(\[[^\]]*\]|[^:]*|[0-9a-fA-F:]*:[0-9a-fA-F:]*)(?::(\d+))?", text)
    assert match
    return match[1].decode().strip("[]"), int(match[2] or 5060)


def branch_of(line: Line) -> str:
    found = re.search(rb";[ \t]*branch=([^;,\s]+)", line.text) if line.kind == "via" else None
    return found[1].decode("utf-8", "replace") if found else line.kind


@dataclass(frozen=True)
class Way:
    """Who sent to whom, and as whom the receiver saw it."""

    author: Address
    server: Address
    seen: Address


class Names:
    """What each server outside knows the inside's addresses by."""

    def __init__(self, inside: Iterable[str], media: Iterable[str], outside: str) -> None:
        self.patterns = {host: address_pattern([host]) for host in inside}
        self.media = {host: address_pattern([host, *media]) for host in inside}
        self.inside = re.compile(b"")
        self.ways: dict[tuple[Way, str, bytes], bytes] = {}
        self.outside = outside
        self.seen: dict[tuple[str, str, bytes], bytes] = {}
        self.sockets: dict[Address, Address] = {}

    def left(self, before: bytes, after: bytes, way: Way) -> list[str]:
        """Learns from a message that went out; returns what is wrong with it."""
        self.inside = self.patterns[way.author[0]]
        old, new = list(lines_of(before)), after.split(b"\n")
        if len(old) != len(new):
            return [f"{len(old)} lines became {len(new)}"]
        faults = []
        for line, text in zip(old, new):
            if line.kind == "body":
                self.inside = self.media[way.author[0]]
            words = words_of(line, self.inside)
            stands = align(line, words, text, self.outside)
            if stands is None:
                faults.append(f"{line.text!r} became {text!r}")
                continue
            for word, stand in zip(words, stands):
                faults += [f"{fault}: {text!r}" for fault in self._judge(line, word, stand, way)]
                self._learn(line, word, stand, way.server[0])
        return faults

    def _judge(self, line: Line, word: Word, stand: bytes, way: Way) -> Iterator[str]:
        if not word.is_address:
            return
        if self.inside.match(stand):
            yield "inside address left"
        if line.kind not in ("via", "routing"):
            return
        if parted(word.text) == way.author and parted(stand) != way.seen:
            yield f"the sender is seen as {way.seen} and not so named"
        if self.ways.setdefault((way, line.kind, word.text), stand) != stand:
            yield "the same address was translated otherwise before"

    def _learn(self, line: Line, word: Word, stand: bytes, server: str) -> None:
        if not word.is_address or line.kind == "body":
            return
        for who in (server, ""):
            self.seen[who, line.kind, word.text] = stand
            self.seen[who, branch_of(line), word.text] = stand
        if line.kind != "identity":
            self.sockets[parted(word.text)] = parted(stand)

    def answered(self, recorded: bytes, server: str, near: Address, target: Address) -> bytes:
        """A recorded message from outside, to this socket inside, as its author would have
        written it here."""
        self.inside = self.patterns[near[0]]
        fresh, vias = [], 0
        for line in lines_of(recorded):
            vias += line.name == "via"
            fresh.append(self._answered(line, server, near[1] if vias == 1 else 0, target)
                         if line.kind != "body" else line.text)
        return b"\n".join(fresh)

    def _answered(self, line: Line, server: str, port: int, target: Address) -> bytes:
        text, place = b"", 0
        for word in words_of(line, self.inside):
            text += line.text[place:word.start]
            place = word.end
            if word.is_address and re.search(rb"(?i)received=$", line.text[:word.start]):
                bare = word.text[:1] != b"["
                text += (self.outside if bare else host_text(self.outside)).encode()
            elif word.is_address:
                text += self.name_of(line, word.text, server)
            elif not word.is_address and self._is_ours(line, word, port):
                text += str(target[1]).encode()
            else:
                text += word.text
        return text + line.text[place:]

    def _is_ours(self, line: Line, word: Word, port: int) -> bool:
        """An rport that says where the message came from, and not where from behind some
        further translator that was there at the time of the recording."""
        received = RECEIVED.search(line.text)
        return (line.name == "via" and int(word.text) == port
                and (received is None or self.inside.fullmatch(received[1]) is not None))

    def name_of(self, line: Line, word: bytes, server: str) -> bytes:
        """By what this server saw in the same transaction's Via, in such fields, or what
        any server saw."""
        kind = line.kind
        for known in ((server, branch_of(line), word), (server, kind, word), ("", kind, word)):
            if known in self.seen:
                return self.seen[known]
        socket = parted(word)
        host, port = self.sockets.get(socket, (self.outside, socket[1]))
        written = b":" in word.rpartition(b"]")[2] if word[:1] == b"[" else word.count(b":") == 1
        if written or (port != 5060 and kind != "identity"):
            return f"{host_text(host)}:{port}".encode()
        return host_text(host).encode()
