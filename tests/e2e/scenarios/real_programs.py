# SPDX-License-Identifier: GPL-2.0
"""The same promises with programs that others wrote: SIPp, Kamailio, baresip.

SIPp runs over IPv4 alone: it writes IPv6 addresses into its SDP in brackets.
"""
from __future__ import annotations

import subprocess
from pathlib import Path

from calls import call, hang_up, must, must_equal
from calls import talk as both_talk
from crowd import room_for_expectations
from net import FRIEND, MEDIA, PATIENCE, SERVER, Namespace
from peer import Agent, Media, World, check_audio, offer
from programs import (HERE, Baresip, Kamailio, last_lines, needed, private_folder, start)
from programs_calls import both_talk as carry
from programs_calls import call_through, end_call
from programs_talk import NOTES, talk
from registry import (IPTABLES, IPTABLES6, MASQUERADE, ROUTED, SHIFTED, SHIFTED6, SNAT, over_tcp,
                      scenario)
from sip import Address, Message, host_port, uri_of

def _leaves_as_advertised(world: World) -> None:
    """R16 on the wire: once an SDP has gone out, RTP of its sockets leaves as it says.

    baresip sends its first packets before its answer; those nobody can foresee.
    """
    told: dict[Address, tuple[float, Address]] = {}
    for crossing in world.crossings():
        if crossing.after and crossing.outbound:
            pairs = zip(crossing.message.media(), Message(crossing.after.payload).media())
            told.update({inner: (crossing.after.when, outer) for inner, outer in pairs})
    left = {d.payload: d for d in world.capture.seen if d.interface == "wan" and d.leaving}
    for entered in world.capture.seen:
        since, address = told.get(entered.source, (0.0, None))
        if entered.interface == "lan" and not entered.leaving and address \
                and entered.when > since and len(entered.payload) == 172:
            must(entered.payload in left, f"RTP that entered is lost: {entered}")
            must_equal(left[entered.payload].source, address, f"source of RTP that {entered}")


@scenario("R16", "baresip behind NAT and Kamailio: a call each way, the right melody at each end",
          (SHIFTED, MASQUERADE, SHIFTED6, IPTABLES, ROUTED))
def baresip_and_kamailio(world: World) -> None:
    world.line.only_phone(1)
    registrar = (world.plan.far(SERVER), 5060)
    Kamailio(world, registrar)
    alice = Baresip(world, world.line.inside, (world.plan.phone(1), 5060), "alice", registrar,
                    NOTES["alice"])
    bob = Baresip(world, world.line.outside, (world.plan.far(FRIEND), 5060), "bob", registrar,
                  NOTES["bob"])
    alice.registered()
    bob.registered()
    talk(world, alice, bob, registrar)
    talk(world, bob, alice, registrar)
    _leaves_as_advertised(world)


def _register_at(phone: Agent, registrar: Address) -> None:
    sent = phone.send_message(phone.registration(registrar, 600), registrar)
    answered = phone.response(200, sent)
    must_equal(uri_of(answered.get("Contact")), phone.uri, "the Contact in Kamailio's 200")


@scenario("R4", "calls through a record-routing Kamailio, both ways, audio byte for byte",
          (SHIFTED, MASQUERADE, SNAT, SHIFTED6, IPTABLES, IPTABLES6), subset=True)
def through_kamailio(world: World) -> None:
    registrar = (world.plan.far(SERVER), 5060)
    Kamailio(world, registrar)
    phone, friend = world.phone(user="alice"), world.friend(user="bob")
    _register_at(phone, registrar)
    _register_at(friend, registrar)
    for caller, callee, inside_calls in ((phone, friend, True), (friend, phone, False)):
        near = world.inside_media(4000 if inside_calls else 4100)
        far = world.outside_media(7000 if inside_calls else 7100, FRIEND)
        media = (near, far) if inside_calls else (far, near)
        _routed_call(world, caller, callee, registrar, media, inside_calls)


