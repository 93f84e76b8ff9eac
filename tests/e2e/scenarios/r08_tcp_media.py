# SPDX-License-Identifier: GPL-2.0
"""R8, S2: media over TCP (MSRP, BFCP). Nobody is let in unless a setting says so."""
from __future__ import annotations

import socket

from calls import must, must_equal
from dialog import caller_leg
from net import MEDIA, PATIENCE, SERVER, STRANGER, Failure, Namespace, Setup
from peer import World, check_audio, offer
from registry import MASQUERADE, ROUTED, scenario
from sip import Address, Message, host_text, session

BOTH = (MASQUERADE, Setup("masquerade", 6))
SETTING = "net.netfilter.sip_ext_tcp_media"


def _socket(where: Namespace, address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with where:
        made = socket.socket(family, socket.SOCK_STREAM)
    made.settimeout(3 * PATIENCE)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(address)
    return made


def _listens(where: Namespace, address: Address) -> socket.socket:
    made = _socket(where, address)
    made.listen()
    return made


def _connects(where: Namespace, host: str, to: Address) -> socket.socket | None:
    """A connection from `host`; None if it is refused."""
    made = _socket(where, (host, 0))
    try:
        made.connect(to)
    except ConnectionRefusedError:
        return None
    except TimeoutError as error:
        raise Failure(f"no connection from {host} to {to}") from error
    return made


def _read(end: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := end.recv(65536)):
        data += more
    return data


def _bytes_cross(one: socket.socket, other: socket.socket) -> None:
    """More than a window's worth, each byte at its place."""
    for number, (sender, receiver) in enumerate(((one, other), (other, one))):
        data = bytes((n * 7 + number) & 255 for n in range(20000))
        sender.sendall(data)
        must_equal(_read(receiver, len(data)), data, "the bytes of the stream")


def _msrp(host: str, port: int, setup: str) -> tuple[str, ...]:
    return (f"m=message {port} TCP/MSRP *", "a=accept-types:text/plain",
            f"a=path:msrp://{host_text(host)}:{port}/s4711;tcp", f"a=setup:{setup}")


def _bfcp(port: int, setup: str) -> tuple[str, ...]:
    return (f"m=application {port} TCP/BFCP *", "a=floorctrl:c-s", f"a=setup:{setup}",
            "a=connection:new")


def _called(world: World, lines: tuple[str, ...], answer: tuple[str, ...],
            host: int = SERVER) -> tuple[Message, Message]:
    """A call with a stream over TCP, and audio beside it that must work in any case."""
    phone, server = world.phone(), world.server()
    near, far = world.inside_media(4000), world.outside_media(7000, host)
    invite = phone.invitation(server.uri, offer(near) + "\r\n".join(lines) + "\r\n")
    phone.send_message(invite, server.address)
    seen, source = server.request("INVITE")
    body = session(far.address[0], "m=audio 7000 RTP/AVP 0", *answer)
    server.send_message(server.answer(seen, source, 200, "OK", body), source)
    answered = phone.response(200, invite)
    caller_leg(phone, invite, answered).acknowledge(invite, answered)
    server.request("ACK")
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")
    return seen, answered


def _enters(world: World, listener: socket.socket, told: Address, host: int = SERVER) -> None:
    """The other end connects to where the session said, and bytes cross."""
    outside = _connects(world.line.outside, world.plan.far(host), told)
    must(outside is not None, f"the connection to {told} is refused")
    assert outside is not None
    inside, peer = listener.accept()
    inside.settimeout(3 * PATIENCE)
    must_equal(peer[:2], outside.getsockname()[:2], "who connects, as the phone sees it")
    _bytes_cross(outside, inside)
    inside.close()
    outside.close()


def _stays_out(world: World, told: Address, what: str) -> None:
    must(_connects(world.line.outside, world.plan.far(STRANGER), told) is None, what)


@scenario("S2", "TCP media opens nothing inwards by default, audio beside it works", BOTH)
def closed_by_default(world: World) -> None:
    host = world.plan.phone(1)
    _listens(world.line.inside, (host, 4855))
    seen, _ = _called(world, _bfcp(4855, "passive"), _bfcp(9, "active"))
    for told in (seen.media()[1], (world.line.router_address, 4855)):
        must(_connects(world.line.outside, world.plan.far(SERVER), told) is None,
             f"{told} is reached from outside")


@scenario("R8", "MSRP: a phone that waits inside is connected to, if the setting allows it", BOTH)
def message_passive(world: World) -> None:
    world.line.router.sysctl(SETTING, 1)
    host = world.plan.phone(1)
    listener = _listens(world.line.inside, (host, 4855))
    seen, _ = _called(world, _msrp(host, 4855, "passive"), _msrp(world.plan.far(SERVER), 9, "active"))
    told = seen.media()[1]
    path = f"a=path:msrp://{host_text(told[0])}:{told[1]}/s4711;tcp"
    must(path in seen.body.split("\r\n"), f"a=path names what m= names: {path}")
    _stays_out(world, told, "a stranger connects")
    _enters(world, listener, told)


@scenario("R8", "BFCP: a phone that waits inside is connected to, if the setting allows it",
          (*BOTH, ROUTED))
def floor_passive(world: World) -> None:
    world.line.router.sysctl(SETTING, 1)
    listener = _listens(world.line.inside, (world.plan.phone(1), 4855))
    seen, _ = _called(world, _bfcp(4855, "actpass"), _bfcp(9, "active"))
    _enters(world, listener, seen.media()[1])


@scenario("R8", "BFCP: who connects is the media server of the answer, not the signalling server",
          (MASQUERADE, ROUTED))
def floor_elsewhere(world: World) -> None:
    """Who connects has no port to name: it writes 9 (RFC 4145 4), its address counts."""
    world.line.router.sysctl(SETTING, 1)
    listener = _listens(world.line.inside, (world.plan.phone(1), 4855))
    seen, _ = _called(world, _bfcp(4855, "passive"), _bfcp(9, "active"), MEDIA)
    _enters(world, listener, seen.media()[1], MEDIA)


@scenario("R8", "TCP media: a phone that connects out reaches the other end in any case", (*BOTH, ROUTED))
def active(world: World) -> None:
    far = world.plan.far(SERVER), 7855
    listener = _listens(world.line.outside, far)
    _, answered = _called(world, _bfcp(9, "active"), _bfcp(far[1], "passive"))
    inside = _connects(world.line.inside, world.plan.phone(1), answered.media()[1])
    must(inside is not None, "the connection out is refused")
    assert inside is not None
    outside, _ = listener.accept()
    outside.settimeout(3 * PATIENCE)
    _bytes_cross(inside, outside)


@scenario("R8", "T.38 over TCP and its a=setup cross as written, audio beside it works", (MASQUERADE,))
def fax_over_tcp(world: World) -> None:
    line = ("m=image 9 TCP t38", "a=setup:active", "a=T38FaxVersion:0")
    seen, _ = _called(world, line, ("m=image 0 TCP t38",))
    must_equal(tuple(seen.body.split("\r\n")[-4:-1]), line, "the lines of the fax outside")
