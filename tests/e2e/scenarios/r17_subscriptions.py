# SPDX-License-Identifier: GPL-2.0
"""R17: subscriptions and everything else that is no call, for as long as it lives.

The subscriptions stand alone: no registration of the same socket keeps its way open. The
router forgets idle UDP after FORGETS seconds, the notification comes after SILENCE.
"""
from __future__ import annotations

from calls import must, must_equal, register
from dialog import REASON, Leg, exchange, stays_outside
from peer import Agent, Header, World
from registry import BOTH_VERSIONS, IPTABLES, LOSSY, MASQUERADE, ROUTED, SHIFTED, SHIFTED6, scenario
from sip import Message, address_of, uri_of

FORGETS, SILENCE = 3, 10
MWI = ("message-summary", "application/simple-message-summary")
BLF = ("dialog", "application/dialog-info+xml")
SUMMARY = "Messages-Waiting: yes\r\nMessage-Account: sip:{uri}\r\nVoice-Message: 2/8 (0/2)\r\n"


def _subscribe(phone: Agent, server: Agent, event: str, expires: int = 60,
               granted: int | None = None) -> tuple[Leg, Leg]:
    """SUBSCRIBE and its 200: the subscriber's end of the dialog and the notifier's."""
    watched = f"sip:watched@{server.name}"
    sent = phone.compose("SUBSCRIBE", watched, [
        ("From", f"<{phone.uri}>;tag={phone.world.token('sub')}"), ("To", f"<{watched}>"),
        ("Call-ID", phone.world.token("subscription-")), ("CSeq", "1 SUBSCRIBE"),
        ("Contact", f"<{phone.uri}>"), ("Event", event), ("Expires", str(expires))])
    phone.send_message(sent, server.address)
    seen, source = server.request("SUBSCRIBE", sent.call_id)
    answer = server.answer(seen, source, 200, "OK", more=[
        ("Contact", f"<{server.uri}>"), ("Expires", str(granted or expires))])
    server.send_message(answer, source)
    answered = phone.response(200, sent)
    subscriber = Leg(phone, sent.call_id, sent.get("From"), answered.get("To"), server.uri)
    notifier = Leg(server, sent.call_id, answer.get("To"), seen.get("From"),
                   uri_of(seen.get("Contact")), 100)
    return subscriber, notifier


def _notify(notifier: Leg, subscriber: Leg, event: tuple[str, str], body: str,
            state: str = "active;expires=60") -> Message:
    """NOTIFY and its 200; what the phone saw."""
    done = exchange(notifier, subscriber, "NOTIFY", body, 200, "", [
        ("Event", event[0]), ("Subscription-State", state), ("Content-Type", event[1])])
    must_equal(done.seen.uri, subscriber.agent.uri, "the Request-URI inside is the Contact")
    must_equal(done.seen.body, body, "the body inside")
    return done.seen


def _refresh(subscriber: Leg, notifier: Leg, event: str, expires: int) -> None:
    done = exchange(subscriber, notifier, "SUBSCRIBE", "", 200, "", [
        ("Event", event), ("Expires", str(expires))])
    notifier.target = uri_of(done.seen.get("Contact"))


@scenario("R17", "message waiting: NOTIFY arrives long after the router would have forgotten",
          (*BOTH_VERSIONS, MASQUERADE, IPTABLES, ROUTED), subset=True, long=True)
def message_waiting(world: World) -> None:
    world.line.idle_timeouts(FORGETS)
    phone, server = world.phone(), world.server()
    subscriber, notifier = _subscribe(phone, server, MWI[0])
    _notify(notifier, subscriber, MWI, SUMMARY.format(uri="1@pbx"))
    world.rest(SILENCE)
    _notify(notifier, subscriber, MWI, SUMMARY.format(uri="2@pbx"))


def _dialog_info(entity: str, local: str) -> str:
    return ('<?xml version="1.0"?>\r\n<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" '
            f'version="1" state="full" entity="{entity}">\r\n<dialog id="a" direction="initiator">'
            f'<state>confirmed</state>\r\n<local><target uri="{local}"/></local></dialog>\r\n'
            "</dialog-info>\r\n")


@scenario("R17", "busy lamp: a refresh prolongs the subscription, NOTIFY arrives after it",
          BOTH_VERSIONS, long=True)
def busy_lamp(world: World) -> None:
    world.line.idle_timeouts(FORGETS)
    phone, server = world.phone(), world.server()
    subscriber, notifier = _subscribe(phone, server, BLF[0], 16, 16)
    body = _dialog_info("sip:watched@pbx.example", "sip:watched@pbx.example")
    world.rest(SILENCE)
    _notify(notifier, subscriber, BLF, body)
    _refresh(subscriber, notifier, BLF[0], 60)
    world.rest(SILENCE)
    _notify(notifier, subscriber, BLF, body)