def _routed_call(world: World, caller: Agent, callee: Agent, proxy: Address,
                 media: tuple[Media, Media], inside_calls: bool) -> None:
    """A call whose later requests follow the route set, as RFC 3261 12.2 wants it."""
    target = f"sip:{callee.user}@{host_port(proxy)}"
    invite = caller.send_message(caller.invitation(target, offer(media[0])), proxy)
    seen, source = callee.request("INVITE")
    must_equal(seen.uri, callee.uri, "Request-URI at the callee")
    callee.send_message(callee.answer(seen, source, 200, "OK", offer(media[1])), source)
    answered = caller.response(200, invite)
    near_end, far_end = (media[0], seen.media()[0]), (media[1], answered.media()[0])
    for method, sequence in (("ACK", 1), ("BYE", 2)):
        if method == "BYE":
            (near, near_seen), (far, far_seen) = (
                (near_end, far_end) if inside_calls else (far_end, near_end))
            check_audio(world, near, near_seen, far, far_seen)
        headers = [("Route", value) for value in reversed(answered.all("Record-Route"))]
        headers += [("From", invite.get("From")), ("To", answered.get("To")),
                    ("Call-ID", invite.call_id), ("CSeq", f"{sequence} {method}")]
        sent = caller.compose(method, uri_of(answered.get("Contact")), headers)
        caller.send_message(sent, proxy)
        arrived, back = callee.request(method)
        must_equal(arrived.uri, callee.uri, f"Request-URI of the {method} at the callee")
    callee.send_message(callee.answer(arrived, back, 200, "OK"), back)
    caller.response(200, sent)


def _sipp(world: World, where: Namespace, folder: Path, *argv: str) -> subprocess.Popen[str]:
    """SIPp that repeats nothing: it aborts a call whose INVITE comes again after the 200."""
    over = ["-t", "t1"] if world.over_tcp and "-t" not in argv else []
    return start(world, where, [needed("sipp"), *over, *argv, "-nr", "-nostdin", "-trace_err",
                                "-error_file", str(folder / "errors")], folder / "log")


def _listens(world: World, where: Namespace) -> None:
    """Until somebody has bound port 5060 (13C4) there."""
    table = f"/proc/net/{world.setup.transport}"
    world.wait("SIPp listens", lambda: ":13C4 " in where.read(table), 20)


@scenario("R16", "SIPp answers and echoes RTP: all of it comes back to the phone",
          (SHIFTED, MASQUERADE, SNAT, IPTABLES))
def sipp_echo(world: World) -> None:
    folder, host = private_folder("sipp"), world.plan.far(SERVER)
    server = (host, 5060)
    _sipp(world, world.line.outside, folder, "-sn", "uas", "-i", host, "-p", "5060",
          "-mi", host, "-mp", "7000", "-rtp_echo", "-m", "1")
    phone, media = world.phone(), world.inside_media(4000)
    _listens(world, world.line.outside)
    invite = phone.invitation(f"sip:echo@{host_port(server)}", offer(media))
    phone.send_message(invite, server)
    answered = phone.response(200, invite)
    headers = [("From", invite.get("From")), ("To", answered.get("To")),
               ("Call-ID", invite.call_id)]
    target = uri_of(answered.get("Contact"))
    phone.send_message(phone.compose("ACK", target, [*headers, ("CSeq", "1 ACK")]), server)
    _echoed(world, media, answered.media()[0])
    bye = phone.compose("BYE", target, [*headers, ("CSeq", "2 BYE")])
    phone.send_message(bye, server)
    phone.response(200, bye)


@scenario("R11", "SIPp answers in a 183 that PRACK acknowledges: early media echoed, and all later",
          (SHIFTED, IPTABLES))
def sipp_early_media(world: World) -> None:
    folder, host = private_folder("sipp"), world.plan.far(SERVER)
    server = (host, 5060)
    answering = _sipp(world, world.line.outside, folder, "-sf", str(HERE / "sipp/early-media.xml"),
                      "-i", host, "-p", "5060", "-mi", host, "-mp", "7000", "-rtp_echo", "-m", "1")
    phone, media = world.phone(), world.inside_media(4000)
    _listens(world, world.line.outside)
    invite = phone.send_message(phone.invitation(
        f"sip:early@{host_port(server)}", offer(media), more=[("Supported", "100rel")]), server)
    early = phone.response(183, invite)
    target, away = uri_of(early.get("Contact")), early.media()[0]
    headers = [("From", invite.get("From")), ("To", early.get("To")), ("Call-ID", invite.call_id)]
    rack = ("RAck", f"{early.get('RSeq')} {invite.get('CSeq')}")
    prack = phone.compose("PRACK", target, [*headers, ("CSeq", "2 PRACK"), rack])
    phone.response(200, phone.send_message(prack, server))
    _echoed(world, media, away)
    phone.response(200, invite)
    phone.send_message(phone.compose("ACK", target, [*headers, ("CSeq", "1 ACK")]), server)
    _echoed(world, media, away)
    bye = phone.compose("BYE", target, [*headers, ("CSeq", "3 BYE")])
    phone.response(200, phone.send_message(bye, server))
    world.wait("SIPp ends", lambda: answering.poll() is not None, 20)
    must_equal(answering.returncode, 0, f"status of SIPp\n{last_lines(folder / 'log', 40)}")


