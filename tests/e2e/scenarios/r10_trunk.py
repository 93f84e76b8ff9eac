# SPDX-License-Identifier: GPL-2.0
"""R10: calls are independent, also 200 at once over one signalling 5-tuple."""
from __future__ import annotations

from calls import Call, acknowledge, call, hang_up, must, must_equal, register
from crowd import EXPECT_MAX, play_all, room_for_expectations, turned
from net import MEDIA
from peer import Media, World, offer
from registry import IPTABLES, LOSSY, MASQUERADE, SHIFTED, SHIFTED6, SNAT, Setup, scenario
from sip import Address, Message, address_of, uri_of

TRUNK = 200


class Line:
    """A PBX inside and its trunk outside: everything between them is one connection."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.pbx, self.trunk = world.phone(user="pbx"), world.server()
        self.door = register(self.pbx, self.trunk, granted=600)
        self.made = 0

    def media(self) -> tuple[Media, Media]:
        self.made += 1
        return (self.world.inside_media(12000 + 2 * self.made),
                self.world.outside_media(7000 + 2 * self.made, MEDIA))

    def out(self) -> Call:
        near, far = self.media()
        return call(self.pbx, self.trunk, f"sip:{self.made}@{self.trunk.name}",
                    self.trunk.address, near, far)

    def back(self) -> Call:
        """A call from the trunk, seen from its inside end."""
        near, far = self.media()
        return turned(call(self.trunk, self.pbx, self.door.contact, self.door.target, far, near))

    def calls(self, count: int) -> list[Call]:
        return [self.back() if number % 2 else self.out() for number in range(count)]


def _refused(line: Line, status: int, reason: str) -> None:
    """An INVITE with an offer that comes to nothing."""
    invite = line.pbx.invitation(line.trunk.uri, offer(line.media()[0]))
    line.pbx.send_message(invite, line.trunk.address)
    seen, source = line.trunk.request("INVITE", invite.call_id)
    line.trunk.send_message(line.trunk.answer(seen, source, status, reason), source)
    line.pbx.response(status, invite)
    acknowledge(line.pbx, invite, line.trunk.address, line.trunk.uri)
    line.trunk.request("ACK", invite.call_id)


def _cancelled(line: Line) -> None:
    """The trunk calls, and gives up while it rings."""
    trunk, pbx, to = line.trunk, line.pbx, line.door.target
    invite = trunk.invitation(line.door.contact, offer(line.media()[1]))
    trunk.send_message(invite, to)
    seen, source = pbx.request("INVITE", invite.call_id)
    pbx.send_message(pbx.answer(seen, source, 180, "Ringing"), source)
    trunk.response(180, invite)
    headers = [(n, invite.get(n)) for n in ("From", "To", "Call-ID")] + [("CSeq", "1 CANCEL")]
    cancel = trunk.compose("CANCEL", line.door.contact, headers, via=invite.get("Via"))
    trunk.send_message(cancel, to)
    cancel_seen, source = pbx.request("CANCEL", invite.call_id)
    pbx.send_message(pbx.answer(cancel_seen, source, 200, "OK"), source)
    trunk.response(200, cancel)
    pbx.send_message(pbx.answer(seen, source, 487, "Request Terminated"), source)
    trunk.response(487, invite)
    acknowledge(trunk, invite, to, line.door.contact)
    pbx.request("ACK", invite.call_id)


def _offer_again(made: Call, near: Media) -> tuple[Message, Message, Address]:
    """The inside end's re-INVITE, as sent and as the trunk sees it."""
    called = made.caller.user != "pbx"
    mine, theirs = ("To", "From") if called else ("From", "To")
    both = {"From": made.invite.get("From"), "To": made.answer.get("To")}
    target = uri_of(made.invite_seen.get("Contact") if called else made.answer_seen.get("Contact"))
    pbx, trunk = (made.callee, made.caller) if called else (made.caller, made.callee)
    headers = [("From", both[mine]), ("To", both[theirs]), ("Call-ID", made.invite.call_id),
               ("CSeq", "2 INVITE"), ("Contact", f"<{pbx.uri}>")]
    again = pbx.compose("INVITE", target, headers, offer(near))
    pbx.send_message(again, address_of(target))
    seen, source = trunk.request("INVITE", made.invite.call_id)
    return again, seen, source


def _answer_again(line: Line, made: Call, near: Media, status: int, far: Media | None) -> Message:
    again, seen, source = _offer_again(made, near)
    pbx, trunk = line.pbx, line.trunk
    reason = "OK" if far else "Not Acceptable Here"
    trunk.send_message(trunk.answer(seen, source, status, reason, offer(far) if far else ""),
                       source)
    pbx.response(status, again)
    acknowledge(pbx, again, trunk.address, trunk.uri, own_via=far is None)
    trunk.request("ACK", again.call_id)
    return seen


def _trunk(world: World, count: int) -> None:
    room_for_expectations()
    line = Line(world)
    calls = line.calls(count)
    must_equal(len({made.caller_media_seen for made in calls}), count,
               "each call has a media port of its own")
    play_all(world, calls, 3, first="outside")
    ended, refused, changed = calls[0], calls[2], calls[4]
    hang_up(ended)
    _cancelled(line)
    _refused(line, 486, "Busy Here")
    _answer_again(line, refused, line.media()[0], 488, None)
    seen = _answer_again(line, changed, changed.caller_media, 200, changed.callee_media)
    must_equal(seen.media()[0], changed.caller_media_seen, "a re-INVITE keeps the outside port")
    left = [made for made in calls if made is not ended]
    play_all(world, left, 3)
    play_all(world, left, 1, first="outside")
    gone = f"dport={ended.caller_media_seen[1]} "
    world.wait("pinholes of the ended call close",
               lambda: not [e for e in world.line.expectations() if gone in e], 1)


@scenario("R10", "200 calls at once over one connection of a trunk are independent",
          (MASQUERADE,), long=True, in_tree_fails=True)
def trunk(world: World) -> None:
    _trunk(world, TRUNK)


@scenario("R10", "20 calls at once over one connection of a trunk are independent",
          (SHIFTED, SHIFTED6, IPTABLES, Setup("routed"), LOSSY), subset=True, in_tree_fails=True, tcp=4)
def small_trunk(world: World) -> None:
    _trunk(world, 20)


@scenario("R10", "more calls than the kernel has room for pass, audio begun inside flows",
          (MASQUERADE, SNAT), alone=True)
def no_room(world: World) -> None:
    line = Line(world)
    usual = EXPECT_MAX.read_text(encoding="ascii")
    EXPECT_MAX.write_text("20", encoding="ascii")
    try:
        calls = line.calls(12)
        for number, made in enumerate(calls):
            must_equal(made.caller_media_seen[0], world.line.router_address,
                       f"call {number} is translated")
        play_all(world, calls, 3)
        must(world.line.counters().get("expectations_full", 1) > 0, "the counter says why")
        hang_up(calls[0])
        play_all(world, calls[1:], 3)
        must(len(world.line.expectations()) <= 20, "the kernel's limit holds")
    finally:
        EXPECT_MAX.write_text(usual, encoding="ascii")
