# SPDX-License-Identifier: GPL-2.0
"""R12: hold, resume, transfer, redirection, music on hold, pickup, and the switch to T.38.

A call keeps its outside port through all of it, or the other end would hear nothing when
it goes on.
"""
from __future__ import annotations

from typing import Callable

from calls import acknowledge, call, must, must_equal, register, talk
from dialog import (REASON, Session, called, callee_leg, caller_leg, calling, exchange,
                    no_pinholes, session_of, stays_closed)
from net import FRIEND
from peer import Media, World, check_audio, offer
from registry import BOTH_VERSIONS, LOSSY, ROUTED, SHIFTED, scenario
from sip import Message, network, session, tag_of, uri_of

Spelling = Callable[[Media], str]


def _direction(word: str) -> Spelling:
    return lambda media: offer(media).replace("a=sendrecv", f"a={word}")


def _no_address(media: Media) -> str:
    """RFC 2543's hold: nobody listens at 0.0.0.0; IPv6 phones write ::."""
    nobody = "::" if ":" in media.address[0] else "0.0.0.0"
    return offer(media).replace(f"c={network(media.address[0])}", f"c={network(nobody)}")


def _no_port(media: Media) -> str:
    return offer(media).replace(f"m=audio {media.address[1]} ", "m=audio 0 ")


SPELLINGS: dict[str, Spelling] = {"sendonly": _direction("sendonly"), "0.0.0.0": _no_address,
                                  "inactive": _direction("inactive"), "port 0": _no_port}
ANSWERS: dict[str, Spelling] = {"sendonly": _direction("recvonly"), "0.0.0.0": offer,
                                "inactive": _direction("inactive"), "port 0": _no_port}


def _hold(made: Session, inside_asks: bool, spelling: str) -> None:
    near, far = made.near_media, made.far_media
    asked, answered = (near, far) if inside_asks else (far, near)
    done = exchange(*made.ends(inside_asks), "INVITE", SPELLINGS[spelling](asked), 200,
                    ANSWERS[spelling](answered))
    if inside_asks and spelling in ("sendonly", "inactive"):
        must_equal(done.seen.media()[0], made.near_seen, f"outside address on hold by {spelling}")
    if spelling == "0.0.0.0":
        nobody = SPELLINGS[spelling](asked).split("\r\n")[3]
        must(nobody in done.seen.body.split("\r\n"), "nobody's address is left as it is")
    if spelling == "port 0":
        must_equal(done.seen.media()[0][1], 0, "port 0 is left as it is")


def _resume(made: Session, inside_asks: bool, what: str) -> None:
    before = made.near_seen
    made.offers(inside_asks)
    must_equal(made.near_seen, before, f"outside address after {what}")
    made.talk("outside")
    made.talk("inside")


def _hold_and_resume(world: World, spelling: str) -> None:
    """Held and taken up again by each end, and held by one end and taken up by the other."""
    made = calling(world)
    made.talk()
    for holds, resumes in ((True, True), (False, False), (True, False)):
        _hold(made, holds, spelling)
        _resume(made, resumes, f"hold by {spelling}, inside: {holds}")
    made.hang_up()
    no_pinholes(world, made.near_seen[1], "BYE")


@scenario("R12", "hold by sendonly and resume keep the outside port, audio both ways",
          (*BOTH_VERSIONS, ROUTED, LOSSY), tcp=3)
def hold_sendonly(world: World) -> None:
    _hold_and_resume(world, "sendonly")


@scenario("R12", "hold by inactive and resume keep the outside port, audio both ways", (SHIFTED,))
def hold_inactive(world: World) -> None:
    _hold_and_resume(world, "inactive")


@scenario("R12", "hold by 0.0.0.0 and resume keep the outside port, audio both ways",
          (*BOTH_VERSIONS, ROUTED), subset=True)
def hold_no_address(world: World) -> None:
    _hold_and_resume(world, "0.0.0.0")


@scenario("R12", "hold by port 0 and resume keep the outside port, audio both ways",
          (SHIFTED,))
def hold_no_port(world: World) -> None:
    _hold_and_resume(world, "port 0")


@scenario("R12", "call that is held does not take another phone's port when it resumes",
          BOTH_VERSIONS)
