# SPDX-License-Identifier: GPL-2.0
"""R11: early media, forks, late offers, and every other road that a session takes."""
from __future__ import annotations

from calls import acknowledge, call, must, must_equal, register
from dialog import (Leg, Session, called, callee_leg, caller_leg, calling, exchange,
                    session_of, stays_closed)
from net import FRIEND, MEDIA, SERVER
from peer import Agent, Header, Media, World, check_audio, offer
from registry import BOTH_VERSIONS, ROUTED, SHIFTED, scenario
from sip import Address, Message

RELIABLE: list[Header] = [("Require", "100rel"), ("RSeq", "9021")]


@scenario("R11", "early media of a 183 flows both ways, call from inside", (*BOTH_VERSIONS, ROUTED))
def early_answer(world: World) -> None:
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    invite = phone.send_message(phone.invitation(server.uri, offer(near)), server.address)
    seen, source = server.request("INVITE")
    server.send_message(server.answer(seen, source, 183, "Session Progress", offer(far)), source)
    early = phone.response(183, invite)
    check_audio(world, near, seen.media()[0], far, early.media()[0], first="outside")
    server.send_message(server.answer(seen, source, 200, "OK", offer(far)), source)
    answered = phone.response(200, invite)
    acknowledge(phone, invite, server.address, server.uri, answered.get("To"), own_via=False)
    server.request("ACK")
    check_audio(world, near, seen.media()[0], far, answered.media()[0])


@scenario("R11", "early media of a 183 flows both ways, call from outside", (SHIFTED, ROUTED))
def early_answer_inside(world: World) -> None:
    phone, server = world.phone(), world.server()
    contact = register(phone, server)
    near, far = world.inside_media(4000), world.outside_media(7000)
    invite = server.invitation(contact.contact, offer(far))
    server.send_message(invite, contact.target)
    seen, source = phone.request("INVITE")
    phone.send_message(phone.answer(seen, source, 183, "Session Progress", offer(near)), source)
    early = server.response(183, invite)
    check_audio(world, near, early.media()[0], far, seen.media()[0], first="outside")
    phone.send_message(phone.answer(seen, source, 200, "OK", offer(near)), source)
    answered = server.response(200, invite)
    must_equal(answered.media(), early.media(), "the 200 names the port of the 183")
    check_audio(world, near, answered.media()[0], far, seen.media()[0])


def _fork(world: World, server: Agent, seen: Message, source: Address, status: int,
          number: int, media: Media) -> Message:
    """A response of branch `number`, that the proxy passes on."""
    server.user = f"fork{number}"
    words = {183: "Session Progress", 200: "OK"}[status]
    return server.send_message(server.answer(seen, source, status, words, offer(media)), source)


def _forked(world: World) -> tuple[list[Session], Message, Message, Address]:
    """A call from inside that rings at three phones, each with early media of its own."""
    phone, server = world.phone(), world.server()
    near = world.inside_media(4000)
    invite = phone.send_message(phone.invitation("sip:all@" + server.name, offer(near)),
                                server.address)
    seen, source = server.request("INVITE")
    forks = []
    for number, host in enumerate((MEDIA, FRIEND, SERVER), 1):
        far = world.outside_media(7000 + 10 * number, host)
        sent = _fork(world, server, seen, source, 183, number, far)
        early = phone.response(183, invite)
        legs = caller_leg(phone, invite, early), callee_leg(server, seen, sent)
        forks.append(Session(world, *legs, near, far, seen.media()[0], early.media()[0]))
    return forks, invite, seen, source


def _answers(fork: Session, number: int, invite: Message, seen: Message, source: Address) -> None:
    phone, server = fork.near.agent, fork.far.agent
    _fork(fork.world, server, seen, source, 200, number, fork.far_media)
    answered = phone.response(200, invite)
    fork.near.takes(answered)
    fork.near.acknowledge(invite, answered)
    server.request("ACK", invite.call_id)
    must_equal(answered.media()[0], fork.far_seen, "the answer of the fork that rang")


@scenario("R11", "three forks with different answers: early media of all three at once",
          (*BOTH_VERSIONS, ROUTED), subset=True)
def three_forks(world: World) -> None:
    forks, *_ = _forked(world)
    for fork in forks + forks[::-1]:
        fork.talk("outside")


