# SPDX-License-Identifier: GPL-2.0
"""S3: a signalling pinhole opens on the 2xx of the server that was asked, to the very request
that was sent, and for that server alone.
"""
from __future__ import annotations

from attacks import SUCCEEDS, Attacked, pinholes
from calls import Registration, grant, must, must_equal, register, ring
from net import FRIEND, SERVER, STRANGER
from peer import Agent, Port, World
from registry import BOTH_VERSIONS, MASQUERADE, SHIFTED, SHIFTED6, over_tcp, scenario
from sip import Address, Message

OTHER_PORT = 5070
SPOOFED = "datagrams of who is not connected, or in the server's name; over TCP over_a_connection() asks it"


def _changed(answer: Message, name: str, old: str, new: str) -> Message:
    """The answer with one of its headers falsified."""
    for line in answer.text.split("\r\n"):
        if line.startswith(name + ":"):
            must(old in line, f"{old!r} is in {line!r}")
            return Message(answer.text.replace(line, line.replace(old, new), 1).encode())
    raise AssertionError(name)


def _forgeries(answer: Message, sent: Message) -> dict[str, Message]:
    """2xx answers that are not to this REGISTER."""
    number = sent.get("CSeq").split()[0]
    return {
        "another branch": _changed(answer, "Via", "branch=z9hG4bK", "branch=z9hG4bKx"),
        "no branch": _changed(answer, "Via", ";branch=", ";brunch="),
        "another CSeq number": _changed(answer, "CSeq", number, str(int(number) + 1)),
        "another CSeq method": _changed(answer, "CSeq", "REGISTER", "OPTIONS"),
        "another Call-ID": _changed(answer, "Call-ID", sent.call_id, sent.call_id + "x"),
        "a status that is none": Message(answer.raw.replace(b"SIP/2.0 200", b"SIP/2.0 0200", 1)),
        "100 Trying": Message(answer.raw.replace(b"SIP/2.0 200 OK", b"SIP/2.0 100 Trying", 1)),
    }


def _comes_in(world: World, sender: Port, to: Address, fence: tuple[Port, Address]) -> bool:
    """Whether a SIP datagram of that sender reaches the inside."""
    data = (f"OPTIONS sip:x SIP/2.0\r\nCall-ID: {world.token('probe')}\r\n\r\n").encode()
    before = len(world.capture.seen)
    sender.send(data, to)
    mark = world.token("fence").encode()
    fence[0].send(mark, fence[1])
    world.wait("a datagram after the probe crosses the router", lambda: [
        d for d in world.capture.seen[before:] if d.payload == mark and d.leaving])
    return any(d.interface == "lan" and d.leaving for d in world.capture.seen[before:]
               if d.payload.startswith(b"OPTIONS sip:"))


def _closed(world: World, what: str, doors: dict[str, Port], to: Address,
            fence: tuple[Port, Address]) -> None:
    """Nobody but the server's own port gets through, and no pinhole stands."""
    for who, sender in doors.items():
        if _comes_in(world, sender, to, fence):
            raise Attacked(f"{SUCCEEDS}{what}: {who} reaches the phone through {to}; "
                           f"pinholes {sorted(pinholes(world))}")
    must_equal(pinholes(world), set(), f"{what}: pinholes")


def _ask(phone: Agent, server: Agent) -> tuple[Message, Message, Address]:
    """A REGISTER as the phone sent it, and as the server saw it."""
    sent = phone.registration(server.address, 3600)
    phone.send_message(sent, server.address)
    return sent, *server.request("REGISTER", sent.call_id)


@scenario("S3", "forged 200s to a REGISTER open nothing: other branch, CSeq, Call-ID, port, server",
          (SHIFTED, MASQUERADE, SHIFTED6), udp_only=SPOOFED, subset=True,
          in_tree_fails=True)
def forged(world: World) -> None:
    world.loses = True      # who knocks from elsewhere is not let in
    phone, server, fence = world.phone(), world.server(), world.fence()
    doors: dict[str, Port] = {"another port of the server": world.server(OTHER_PORT),
                              "another server": world.friend(OTHER_PORT),
                              "a stranger": world.stranger(OTHER_PORT)}
    sent, seen, source = _ask(phone, server)
    good = server.answer(seen, source, 200, "OK", more=grant(seen, 600))
    for how, answer in _forgeries(good, seen).items():
        server.send_message(answer, source)
        _closed(world, how, doors, source, fence)
    for who, sender in doors.items():
        sender.send(good.raw, source)
        _closed(world, f"200 of {who}", doors, source, fence)
    server.send_message(good, source)
    phone.response(200, sent)
    must(_comes_in(world, doors["another port of the server"], source, fence),
         "the registrar's own 200 lets the registrar in")
    for who in ("another server", "a stranger"):
        must(not _comes_in(world, doors[who], source, fence), f"{who} stays out")


@scenario("S3", "a phone that was refused or never answered is reached by nobody else",
          BOTH_VERSIONS, udp_only=SPOOFED)
