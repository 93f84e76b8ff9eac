# SPDX-License-Identifier: GPL-2.0
"""Asterisk, Kamailio and baresip in one call, with ICE at one end, at both, or at none."""
from __future__ import annotations

from calls import must, must_equal
from net import MEDIA, SERVER
from peer import World
from programs import Baresip, Kamailio
from programs_asterisk import PJSIP, Asterisk, Section, endpoint, transport
from programs_calls import accept, both_talk, call_through, dial, end_call, enrol, step, until
from programs_hosts import own_host
from programs_ice import ice_faults, offers_of_ice
from programs_talk import NOTES, meet, talk
from registry import SHIFTED, scenario
from sip import Address, host_port

ICE_DIALPLAN = """[calls]
exten => office,1,Dial(PJSIP/desk)
exten => bob,1,Dial(PJSIP/bob@trunk)
exten => far,1,Dial(PJSIP/far@trunk)
"""


def _office_with_ice(world: World, registrar: Address) -> Address:
    """Asterisk with ICE and no STUN server, registered outside; its own address."""
    host = world.plan.phone(101)
    outside = host_port(registrar)
    sections = [
        transport(world, (host, 5060)), *endpoint(world, "desk", "direct_media=no"),
        *endpoint(world, "trunk", "direct_media=no; ice_support=yes", f"sip:{outside}"),
        Section("trunk", f"type=identify; endpoint=trunk; match={registrar[0]}"),
        Section("trunk", f"type=registration; transport=only; server_uri=sip:{outside}{world.over}; "
                f"client_uri=sip:office@{outside}; contact_user=office; expiration=300; "
                "max_random_initial_delay=0")]
    Asterisk(world, own_host(world, world.line.inside, host), PJSIP, {
        "pjsip.conf": "".join(map(str, sections)), "extensions.conf": ICE_DIALPLAN})
    return host, 5060


@scenario("R6", "Asterisk with ICE inside, Kamailio outside: calls to and from ICE and none",
          (SHIFTED,))
def office_with_ice(world: World) -> None:
    registrar = (world.plan.far(SERVER), 5060)
    Kamailio(world, registrar)
    desk, far = world.phone(2, user="desk"), world.friend(user="far")
    host = world.plan.far(40)
    bob = Baresip(world, own_host(world, world.line.outside, host), (host, 5060), "bob",
                  registrar, NOTES["bob"], account=";medianat=ice", more=("ice",))
    asterisk = _office_with_ice(world, registrar)
    enrol(desk, asterisk)
    enrol(far, registrar)
    bob.registered()
    media, far_media = world.inside_media(4000, 2), world.outside_media(7000, MEDIA)
    with step("the desk calls ICE outside"):
        end = dial(desk, f"sip:bob@{host_port(asterisk)}", asterisk, media)
        meet(world, end, bob, 0)
        end.hang_up()
        bob.event("CALL_CLOSED")
    with step("ICE outside calls the desk"):
        bob.command("dial", f"sip:office@{host_port(registrar)}{world.over}")
        end = accept(desk, media)
        meet(world, end, bob, 1)
        bob.command("hangup")
        until(world, "the desk is hung up", [end], lambda: end.closed)
    with step("the desk calls one without ICE"):
        one, two = call_through(desk, f"sip:far@{host_port(asterisk)}", asterisk, far,
                                (media, far_media))
        both_talk(world, one, two)
        end_call(world, two, one)
    must(offers_of_ice(world.capture.seen, asterisk[0]) >= 3, "Asterisk used no ICE")
    must_equal(ice_faults(world.capture.seen), [], "what ICE finds in the SDPs")


@scenario("R14", "Asterisk outside, its NAT settings off: two baresips inside and one outside",
          (SHIFTED,))
def baresips(world: World) -> None:
    registrar = (world.plan.far(SERVER), 5060)
    nat_off = "force_rport=no; rewrite_contact=no; rtp_symmetric=no; direct_media=no"
    sections = [transport(world, registrar), *(s for u in ("alice", "dave", "carol")
                                               for s in endpoint(world, u, nat_off))]
    Asterisk(world, world.line.outside, PJSIP, {
        "pjsip.conf": "".join(map(str, sections)),
        "extensions.conf": "[calls]\nexten => _.,1,Dial(PJSIP/${EXTEN})\n"})
    hosts = {"alice": (world.line.inside, world.plan.phone(101)),
             "dave": (world.line.inside, world.plan.phone(102)),
             "carol": (world.line.outside, world.plan.far(41))}
    phones = {user: Baresip(world, own_host(world, side, host), (host, 5060), user, registrar,
                            NOTES[user]) for user, (side, host) in hosts.items()}
    for phone in phones.values():
        phone.registered()
    for caller, callee in (("alice", "dave"), ("carol", "dave"), ("alice", "carol")):
        talk(world, phones[caller], phones[callee], registrar)