@scenario("R17", "several subscriptions of one socket are independent", (SHIFTED,), long=True)
def several(world: World) -> None:
    world.line.idle_timeouts(FORGETS)
    phone, server = world.phone(), world.server()
    made = [_subscribe(phone, server, event) for event in ("dialog", "presence", MWI[0])]
    subscriber, notifier = made[0]
    _refresh(subscriber, notifier, "dialog", 0)
    exchange(notifier, subscriber, "NOTIFY", "", 200, "", [
        ("Event", "dialog"), ("Subscription-State", "terminated;reason=timeout")])
    world.rest(SILENCE)
    _notify(made[2][1], made[2][0], MWI, SUMMARY.format(uri="3@pbx"))


def _closed(world: World, notifier: Leg, what: str) -> None:
    """The router forgets the connection; a later NOTIFY stays outside."""
    phone_side = f"--orig-src={world.plan.phone(1)}"
    world.wait(f"{what}: the connection is forgotten",
               lambda: not world.line.connections(phone_side), 5 * FORGETS)
    late = notifier.compose("NOTIFY", "", [("Event", MWI[0]), (
        "Subscription-State", "active")], sequence=999)
    stays_outside(notifier.agent, late, notifier.hop)


@scenario("R17", "unsubscribed (Expires: 0, NOTIFY terminated): a later NOTIFY stays outside",
          BOTH_VERSIONS, long=True)
def unsubscribed(world: World) -> None:
    world.line.idle_timeouts(FORGETS)
    phone, server = world.phone(), world.server()
    subscriber, notifier = _subscribe(phone, server, MWI[0])
    world.rest(2 * FORGETS)
    _notify(notifier, subscriber, MWI, SUMMARY.format(uri="1@pbx"))
    _refresh(subscriber, notifier, MWI[0], 0)
    _notify(notifier, subscriber, MWI, SUMMARY.format(uri="0@pbx"), "terminated;reason=timeout")
    _closed(world, notifier, "after the last NOTIFY")


@scenario("R17", "subscription that is refused (489) leaves nothing behind", (SHIFTED,), long=True)
def refused(world: World) -> None:
    world.line.idle_timeouts(FORGETS)
    phone, server = world.phone(), world.server()
    sent = phone.compose("SUBSCRIBE", server.uri, [
        ("From", f"<{phone.uri}>;tag=s"), ("To", f"<{server.uri}>"), ("Call-ID", "refused"),
        ("CSeq", "1 SUBSCRIBE"), ("Contact", f"<{phone.uri}>"), ("Event", "x"), ("Expires", "600")])
    phone.send_message(sent, server.address)
    seen, source = server.request("SUBSCRIBE")
    server.send_message(server.answer(seen, source, 489, "Bad Event"), source)
    answered = phone.response(489, sent)
    _closed(world, Leg(server, "refused", answered.get("To"), seen.get("From"),
                       uri_of(seen.get("Contact"))), "after the 489")


@scenario("R17", "subscription to a phone inside: its NOTIFY goes out, its Contact is reached",
          BOTH_VERSIONS)
def notifier_inside(world: World) -> None:
    phone, server = world.phone(), world.server()
    contact = register(phone, server)
    watcher = server.compose("SUBSCRIBE", contact.contact, [
        ("From", f"<{server.uri}>;tag=w"), ("To", f"<{contact.contact}>"), ("Call-ID", "watch"),
        ("CSeq", "1 SUBSCRIBE"), ("Contact", f"<{server.uri}>"), ("Event", "dialog"),
        ("Expires", "60")])
    server.send_message(watcher, contact.target)
    seen, source = phone.request("SUBSCRIBE")
    must_equal(seen.uri, phone.uri, "the Request-URI inside")
    answer = phone.answer(seen, source, 202, REASON[202], more=[
        ("Contact", f"<{phone.uri}>"), ("Expires", "60")])
    phone.send_message(answer, source)
    answered = server.response(202, watcher)
    must_equal(address_of(uri_of(answered.get("Contact"))), contact.target, "Contact of the 202")
    notifier = Leg(phone, "watch", answer.get("To"), seen.get("From"), server.uri, 50)
    listener = Leg(server, "watch", watcher.get("From"), answered.get("To"), contact.contact, 1)
    body = _dialog_info("sip:elsewhere@pbx.example", "sip:elsewhere@pbx.example")
    done = exchange(notifier, listener, "NOTIFY", body, 200, "", [
        ("Event", "dialog"), ("Subscription-State", "active"), ("Content-Type", BLF[1])])
    must_equal(done.seen.body, body, "the body outside")
    exchange(listener, notifier, "SUBSCRIBE", "", 200, "", [("Event", "dialog"), ("Expires", "0")])


