# SPDX-License-Identifier: GPL-2.0
"""S2: nobody outside begins a TCP connection to the inside, unless a setting says so."""
from __future__ import annotations

import errno
import socket

from calls import Registration, must, must_equal, register
from dialog import calling
from net import SERVER, STRANGER, Namespace
from peer import Agent, World
from registry import IPTABLES, MASQUERADE, ROUTED, SHIFTED, SHIFTED6, TRANSLATED, over_tcp, scenario
from sip import Address, via_without_answers

KNOCKS = 1.0
"""Seconds: a firewall that drops says nothing, and a SYN that is let in is seen at once."""


def _knock(world: World, where: Namespace, host: str, to: Address) -> bool:
    """A SYN from that host; whether a connection stands."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with where:
        made = socket.socket(family, socket.SOCK_STREAM)
    made.bind((host, 0))
    made.setblocking(False)
    result = made.connect_ex(to)
    must(result in (0, errno.EINPROGRESS), f"a SYN to {to}: {errno.errorcode.get(result)}")
    world.rest(KNOCKS)
    stands = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and _connected(made)
    made.close()
    return stands


def _connected(made: socket.socket) -> bool:
    try:
        made.getpeername()
    except OSError:
        return False
    return True


def _stays_out(world: World, hosts: tuple[int, ...], doors: tuple[Address, ...], what: str) -> None:
    """No SYN of theirs comes in, to any of the addresses that the phone could be known by."""
    for host in hosts:
        for door in doors:
            stands = _knock(world, world.line.outside, world.plan.far(host), door)
            must(not stands, f"{what}: {world.plan.far(host)} has a connection to {door}")
    let_in = [o for o in world.capture.openings if o.interface.startswith("lan") and o.leaving]
    must_equal(let_in, [], f"{what}: SYNs that were let in")


def _tcp_pinholes(world: World) -> list[str]:
    return [line for line in world.line.expectations() if "proto=6 " in line]


def _doors(world: World, phone: Agent, made: Registration) -> tuple[Address, ...]:
    """What the phone is known by, and what it would be known by if nothing were translated."""
    known = dict.fromkeys((made.target, phone.address, (world.line.router_address, phone.address[1])))
    return tuple(door for door in known if world.setup.nat == "routed" or door[0] != phone.address[0])


@scenario("S2", "a registration and a call over TCP let nobody's SYN in, the registrar's neither",
          over_tcp(*TRANSLATED, ROUTED), subset=True)
def nobody(world: World) -> None:
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=600)
    must_equal(_tcp_pinholes(world), [], "expectations for TCP after the registration")
    live = calling(world, phone=phone, server=server)
    must_equal(_tcp_pinholes(world), [], "expectations for TCP in a call")
    _stays_out(world, (SERVER, STRANGER), _doors(world, phone, made), "while registered")
    live.talk("outside")
    live.hang_up(inside_asks=False)


@scenario("S2", "the connection of a registered phone has ended: nobody's SYN comes in in its place",
          over_tcp(SHIFTED, SHIFTED6))
def connection_gone(world: World) -> None:
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=600)
    server.connection(made.target).close()
    phone.connection(server.address).close()
    must_equal(_tcp_pinholes(world), [], "expectations for TCP")
    _stays_out(world, (SERVER, STRANGER), _doors(world, phone, made), "without a connection")


@scenario("S2", "tcp_inbound=1: the registrar connects to the port that the phone listens on, no stranger",
          over_tcp(SHIFTED, SHIFTED6, MASQUERADE, IPTABLES))
def registrar(world: World) -> None:
    world.line.own_setting("tcp_inbound", 1)
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=600)
    must(not _knock(world, world.line.outside, world.plan.far(STRANGER), made.target),
         "a stranger has a connection to the phone")
    server.connection(made.seen_from).close()
    phone.connection(server.address).close()
    assert server.streams
    anew = server.streams.connect(made.target)
    invite = server.invitation(made.contact)
    anew.send(invite.raw)
    seen, source = phone.request("INVITE", invite.call_id)
    must_equal(seen.uri, phone.uri, "the Request-URI inside")
    phone.send_message(phone.answer(seen, source, 486, "Busy Here"), source)
    answered = server.response(486, invite)
    must_equal(via_without_answers(answered.get("Via")), invite.get("Via"), "the Via of the 486")


@scenario("S2", "tcp_inbound=1, routed: the registrar connects to the phone, a stranger does not",
          over_tcp(ROUTED))
def registrar_routed(world: World) -> None:
    world.line.own_setting("tcp_inbound", 1)
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=600)
    must(not _knock(world, world.line.outside, world.plan.far(STRANGER), made.target),
         "a stranger has a connection to the phone")
    must(_knock(world, world.line.outside, world.plan.far(SERVER), made.target),
         "the registrar has none")


@scenario("S2", "tcp_inbound=1: the way in closes when the registration ends", over_tcp(SHIFTED))
def ends(world: World) -> None:
    world.line.own_setting("tcp_inbound", 1)
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=600, call_id="ends@phone")
    must(bool(_tcp_pinholes(world)), "a way in for the registrar stands")
    register(phone, server, None, asked=0, call_id="ends@phone")
    world.wait("the way in closes", lambda: not _tcp_pinholes(world), 2)
    must(not _knock(world, world.line.outside, world.plan.far(SERVER), made.target),
         "the registrar has a connection to the phone")