def port_stays_reserved(world: World) -> None:
    """While one call is held by port 0, another phone with the same RTP port calls."""
    server = world.server()
    made = calling(world, server=server)
    _hold(made, True, "port 0")
    other = calling(world, world.inside_media(4000, 2), world.outside_media(7100),
                    world.phone(2), server)
    must(other.near_seen != made.near_seen, "the held call's outside port is its own")
    _resume(made, True, "another call")
    other.talk("outside")


def _silent_hold(world: World, spelling: str, inside_holds: bool, inside_resumes: bool) -> None:
    world.line.idle_timeouts(2)
    made = calling(world)
    made.talk()
    _hold(made, inside_holds, spelling)
    world.rest(5)
    _resume(made, inside_resumes, "a long hold")


@scenario("R12", "hold survives silence longer than the router's memory, inside resumes",
          BOTH_VERSIONS, long=True)
def silent_hold(world: World) -> None:
    _silent_hold(world, "sendonly", True, True)


@scenario("R12", "hold survives silence longer than the router's memory, outside resumes",
          (*BOTH_VERSIONS, ROUTED), long=True)
def silent_hold_outside(world: World) -> None:
    _silent_hold(world, "inactive", True, False)


@scenario("R12", "hold by 0.0.0.0 from outside survives silence, outside resumes", (SHIFTED,),
          long=True)
def silent_hold_no_address(world: World) -> None:
    _silent_hold(world, "0.0.0.0", False, False)


@scenario("R12", "hold by port 0 survives silence, either end resumes", (SHIFTED,), long=True)
def silent_hold_no_port(world: World) -> None:
    _silent_hold(world, "port 0", True, False)


def _fragment(status: str) -> str:
    return f"SIP/2.0 {status}\r\n"


def _refer(asker: Session, inside_asks: bool, refer_to: str) -> tuple[Message, Message]:
    """REFER, 202, and the NOTIFY that says how it went. What the referred end saw of both."""
    done = exchange(*asker.ends(inside_asks), "REFER", "", 202, "", [("Refer-To", refer_to)])
    notice = exchange(*asker.ends(not inside_asks), "NOTIFY", _fragment("100 Trying"), 200, "", [
        ("Event", "refer"), ("Subscription-State", "active;expires=60"),
        ("Content-Type", "message/sipfrag;version=2.0")])
    must_equal(notice.seen.body, _fragment("100 Trying"), "the fragment of the NOTIFY")
    return done.seen, notice.seen


def _replaces(made: Session) -> str:
    """How a third party names that call (RFC 3891), seen from the end outside."""
    return f"{made.far.call_id};to-tag={tag_of(made.far.local)};from-tag={tag_of(made.far.remote)}"


@scenario("R12", "blind transfer of a phone inside: it calls the new party, audio both ways",
          (SHIFTED,))
def blind_transfer(world: World) -> None:
    phone, friend = world.phone(), world.friend()
    made = calling(world, phone=phone)
    made.talk()
    seen, _ = _refer(made, False, f"<{friend.uri}>")
    target = uri_of(seen.get("Refer-To"))
    must_equal(target, friend.uri, "Refer-To inside")
    second = call(phone, friend, target, friend.address, world.inside_media(4100),
                  world.outside_media(7100, FRIEND))
    talk(world, second, inside_calls=True)
    made.hang_up(inside_asks=False)
    talk(world, second, inside_calls=True, first="outside")


@scenario("R12", "blind transfer by a phone inside: Refer-To to another party crosses as written",
          (SHIFTED,))
def transfer_outward(world: World) -> None:
    made = calling(world)
    made.talk()
    refer_to = f"<sip:other@{world.plan.far(77) if made.world.plan.family == 4 else 'far.example'}>"
    seen, _ = _refer(made, True, refer_to)
    must_equal(seen.get("Refer-To"), refer_to, "Refer-To outside")
    made.talk("outside")
    made.hang_up(inside_asks=False)
    no_pinholes(world, made.near_seen[1], "BYE")


@scenario("R12", "attended transfer: the phone inside calls with Replaces, audio both ways",
          (SHIFTED,))
