# SPDX-License-Identifier: GPL-2.0
"""Inside addresses in messages: what the router made of them, and what a server that saw
the outside ones would have written instead."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from capture import NEVER_TOUCHED
from flow import header_name
from sip import Address, host_text

ROUTING = {"", "contact", "route", "record-route", "path", "service-route", "refer-to"}
UNTOUCHED_PARAMETERS = {b"tag", b"branch"}
# No part of the address map: a Warning's text is for people (RFC 3261 20.43)
UNTOUCHED = NEVER_TOUCHED | {"warning"}
SDP_NUMBERS = re.compile(rb"m=[^ ]+ (\d+)|a=rtcp:(\d+)|a=candidate:(?:[^ ]+ ){5}(\d+)")
RPORT = re.compile(rb";[ \t]*rport=(\d+)")
RECEIVED = re.compile(rb";[ \t]*received=([^;,\s]+)")
DIGITS = re.compile(rb"\d+")


@dataclass(frozen=True)
class Word:
    """A place in a line that the router may change."""

    start: int
    end: int
    text: bytes
    is_address: bool
    kept: bool = False      # in a field or parameter that is never touched


@dataclass(frozen=True)
class Line:
    """One line with its place in the message; a folded one bears the name of its first."""

    text: bytes
    name: str
    body: bool

    @property
    def kind(self) -> str:
        if self.body:
            return "body"
        if self.name == "via":
            return "via"
        return "routing" if self.name in ROUTING else "identity"


def lines_of(message: bytes) -> Iterator[Line]:
    name, body = "", False
    for place, text in enumerate(message.split(b"\n")):
        if not body and place and text[:1] not in (b" ", b"\t"):
            name = header_name(text)
        yield Line(text, "" if body else name, body)
        body = body or (place > 0 and text in (b"", b"\r"))


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
    for match in addresses.finditer(line.text):
        before = re.search(rb";[ \t]*([\w-]+)=[^;]*$", line.text[:match.start()])
        kept = (line.name in UNTOUCHED
                or before is not None and before[1].lower() in UNTOUCHED_PARAMETERS)
        found.append(Word(match.start(), match.end(), match[0], True, kept))
    for start, end in _numbers(line):
        if not any(word.start <= start < word.end for word in found):
            found.append(Word(start, end, line.text[start:end], False))
    return sorted(found, key=lambda word: word.start)


def _numbers(line: Line) -> Iterator[tuple[int, int]]:
    if line.body:
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


class Names:
    """What each server outside knows the inside's addresses by."""

    def __init__(self, inside: Iterable[str], outside: str) -> None:
        self.patterns = {host: address_pattern([host]) for host in inside}
        self.inside = re.compile(b"")
        self.outside = outside
        self.seen: dict[tuple[str, str, bytes], bytes] = {}
        self.sockets: dict[Address, Address] = {}

    def left(self, before: bytes, after: bytes, author: str, server: str) -> list[str]:
        """Learns from a message that went out; returns what is wrong with it."""
        self.inside = self.patterns[author]
        old, new = list(lines_of(before)), after.split(b"\n")
        if len(old) != len(new):
            return [f"{len(old)} lines became {len(new)}"]
        faults = []
        for line, text in zip(old, new):
            words = words_of(line, self.inside)
            stands = align(line, words, text, self.outside)
            if stands is None:
                faults.append(f"{line.text!r} became {text!r}")
                continue
            for word, stand in zip(words, stands):
                self._learn(line, word, stand, server)
                if word.is_address and not word.kept and self.inside.match(stand):
                    faults.append(f"inside address in {text!r}")
        return faults

    def _learn(self, line: Line, word: Word, stand: bytes, server: str) -> None:
        if not word.is_address or line.kind == "body" or word.kept:
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
                         if not line.body else line.text)
        return b"\n".join(fresh)

    def _answered(self, line: Line, server: str, port: int, target: Address) -> bytes:
        text, place = b"", 0
        for word in words_of(line, self.inside):
            text += line.text[place:word.start]
            place = word.end
            if word.is_address and not word.kept:
                received = re.search(rb"received=\[?$", line.text[:word.start], re.IGNORECASE)
                text += (host_text(self.outside).encode() if received
                         else self.name_of(line, word.text, server))
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
