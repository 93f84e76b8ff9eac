# SPDX-License-Identifier: GPL-2.0
"""The streams that a message's SDP names, and which of them offer and answer agree on."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from flow import Unit, header_name, unicast
from sip import Address


@dataclass(frozen=True)
class Stream:
    """One m= line and where its RTP and RTCP are to be sent."""

    kind: str
    protocol: str
    rtp: Address
    rtcp: Address
    mux: bool

    @property
    def has_rtcp(self) -> bool:
        return (self.protocol.startswith("RTP/") and not self.mux and unicast(self.rtcp[0])
                and self.rtcp != self.rtp)

    @property
    def usable(self) -> bool:
        """UDP, not declined, not on hold by its address, no port of other services."""
        return (self.rtp[1] >= 1024 and not self.protocol.startswith("TCP")
                and unicast(self.rtp[0]))


def headers_of(message: bytes) -> dict[str, str]:
    """The first of each name; folded lines are not joined."""
    head = re.split(rb"\r?\n\r?\n", message, maxsplit=1)[0]
    found: dict[str, str] = {}
    for line in head.split(b"\n")[1:]:
        value = line.partition(b":")[2].strip().decode("utf-8", "replace")
        found.setdefault(header_name(line), value)
    return found


def sdp_of(message: bytes) -> str:
    """The session description, also as a part of a multipart body; empty if there is none."""
    parts = re.split(rb"\r?\n\r?\n", message, maxsplit=1)
    kind = headers_of(message).get("content-type", "").lower()
    if len(parts) < 2:
        return ""
    text = parts[1].decode("utf-8", "replace")
    if kind.startswith("multipart/"):
        found = re.search(r"(?is)content-type:\s*application/sdp.*?\r?\n\r?\n(.*?)\r?\n--", text)
        return found[1] if found else ""
    return text if kind.startswith("application/sdp") else ""


def streams_of(message: bytes) -> list[Stream]:
    session, *media = re.split(r"(?m)^(?=m=)", sdp_of(message))
    return [_stream(section, _host(session)) for section in media]


def _host(section: str) -> str:
    found = re.search(r"(?m)^c=IN IP[46] ([^\s/]+)", section)
    return found[1] if found else ""


def _stream(section: str, session_host: str) -> Stream:
    words = section.split("\n")[0].split()
    host = _host(section) or session_host
    port = int(words[1].split("/")[0]) if len(words) > 2 and words[1][0].isdigit() else 0
    named = re.search(r"(?m)^a=rtcp:(\d+)(?: IN IP[46] (\S+))?", section)
    rtcp = (named[2] or host, int(named[1])) if named else (host, port + 1)
    return Stream(words[0][2:], words[2] if len(words) > 2 else "", (host, port), rtcp,
                  "a=rtcp-mux" in section)


@dataclass(frozen=True)
class Session:
    """Streams that one side described: as it wrote them, and as the other side read them."""

    inside: bool
    written: tuple[Stream, ...]
    read: tuple[Stream, ...]


class Negotiation:
    """Offers and answers of a flow (RFC 3264), by Call-ID and CSeq number."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, str], Session] = {}
        self.played: set[tuple[Session, Session]] = set()

    def take(self, written: bytes, read: bytes, inside: bool) -> tuple[Session, Session] | None:
        """Inside's and outside's session once this message completes a pair."""
        session = Session(inside, tuple(streams_of(written)), tuple(streams_of(read)))
        if not session.written:
            return None
        headers = headers_of(written)
        key = headers.get("call-id", ""), headers.get("cseq", "").split(" ")[0]
        offer = self.open.get(key)
        is_offer = not re.match(rb"SIP/2\.0|ACK |PRACK ", written)
        if offer is None or is_offer or offer.inside == inside:
            self.open[key] = session
            return None
        pair = (session, offer) if inside else (offer, session)
        if pair in self.played:
            return None
        self.played.add(pair)
        return pair


def agreed(near: Session, far: Session) -> Iterator[tuple[Stream, Stream, Stream]]:
    """Each stream that both accept: the inside's as written and as read, the outside's."""
    for written, read, other in zip(near.written, near.read, far.read):
        if written.usable and read.usable and other.usable:
            yield written, read, other


def media_hosts(unit: Unit) -> set[str]:
    """Hosts outside that send media alone."""
    return named_hosts(step.data for step in unit.steps if not unit.outbound(step)) - unit.near


def with_media_hosts(unit: Unit) -> Unit | None:
    """The same with the hosts inside that messages from inside name for their media."""
    named = named_hosts(step.data for step in unit.steps if unit.outbound(step))
    named -= unit.inside | unit.far_hosts() | media_hosts(unit)
    if not named:
        return None
    name = unit.name.replace("inside]", "inside, media by others]")
    return replace(unit, media=frozenset(named), name=name)


def named_hosts(messages: Iterable[bytes]) -> set[str]:
    return {end[0] for message in messages for stream in streams_of(message) if stream.usable
            for end in (stream.rtp, stream.rtcp) if unicast(end[0])}