@scenario("R11", "a fork that answers keeps its audio", (SHIFTED,))
def one_fork_answers(world: World) -> None:
    forks, invite, seen, source = _forked(world)
    _answers(forks[1], 2, invite, seen, source)
    forks[1].talk("outside")
    forks[1].hang_up()


@scenario("R11", "two forks that answer both have audio, and BYE of one leaves the other",
          (*BOTH_VERSIONS, ROUTED))
def two_forks_answer(world: World) -> None:
    forks, invite, seen, source = _forked(world)
    _answers(forks[2], 3, invite, seen, source)
    forks[2].talk()
    _answers(forks[0], 1, invite, seen, source)
    forks[0].talk()
    forks[2].talk("outside")
    forks[2].hang_up()
    forks[0].talk("outside")
    forks[0].hang_up(inside_asks=False)


def _late_offer(world: World, caller: Agent, callee: Agent, to: str, hop: Address,
                asked: Media, answered: Media) -> tuple[Message, Message]:
    """INVITE without a session; the 200 offers, the ACK answers. The offer and the answer, as
    the other end saw each."""
    invite = caller.send_message(caller.invitation(to), hop)
    seen, source = callee.request("INVITE")
    callee.send_message(callee.answer(seen, source, 200, "OK", offer(answered)), source)
    offered = caller.response(200, invite)
    caller_leg(caller, invite, offered).acknowledge(invite, offered, offer(asked))
    return offered, callee.request("ACK")[0]


@scenario("R11", "offer in the 200 and answer in the ACK, call from inside", BOTH_VERSIONS,
          subset=True)
def late_offer(world: World) -> None:
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    offered, answer = _late_offer(world, phone, server, server.uri, server.address, near, far)
    check_audio(world, near, answer.media()[0], far, offered.media()[0], first="outside")


@scenario("R11", "offer in the 200 and answer in the ACK, call from outside", (SHIFTED,))
def late_offer_inside(world: World) -> None:
    phone, server = world.phone(), world.server()
    contact = register(phone, server)
    near, far = world.inside_media(4000), world.outside_media(7000)
    offered, answer = _late_offer(world, server, phone, contact.contact, contact.target, far, near)
    check_audio(world, near, offered.media()[0], far, answer.media()[0], first="outside")


def _prack(leg: Leg, other: Leg, response: Message, body: str, answer: str) -> tuple[Message, Message]:
    """PRACK and its 200; what each end saw of the other's."""
    rack = ("RAck", f"{response.get('RSeq')} {response.get('CSeq')}")
    done = exchange(leg, other, "PRACK", body, 200, answer, [rack])
    return done.seen, done.answer_seen


@scenario("R11", "reliable 183 with the answer, PRACK with a new offer, its 200 with the answer",
          BOTH_VERSIONS)
def prack_offers(world: World) -> None:
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    new_near, new_far = world.inside_media(4100), world.outside_media(7100, FRIEND)
    invite = phone.send_message(phone.invitation(server.uri, offer(near)), server.address)
    seen, source = server.request("INVITE")
    sent = server.answer(seen, source, 183, "Session Progress", offer(far), RELIABLE)
    server.send_message(sent, source)
    early = phone.response(183, invite)
    check_audio(world, near, seen.media()[0], far, early.media()[0])
    legs = caller_leg(phone, invite, early), callee_leg(server, seen, sent)
    asked, answered = _prack(*legs, early, offer(new_near), offer(new_far))
    check_audio(world, new_near, asked.media()[0], new_far, answered.media()[0], first="outside")
    server.send_message(server.answer(seen, source, 200, "OK"), source)
    legs[0].acknowledge(invite, phone.response(200, invite))
    server.request("ACK")
    check_audio(world, new_near, asked.media()[0], new_far, answered.media()[0])


@scenario("R11", "reliable 183 with the offer, answer in the PRACK", (SHIFTED,))
def prack_answers(world: World) -> None:
    phone, server = world.phone(), world.server()
    contact = register(phone, server)
    near, far = world.inside_media(4000), world.outside_media(7000)
    invite = server.send_message(server.invitation(contact.contact), contact.target)
    seen, source = phone.request("INVITE")
    sent = phone.answer(seen, source, 183, "Session Progress", offer(near), RELIABLE)
    phone.send_message(sent, source)
    early = server.response(183, invite)
    legs = caller_leg(server, invite, early), callee_leg(phone, seen, sent)
    answer, _ = _prack(*legs, early, offer(far), "")
    check_audio(world, near, early.media()[0], far, answer.media()[0], first="outside")
    phone.send_message(phone.answer(seen, source, 200, "OK"), source)
    legs[0].acknowledge(invite, server.response(200, invite))
    phone.request("ACK")
    check_audio(world, near, early.media()[0], far, answer.media()[0])


