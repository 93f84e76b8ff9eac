# SPDX-License-Identifier: GPL-2.0
"""A desk phone with several lines on one socket, as snom makes them: each line has a
Contact with a key of its own (;line=), by which the phone knows what a request is for.
"""
from __future__ import annotations

from dataclasses import dataclass

from calls import call, hang_up, must, must_equal, register, talk
from dialog import Leg, exchange
from peer import Agent, Header, World
from registry import BOTH_VERSIONS, MASQUERADE, SHIFTED, scenario
from sip import Address, Message, address_of, uri_of

FORGETS, SILENCE, GRANTED = 3, 10, 16
PORT = 3072
ABOUT = ('audio;mobility="fixed";duplex="full";description="desk phone";actor="principal";'
         'events="dialog";methods="INVITE,ACK,CANCEL,BYE,REFER,OPTIONS,NOTIFY,SUBSCRIBE,PRACK,'
         'MESSAGE,INFO"')


@dataclass
class Account:
    """One line of the phone."""

    phone: Agent
    user: str
    key: str
    number: int

    @property
    def uri(self) -> str:
        return f"sip:{self.user}@{self.phone.name};line={self.key}"

    @property
    def contact(self) -> str:
        instance = f'"<urn:uuid:5f9a{self.number:04d}-26a3-4c62-8d3e-000413000001>"'
        return (f"<{self.uri}>;reg-id={self.number};q=1.0;+sip.instance={instance};{ABOUT}")

    @property
    def call_id(self) -> str:
        return f"313{self.number}-line-{self.key}"


def _lines(world: World) -> tuple[Agent, Agent, list[Account]]:
    phone, server = world.phone(1, PORT), world.server()
    return phone, server, [Account(phone, user, key, number) for number, (user, key) in enumerate(
        (("1001", "k3vb0kcn"), ("1002", "x7qz1m2d"), ("front-desk", "0a9s8d7f")), 1)]


def _registers(one: Account, server: Agent, asked: int = 3600, listed: list[str] | None = None) -> str:
    """REGISTER as that line; the Contact URI that the registrar knows."""
    one.phone.user = one.user
    gone: list[Header] = [("Contact", value) for value in listed or []]
    made = register(one.phone, server, GRANTED if asked else None, asked, contact=one.contact,
                    call_id=one.call_id, answer=gone,
                    more=[("Supported", "path, gruu"), ("Allow-Events", "dialog"),
                          ("X-Real-IP", "unknown"), ("WWW-Contact", "<http://phone.example:80>")])
    if asked:
        must_equal(made.answered.get("Contact"), f"{one.contact};expires={GRANTED}",
                   f"the Contact of line {one.number} in the 200")
    must(made.contact.endswith(f";line={one.key}"), f"the key outside: {made.contact}")
    return made.contact


def _is_called(one: Account, server: Agent, contact: str, port: int) -> None:
    """A call for that line, with audio both ways and its key in the Request-URI."""
    world, phone = one.phone.world, one.phone
    phone.user = one.user
    made = call(server, phone, contact, address_of(contact),
                world.outside_media(7000 + port), world.inside_media(4000 + port))
    must_equal(made.invite_seen.uri, one.uri, "the Request-URI inside")
    talk(world, made, inside_calls=False, first="outside", count=4)
    hang_up(made)


@scenario("R1", "desk phone with three lines on one socket: each is called by its key after silence",
          (*BOTH_VERSIONS, MASQUERADE), subset=True, long=True, in_tree_fails=True)
def three_lines(world: World) -> None:
    world.line.idle_timeouts(FORGETS)
    _, server, accounts = _lines(world)
    contacts = [_registers(one, server) for one in accounts]
    must_equal(len({address_of(contact) for contact in contacts}), 1, "outside addresses of one socket")
    world.rest(SILENCE)
    for place, (one, contact) in enumerate(zip(accounts, contacts)):
        _is_called(one, server, contact, 10 * place)


@scenario("R1", "desk phone: refreshes keep each line's Contact, and one line can go alone",
          (SHIFTED,), long=True, in_tree_fails=True)