def refused(world: World) -> None:
    world.loses = True
    phone, server, fence = world.phone(), world.server(), world.fence()
    doors: dict[str, Port] = {"another port of the server": world.server(OTHER_PORT),
                              "a stranger": world.stranger(OTHER_PORT)}
    for status, reason in ((100, "Trying"), (401, "Unauthorized"), (302, "Moved"), (403, "Forbidden"),
                           (503, "Unavailable"), (600, "Busy")):
        sent, seen, source = _ask(phone, server)
        server.send_message(server.answer(seen, source, status, reason, more=grant(seen, 600)), source)
        phone.response(status, sent)
        _closed(world, f"{status} to a REGISTER", doors, source, fence)


@scenario("S3", "a 200 that comes once more, or after its REGISTER was refused, grants nothing",
          BOTH_VERSIONS, udp_only=SPOOFED)
def late(world: World) -> None:
    world.loses = True
    phone, server, fence = world.phone(), world.server(), world.fence()
    doors: dict[str, Port] = {"another port of the server": world.server(OTHER_PORT)}
    sent, seen, source = _ask(phone, server)
    good = server.answer(seen, source, 200, "OK", more=grant(seen, 600))
    server.send_message(server.answer(seen, source, 403, "Forbidden"), source)
    phone.response(403, sent)
    server.send_message(good, source)
    _closed(world, "200 after 403", doors, source, fence)
    register(phone, server, granted=600, call_id="once")
    register(phone, server, None, asked=0, call_id="once")
    _closed(world, "registered and gone", doors, source, fence)
    server.send_message(good, source)
    _closed(world, "the old 200 once more", doors, source, fence)


@scenario("S3", "over TCP, with tcp_inbound=1: forged, refused and late answers open no way in, the right one does",
          over_tcp(SHIFTED, SHIFTED6, MASQUERADE))
def over_a_connection(world: World) -> None:
    """Nobody but the server can write into its connection; so it is the server that writes 200s
    to what was not asked. What opens then is its way to the phone's listening port, and the time
    for which the connection is kept."""
    world.line.own_setting("tcp_inbound", 1)
    phone, server = world.phone(), world.server()
    sent, seen, source = _ask(phone, server)
    good = server.answer(seen, source, 200, "OK", more=grant(seen, 600))
    for how, answer in _forgeries(good, seen).items():
        server.send_message(answer, source)
        _opens_nothing(world, phone, answer, how)
    refused_ = server.answer(seen, source, 403, "Forbidden")
    for how, answer in (("403", refused_), ("200 after 403", good)):
        server.send_message(answer, source)
        _opens_nothing(world, phone, answer, how)
    again, seen, source = _ask(phone, server)
    server.send_message(server.answer(seen, source, 200, "OK", more=grant(seen, 600)), source)
    phone.response(200, again)
    if now := world.line.counters():
        must_equal(now["registration_granted"], 1, "registrations granted")
        must(pinholes(world) != set(), "the right 200 opens the registrar's way in")


def _opens_nothing(world: World, phone: Agent, answer: Message, what: str) -> None:
    """Once the answer has come to the phone."""
    phone.take(what, lambda m: m.start == answer.start and m.get("CSeq") == answer.get("CSeq"))
    must_equal(pinholes(world), set(), f"{what}: pinholes")
    must_equal(world.line.counters().get("registration_granted", 0), 0, f"{what}: registrations granted")


def _third_party(phone: Agent, server: Agent, contact: str) -> Registration:
    return register(phone, server, granted=600, contact=f"<sip:other@{contact}>")


@scenario("S3", "granted Contacts of others open nothing: another host inside, the server, nobody's",
          BOTH_VERSIONS, udp_only=SPOOFED)
def others_contacts(world: World) -> None:
    """A REGISTER may name anyone; a way in leads to who sent it alone."""
    world.translates, world.loses = False, True
    phone, server, fence = world.phone(), world.server(), world.fence()
    other = world.phone(2)
    for host in (other.address, (world.plan.far(FRIEND), 5060), (world.line.router_address, 5060),
                 (world.plan.far(SERVER), 5090)):
        named = f"[{host[0]}]:{host[1]}" if ":" in host[0] else f"{host[0]}:{host[1]}"
        made = _third_party(phone, server, named)
        probe = world.server(OTHER_PORT)
        for port in (host[1], 5060):
            must(not _comes_in(world, probe, (world.line.router_address, port), fence),
                 f"Contact {named}: the way in to {port} is closed")
        wrong = [line for line in pinholes(world) if f"dport={made.seen_from[1]} " not in line]
        must_equal(wrong, [], f"Contact {named}: pinholes to other ports than the phone's own")
        world.selector.unregister(probe.socket)
        probe.socket.close()


@scenario("S3", "who may come in by a registration's pinhole: the registrar from any port, nobody else",
          (SHIFTED, SHIFTED6, MASQUERADE), udp_only=SPOOFED)
def registrar_alone(world: World) -> None:
    world.loses = True
    phone, server, fence = world.phone(), world.server(), world.fence()
    made = register(phone, server, granted=600)
    for host, port in ((STRANGER, 5060), (FRIEND, 5060), (STRANGER, 5080)):
        probe = Agent(world, world.line.outside, (world.plan.far(host), port), "probe")
        must(not _comes_in(world, probe, made.target, fence), f"{probe.name} stays out")
    ring(phone, world.server(5080), made.contact, "the registrar's other port")
