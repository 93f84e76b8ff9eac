# SPDX-License-Identifier: GPL-2.0
"""R1: a registered phone stays reachable for the whole time the registrar granted.

GRANTED seconds are granted while the router forgets idle UDP after FORGETS seconds; the
call comes after SILENCE seconds, long after the router would have forgotten and well
before the registration ends.
"""
from __future__ import annotations

import time

from calls import Registration, must, must_equal, register, ring
from dialog import stays_outside
from net import Failure
from peer import Agent, World
from registry import BOTH_VERSIONS, FIREWALLS, TRANSLATED, scenario
from sip import address_of, uri_of

FORGETS, SILENCE, GRANTED = 3, 10, 16


def _line(world: World) -> tuple[Agent, Agent]:
    world.line.idle_timeouts(FORGETS)
    return world.phone(), world.server()


def _reachable_after_silence(world: World, phone: Agent, server: Agent, made: Registration,
                             since: float, what: str) -> None:
    """The registrar's call arrives, also when it comes from another port of the registrar."""
    world.rest(max(0.0, since + SILENCE - time.monotonic()))
    for caller in dict.fromkeys((server, world.server_again(server))):
        seen = ring(phone, caller, made.contact, f"{what}, from {caller.name}")
        must_equal(seen.uri, uri_of(made.sent.get("Contact")), "the Request-URI inside")


def _closes(world: World, phone: Agent, server: Agent, made: Registration,
            within: float, what: str) -> None:
    """The mapping goes, and the registrar's next INVITE stays outside."""
    source = f"--orig-src={phone.address[0]}"
    world.wait(f"{what}: the router forgets the registration's connection",
               lambda: not world.line.connections(source), within)
    must(not [e for e in world.line.expectations() if f"dport={made.target[1]} " in e],
         f"{what}: a pinhole is left: {world.line.expectations()}")
    stays_outside(server, server.invitation(made.contact), made.target)


@scenario("R1", "registered phone stays reachable for the time granted, 60 s, INVITE at 55 s",
          long=True)
def sixty_seconds(world: World) -> None:
    world.line.idle_timeouts(5)
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=60)
    world.rest(55)
    ring(phone, server, made.contact, "after 55 s of silence")


@scenario("R1", "registered phone stays reachable after silence", TRANSLATED + FIREWALLS[:2],
          subset=True, tcp=8)
def silence(world: World) -> None:
    phone, server = _line(world)
    made = register(phone, server, GRANTED)
    _reachable_after_silence(world, phone, server, made, time.monotonic(), "after silence")


@scenario("R1", "registration ends when the granted time is over, not before and not much later",
          BOTH_VERSIONS)
def ends_in_time(world: World) -> None:
    phone, server = _line(world)
    made = register(phone, server, GRANTED, asked=3600)
    _reachable_after_silence(world, phone, server, made, time.monotonic(), "within the grant")
    _closes(world, phone, server, made, GRANTED + 4 * FORGETS, "after the grant")


@scenario("R1", "registered phone stays reachable after a refresh", BOTH_VERSIONS)
def refresh(world: World) -> None:
    phone, server = _line(world)
    register(phone, server, GRANTED, call_id="refresh@phone")
    world.rest(FORGETS + 3)
    made = register(phone, server, GRANTED, call_id="refresh@phone")
    _reachable_after_silence(world, phone, server, made, time.monotonic(), "after a refresh")


@scenario("R1", "registered phone stays reachable while a refresh is unanswered", BOTH_VERSIONS,
          in_tree_fails=True)
def unanswered_refresh(world: World) -> None:
    phone, server = _line(world)
    made = register(phone, server, 600, call_id="refresh@phone")
    again = phone.registration(server.address, 3600, call_id="refresh@phone")
    phone.send_message(again, server.address)
    server.request("REGISTER", again.call_id)
    _reachable_after_silence(world, phone, server, made, time.monotonic(), "refresh unanswered")


def _after_refusal(world: World, status: int, reason: str, more: list[tuple[str, str]]) -> None:
    phone, server = _line(world)
    made = register(phone, server, GRANTED, call_id="refused@phone")
    since = time.monotonic()
    world.rest(1)
    register(phone, server, None, status=status, reason=reason, answer=more,
             call_id="refused@phone")
    _reachable_after_silence(world, phone, server, made, since, f"after a {status}")