def refreshes(world: World) -> None:
    world.line.idle_timeouts(FORGETS)
    _, server, accounts = _lines(world)
    contacts = [_registers(one, server) for one in accounts]
    world.rest(2 * FORGETS)
    must_equal([_registers(one, server) for one in accounts], contacts, "Contacts after the refresh")
    _registers(accounts[1], server, 0)
    world.rest(SILENCE)
    for place in (0, 2):
        _is_called(accounts[place], server, contacts[place], 10 * place)


def _subscribe(one: Account, server: Agent, event: str, accept: str) -> tuple[Leg, Leg]:
    """SUBSCRIBE of a line, with its key in the Contact; both ends of the dialog."""
    phone = one.phone
    aor = f"sip:{one.user}@{server.name}"
    more: list[Header] = [("Supported", "eventlist"), ("Event", event), ("Accept", accept), ("Expires", "60")]
    sent = phone.compose("SUBSCRIBE", aor, [
        ("From", f"<{aor}>;tag={phone.world.token('snom')}"), ("To", f"<{aor};user=phone>"),
        ("Call-ID", phone.world.token(f"{one.key}-")), ("CSeq", "1 SUBSCRIBE"),
        ("Contact", f"<{one.uri}>;reg-id={one.number}"), *more])
    phone.send_message(sent, server.address)
    seen, source = server.request("SUBSCRIBE", sent.call_id)
    must_equal(address_of(uri_of(seen.get("Contact"))), source, "Contact outside")
    answer = server.answer(seen, source, 200, "OK", more=[
        ("Contact", f"<{server.uri}>"), ("Expires", "60")])
    server.send_message(answer, source)
    phone.response(200, sent)
    here = Leg(phone, sent.call_id, sent.get("From"), answer.get("To"), server.uri)
    there = Leg(server, sent.call_id, answer.get("To"), seen.get("From"), uri_of(seen.get("Contact")), 100)
    return here, there


def _notify(one: Account, ends: tuple[Leg, Leg], event: str, kind: str, body: str) -> Message:
    here, there = ends
    done = exchange(there, here, "NOTIFY", body, 200, "", [
        ("Event", event), ("Subscription-State", "active;expires=42"), ("Content-Type", kind)])
    must_equal(done.seen.uri, one.uri, f"Request-URI of the NOTIFY of {event}")
    must_equal(done.seen.body, body, f"body of the NOTIFY of {event}")
    must_equal(int(done.seen.get("Content-Length")), len(body.encode()), "Content-Length")
    return done.seen


def _lamp(watched: str, target: str) -> str:
    """Who is busy; the target is a Contact as the server knows it."""
    return ('<?xml version="1.0" encoding="UTF-8"?>\r\n'
            '<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="7" state="partial" '
            f'entity="{watched}">\r\n<dialog id="77" call-id="77@pbx" direction="recipient">\r\n'
            f"<state>early</state>\r\n<local>\r\n<identity>{watched}</identity>\r\n"
            f'<target uri="{target}">\r\n<param pname="+sip.rendering" pval="yes"/>\r\n</target>\r\n'
            "</local>\r\n</dialog>\r\n</dialog-info>\r\n")


FEATURES = ('<?xml version="1.0" encoding="ISO-8859-1"?>\r\n<DoNotDisturbEvent xmlns="http://www.ecma-international.org'
            '/standards/ecma-323/csta/ed3">\r\n<device></device>\r\n'
            "<doNotDisturbOn>false</doNotDisturbOn>\r\n</DoNotDisturbEvent>\r\n")
EVENTS = (("message-summary", "application/simple-message-summary"),
          ("dialog", "application/dialog-info+xml"),
          ("as-feature-event", "application/x-as-feature-event+xml"))


def _bodies(server: Agent, contact: str) -> dict[str, str]:
    return {"message-summary": f"Messages-Waiting: no\r\nMessage-Account: sip:asterisk@{server.name}\r\n"
                               "Voice-Message: 0/0 (0/0)\r\n",
            "dialog": _lamp(f"sip:1009@{server.name}", contact), "as-feature-event": FEATURES}


