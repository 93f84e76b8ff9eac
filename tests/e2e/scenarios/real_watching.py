# SPDX-License-Identifier: GPL-2.0
"""Asterisk outside says who is busy (RFC 4235), and has a message waiting (RFC 3842)."""
from __future__ import annotations

from calls import must_equal
from dialog import Leg
from net import SERVER
from peer import Agent, World
from programs_asterisk import PJSIP, Asterisk, endpoint, transport
from programs_calls import SLOW, dial, enrol, hears_echo
from registry import MASQUERADE, SHIFTED, SHIFTED6, scenario
from sip import Address, Message, host_port, uri_of

WATCHING = ("res_pjsip_outbound_publish", "res_pjsip_exten_state", "res_pjsip_dialog_info_body_generator", "func_devstate",
            "res_pjsip_pidf_body_generator", "res_pjsip_pidf_eyebeam_body_supplement")
DIALPLAN = """[calls]
exten => deska,hint,PJSIP/deska
exten => deska,1,Dial(PJSIP/deska)
exten => echo,1,Answer()
 same => n,Echo()
"""
NAT_OFF = "force_rport=no; rewrite_contact=no; rtp_symmetric=no; direct_media=no"


def _subscribes(phone: Agent, server: Address) -> Leg:
    """SUBSCRIBE to the line of desk a, accepted; the phone's end of the dialog."""
    watched = f"sip:deska@{host_port(server)}"
    sent = phone.send_message(phone.compose("SUBSCRIBE", watched, [
        ("From", f"<sip:{phone.user}@{host_port(server)}>;tag=watch"), ("To", f"<{watched}>"),
        ("Call-ID", "watching"), ("CSeq", "1 SUBSCRIBE"), ("Contact", f"<{phone.uri}>"),
        ("Event", "dialog"), ("Accept", "application/dialog-info+xml"), ("Expires", "600")]), server)
    answered = phone.response(200, sent, SLOW)
    return Leg(phone, "watching", sent.get("From"), answered.get("To"),
               uri_of(answered.get("Contact")))


def _told(leg: Leg, state: str) -> Message:
    """The next NOTIFY, answered, until one says that state."""
    while True:
        seen, source = leg.agent.take("NOTIFY", lambda m: m.method == "NOTIFY" and m.is_request, SLOW)
        leg.reply(seen, source, 200)
        must_equal(seen.uri, leg.agent.uri, "the Request-URI of the NOTIFY")
        must_equal(len(seen.body.encode()), int(seen.get("Content-Length")), "Content-Length")
        if f"<state>{state}</state>" in seen.body:
            return seen


@scenario("R17", "Asterisk outside: a phone inside watches another's line through its calls (BLF)",
          (SHIFTED, SHIFTED6, MASQUERADE))
def watching(world: World) -> None:
    world.line.idle_timeouts(3)
    server: Address = (world.plan.far(SERVER), 5060)
    sections = [transport(world, server), *(section for name in ("deska", "deskb")
                                            for section in endpoint(world, name, NAT_OFF))]
    Asterisk(world, world.line.outside, (*PJSIP, *WATCHING), {
        "pjsip.conf": "".join(map(str, sections)), "extensions.conf": DIALPLAN})
    watched, watcher = world.phone(1, user="deska"), world.phone(2, user="deskb")
    for phone in (watched, watcher):
        enrol(phone, server)
    leg = _subscribes(watcher, server)
    _told(leg, "terminated")
    world.rest(6)
    for number in range(2):
        made = dial(watched, f"sip:echo@{host_port(server)}", server,
                    world.inside_media(4000 + 10 * number, 1))
        _told(leg, "confirmed")
        hears_echo(world, made)
        made.hang_up()
        _told(leg, "terminated")
        world.rest(6)
