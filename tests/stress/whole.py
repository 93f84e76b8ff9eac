# SPDX-License-Identifier: GPL-2.0
"""Messages that carry their own proof: how many addresses they name, and a sum over all of their bytes.

So whoever receives one can tell, alone and without knowing what was sent, whether it is as it was
sent or translated in every place (R3).
"""
from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

PROOF = b"X-Whole: %08x %02d\r\n"
EMPTY = b"X-Whole: -------- --\r\n"
FOUND = re.compile(rb"X-Whole: ([0-9a-f]{8}) (\d\d)\r\n")
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n")
INSIDE = re.compile(rb"(?<![\d.])10\.77\.0\.\d+(?![\d.])")
ROUTER = re.compile(rb"(?<![\d.])203\.0\.113\.[12](?![\d.])")
SDP = (b"v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n"
       b"a=rtpmap:0 PCMU/8000\r\n")


def sealed(head: bytes, body: bytes, names: re.Pattern[bytes]) -> bytes:
    """The message with its proof; `names` finds the addresses that may be translated in it."""
    message = (head + EMPTY + b"Content-Length: %d\r\n\r\n" % len(body)) + body
    proof = PROOF % (zlib.crc32(message), len(names.findall(message)))
    return message.replace(EMPTY, proof, 1)


def fault(message: bytes, names: re.Pattern[bytes]) -> str:
    """Why this is neither what was sent nor wholly translated; empty if it is."""
    proof = FOUND.search(message)
    if not proof:
        return "it has lost its proof"
    head, _, body = message.partition(b"\r\n\r\n")
    length = LENGTH.search(head + b"\r\n")
    if not length or int(length.group(1)) != len(body):
        return "its Content-Length is wrong"
    left, named = len(names.findall(message)), int(proof.group(2))
    if left == 0 and named:
        return ""
    if left != named:
        return f"{left} of {named} addresses are left"
    as_sent = message.replace(proof.group(), EMPTY, 1)
    return "" if zlib.crc32(as_sent) == int(proof.group(1), 16) else "it was changed, but not translated"


@dataclass(frozen=True)
class Writer:
    """Who writes: what it calls itself."""

    host: str
    port: int
    names: re.Pattern[bytes]    # of the addresses that may be translated in what it sends
    transport: str = "UDP"

    @property
    def over(self) -> bytes:
        return b";transport=tcp" if self.transport == "TCP" else b""

    def request(self, method: str, call: str, number: int, to: str, media: int = 0, *,
                tags: tuple[str, str] = ("f", ""), expires: int = 60) -> bytes:
        host, far = self.host.encode(), to.encode()
        start = b"sip:%s" % far if method == "REGISTER" else b"sip:b@%s%s" % (far, self.over)
        head = b"".join((
            b"%s %s SIP/2.0\r\n" % (method.encode(), start),
            b"Via: SIP/2.0/%s %s:%d;rport;branch=z9hG4bK%s-%d\r\n" % (
                self.transport.encode(), host, self.port, call.encode(), number),
            b"Max-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=%s\r\n" % tags[0].encode(),
            b"To: <sip:b@example.com>%s\r\n" % (b";tag=" + tags[1].encode() if tags[1] else b""),
            b"Call-ID: %s\r\nCSeq: %d %s\r\n" % (call.encode(), number, method.encode()),
            b"" if method in ("BYE", "CANCEL") else b"Contact: <sip:a@%s:%d%s>\r\n" % (
                host, self.port, self.over),
            b"Expires: %d\r\n" % expires if method in ("REGISTER", "SUBSCRIBE") else b"",
            b"Content-Type: application/sdp\r\n" if media else b""))
        body = SDP % (host, host, media) if media else b""
        return sealed(head, body, self.names)

    def answer(self, request: bytes, status: int, media: int = 0, tag: str = "t") -> bytes:
        """To a request as it arrived here."""
        lines = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
        kept = [line for line in lines if line.startswith((b"Via:", b"From:", b"Call-ID:", b"CSeq:"))]
        to = next(line for line in lines if line.startswith(b"To:"))
        kept.append(to if b";tag=" in to else to + b";tag=" + tag.encode())
        if b" REGISTER" in lines[0][:9] or lines[0].startswith((b"REGISTER", b"SUBSCRIBE")):
            kept += [line for line in lines if line.startswith((b"Contact:", b"Expires:"))]
        else:
            kept.append(b"Contact: <sip:b@%s:%d%s>" % (self.host.encode(), self.port, self.over))
        kept += [b"Content-Type: application/sdp"] if media else []
        body = SDP % (self.host.encode(), self.host.encode(), media) if media else b""
        return sealed(b"SIP/2.0 %d OK\r\n" % status + b"\r\n".join(kept) + b"\r\n", body, self.names)
