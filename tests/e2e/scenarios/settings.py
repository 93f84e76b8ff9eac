# SPDX-License-Identifier: GPL-2.0
"""Settings that no other scenario moves do in a kernel what docs/settings.md says of them."""
from __future__ import annotations

from calls import Call, call, hang_up, must, must_be_ours, must_count, must_equal, register
from net import MEDIA, SERVER, STRANGER
from peer import World, check_audio, offer
from registry import BOTH_VERSIONS, SHIFTED, SHIFTED6, scenario
from sip import address_of, uri_of

OURS = "a setting of ours is the same over either transport"
FEWEST, LEAST, HIGHEST = 4, 21000, 21003
"""The smallest range of ports that there is to set."""
UNANSWERED, ANSWERED, TRANSACTION = 30, 3600, 4
"""The least seconds that there are to set."""


def _heard(world: World, made: Call, host: int) -> bool:
    """Whether audio of that host outside comes in to the caller inside, before it has sent any."""
    sender = world.outside_media(9000, host)
    stranger, way = world.fence()
    made.caller_media.inbox.clear()
    sender.play(made.caller_media_seen, 3)
    mark = world.token("fence").encode()
    stranger.send(mark, way)
    world.wait("a datagram after the audio crosses the router", lambda: [
        d for d in world.capture.seen if d.payload == mark and d.leaving])
    world.pump(0.05)
    world.selector.unregister(sender.socket)
    sender.socket.close()
    return made.caller_media.inbox.packets != []


def _who_may_speak(world: World, source: int) -> dict[int, bool]:
    """By host outside, in a call whose session names MEDIA, and whose signalling peer is SERVER."""
    world.line.own_setting("media_source", source)
    phone, server = world.phone(), world.server()
    found = {}
    for place, host in enumerate((MEDIA, SERVER, STRANGER)):
        made = call(phone, server, server.uri, server.address, world.inside_media(4000 + 4 * place),
                    world.outside_media(7000 + 2 * place, MEDIA))
        found[host] = _heard(world, made, host)
    return found


def _speaks(world: World, source: int, *hosts: int) -> None:
    must_be_ours(world)
    found = _who_may_speak(world, source)
    must_equal(found, {host: host in hosts for host in found}, f"media_source={source}: who is let in")


@scenario("R15", "media_source=0: the address that the session names may send audio, nobody else",
          BOTH_VERSIONS, udp_only=OURS)
def from_session(world: World) -> None:
    _speaks(world, 0, MEDIA)


@scenario("R15", "media_source=1: the signalling peer alone may send audio, not what the session names",
          BOTH_VERSIONS, udp_only=OURS)
def from_peer(world: World) -> None:
    _speaks(world, 1, SERVER)


@scenario("R15", "media_source=2: anyone may send audio to the port that was advertised", BOTH_VERSIONS,
          udp_only=OURS)
def from_any(world: World) -> None:
    _speaks(world, 2, MEDIA, SERVER, STRANGER)


@scenario("R2", "identity=0 leaves From, To and other identities as they are, and nothing else",
          BOTH_VERSIONS)
def identity(world: World) -> None:
    must_be_ours(world)
    world.translates = False
    world.line.own_setting("identity", 0)
    phone, server, media = world.phone(), world.server(), world.inside_media()
    own = f"<{phone.uri}>"
    kept = ("From", "P-Asserted-Identity", "Reply-To", "Remote-Party-ID", "Diversion")
    invite = phone.invitation(server.uri, offer(media), more=[(name, own) for name in kept[1:]])
    phone.send_message(invite, server.address)
    seen, source = server.request("INVITE")
    must_equal([seen.get(name) for name in kept], [invite.get(name) for name in kept], "identities")
    must_equal(address_of(uri_of(seen.get("Contact"))), source, "Contact")
    must_equal(seen.media()[0][0], world.line.router_address, "the session's address")
    server.send_message(server.answer(seen, source, 486, "Busy Here"), source)
    answered = phone.response(486, invite)
    must_equal(answered.get("From"), invite.get("From"), "From, back inside")


@scenario("R9", "media_port_min and media_port_max: phones with one RTP port get theirs from the range, then none",
          (SHIFTED, SHIFTED6), udp_only=OURS)