def _echoed(world: World, media: Media, away: Address) -> None:
    media.inbox.clear()
    sent = media.play(away, 20)
    world.wait("the echo of 20 packets", lambda: len(media.inbox.packets) >= 20)
    must_equal(sorted(media.inbox.packets), sorted(sent), "the echo")
    must_equal(set(media.inbox.sources), {away}, "the echo comes from")


def _sipp_calls(world: World, calls: str, *over: str) -> None:
    """So many calls begun within a second or two, each 1.5 s long."""
    host, phone = world.plan.far(SERVER), world.plan.phone(1)
    uas, uac = private_folder("uas"), private_folder("uac")
    answering = _sipp(world, world.line.outside, uas, "-sn", "uas", "-i", host, "-p", "5060", *over,
                      "-mi", host, "-m", calls, "-timeout", f"{int(30 * PATIENCE)}s")
    _listens(world, world.line.outside)
    calling = _sipp(world, world.line.inside, uac, "-sn", "uac", "-i", phone, "-p", "5060", *over,
                    "-mi", phone, "-m", calls, "-r", calls, "-l", calls, "-d", "1500", "-timeout",
                    f"{int(30 * PATIENCE)}s", host_port((host, 5060)))
    world.wait("the calling SIPp ends", lambda: calling.poll() is not None, 40)
    must_equal(calling.returncode, 0, f"status of the calling SIPp\n{last_lines(uac / 'log', 40)}"
               f"\nthe answering SIPp ({answering.poll()})\n{last_lines(uas / 'log', 40)}")
    ended = [c for c in world.crossings() if c.message.name.startswith("200")
             and c.message.method == "BYE" and c.after]
    must_equal(len(ended), int(calls), "answers to BYE that crossed the router")
    if world.over_tcp:  # it pauses after each call, and calls it a failure if the connection ends
        return
    world.wait("the answering SIPp ends", lambda: answering.poll() is not None, 20)
    must_equal(answering.returncode, 0, f"status of the answering SIPp\n{last_lines(uas / 'log', 40)}")


@scenario("R10", "20 SIPp calls at once over one 5-tuple all come to their end",
          (SHIFTED, MASQUERADE, IPTABLES))
def sipp_calls(world: World) -> None:
    _sipp_calls(world, "20")


def _connections_begun(world: World) -> int:
    world.capture.drain()
    return len({o for o in world.capture.openings if o.interface == "lan" and not o.leaving})


@scenario("R10", "200 SIPp calls at once over one connection all come to their end",
          over_tcp(SHIFTED, MASQUERADE, IPTABLES))
def sipp_trunk(world: World) -> None:
    room_for_expectations()
    _sipp_calls(world, "200", "-t", "t1")
    must_equal(_connections_begun(world), 1, "connections begun inside")


@scenario("R10", "20 SIPp calls at once, each over a connection of its own, all come to their end",
          over_tcp(SHIFTED, IPTABLES))
def sipp_connections(world: World) -> None:
    _sipp_calls(world, "20", "-t", "tn", "-max_socket", "40")
    must(_connections_begun(world) >= 20, "a connection for each call")


@scenario("R13", "Kamailio closes idle connections in mid-call: audio goes on, BYE goes over a new one",
          over_tcp(SHIFTED, SHIFTED6))
def kamailio_closes(world: World) -> None:
    world.line.idle_timeouts(3)
    registrar = (world.plan.far(SERVER), 5060)
    Kamailio(world, registrar, "WITH_SHORT_TCP")
    phone, friend = world.phone(user="alice"), world.friend(user="bob")
    for end in (phone, friend):
        _register_at(end, registrar)
    one, two = call_through(phone, f"sip:bob@{host_port(registrar)}", registrar, friend,
                            (world.inside_media(4000), world.outside_media(7000, FRIEND)))
    carry(world, one, two)
    mine = [end.connection(registrar) for end in (phone, friend)]
    world.wait("Kamailio closes both connections", lambda: not any(c.open for c in mine), 30)
    for connection in mine:
        connection.close()
    carry(world, one, two)
    _register_at(friend, registrar)     # a proxy cannot begin a connection to a phone either
    end_call(world, one, two)


@scenario("R10", "the BYE of one of three calls leaves the audio of the others alone",
          (SHIFTED, SHIFTED6), in_tree_fails=True)
def independent_calls(world: World) -> None:
    phone, server = world.phone(), world.server()
    made = [call(phone, server, server.uri, server.address,
                 world.inside_media(4000 + 2 * n), world.outside_media(7000 + 2 * n, MEDIA))
            for n in range(3)]
    for one in made:
        both_talk(world, one, inside_calls=True)
    hang_up(made[0])
    for one in made[1:]:
        both_talk(world, one, inside_calls=True, first="outside")
