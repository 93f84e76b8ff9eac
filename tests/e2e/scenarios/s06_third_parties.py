# SPDX-License-Identifier: GPL-2.0
"""S6: what stands is its owner's. Nobody else ends, moves or refreshes a call or a registration:
not a stranger, not another host inside, and not who writes in the server's name but knows too
little of the dialog.
"""
from __future__ import annotations

from dataclasses import dataclass

from attacks import SUCCEEDS, Attacked, pinholes
from calls import grant, ring
from dialog import Session, calling
from net import SERVER, STRANGER
from peer import Agent, Header, Port, World, check_audio
from registry import MASQUERADE, SHIFTED, SHIFTED6, scenario
from sip import Address, Message, build, host_port, sdp

SILENCE = 3


@dataclass
class Known:
    """What a forger writes of a dialog: its Call-ID, the tags of the end inside and of the other,
    the number of the next request, and where he wants its media."""

    how: str
    call_id: str
    near: str
    far: str
    sequence: int
    media: Address


def _forged_request(sender: Agent, to: Address, known: Known, method: str, inbound: bool) -> Message:
    """A request within that dialog, of the end that it is said to come from."""
    ends = (known.far, known.near) if inbound else (known.near, known.far)
    sequence = 1 if method in ("CANCEL", "ACK") else known.sequence
    headers: list[Header] = [("From", f"<{sender.uri}>{ends[0]}"),
                             ("To", f"<sip:b@{host_port(to)}>{ends[1]}"),
                             ("Call-ID", known.call_id), ("CSeq", f"{sequence} {method}"),
                             ("Contact", f"<{sender.uri}>")]
    body = sdp(known.media[0], known.media) if method in ("INVITE", "UPDATE") else ""
    return sender.compose(method, f"sip:b@{host_port(to)}", headers, body)


def _forged_answer(sender: Agent, to: Address, known: Known, status: int, method: str,
                   inbound: bool) -> Message:
    """An answer to a request of that dialog, in a transaction that there is not."""
    ends = (known.near, known.far) if inbound else (known.far, known.near)
    headers: list[Header] = [
        ("Via", f"SIP/2.0/{sender.transport.upper()} {host_port(to)};"
                f"branch={sender.world.token('z9hG4bKforged')}"),
        ("From", f"<sip:b@{host_port(to)}>{ends[0]}"), ("To", f"<{sender.uri}>{ends[1]}"),
        ("Call-ID", known.call_id), ("CSeq", f"1 {method}"), ("Contact", f"<{sender.uri}>")]
    body = sdp(known.media[0], known.media) if status in (183, 200) and method == "INVITE" else ""
    if body:
        headers.append(("Content-Type", "application/sdp"))
    return build(f"SIP/2.0 {status} Forged", headers, body)


def _forgeries(sender: Agent, to: Address, known: Known, inbound: bool) -> dict[str, Message]:
    requests = {method: _forged_request(sender, to, known, method, inbound)
                for method in ("BYE", "CANCEL", "INVITE", "UPDATE", "ACK")}
    answers = {f"{status} to {method}": _forged_answer(sender, to, known, status, method, inbound)
               for status, method in ((487, "INVITE"), (486, "INVITE"), (481, "INVITE"),
                                      (503, "INVITE"), (183, "INVITE"), (200, "INVITE"),
                                      (200, "BYE"), (200, "CANCEL"), (481, "UPDATE"))}
    return {f"{name}, {known.how}": message for name, message in {**requests, **answers}.items()}


def _guesses(live: Session, media: Address) -> list[Known]:
    """What somebody may know who does not know the dialog."""
    call_id, near, far = live.near.call_id, live.near.local, live.near.remote
    tags = [";tag=" + value.partition(";tag=")[2] for value in (near, far)]
    return [Known("of another call", call_id + "x", *tags, 9, media),
            Known("with the Call-ID and no tags", call_id, "", "", 9, media),
            Known("with the Call-ID and wrong tags", call_id, ";tag=guess", ";tag=guess2", 9, media),
            Known("with the Call-ID and one right tag", call_id, tags[0], ";tag=guess2", 9, media)]


def _kept(world: World, what: str, before: set[str], grows: bool) -> None:
    """The pinholes that stood before stand; `grows`: there may be others besides."""
    now = pinholes(world)
    if lost := sorted(before - now):
        raise Attacked(f"{SUCCEEDS}{what} ends pinholes of another: {lost}")
    if not grows and (new := sorted(now - before)):
        raise Attacked(f"{SUCCEEDS}{what} opens pinholes: {new}")


def _crosses(world: World, sender: Agent, message: Message, to: Address) -> None:
    """It is sent, and leaves the router on the other side."""
    before = len(world.capture.seen)
    sender.send_message(message, to)
    world.wait(f"{message.name} crosses the router", lambda: any(
        d.leaving and message.call_id.encode() in d.payload for d in world.capture.seen[before:]))