NONCE = 'Digest realm="e2e, test", nonce="0,1,2", algorithm=MD5'


@scenario("R1", "registered phone stays reachable after a 401 to its refresh", BOTH_VERSIONS,
          in_tree_fails=True)
def challenge_401(world: World) -> None:
    _after_refusal(world, 401, "Unauthorized", [("WWW-Authenticate", NONCE)])


@scenario("R1", "registered phone stays reachable after a 407 to its refresh",
          in_tree_fails=True)
def challenge_407(world: World) -> None:
    _after_refusal(world, 407, "Proxy Authentication Required", [("Proxy-Authenticate", NONCE)])


@scenario("R1", "registered phone stays reachable after a 503 to its refresh",
          in_tree_fails=True)
def server_error(world: World) -> None:
    _after_refusal(world, 503, "Service Unavailable", [("Retry-After", "1")])


@scenario("R1", "phone that was challenged and then granted is reachable", BOTH_VERSIONS)
def challenged_then_granted(world: World) -> None:
    phone, server = _line(world)
    register(phone, server, None, status=401, reason="Unauthorized",
             answer=[("WWW-Authenticate", NONCE)], call_id="challenged@phone")
    made = register(phone, server, GRANTED, call_id="challenged@phone", more=[
        ("Authorization", f'{NONCE}, username="phone1", uri="sip:{server.name}", response="0"')])
    _reachable_after_silence(world, phone, server, made, time.monotonic(), "after a challenge")


@scenario("R1", "expires of the own Contact counts, not the Expires header")
def per_contact_expires(world: World) -> None:
    phone, server = _line(world)
    made = register(phone, server, GRANTED, asked=3600, answer=[("Expires", "3600")])
    _reachable_after_silence(world, phone, server, made, time.monotonic(), "per-Contact expires")
    _closes(world, phone, server, made, GRANTED + 4 * FORGETS, "after the Contact's own time")


@scenario("R1", "short expires of a foreign Contact in the 200 does not end the own one")
def several_contacts(world: World) -> None:
    phone, server = _line(world)
    sent = phone.send_message(phone.registration(server.address, 3600), server.address)
    seen, source = server.request("REGISTER")
    own = seen.get("Contact")
    listed = (f"<sip:phone1@198.51.100.9:5060>;expires=1, {own};expires={GRANTED}, "
              "\"Desk, 2nd\" <sip:phone1@198.51.100.8>;q=0.1;expires=2")
    server.send_message(server.answer(seen, source, 200, "OK", more=[
        ("Contact", listed), ("Expires", "1")]), source)
    answered = phone.response(200, sent)
    must_equal(answered.get("Contact").replace(f"{phone.uri}>", "own>"),
               listed.replace(f"{uri_of(own)}>", "own>"), "the Contacts in the 200")
    made = Registration(sent, seen, source, answered)
    _reachable_after_silence(world, phone, server, made, time.monotonic(), "several Contacts")


@scenario("R1", "accounts on one socket are independent", BOTH_VERSIONS, in_tree_fails=True)
def several_accounts(world: World) -> None:
    phone, server = _line(world)
    made = {}
    for phone.user in ("alice", "bob"):
        made[phone.user] = register(phone, server, GRANTED)
    since = time.monotonic()
    phone.user = "alice"
    register(phone, server, None, asked=0, call_id=made["alice"].sent.call_id)
    phone.user = "bob"
    _reachable_after_silence(world, phone, server, made["bob"], since, "bob, when alice has gone")


@scenario("R1", "one of two Contacts of an account can go, the other stays")
def one_contact_goes(world: World) -> None:
    phone, server = _line(world)
    first = register(phone, server, GRANTED, contact=f"<sip:desk@{phone.name}>")
    since = time.monotonic()
    second = register(phone, server, GRANTED, contact=f"<sip:cell@{phone.name}>")
    left = ("Contact", f"{second.seen.get('Contact')};expires={GRANTED}")
    register(phone, server, None, asked=0, contact=f"<sip:desk@{phone.name}>",
             call_id=first.sent.call_id, answer=[left])
    _reachable_after_silence(world, phone, server, second, since, "the Contact that stayed")


