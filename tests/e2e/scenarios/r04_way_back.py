# SPDX-License-Identifier: GPL-2.0
"""R4: what the inside endpoint wrote comes back to it byte for byte."""
from __future__ import annotations

import re

from calls import call, hang_up, must, must_equal, register, ring
from peer import World
from registry import BOTH_VERSIONS, SHIFTED, TRANSLATED, scenario
from sip import address_of, host_text, uri_of, via_without_answers


def _via_returns(world: World, via: str) -> None:
    phone, server = world.phone(), world.server()
    sent = phone.registration(server.address, 60, via=via)
    phone.send_message(sent, server.address)
    seen, source = server.request("REGISTER")
    server.send_message(server.answer(seen, source, 200, "OK"), source)
    back = phone.response(200, sent).get("Via")
    must_equal(via_without_answers(back), via, "the Via that comes back")
    received = re.search(r";received=([^;\s]*)", back)
    rport = re.search(r";rport=(\d+)", back)
    if received:
        must_equal(received.group(1).strip("[]"), phone.address[0], "received= inside")
    if rport:
        must_equal(int(rport.group(1)), phone.seen_at(server.address)[1], "rport= inside")


def _via(world: World, rest: str, port: str = ":5060") -> str:
    return f"SIP/2.0/{world.setup.transport.upper()} {host_text(world.plan.phone(1))}{port};{rest}"


@scenario("R4", "Via with rport comes back, received and rport name the inside", TRANSLATED,
          subset=True)
def via_rport(world: World) -> None:
    _via_returns(world, _via(world, "rport;branch=z9hG4bK-a"))


@scenario("R4", "Via without port comes back without port", BOTH_VERSIONS)
def via_without_port(world: World) -> None:
    _via_returns(world, _via(world, "branch=z9hG4bK-b;rport", port=""))


@scenario("R4", "Via with maddr comes back", BOTH_VERSIONS)
def via_maddr(world: World) -> None:
    maddr = host_text(world.plan.phone(1))
    _via_returns(world, _via(world, f"maddr={maddr};branch=z9hG4bK-c"))


@scenario("R4", "Via of a proxy below the own one comes back", BOTH_VERSIONS)
def via_list(world: World) -> None:
    phone, server = world.phone(), world.server()
    below = _via(world, "branch=z9hG4bK-below", port=":5070")
    sent = phone.registration(server.address, 60, more=[("Via", below)])
    phone.send_message(sent, server.address)
    seen, source = server.request("REGISTER")
    server.send_message(server.answer(seen, source, 200, "OK"), source)
    back = phone.response(200, sent)
    must_equal([via_without_answers(v) for v in back.all("Via")], sent.all("Via"), "both Vias")


def _contact_returns(world: World, contact: str, contact_uri: str) -> None:
    phone, server = world.phone(), world.server()
    made = register(phone, server, contact=contact)
    must_equal(made.answered.get("Contact"), f"{contact};expires=60", "the Contact in the 200")
    seen = ring(phone, server, made.contact, "a call to the registered Contact")
    must_equal(seen.uri, contact_uri, "the Request-URI that the phone sees")


@scenario("R4", "Contact with port comes back in the Request-URI", TRANSLATED, subset=True)
def contact_with_port(world: World) -> None:
    uri = f"sip:a%20b;x=1@{host_text(world.plan.phone(1))}:5060;ob;line=4711"
    _contact_returns(world, f'"A, B" <{uri}>;q=0.5', uri)


@scenario("R4", "Contact without port comes back without port", BOTH_VERSIONS)
def contact_without_port(world: World) -> None:
    uri = f"sip:alice@{host_text(world.plan.phone(1))}"
    _contact_returns(world, f"<{uri}>", uri)


@scenario("R4", "Contact without user part comes back", BOTH_VERSIONS)
def contact_without_user(world: World) -> None:
    uri = f"sip:{host_text(world.plan.phone(1))}:5060"
    uri += f";transport={world.setup.transport}"
    _contact_returns(world, f"<{uri}>", uri)


@scenario("R4", "Record-Route comes back, and Route leads to it", BOTH_VERSIONS)
def record_route(world: World) -> None:
    phone, server = world.phone(), world.server()
    own = f"<sip:{phone.name};lr;did=1.2>"
    sent = phone.invitation(server.uri, more=[("Record-Route", own)])
    phone.send_message(sent, server.address)
    seen, source = server.request("INVITE")
    must_equal(address_of(uri_of(seen.get("Record-Route"))), source, "Record-Route outside")
    server.send_message(server.answer(seen, source, 200, "OK"), source)
    answered = phone.response(200, sent)
    must_equal(answered.get("Record-Route"), own, "the Record-Route that comes back")
    headers = [("Route", seen.get("Record-Route")), ("From", answered.get("To")),
               ("To", answered.get("From")), ("Call-ID", sent.call_id), ("CSeq", "7 BYE")]
    server.send_message(server.compose("BYE", uri_of(seen.get("Contact")), headers), source)
    bye, _ = phone.request("BYE")
    must_equal(bye.get("Route"), own, "the Route inside")
    must_equal(bye.uri, uri_of(sent.get("Contact")), "the Request-URI inside")


@scenario("R4", "foreign Via, Record-Route and Contact of a call from outside are left alone",
          BOTH_VERSIONS)
def foreign_fields(world: World) -> None:
    phone, server = world.phone(), world.server()
    made = register(phone, server)
    route = f"<sip:{world.plan.far(20) if world.plan.family == 4 else 'proxy.example'};lr>"
    invite = server.invitation(made.contact, more=[
        ("Via", "SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK-far"), ("Record-Route", route)])
    server.send_message(invite, made.target)
    seen, source = phone.request("INVITE")
    for name in ("Via", "Record-Route", "Contact", "From"):
        must_equal(seen.all(name), invite.all(name), name)
    phone.send_message(phone.answer(seen, source, 200, "OK"), source)
    answered = server.response(200, invite)
    must_equal([via_without_answers(v) for v in answered.all("Via")], invite.all("Via"), "Via")
    must_equal(answered.get("Record-Route"), route, "Record-Route")
    must_equal(address_of(uri_of(answered.get("Contact"))), made.target, "Contact of the 200")


@scenario("R4", "To and From come back as written, in a whole dialog", TRANSLATED)
def dialog_headers(world: World) -> None:
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    made = call(phone, server, server.uri, server.address, near, far)
    must_equal(made.answer_seen.get("From"), made.invite.get("From"), "From of the 200")
    must(made.answer_seen.get("To").startswith(made.invite.get("To")), "To of the 200")
    hang_up(made)


@scenario("R4", "a call to the phone that comes through another of its ports", (SHIFTED,))
def two_sockets(world: World) -> None:
    """Two programs on one host: each is found by the Contact it registered."""
    server = world.server()
    first, second = world.phone(1, 5060, "first"), world.phone(1, 5062, "second")
    made = [register(phone, server) for phone in (first, second)]
    for phone, registration in zip((first, second), made):
        ring(phone, server, registration.contact, f"call to {phone.user}")