@scenario("R11", "UPDATE before the answer moves early media", BOTH_VERSIONS)
def early_update(world: World) -> None:
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    invite = phone.send_message(phone.invitation(server.uri, offer(near)), server.address)
    seen, source = server.request("INVITE")
    sent = server.answer(seen, source, 183, "Session Progress", offer(far), RELIABLE)
    server.send_message(sent, source)
    early = phone.response(183, invite)
    ends = caller_leg(phone, invite, early), callee_leg(server, seen, sent)
    made = Session(world, *ends, near, far, seen.media()[0], early.media()[0])
    _prack(*ends, early, "", "")
    made.talk()
    made.offers(False, "UPDATE", far=world.outside_media(7200, FRIEND))
    made.talk("outside")
    made.offers(True, "UPDATE", near=world.inside_media(4200))
    made.talk("outside")
    server.send_message(server.answer(seen, source, 200, "OK"), source)
    made.near.acknowledge(invite, phone.response(200, invite))
    server.request("ACK")
    made.talk()
    made.hang_up()


def _moves(world: World, made: Session, method: str) -> None:
    """Each end in turn moves its media, then both at once."""
    made.offers(True, method, near=world.inside_media(4100))
    made.talk("outside")
    made.offers(False, method, far=world.outside_media(7100, FRIEND))
    made.talk("outside")
    made.offers(False, method, near=world.inside_media(4200), far=world.outside_media(7200))
    made.talk()
    made.hang_up(inside_asks=False)


@scenario("R11", "re-INVITE from both ends with new ports, call from inside", BOTH_VERSIONS)
def reinvite(world: World) -> None:
    made = calling(world)
    made.talk()
    _moves(world, made, "INVITE")


@scenario("R11", "re-INVITE from both ends with new ports, call from outside", (SHIFTED, ROUTED))
def reinvite_called(world: World) -> None:
    made = called(world)
    made.talk()
    _moves(world, made, "INVITE")


@scenario("R11", "UPDATE from both ends with new ports in a confirmed call", (SHIFTED,))
def confirmed_update(world: World) -> None:
    made = calling(world)
    made.talk()
    _moves(world, made, "UPDATE")


def _refused(world: World, made: Session, method: str, inside_asks: bool, status: int) -> None:
    """The new port is refused: the old audio stays, and the new port is closed."""
    new = world.inside_media(4300) if inside_asks else world.outside_media(7300, FRIEND)
    done = exchange(*made.ends(inside_asks), method, offer(new), status)
    made.talk("outside")
    made.talk("inside")
    moved = done.seen.media()[0]
    if inside_asks:
        must(moved != made.near_seen, "the refused port is another one")
        stays_closed(world, made.far_media, moved)
    else:
        stays_closed(world, new, made.near_seen)


@scenario("R11", "re-INVITE from inside refused with 488: the session before it goes on",
          (*BOTH_VERSIONS, ROUTED), subset=True)
def refused_reinvite(world: World) -> None:
    made = calling(world)
    made.talk()
    _refused(world, made, "INVITE", True, 488)
    made.hang_up()


@scenario("R11", "re-INVITE from outside refused with 488: the session before it goes on",
          (SHIFTED,))
def refused_reinvite_outside(world: World) -> None:
    made = called(world)
    made.talk()
    _refused(world, made, "INVITE", False, 488)
    made.hang_up()


@scenario("R11", "UPDATE refused with 488: the session before it goes on, and can change again",
          BOTH_VERSIONS)
def refused_update(world: World) -> None:
    made = calling(world)
    made.talk()
    _refused(world, made, "UPDATE", True, 488)
    made.offers(True, "UPDATE", near=world.inside_media(4400))
    made.talk("outside")
    made.hang_up()