def ports(world: World) -> None:
    """One phone keeps the number, the range has two pairs for others, and the next gets none."""
    must_be_ours(world)
    world.translates = False
    # the old bound must not be in the way of the new one
    for name, value in (("media_port_max", HIGHEST), ("media_port_min", LEAST)):
        world.line.own_setting(name, value)
    server, seen = world.server(), []
    for number in range(1, 5):
        phone = world.phone(number)
        invite = phone.invitation(server.uri, offer(world.inside_media(4000, number)))
        phone.send_message(invite, server.address)
        seen.append(server.request("INVITE", invite.call_id)[0].media()[0])
    router, last = world.line.router_address, world.plan.phone(4)
    must_equal(seen[0], (router, 4000), "the first phone's number is free")
    must_equal(sorted(port for _, port in seen[1:3]), [LEAST, HIGHEST - 1], "ports of the range")
    must_equal(seen[3], (last, 4000), "no port is left: the message left as it came")
    must_count(world, "no_port")


@scenario("R13", "unanswered_timeout: a call that nobody answers is kept so long after its last message, then not",
          (SHIFTED,), udp_only=OURS, long=True)
def unanswered(world: World) -> None:
    must_be_ours(world)
    world.line.own_setting("unanswered_timeout", UNANSWERED)
    phone, server = world.phone(), world.server()
    invite = phone.send_message(phone.invitation(server.uri, offer(world.inside_media())), server.address)
    seen, source = server.request("INVITE")
    server.send_message(server.answer(seen, source, 180, "Ringing"), source)
    phone.response(180, invite)
    world.rest(UNANSWERED - 3)
    must(world.line.expectations() != [] and world.line.counters()["call_ended"] == 0,
         f"the call is kept for {UNANSWERED} s")
    world.wait("the call and its pinholes are gone", lambda: not world.line.expectations()
               and world.line.counters()["call_ended"], 12)


def _seconds_left(world: World) -> int:
    """Of the one call, as its table says."""
    text = world.line.router.read("/proc/net/sip_ext/calls")
    line = next(line for line in text.splitlines() if line[:1].strip())
    return int(next(part for part in line.split() if part.startswith("expires=")).partition("=")[2])


@scenario("R13", "answered_timeout: an answered call is kept so long without a message, as its table says",
          (SHIFTED,), udp_only=OURS)
def answered(world: World) -> None:
    """An hour is the least: the table tells what is left of it."""
    must_be_ours(world)
    phone, server = world.phone(), world.server()
    for setting, most in ((None, 604800), (ANSWERED, ANSWERED)):
        if setting:
            world.line.own_setting("answered_timeout", setting)
        near, far = world.inside_media(4000 if setting else 4010), world.outside_media(7000 if setting else 7010)
        made = call(phone, server, server.uri, server.address, near, far)
        check_audio(world, near, made.caller_media_seen, far, made.callee_media_seen, 2)
        left = _seconds_left(world)
        must(most - 60 <= left <= most, f"{left} s are left of {most}")
        hang_up(made)


@scenario("S3", "transaction_timeout: a 200 that comes after it grants nothing, before it grants", (SHIFTED,),
          udp_only=OURS)
def transactions(world: World) -> None:
    must_be_ours(world)
    server, late, timely = world.server(), world.phone(1), world.phone(2)
    asked = {}
    for phone, seconds in ((timely, 32), (late, TRANSACTION)):
        world.line.own_setting("transaction_timeout", seconds)
        sent = phone.send_message(phone.registration(server.address, 600), server.address)
        asked[phone] = (sent, *server.request("REGISTER", sent.call_id))
    world.rest(TRANSACTION + 2)
    for phone in (late, timely):
        before = world.line.counters()
        sent, seen, source = asked[phone]
        granted = [("Contact", f"{seen.get('Contact')};expires=600")]
        server.send_message(server.answer(seen, source, 200, "OK", more=granted), source)
        phone.response(200, sent)
        must_equal(world.line.counters()["registration_granted"] - before["registration_granted"],
                   int(phone is timely), f"registrations granted to {phone.user}")
    register(late, server, granted=60)
