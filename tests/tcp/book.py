# SPDX-License-Identifier: GPL-2.0
"""Messages of one connection, as one end writes them and as the other one must read them.

Each is written twice: with the address that its writer knows, and with the one that its
reader knows the phone by. Content-Length follows by itself.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from sip import Address, build, host_port, network

MEDIA = 4000
KEEP_ALIVE = b"\r\n\r\n"
PONG = b"\r\n"
USUAL = 300     # bytes of a session without more
Header = tuple[str, str]


@dataclass(frozen=True)
class Said:
    """A message as it is sent, and as it must be read."""

    sent: bytes
    read: bytes

    @property
    def untouched(self) -> "Said":
        return Said(self.sent, self.sent)


def plain(data: bytes) -> Said:
    """What no translation changes."""
    return Said(data, data)


def session(host: str, port: int, size: int) -> str:
    """An audio session of about that many bytes; lines beyond the usual fill it up."""
    lines = ["v=0", f"o=alice 2890844526 2890844526 {network(host)}", "s=-",
             f"c={network(host)}", "t=0 0", f"m=audio {port} RTP/AVP 0 8 101",
             "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:101 telephone-event/8000",
             "a=fmtp:101 0-16", "a=ptime:20", "a=sendrecv"]
    # as many whoever is named above
    lines += [f"a=x-filling:{number:03d} " + "stream " * 8 for number in range(max(size - USUAL, 0) // 73 + 1)]
    return "\r\n".join(lines) + "\r\n"


class Book:
    """Writes messages for one connection. `phone` is the phone's address as the writer of a
    message, or its reader, knows it."""

    def __init__(self, inside: Address, outside: Address, far: Address, mark: int) -> None:
        self.inside, self.outside, self.far = inside, outside, far
        self.mark = f"{mark:06d}"
        self.count = 0
        self.server = host_port(far)
        self.call = ""

    def _fresh(self) -> str:
        self.count += 1
        return f"{self.mark}-{self.count:05d}"

    def _out(self, write: Callable[[Address], bytes]) -> Said:
        return Said(write(self.inside), write(self.outside))

    def _in(self, write: Callable[[Address], bytes]) -> Said:
        return Said(write(self.outside), write(self.inside))

    def _fields(self, via: str, number: str, method: str, outward: bool) -> list[Header]:
        """Of a request, and of its answer: from and to stay as they are."""
        ends = ["<sip:alice@example.com>", "<sip:bob@example.net>"]
        if not outward:
            ends.reverse()
        return [("Via", f"SIP/2.0/TCP {via};branch=z9hG4bK-{number}"),
                ("From", f"{ends[0]};tag=from-{number}"), ("To", ends[1]),
                ("Call-ID", f"stream-{number}"), ("CSeq", f"1 {method}")]

    def _request(self, method: str, outward: bool, number: str, more: Callable[[str], list[Header]],
                 body: Callable[[Address], str] | None = None) -> Said:
        def write(phone: Address) -> bytes:
            own, other = host_port(phone), self.server
            if not outward:
                own, other = other, own
            user = "bob" if outward else "alice"
            fields = self._fields(own, number, method, outward)
            line = f"{method} sip:{user}@{other};transport=tcp SIP/2.0"
            return build(line, [fields[0], ("Max-Forwards", "70"), *fields[1:], *more(own)],
                         body(phone) if body else "").raw
        return (self._out if outward else self._in)(write)

    def _answer(self, method: str, outward: bool, number: str, more: Callable[[Address], list[Header]],
                body: Callable[[Address], str] | None = None) -> Said:
        """200, to a request of the other end."""
        def write(phone: Address) -> bytes:
            asked = self.server if outward else host_port(phone)
            fields = self._fields(asked, number, method, not outward)
            fields[2] = ("To", fields[2][1] + f";tag=to-{number}")
            return build("SIP/2.0 200 OK", [*fields, *more(phone)], body(phone) if body else "").raw
        return (self._out if outward else self._in)(write)

    @staticmethod
    def _contact(own: str, user: str = "alice") -> list[Header]:
        return [("Contact", f"<sip:{user}@{own};transport=tcp>")]

    # ---- from the phone ------------------------------------------------------------------------

    def register(self) -> Said:
        number = self.call = self._fresh()
        return self._request("REGISTER", True, number, lambda own: [
            *self._contact(own), ("Expires", "600"), ("User-Agent", "streams/1.0 (a phone)"),
            ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, MESSAGE")])

    def invite(self, size: int = 450, outward: bool = True) -> Said:
        """With a session of about that many bytes; about 1 kB in all as it is."""
        number = self.call = self._fresh()

        def body(phone: Address) -> str:
            return session(*((phone[0], MEDIA) if outward else (self.far[0], 7000)), size)
        return self._request("INVITE", outward, number, lambda own: [
            *self._contact(own, "alice" if outward else "bob"),
            ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, MESSAGE"),
            ("Supported", "replaces, outbound"), ("Content-Type", "application/sdp")], body)

    def accept(self, size: int = 450, outward: bool = True) -> Said:
        """200 to the last INVITE, of the other end."""
        def body(phone: Address) -> str:
            return session(*((phone[0], MEDIA) if outward else (self.far[0], 7000)), size)

        def more(phone: Address) -> list[Header]:
            own = host_port(phone) if outward else self.server
            return [*self._contact(own, "alice" if outward else "bob"),
                    ("Content-Type", "application/sdp")]
        return self._answer("INVITE", outward, self.call, more, body)

    def granted(self) -> Said:
        """200 to the last REGISTER."""
        return self._answer("REGISTER", False, self.call, lambda phone: [
            ("Contact", f"<sip:alice@{host_port(phone)};transport=tcp>;expires=600")])

    def options(self, outward: bool = True) -> Said:
        return self._request("OPTIONS", outward, self._fresh(), lambda own: [
            *self._contact(own), ("Accept", "application/sdp")])

    def message(self, size: int = 60, outward: bool = True, more: str = "") -> Said:
        """With a body of so many bytes that no translation changes."""
        text = ("Watson, come here. " * (size // 19 + 1))[:size]
        return self._request("MESSAGE", outward, self._fresh(), lambda own: [
            ("Content-Type", "text/plain"), ("Subject", f"call{more}")], lambda phone: text)

    def notify(self, size: int = 40000, outward: bool = True) -> Said:
        """The state of many dialogs."""
        number = self._fresh()
        row = '<dialog id="{:05d}"><state>confirmed</state><local>sip:alice@example.com</local></dialog>\r\n'
        rows = "".join(row.format(n) for n in range(size // len(row) + 1))
        text = f'<?xml version="1.0"?>\r\n<dialog-info>\r\n{rows}</dialog-info>\r\n'
        return self._request("NOTIFY", outward, number, lambda own: [
            *self._contact(own), ("Event", "dialog"), ("Subscription-State", "active;expires=600"),
            ("Content-Type", "application/dialog-info+xml")], lambda phone: text)

    def sized(self, size: int, outward: bool = True) -> Said:
        """A MESSAGE that is, as it is sent, exactly that long."""
        count = self.count
        for more in ("", "."):      # Content-Length may have one digit too many or too few
            text = 0
            for _ in range(4):
                self.count = count
                made = self.message(text, outward, more)
                if len(made.sent) == size:
                    return made
                text += size - len(made.sent)
        raise ValueError(f"no message has {size} bytes")

    def some(self, outward: bool, chance: Callable[[int], int]) -> Said:
        """Any of them; chance(n) is below n."""
        made = (lambda: self.options(outward), lambda: self.invite(300 + chance(300), outward),
                lambda: self.message(chance(700), outward), lambda: plain(KEEP_ALIVE),
                lambda: self.invite(2500 + chance(500), outward),
                lambda: self.message(chance(40), outward))
        return made[chance(len(made))]()

    def many(self, count: int, outward: bool, chance: Callable[[int], int]) -> list[Said]:
        return [self.some(outward, chance) for _ in range(count)]
