# SPDX-License-Identifier: GPL-2.0
"""What scenarios have in common: registering, calling, hanging up."""
from __future__ import annotations

from dataclasses import dataclass

from net import Failure
from peer import Agent, Header, Media, World, check_audio, offer
from sip import Address, Message, address_of, tag_of, uri_of


def must(true: bool, what: str) -> None:
    if not true:
        raise Failure(what)


def must_equal(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise Failure(f"{what}\n  found  {found!r}\n  wanted {wanted!r}")


def must_be_ours(world: World) -> None:
    """For what is about a setting or a counter of ours, which no other helper has."""
    must(world.line.counters() != {}, "only our helper has such a setting or counter")


def must_count(world: World, counter: str, before: dict[str, int] | None = None) -> None:
    """Ours counted it, since the counters said `before` or ever; another helper counts nothing."""
    now = world.line.counters()
    must(not now or now[counter] > (before or {}).get(counter, 0), f"{counter} says so: {now}")


@dataclass
class Registration:
    """One REGISTER and its answer, as each side saw them."""

    sent: Message
    seen: Message
    seen_from: Address
    answered: Message

    @property
    def contact(self) -> str:
        """The Contact URI as the registrar knows it."""
        return uri_of(self.seen.get("Contact"))

    @property
    def target(self) -> Address:
        return address_of(self.contact)


def grant(registration: Message, expires: int | None) -> list[Header]:
    """The Contacts a registrar puts into its 200: as seen, each with its lifetime."""
    if expires is None:
        return []
    return [("Contact", f"{value};expires={expires}") for value in registration.all("Contact")]


def register(phone: Agent, registrar: Agent, granted: int | None = 60,
             asked: int | None = 3600, status: int = 200, reason: str = "OK",
             contact: str = "", call_id: str = "", more: list[Header] | None = None,
             answer: list[Header] | None = None) -> Registration:
    """REGISTER, and the registrar's answer: the Contacts granted, and the headers `answer`."""
    sent = phone.registration(registrar.address, asked, contact, call_id, more=more)
    phone.send_message(sent, registrar.address)
    seen, source = registrar.request("REGISTER", sent.call_id)
    headers = grant(seen, granted) + (answer or [])
    registrar.send_message(
        registrar.answer(seen, source, status, reason, more=headers), source)
    return Registration(sent, seen, source, phone.response(status, sent))


def ring(phone: Agent, caller: Agent, contact: str, what: str) -> Message:
    """An INVITE from outside to a registered Contact must reach the phone."""
    invite = caller.invitation(contact)
    caller.send_message(invite, address_of(contact))
    try:
        seen, source = phone.request("INVITE", invite.call_id)
    except Failure as failure:
        raise Failure(f"{what}: {failure}") from failure
    phone.send_message(phone.answer(seen, source, 486, "Busy Here"), source)
    caller.response(486, invite)
    acknowledge(caller, invite, address_of(contact), contact)
    phone.request("ACK", invite.call_id)
    return seen


def acknowledge(caller: Agent, invite: Message, to: Address, uri: str, to_header: str = "",
                own_via: bool = True) -> Message:
    """ACK: for a failure with the INVITE's own branch (RFC 3261 17.1.1.3)."""
    headers = [(n, invite.get(n)) for n in ("From", "To", "Call-ID")]
    headers[1] = ("To", to_header or headers[1][1])
    headers.append(("CSeq", invite.get("CSeq").split()[0] + " ACK"))
    via = invite.get("Via") if own_via else ""
    return caller.send_message(caller.compose("ACK", uri, headers, via=via), to)


@dataclass
class Call:
    """A call that was answered, with what each side was told about the other's media."""

    caller: Agent
    callee: Agent
    invite: Message
    invite_seen: Message
    seen_from: Address
    answer: Message
    answer_seen: Message
    caller_media: Media
    callee_media: Media
    caller_media_seen: Address
    callee_media_seen: Address


def call(caller: Agent, callee: Agent, uri: str, to: Address,
         caller_media: Media, callee_media: Media, call_id: str = "") -> Call:
    """INVITE with an offer, 180, 200 with an answer, ACK."""
    invite = caller.invitation(uri, offer(caller_media), call_id)
    caller.send_message(invite, to)
    seen, source = callee.request("INVITE", invite.call_id)
    callee.send_message(callee.answer(seen, source, 180, "Ringing"), source)
    caller.response(180, invite)
    answer = callee.answer(seen, source, 200, "OK", offer(callee_media))
    callee.send_message(answer, source)
    answer_seen = caller.response(200, invite)
    made = Call(caller, callee, invite, seen, source, answer, answer_seen, caller_media,
                callee_media, seen.media()[0], answer_seen.media()[0])
    acknowledge(caller, invite, to, uri_of(answer_seen.get("Contact")),
                answer_seen.get("To"), own_via=False)
    ack, _ = callee.request("ACK", invite.call_id)
    must_equal(ack.uri, uri_of(answer.get("Contact")), "the ACK's Request-URI is the Contact")
    return made


def talk(world: World, made: Call, inside_calls: bool, first: str = "inside",
         count: int = 12) -> None:
    """Audio both ways of an answered call, each byte and each source address checked."""
    ends = [(made.caller_media, made.caller_media_seen), (made.callee_media, made.callee_media_seen)]
    (near, near_seen), (far, far_seen) = ends if inside_calls else ends[::-1]
    check_audio(world, near, near_seen, far, far_seen, count, first)


def hang_up(made: Call) -> None:
    """BYE from the caller, to the Contact that the callee's 200 named."""
    target = uri_of(made.answer_seen.get("Contact"))
    headers = [("From", made.invite.get("From")), ("To", made.answer_seen.get("To")),
               ("Call-ID", made.invite.call_id), ("CSeq", "2 BYE")]
    bye = made.caller.compose("BYE", target, headers)
    made.caller.send_message(bye, address_of(target))
    seen, source = made.callee.request("BYE", bye.call_id)
    must_equal(tag_of(seen.get("To")), tag_of(made.answer.get("To")), "the BYE's To tag")
    made.callee.send_message(made.callee.answer(seen, source, 200, "OK"), source)
    made.caller.response(200, bye)