def _request(agent: Agent, method: str, to: str, body: str = "",
             more: list[Header] | None = None) -> Message:
    headers = [("From", f"<sip:{agent.user}@example.com>;tag={agent.world.token('t')}"),
               ("To", f"<{to}>"), ("Call-ID", agent.world.token("single-")),
               ("CSeq", f"1 {method}"), *(more or [])]
    return agent.compose(method, to, headers, body)


TEXT: list[Header] = [("Content-Type", "text/plain;charset=utf-8")]
SINGLE: dict[str, tuple[str, list[Header]]] = {
    "MESSAGE": ("Grüße, o=c= m=audio 1 RTP/AVP 0\r\nv=0\r\n", TEXT),
    "OPTIONS": ("", [("Accept", "application/sdp, text/plain")]),
    "INFO": ("Signal=5\r\nDuration=160\r\n", [("Content-Type", "application/dtmf-relay")]),
    "PUBLISH": ("<presence entity='pres:a@example.com'/>\r\n", [
        ("Event", "presence"), ("Expires", "60"), ("Content-Type", "application/pidf+xml")]),
}


@scenario("R17", "MESSAGE, OPTIONS, INFO, PUBLISH and their answers cross both ways",
          (*BOTH_VERSIONS, ROUTED))
def singles(world: World) -> None:
    phone, server = world.phone(), world.server()
    contact = register(phone, server)
    for method, (body, more) in SINGLE.items():
        for asker, other, to in ((phone, server, server.uri), (server, phone, contact.contact)):
            sent = _request(asker, method, to, body, more)
            asker.send_message(sent, address_of(to))
            seen, source = other.request(method, sent.call_id)
            must_equal(seen.body, body, f"the body of {method}")
            must_equal([n for n, _ in seen.headers], [n for n, _ in sent.headers], "the headers")
            answer = other.answer(seen, source, 200, "OK", "answer\r\n", [
                ("SIP-ETag", "dx200xyz"), ("Content-Type", "text/plain")])
            other.send_message(answer, source)
            must_equal(asker.response(200, sent).body, "answer\r\n", f"the body of the answer to {method}")


@scenario("R17", "unknown method and unknown answer cross both ways, byte-identical but for addresses",
          (SHIFTED,))
def unknown_method(world: World) -> None:
    phone, server = world.phone(), world.server()
    sent = phone.send_message(_request(phone, "FROBNICATE", server.uri, "x=1\r\n", TEXT), server.address)
    seen, source = server.request("FROBNICATE")
    must_equal([(n, v) for n, v in seen.headers if n != "via"],
               [(n, v) for n, v in sent.headers if n != "via"], "the headers outside")
    server.send_message(server.answer(seen, source, 299, "Frobnicated"), source)
    phone.response(299, sent)


def _large(entity: str, local: str) -> str:
    entry = "<dialog id='{n}'><state>confirmed</state><local><identity>sip:{n}@pbx</identity></local></dialog>\r\n"
    body = _dialog_info(entity, local)
    more = "".join(entry.format(n=n) for n in range(40000 // len(entry)))
    return body.replace("</dialog-info>", more + "</dialog-info>")


@scenario("R17", "NOTIFY of 40 KB with an XML body arrives byte for byte",
          (SHIFTED, SHIFTED6, ROUTED, LOSSY), subset=True, tcp=3)
def large_notify(world: World) -> None:
    phone, server = world.phone(), world.server()
    subscriber, notifier = _subscribe(phone, server, BLF[0])
    body = _large("sip:all@pbx.example", "sip:all@pbx.example")
    must(len(body) > 38000, "a large body")
    _notify(notifier, subscriber, BLF, body)


@scenario("R17", "NOTIFY of 40 KB from a phone inside arrives byte for byte",
          (SHIFTED, SHIFTED6))
def large_notify_outward(world: World) -> None:
    phone, server = world.phone(), world.server()
    body = _large("sip:all@pbx.example", "sip:all@pbx.example")
    sent = _request(phone, "NOTIFY", server.uri, body, [
        ("Event", "dialog"), ("Subscription-State", "active"), ("Content-Type", BLF[1]),
        ("Contact", f"<{phone.uri}>")])
    phone.send_message(sent, server.address)
    seen, source = server.request("NOTIFY")
    must_equal(seen.body, body, "the body outside")
    must_equal(address_of(uri_of(seen.get("Contact"))), source, "Contact outside")