def attended_transfer(world: World) -> None:
    """The server has two calls, with the phone and with a friend; it connects the two."""
    phone, friend = world.phone(), world.friend()
    made = calling(world, phone=phone)
    _hold(made, False, "sendonly")
    named = f"<{friend.uri}?Replaces=call-9%40far%3Bto-tag%3D1%3Bfrom-tag%3D2>"
    seen, _ = _refer(made, False, named)
    must_equal(seen.get("Refer-To"), named, "Refer-To inside")
    near, far = world.inside_media(4100), world.outside_media(7100, FRIEND)
    invite = phone.invitation(friend.uri, offer(near), more=[
        ("Replaces", "call-9@far;to-tag=1;from-tag=2"), ("Require", "replaces")])
    phone.send_message(invite, friend.address)
    asked, source = friend.request("INVITE")
    must_equal(asked.get("Replaces"), invite.get("Replaces"), "Replaces outside")
    friend.send_message(friend.answer(asked, source, 200, "OK", offer(far)), source)
    answered = phone.response(200, invite)
    caller_leg(phone, invite, answered).acknowledge(invite, answered)
    made.hang_up(inside_asks=False)
    check_audio(world, near, asked.media()[0], far, answered.media()[0], first="outside")


def _picked_up(world: World, made: Session, asked_by: str) -> None:
    """INVITE with Replaces, through the phone's server: a new party takes the call over."""
    phone, server = made.near.agent, made.far.agent
    server.user = asked_by
    near, far = world.inside_media(4200), world.outside_media(7200, FRIEND)
    invite = server.invitation(made.far.target, offer(far), more=[
        ("Replaces", _replaces(made)), ("Require", "replaces")])
    server.send_message(invite, made.far.hop)
    seen, source = phone.request("INVITE", invite.call_id)
    must_equal(seen.get("Replaces"), invite.get("Replaces"), "Replaces inside")
    answer = phone.send_message(phone.answer(seen, source, 200, "OK", offer(near)), source)
    answered = server.response(200, invite)
    legs = callee_leg(phone, seen, answer), caller_leg(server, invite, answered)
    legs[1].acknowledge(invite, answered)
    phone.request("ACK", invite.call_id)
    taken = Session(world, *legs, near, far, answered.media()[0], seen.media()[0])
    taken.talk("outside")
    made.talk("outside")
    made.hang_up()
    no_pinholes(world, made.near_seen[1], "BYE of the call that was replaced")
    taken.talk("outside")
    taken.hang_up()


@scenario("R12", "pickup: INVITE with Replaces to a phone inside takes its call over, audio both ways",
          (*BOTH_VERSIONS, ROUTED))
def pickup(world: World) -> None:
    made = called(world)
    made.talk()
    _picked_up(world, made, "colleague")


@scenario("R12", "call park: held, fetched by another phone inside with Replaces, audio both ways",
          BOTH_VERSIONS)
def park(world: World) -> None:
    """Phone 1 parks a call at the server; phone 2 fetches it there."""
    server = world.server()
    made = called(world, server=server)
    made.talk()
    _refer(made, True, f"<sip:park-7@{server.name}>")
    made.hang_up(inside_asks=False)
    fetched = world.phone(2)
    near, far = world.inside_media(4000, 2), made.far_media
    invite = fetched.invitation(f"sip:park-7@{server.name}", offer(near), more=[
        ("Replaces", "parked@far;to-tag=1;from-tag=2")])
    fetched.send_message(invite, server.address)
    seen, source = server.request("INVITE", invite.call_id)
    server.send_message(server.answer(seen, source, 200, "OK", offer(far)), source)
    answered = fetched.response(200, invite)
    caller_leg(fetched, invite, answered).acknowledge(invite, answered)
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")


@scenario("R12", "302 from outside: the phone inside calls the new party, audio both ways",
          (SHIFTED,))
def redirected(world: World) -> None:
    phone, server, friend = world.phone(), world.server(), world.friend()
    near, far = world.inside_media(4000), world.outside_media(7000, FRIEND)
    invite = phone.send_message(phone.invitation(server.uri, offer(near)), server.address)
    seen, source = server.request("INVITE")
    moved = f"<{friend.uri}>;q=0.9, <sip:else@{server.name}>;q=0.1"
    server.send_message(server.answer(seen, source, 302, REASON[302], contact=moved), source)
    refused = phone.response(302, invite)
    must_equal(refused.get("Contact"), moved, "Contact of the 302 inside")
    acknowledge(phone, invite, server.address, invite.uri, refused.get("To"))
    server.request("ACK")
    again = phone.compose("INVITE", friend.uri, [
        *((name, invite.get(name)) for name in ("From", "To", "Call-ID")), ("CSeq", "2 INVITE"),
        ("Contact", invite.get("Contact"))], offer(near))
    phone.send_message(again, friend.address)
    asked, source = friend.request("INVITE")
    friend.send_message(friend.answer(asked, source, 200, "OK", offer(far)), source)
    answered = phone.response(200, again)
    caller_leg(phone, again, answered).acknowledge(again, answered)
    check_audio(world, near, asked.media()[0], far, answered.media()[0], first="outside")