def _glare(made: Session, near: Media, far: Media) -> None:
    """Both ends re-INVITE at the same time: both are told to wait (RFC 3261 14.2)."""
    asked = {True: made.near.ask("INVITE", offer(near)), False: made.far.ask("INVITE", offer(far))}
    for inside_asks, sent in asked.items():
        asker, other = made.ends(inside_asks)
        seen, source = other.heard("INVITE")
        other.reply(seen, source, 491)
        asker.acknowledge(sent, asker.agent.response(491, sent))
        other.heard("ACK")


@scenario("R11", "glare: two re-INVITEs meet, both get 491, audio goes on and the next one works",
          (SHIFTED, ROUTED))
def glare(world: World) -> None:
    made = calling(world)
    made.talk()
    near, far = world.inside_media(4500), world.outside_media(7500, FRIEND)
    _glare(made, near, far)
    made.talk("outside")
    made.offers(False, far=far)
    made.talk("outside")
    made.offers(True, near=near)
    made.talk("outside")
    made.hang_up()


@scenario("R11", "the same Call-ID towards two branches inside: the one that answers has audio",
          (SHIFTED,))
def forked_to_the_inside(world: World) -> None:
    """A proxy outside forks one call to two phones behind the same router."""
    server = world.server()
    phones = [world.phone(n) for n in (1, 2)]
    contacts = [register(phone, server) for phone in phones]
    nears = [world.inside_media(4000, n) for n in (1, 2)]
    far = world.outside_media(7000)
    base = server.invitation(contacts[0].contact, offer(far))
    seen = []
    for phone, contact in zip(phones, contacts):
        branch = server.compose("INVITE", contact.contact, [
            (n, base.get(n)) for n in ("From", "To", "Call-ID", "CSeq", "Contact")], offer(far))
        server.send_message(branch, contact.target)
        seen.append((branch, *phone.request("INVITE")))
        phone.send_message(phone.answer(seen[-1][1], seen[-1][2], 180, "Ringing"), seen[-1][2])
        server.response(180, branch)
    branch, invite, source = seen[1]
    phones[1].send_message(phones[1].answer(invite, source, 200, "OK", offer(nears[1])), source)
    answered = server.response(200, branch)
    caller_leg(server, branch, answered).acknowledge(branch, answered)
    phones[1].request("ACK")
    branch, invite, source = seen[0]
    cancel = server.compose("CANCEL", branch.uri, [
        (n, branch.get(n)) for n in ("From", "To", "Call-ID")] + [("CSeq", "1 CANCEL")],
        via=branch.get("Via"))
    server.send_message(cancel, contacts[0].target)
    asked, _ = phones[0].request("CANCEL")
    phones[0].send_message(phones[0].answer(asked, source, 200, "OK"), source)
    phones[0].send_message(phones[0].answer(invite, source, 487, "Request Terminated"), source)
    server.response(487, branch)
    check_audio(world, nears[1], answered.media()[0], far, invite.media()[0], first="outside")
    _closed_branch(world, far, nears[0], answered.media()[0])


def _closed_branch(world: World, far: Media, near: Media, answered: Address) -> None:
    near.inbox.clear()
    far.play(answered, 3)
    world.rest(0.2)
    must_equal(near.inbox.packets, [], "what the phone that did not answer hears")


@scenario("R11", "a call whose offer and answer are repeated in 180, 183 and 200", (SHIFTED,))
def repeated_answers(world: World) -> None:
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000)
    invite = phone.send_message(phone.invitation(server.uri, offer(near)), server.address)
    seen, source = server.request("INVITE")
    told = set()
    for status, words in ((180, "Ringing"), (183, "Session Progress"), (200, "OK")):
        server.send_message(server.answer(seen, source, status, words, offer(far)), source)
        told.add(phone.response(status, invite).media()[0])
        check_audio(world, near, seen.media()[0], far, far.address, first="outside")
    must_equal(told, {far.address}, "the answer inside")


@scenario("R11", "two calls in two dialogs of one Call-ID and one phone do not disturb each other")
def same_call_id(world: World) -> None:
    """Some PBXs number calls per phone: Call-ID alone does not tell dialogs apart."""
    phone, server, friend = world.phone(), world.server(), world.friend()
    ends = ((server, 4000, 7000), (friend, 4100, 7100))
    made = [session_of(world, call(phone, other, other.uri, other.address, world.inside_media(near),
                                   world.outside_media(far), "the-same@phone"), True)
            for other, near, far in ends]
    for one in made:
        one.talk()
    made[0].hang_up()
    made[1].talk("outside")
    made[1].hang_up()