def _call(world: World, phone: Agent, server: Agent) -> Session:
    """Answered, and nobody has spoken yet; the media comes from the server itself."""
    return calling(world, world.inside_media(4000), world.outside_media(7000, SERVER), phone, server)


@scenario("S6", "forged BYE, CANCEL, INVITE, UPDATE and answers in the server's name leave a call alone",
          (SHIFTED, SHIFTED6, MASQUERADE), subset=True, in_tree_fails=True)
def in_the_servers_name(world: World) -> None:
    """He writes from the server's address and port, and guesses at the dialog."""
    world.translates = False
    phone, server = world.phone(), world.server()
    live = _call(world, phone, server)
    before, door = pinholes(world), live.far.hop
    for known in _guesses(live, (world.plan.far(STRANGER), 7666)):
        for what, message in _forgeries(server, door, known, inbound=True).items():
            server.send_message(message, door)
            phone.take(what, lambda m, sent=message: (m.call_id, m.get("CSeq"), m.start.split()[0])
                       == (sent.call_id, sent.get("CSeq"), sent.start.split()[0]))
            _kept(world, what, before, grows=False)
    live.talk("outside")
    live.hang_up()


@scenario("S6", "who writes in the server's name does not end a call that rings",
          (SHIFTED, SHIFTED6), in_tree_fails=True)
def ringing(world: World) -> None:
    world.translates = False
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000, SERVER)
    invite = phone.invitation(server.uri, sdp(near.address[0], near.address))
    phone.send_message(invite, server.address)
    seen, source = server.request("INVITE", invite.call_id)
    server.send_message(server.answer(seen, source, 180, "Ringing"), source)
    phone.response(180, invite)
    before = pinholes(world)
    tag = ";tag=" + invite.get("From").partition(";tag=")[2]
    for known in (Known("of another call", "guess", tag, "", 1, far.address),
                  Known("with the Call-ID and a wrong tag", invite.call_id, ";tag=guess", "", 1, far.address)):
        for status in (486, 487, 481, 503, 603):
            message = _forged_answer(server, source, known, status, "INVITE", inbound=True)
            server.send_message(message, source)
            phone.take(f"{status}", lambda m, s=status, c=known.call_id: (m.status, m.call_id) == (s, c))
            _kept(world, f"{status} {known.how}", before, grows=False)
        for method in ("BYE", "CANCEL"):
            message = _forged_request(server, source, known, method, inbound=True)
            server.send_message(message, source)
            phone.take(method, lambda m, n=method, c=known.call_id: (m.method, m.call_id) == (n, c)
                       and m.is_request)
            _kept(world, f"{method} {known.how}", before, grows=False)
    server.send_message(server.answer(seen, source, 200, "OK", sdp(far.address[0], far.address)), source)
    answered = phone.response(200, invite)
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")


@scenario("S6", "a stranger's forged messages to a call's own port are not let in, and change nothing",
          (SHIFTED, SHIFTED6, MASQUERADE), udp_only="a stranger's connection is S2's")
def strangers(world: World) -> None:
    """He knows all of the dialog, and writes from his own address or another port of the server."""
    world.translates, world.loses = False, True
    phone, server, fence = world.phone(), world.server(), world.fence()
    live = _call(world, phone, server)
    before, door = pinholes(world), live.far.hop
    tags = [";tag=" + value.partition(";tag=")[2] for value in (live.near.local, live.near.remote)]
    known = Known("with all that there is to know", live.near.call_id, *tags, 2,
                  (world.plan.far(STRANGER), 7666))
    for sender in (world.stranger(), world.server(5070)):
        for what, message in _forgeries(sender, door, known, inbound=True).items():
            world.passes_nothing(sender, message.raw, door, *fence)
            _kept(world, what, before, grows=False)
    live.talk("outside")
    live.hang_up()


@scenario("S6", "another host inside that knows all of a call does not end, move or hold it",
          (SHIFTED, SHIFTED6, MASQUERADE))
def insider(world: World) -> None:
    world.translates = False
    phone, other, server = world.phone(1), world.phone(2), world.server()
    live = _call(world, phone, server)
    before = pinholes(world)
    tags = [";tag=" + value.partition(";tag=")[2] for value in (live.near.local, live.near.remote)]
    own, theirs = (other.address[0], 4000), live.near_media.address
    for media in (own, theirs):
        for known in (*_guesses(live, media), Known("with all that there is to know", live.near.call_id,
                                                    *tags, 2, media)):
            for what, message in _forgeries(other, server.address, known, inbound=False).items():
                _crosses(world, other, message, server.address)
                _kept(world, f"{what} from another host inside", before, grows=True)
    live.talk("outside")
    live.talk("inside")
    server.received.clear()     # the forged ones
    live.offers(inside_asks=True)
    live.talk("outside")
    live.hang_up()