@scenario("R17", "desk phone: dialog, message-summary and as-feature-event of each line, with refreshes",
          BOTH_VERSIONS, long=True)
def subscriptions(world: World) -> None:
    """The dialog's XML names the phone's own Contact, as the server knows it, key and all."""
    world.line.idle_timeouts(FORGETS)
    _, server, accounts = _lines(world)
    contacts = {one.key: _registers(one, server) for one in accounts[:2]}
    made = [(one, event, kind, _subscribe(one, server, event, kind))
            for one in accounts[:2] for event, kind in EVENTS]
    for pause in (0, SILENCE):
        world.rest(pause)
        for one, event, kind, ends in made:
            _notify(one, ends, event, kind, _bodies(server, contacts[one.key])[event])
        for one, event, kind, (here, there) in made:
            done = exchange(here, there, "SUBSCRIBE", "", 200, "", [("Event", event), ("Expires", "60")])
            must(done.seen.get("Contact") != "", "Contact of the refresh")
        for one in accounts[:2]:
            _registers(one, server)


def _publish(one: Account, server: Agent, number: int, tag: str, body: str) -> tuple[Message, Address]:
    """PUBLISH of a line's own state (RFC 3903): its first, or a refresh with the tag."""
    phone, aor = one.phone, f"sip:{one.user}@{server.name}"
    more: list[Header] = [("SIP-If-Match", tag)] if tag else []
    if body:
        more.append(("Content-Type", "application/dialog-info+xml"))
    sent = phone.compose("PUBLISH", aor, [
        ("From", f"<{aor}>;tag=p{number}"), ("To", f"<{aor}>"), ("Call-ID", f"publish-{one.key}"),
        ("CSeq", f"{number} PUBLISH"), ("Contact", f"<{one.uri}>;reg-id={one.number}"),
        ("Event", "dialog"), ("Expires", "60"), *more], body)
    phone.send_message(sent, server.address)
    seen, source = server.request("PUBLISH", sent.call_id)
    must_equal(seen.body, body, "the published document")
    must_equal(address_of(uri_of(seen.get("Contact"))), source, "Contact of the PUBLISH")
    server.send_message(server.answer(seen, source, 200, "OK", more=[
        ("SIP-ETag", f"tag{number}"), ("Expires", "60")]), source)
    must_equal(phone.response(200, sent).get("SIP-ETag"), f"tag{number}", "SIP-ETag")
    return seen, source


@scenario("R17", "desk phone: PUBLISH of each line's state, refreshed and changed, naming its own Contact",
          BOTH_VERSIONS)
def publishes(world: World) -> None:
    _, server, accounts = _lines(world)
    for one in accounts:
        _publish(one, server, 1, "", _lamp(f"sip:{one.user}@{server.name}", one.uri))
        _publish(one, server, 2, "tag1", "")
        _publish(one, server, 3, "tag2", _lamp(f"sip:{one.user}@{server.name}", "sip:nobody@example.com"))


@scenario("R8", "desk phone: a call between two of its own lines through the server, audio both ways",
          (SHIFTED, MASQUERADE))
def own_lines(world: World) -> None:
    """The server relays both the call and its audio."""
    phone, server, accounts = _lines(world)
    contacts = [_registers(one, server) for one in accounts[:2]]
    phone.user = accounts[0].user
    out = call(phone, server, f"sip:1002@{server.name}", server.address,
               world.inside_media(4000), world.outside_media(7000))
    phone.user = accounts[1].user
    back = call(server, phone, contacts[1], address_of(contacts[1]), world.outside_media(7100),
                world.inside_media(4002))
    must_equal(back.invite_seen.uri, accounts[1].uri, "the Request-URI inside")
    talk(world, out, inside_calls=True, first="outside")
    talk(world, back, inside_calls=False, first="outside")
    hang_up(out)
    talk(world, back, inside_calls=False)
    hang_up(back)