@scenario("R12", "302 from a phone inside names another of its lines: the next call arrives there",
          BOTH_VERSIONS)
def redirects(world: World) -> None:
    phone, server = world.phone(), world.server()
    contact = register(phone, server)
    own = f"sip:line2;x=1@{phone.name}"
    invite = server.send_message(server.invitation(contact.contact, offer(
        world.outside_media(7100))), contact.target)
    seen, source = phone.request("INVITE")
    phone.send_message(phone.answer(seen, source, 302, REASON[302], contact=f"<{own}>"), source)
    refused = server.response(302, invite)
    acknowledge(server, invite, contact.target, invite.uri, refused.get("To"))
    phone.request("ACK")
    moved = uri_of(refused.get("Contact"))
    made = session_of(world, call(server, phone, moved, contact.target, world.outside_media(7000),
                                  world.inside_media(4000)), False)
    made.talk("outside")
    asked = [c for c in world.crossings() if c.message.method == "INVITE" and not c.outbound][-1]
    assert asked.after is not None
    must_equal(Message(asked.after.payload).uri, own, "the Request-URI inside")


@scenario("R12", "music on hold from another host, and the call goes on at the first one",
          (*BOTH_VERSIONS, ROUTED))
def music_on_hold(world: World) -> None:
    made = calling(world)
    made.talk()
    voice, seen = made.far_media, made.near_seen
    made.offers(False, far=world.outside_media(7500, FRIEND))
    must_equal(made.near_seen, seen, "the outside port while music plays")
    made.talk("outside")
    made.offers(False, far=voice)
    must_equal(made.near_seen, seen, "the outside port after the music")
    made.talk("outside")
    made.hang_up()


def _fax(media: Media) -> str:
    host, port = media.address
    return session(host, "m=audio 0 RTP/AVP 0", f"m=image {port} udptl t38", "a=T38FaxVersion:0",
                   "a=T38MaxBitRate:14400", "a=T38FaxRateManagement:transferredTCF",
                   "a=T38FaxUdpEC:t38UDPRedundancy", version=1)


def _fax_in_place(media: Media) -> str:
    """The other usual way: the m-line of the audio becomes the image's (RFC 3264 8.3.3)."""
    return _fax(media).replace("m=audio 0 RTP/AVP 0\r\n", "")


def _to_fax(made: Session, inside_asks: bool, near: Media, far: Media, shape: Spelling) -> None:
    bodies = (near, far) if inside_asks else (far, near)
    done = exchange(*made.ends(inside_asks), "INVITE", shape(bodies[0]), 200, shape(bodies[1]))
    inside_said, outside_said = ((done.seen, done.answer_seen) if inside_asks
                                 else (done.answer_seen, done.seen))
    check_audio(made.world, near, inside_said.media()[-1], far, outside_said.media()[-1],
                first="outside")


@scenario("R12", "switch to T.38 on a new port and back, asked for from outside", BOTH_VERSIONS,
          subset=True)
def fax(world: World) -> None:
    made = called(world)
    made.talk()
    _to_fax(made, False, world.inside_media(4600, stream="fax in"),
            world.outside_media(7600, stream="fax out"), _fax)
    made.offers(False)
    made.talk("outside")
    made.hang_up()


@scenario("R12", "switch to T.38 in place of the audio, on its port, and back, asked for from inside",
          (SHIFTED, ROUTED))
def fax_in_place(world: World) -> None:
    made = calling(world)
    made.talk()
    before = made.near_seen
    _to_fax(made, True, made.near_media, made.far_media, _fax_in_place)
    made.offers(True)
    must_equal(made.near_seen, before, "the outside port after the fax")
    made.talk("outside")
    made.hang_up()


@scenario("R12", "switch to T.38 that is refused with 488: the audio goes on", (SHIFTED,))
def fax_refused(world: World) -> None:
    made = calling(world)
    made.talk()
    fax_port = world.inside_media(4700)
    done = exchange(*made.ends(True), "INVITE", _fax(fax_port), 488)
    made.talk("outside")
    stays_closed(world, made.far_media, done.seen.media()[1])
    made.hang_up()