@scenario("R1", "quoted comma and angle bracket in Contact do not confuse", BOTH_VERSIONS)
def quoted_comma(world: World) -> None:
    phone, server = _line(world)
    contact = (f'"Doe, Jane <x>;expires=1" <{phone.uri};ob>;q=0.5;'
               '+sip.instance="<urn:uuid:00000000-0000,1000>"')
    made = register(phone, server, GRANTED, contact=contact)
    must_equal(made.answered.get("Contact"), f"{contact};expires={GRANTED}",
               "the Contact comes back as written")
    _reachable_after_silence(world, phone, server, made, time.monotonic(), "quoted comma")


@scenario("R1", "no expiry in the request: the registrar's answer counts")
def nothing_asked(world: World) -> None:
    phone, server = _line(world)
    made = register(phone, server, GRANTED, asked=None)
    _reachable_after_silence(world, phone, server, made, time.monotonic(), "nothing asked")
    _closes(world, phone, server, made, GRANTED + 4 * FORGETS, "after the grant")


@scenario("R1", "expiry in the answer's Expires header alone counts")
def expires_header(world: World) -> None:
    phone, server = _line(world)
    sent = phone.send_message(phone.registration(server.address, 3600), server.address)
    seen, source = server.request("REGISTER")
    server.send_message(server.answer(seen, source, 200, "OK", more=[
        ("Contact", seen.get("Contact")), ("Expires", str(GRANTED))]), source)
    made = Registration(sent, seen, source, phone.response(200, sent))
    _reachable_after_silence(world, phone, server, made, time.monotonic(), "Expires header")


def _ended_by(world: World, contact: str) -> None:
    phone, server = _line(world)
    made = register(phone, server, 3600, call_id="leaving@phone")
    ring(phone, server, made.contact, "while registered")
    register(phone, server, None, asked=0, contact=contact, call_id="leaving@phone")
    _closes(world, phone, server, made, 6 * FORGETS, "after the 2xx to the last REGISTER")


@scenario("R1", "Expires: 0 closes it after the 2xx", BOTH_VERSIONS, subset=True)
def expires_zero(world: World) -> None:
    _ended_by(world, "")


@scenario("R1", "Contact: * closes it after the 2xx")
def contact_star(world: World) -> None:
    _ended_by(world, "*")


@scenario("R1", "Expires: 0 that is refused closes nothing")
def refused_farewell(world: World) -> None:
    phone, server = _line(world)
    made = register(phone, server, GRANTED, call_id="stays@phone")
    since = time.monotonic()
    register(phone, server, None, asked=0, status=403, reason="Forbidden",
             call_id="stays@phone")
    _reachable_after_silence(world, phone, server, made, since, "after a refused Expires: 0")


@scenario("S3", "no signalling pinhole without a matching 2xx", BOTH_VERSIONS)
def unmatched_answer(world: World) -> None:
    phone, server = _line(world)
    phone.send_message(phone.registration(server.address, 3600), server.address)
    seen, source = server.request("REGISTER")
    genuine = server.answer(seen, source, 200, "OK", more=[
        ("Contact", seen.get("Contact") + ";expires=600")])
    for old, new in ((b"branch=z9hG4bK", b"branch=z9hG4bX"),
                     (b"Call-ID: ", b"Call-ID: x"), (b"CSeq: ", b"CSeq: 9")):
        forged = genuine.raw.replace(old, new)
        must(forged != genuine.raw, "the forgery differs")
        server.send(forged, source)
    world.wait("three forged answers pass", lambda: len(phone.received) >= 3)
    within = 6 * FORGETS
    source_inside = f"--orig-src={phone.address[0]}"
    try:
        world.wait("the connection is forgotten",
                   lambda: not world.line.connections(source_inside), within)
    except Failure as failure:
        raise Failure(f"a forged 200 keeps the mapping: {world.line.connections()}") from failure
    standing = [e for e in world.line.expectations()
                if f"dport={address_of(uri_of(seen.get('Contact')))[1]} " in e]
    must(not standing, f"a forged 200 leaves a pinhole: {standing}")


