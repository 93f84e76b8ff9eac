# SPDX-License-Identifier: GPL-2.0
"""SIP messages as bytes that can be compared, and the few words of SDP that calls need."""
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

COMPACT = {"v": "via", "m": "contact", "f": "from", "t": "to", "i": "call-id",
           "l": "content-length", "c": "content-type", "r": "refer-to"}
Address = tuple[str, int]


def host_text(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def host_port(address: Address) -> str:
    return f"{host_text(address[0])}:{address[1]}"


@dataclass(frozen=True)
class Message:
    """A message as it was on the wire, with lines to look at."""

    raw: bytes

    @cached_property
    def text(self) -> str:
        return self.raw.decode("utf-8", "replace")

    @cached_property
    def _halves(self) -> tuple[str, str]:
        head, *body = re.split(r"\r?\n\r?\n", self.text, maxsplit=1)
        return head, "".join(body)

    @property
    def start(self) -> str:
        return re.split(r"\r?\n", self._halves[0], maxsplit=1)[0]

    @property
    def body(self) -> str:
        return self._halves[1]

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        head = re.sub(r"\r?\n[ \t]+", " ", self._halves[0])
        pairs = [line.partition(":") for line in re.split(r"\r?\n", head)[1:]]
        return [(COMPACT.get(n.strip().lower(), n.strip().lower()), v.strip())
                for n, _, v in pairs]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]

    def get(self, name: str) -> str:
        found = self.all(name)
        return found[0] if found else ""

    @property
    def is_request(self) -> bool:
        return not self.start.startswith("SIP/2.0")

    @property
    def method(self) -> str:
        return self.start.split(" ", 1)[0] if self.is_request else self.get("CSeq").split()[-1]

    @property
    def uri(self) -> str:
        return self.start.split(" ")[1] if self.is_request else ""

    @property
    def status(self) -> int:
        return 0 if self.is_request else int(self.start.split(" ")[1])

    @property
    def call_id(self) -> str:
        return self.get("Call-ID")

    @property
    def name(self) -> str:
        return self.start.split(" ")[0] if self.is_request else self.start[8:]

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same on both sides of any honest router."""
        return self.call_id, self.get("CSeq"), self.method if self.is_request else self.start

    def media(self) -> list[Address]:
        """Where each stream of the SDP wants to be sent to."""
        session, streams = "", []
        for line in re.split(r"\r?\n", self.body):
            if line.startswith("c="):
                host = line.split()[-1]
                if streams:
                    streams[-1] = (host, streams[-1][1])
                else:
                    session = host
            elif line.startswith("m="):
                streams.append((session, int(line.split()[1].split("/")[0])))
        return streams


def is_sip(payload: bytes) -> bool:
    first = payload.split(b"\n", 1)[0].rstrip(b"\r")
    return first.startswith(b"SIP/2.0 ") or first.endswith(b" SIP/2.0")


def build(start: str, headers: list[tuple[str, str]], body: str = "") -> Message:
    lines = [start] + [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body.encode())}")
    return Message(("\r\n".join(lines) + "\r\n\r\n" + body).encode())


def network(host: str) -> str:
    """An address as SDP writes it."""
    return f"IN IP{6 if ':' in host else 4} {host}"


def session(host: str, *lines: str, version: int = 0) -> str:
    """An SDP body of any shape: the usual head, then `lines`."""
    head = ["v=0", f"o=- 20518 {version} {network(host)}", "s=-", f"c={network(host)}", "t=0 0"]
    return "\r\n".join([*head, *lines]) + "\r\n"


def sdp(origin: str, *media: Address, extra: str = "") -> str:
    """An audio offer or answer: one stream per address, c= for each that differs."""
    first = media[0][0] if media else origin
    lines = ["v=0", f"o=- 20518 0 {network(origin)}", "s=-", f"c={network(first)}", "t=0 0"]
    for host, port in media:
        lines.append(f"m=audio {port} RTP/AVP 0 8")
        lines += [f"c={network(host)}"] if host != first else []
        lines += ["a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=sendrecv"]
    return "\r\n".join(lines) + "\r\n" + extra


def uri_of(value: str) -> str:
    """The URI of a name-addr or addr-spec header value."""
    unquoted = re.sub(r'"(\\.|[^"\\])*"', "", value)
    inside = re.search(r"<([^>]*)>", unquoted)
    return inside.group(1) if inside else unquoted.split(";")[0].strip()


def address_of(uri: str) -> Address:
    """Host and port of a SIP URI; the port is 5060 where none is written."""
    rest = re.sub(r"^sips?:", "", uri).rpartition("@")[2].split(";")[0].split("?")[0]
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d+))?", rest)
    if not found:
        raise ValueError(f"no host and port in {uri!r}")
    return found.group(1).strip("[]"), int(found.group(2) or 5060)


def sent_by(message: Message) -> Address | None:
    """The address in the top Via, which is the sender's; None if it has none."""
    found = re.match(r"[^;]*/\s*\w+\s+([^;,\s]+)", message.get("Via"))
    return address_of("sip:" + found.group(1)) if found else None


def tag_of(value: str) -> str:
    found = re.search(r";tag=([^;>\s]+)", value)
    return found.group(1) if found else ""


def via_without_answers(value: str) -> str:
    """A Via as its author wrote it: what servers fill in (RFC 3581) taken out again."""
    value = re.sub(r";received=[^;,\s]*", "", value)
    return re.sub(r";rport=\d+", ";rport", value)
