# SPDX-License-Identifier: GPL-2.0
"""Kamailio as providers run it: with a media relay, and with its own handling of NAT."""
from __future__ import annotations

from calls import must
from net import MEDIA, SERVER
from peer import World
from programs import Baresip, Kamailio
from programs_calls import both_talk, call_through, end_call, enrol, step
from programs_hosts import own_host
from programs_relay import Rtpengine
from programs_talk import NOTES, talk
from registry import SHIFTED, SHIFTED6, scenario
from sip import Address, host_port


@scenario("R14", "Kamailio and rtpengine outside: calls in, out, and inside to inside",
          (SHIFTED, SHIFTED6))
def relay(world: World) -> None:
    proxy: Address = (world.plan.far(SERVER), 5060)
    Rtpengine(world, world.line.outside, world.plan.far(MEDIA))
    Kamailio(world, proxy, "WITH_RELAY")
    phones = [world.phone(1), world.phone(2), world.friend()]
    media = [world.inside_media(4000, 1), world.inside_media(4000, 2), world.outside_media(7000)]
    for phone in phones:
        enrol(phone, proxy)
    for caller, callee in ((0, 2), (2, 1), (0, 1), (1, 0)):
        with step(f"{phones[caller].user} calls {phones[callee].user}"):
            uri = f"sip:{phones[callee].user}@{host_port(proxy)}"
            one, two = call_through(phones[caller], uri, proxy, phones[callee],
                                    (media[caller], media[callee]))
            must(one.peer[0] == two.peer[0] == world.plan.far(MEDIA), "the media go to the relay")
            both_talk(world, one, two)
            one.reinvite("sendonly", "recvonly")
            one.reinvite("sendrecv", "sendrecv")
            both_talk(world, one, two)
            end_call(world, one, two)


def _with_nat_handling(world: World, *words: str) -> tuple[Baresip, Baresip]:
    """Two phones, registered, that call each other while Kamailio pings them."""
    registrar: Address = (world.plan.far(SERVER), 5060)
    Kamailio(world, registrar, "WITH_NAT", *words)
    hosts = {"alice": (world.line.inside, world.plan.phone(101)),
             "bob": (world.line.outside, world.plan.far(40))}
    phones = [Baresip(world, own_host(world, side, host), (host, 5060), user, registrar,
                      NOTES[user]) for user, (side, host) in hosts.items()]
    for phone in phones:
        phone.registered()
    talk(world, phones[0], phones[1], registrar)
    talk(world, phones[1], phones[0], registrar)
    return phones[0], phones[1]


def _aliased(world: World) -> bool:
    """True if Kamailio noted in a Contact that it thinks the phone is behind NAT."""
    return any(";alias=" in c.message.text for c in world.crossings())


@scenario("R17", "Kamailio's stock NAT handling: calls both ways, its OPTIONS answered", (SHIFTED,),
          udp_only="it pings over UDP alone")
def stock_nat(world: World) -> None:
    _with_nat_handling(world, "WITH_OPTIONS")

    def answered() -> bool:
        crossings = [c for c in world.crossings() if c.message.method == "OPTIONS" and c.after]
        return sum(c.outbound and c.message.status == 200 for c in crossings) >= 3
    world.wait("the phone inside answers three pings", answered, 6)
    must(not _aliased(world), "Kamailio found a NAT though our messages hide it")


@scenario("R17", "Kamailio that takes every phone for one behind NAT: calls both ways, its pings",
          (SHIFTED,),
          udp_only="it pings over UDP alone")
def nat_always(world: World) -> None:
    _with_nat_handling(world, "WITH_NAT_ALWAYS")

    def arrived() -> bool:
        world.capture.drain()
        return sum(d.payload == bytes(4) and d.leaving and d.interface == "lan"
                   for d in world.capture.seen) >= 3
    world.wait("three pings of four bytes reach the phone inside", arrived, 6)
    must(_aliased(world), "Kamailio was to treat all as behind NAT")