def _forged_register(sender: Agent, to: Address, contact: str, aor: str) -> Message:
    headers: list[Header] = [("From", f"<{aor}>;tag=x"), ("To", f"<{aor}>"), ("Call-ID", "victim"),
                             ("CSeq", "99 REGISTER"), ("Contact", contact), ("Expires", "0")]
    return sender.compose("REGISTER", f"sip:{host_port(to)}", headers)


def _outside_forgeries(server: Agent, phone: Agent, door: Address) -> list[Message]:
    """REGISTERs that end, and answers that refuse or end, all in the server's name."""
    aor = f"sip:{phone.user}@{server.name}"
    found = [_forged_register(server, door, contact, aor) for contact in ("*", f"<sip:a@{host_port(door)}>")]
    for status, expires in ((200, "0"), (401, "0"), (403, "0"), (404, "0"), (503, "0"), (200, "4000000")):
        found.append(build(f"SIP/2.0 {status} Forged", [
            ("Via", f"SIP/2.0/{server.transport.upper()} {host_port(door)};branch=z9hG4bKforged{status}"),
            ("From", f"<{aor}>;tag=x"), ("To", f"<{aor}>;tag=y"), ("Call-ID", "victim"),
            ("CSeq", "1 REGISTER"), ("Contact", f"<sip:a@{host_port(door)}>;expires={expires}")]))
    return found


@scenario("S6", "a registration outlives forged REGISTERs and answers, of the server's name and from inside",
          (SHIFTED, SHIFTED6), long=True, in_tree_fails=True)
def registration(world: World) -> None:
    world.translates = False
    world.line.idle_timeouts(SILENCE)
    phone, other, server = world.phone(1), world.phone(2), world.server()
    sent = phone.registration(server.address, 3600, call_id="victim", sequence=1)
    phone.send_message(sent, server.address)
    seen, source = server.request("REGISTER", "victim")
    server.send_message(server.answer(seen, source, 200, "OK", more=grant(seen, 600)), source)
    phone.response(200, sent)
    before = pinholes(world)
    contact = seen.get("Contact").strip("<>")
    for message in _outside_forgeries(server, phone, source):
        server.send_message(message, source)
        phone.take(message.name, lambda m, raw=message: m.start.split()[0] == raw.start.split()[0])
        _kept(world, f"{message.name} in the server's name", before, grows=False)
    for named in ("*", f"<{phone.uri}>", f"<{contact}>", f"<sip:a@{host_port(source)}>"):
        forged = _forged_register(other, server.address, named, f"sip:{phone.user}@{server.name}")
        other.send_message(forged, server.address)
        heard, back = server.request("REGISTER", "victim")
        server.send_message(server.answer(heard, back, 200, "OK"), back)
        other.response(200, forged)
        _kept(world, f"REGISTER of another host inside, Contact {named}", before, grows=True)
    world.rest(SILENCE + 2)
    ring(phone, world.server_again(server), contact, "after silence")


def _gone(world: World, sender: Port, to: Address) -> bool:
    before = len(world.capture.seen)
    mark = world.token("after the end ").encode()
    sender.send(mark, to)
    world.rest(0.5)
    return not any(d.payload == mark and d.leaving for d in world.capture.seen[before:])


@scenario("S6", "nobody refreshes a registration but its owner: it ends when its time is over",
          (SHIFTED, SHIFTED6), udp_only="the way in that would stay open is for datagrams (S2)",
          long=True, in_tree_fails=True)
def refreshed(world: World) -> None:
    world.translates, world.loses = False, True
    world.line.idle_timeouts(SILENCE)
    phone, other, server = world.phone(1), world.phone(2), world.server()
    sent = phone.registration(server.address, 3600, call_id="victim", sequence=1)
    phone.send_message(sent, server.address)
    seen, source = server.request("REGISTER", "victim")
    server.send_message(server.answer(seen, source, 200, "OK", more=grant(seen, 5)), source)
    phone.response(200, sent)
    server.send_message(_outside_forgeries(server, phone, source)[-1], source)
    forged = other.registration(server.address, 3600, contact=f"<{phone.uri}>", call_id="victim", sequence=1)
    other.send_message(forged, server.address)
    heard, back = server.request("REGISTER", "victim")
    server.send_message(server.answer(heard, back, 200, "OK", more=grant(seen, 3600)), back)
    other.response(200, forged)
    world.rest(5 + SILENCE + 2)
    left = [line for line in sorted(pinholes(world)) if f"dport={source[1]} " in line]
    if left or not _gone(world, world.server(5080), source):
        raise Attacked(f"{SUCCEEDS}a forged 200 refreshes what is another's: {left}")
