# SPDX-License-Identifier: GPL-2.0
"""R27: tenants in conntrack zones, routers in namespaces, marks: nothing of two ever meets."""
from __future__ import annotations

from calls import Call, Registration, call, hang_up, must, must_equal, register, ring, talk
from crowd import play_all
from net import MEDIA, ROUTER, SIP, Rules, nft_rules
from peer import Agent, Media, World
from registry import MASQUERADE, SHIFTED, SHIFTED6, scenario

TENANTS = (1, 2)
LANS = ("lan", "lan2")


def _route_tenants(world: World) -> None:
    """The same network on both interfaces: the mark says which one is meant."""
    plan = world.plan
    network = f"{plan.inside}0/{plan.length}"
    for tenant, lan in zip(TENANTS, LANS):
        world.line.ip(f"route add {network} dev {lan} table {100 + tenant}",
                      f"rule add fwmark {tenant} lookup {100 + tenant}")


def _whole_zones(world: World) -> Rules:
    """Each tenant has a zone and an outside address of its own."""
    plan, rules = world.plan, nft_rules(world.setup, world.helper)
    doors = [plan.far(ROUTER), plan.far(2)]
    world.line.ip(f"address add {doors[1]}/{plan.length} dev wan")
    lines = [f"{where} ct zone set {tenant} meta mark set {tenant}"
             for tenant, lan, door in zip(TENANTS, LANS, doors)
             for where in (f'iifname "{lan}"', f'iifname "wan" ip daddr {door}')]
    rules.more = ["chain zones { type filter hook prerouting priority -300;\n"
                  + "".join(f" {line};\n" for line in lines) + "}"]
    rules.leave = [f'oifname "wan" meta mark {tenant} snat ip to {door}'
                   for tenant, door in zip(TENANTS, doors)]
    return rules


def share_address(world: World) -> Rules:
    """Each tenant has a zone for what it begins; outside they share one address."""
    rules = nft_rules(world.setup, world.helper)
    rules.more = ["chain zones { type filter hook prerouting priority -300;\n"
                  + "".join(f' iifname "{lan}" ct original zone set {tenant};\n'
                            for tenant, lan in zip(TENANTS, LANS)) + "}",
                  "chain marks { type filter hook prerouting priority -160;\n"
                  + "".join(f' iifname "{lan}" ct mark set {tenant};\n'
                            for tenant, lan in zip(TENANTS, LANS))
                  + " meta mark set ct mark; }"]
    return rules


class Tenants:
    """Two phones with the same address and the same ports, each in a network of its own."""

    def __init__(self, world: World) -> None:
        self.world, self.server = world, world.server()
        self.where = (world.line.inside, world.line.add_lan("lan2", world.plan.inside))
        _route_tenants(world)
        host = world.plan.phone(1)
        self.phones = [Agent(world, place, (host, 5060), f"tenant{tenant}")
                       for tenant, place in zip(TENANTS, self.where)]
        self.doors: list[Registration] = []

    def near(self, number: int, port: int) -> Media:
        return Media(self.world, self.where[number], (self.world.plan.phone(1), port),
                     f"tenant {TENANTS[number]} {port}")

    def register(self) -> None:
        self.doors = [register(phone, self.server, granted=60, call_id="register@tenants")
                      for phone in self.phones]
        must_equal(len({door.target for door in self.doors}), 2, "each tenant has its own Contact")

    def call_out(self) -> list[Call]:
        return [call(phone, self.server, self.server.uri, self.server.address,
                     self.near(number, 4000), self.world.outside_media(7000 + 2 * number, MEDIA),
                     call_id="out@tenants") for number, phone in enumerate(self.phones)]

    def call_in(self) -> list[Call]:
        return [call(self.server, phone, door.contact, door.target,
                     self.world.outside_media(7100 + 2 * number, MEDIA),
                     self.near(number, 4100), call_id=f"in{number}@tenants")
                for number, (phone, door) in enumerate(zip(self.phones, self.doors))]


@scenario("R27", "two tenants with the same addresses in two zones never meet", (MASQUERADE,))
def two_zones(world: World) -> None:
    tenants = Tenants(world)
    world.line.load(_whole_zones(world))
    world.line.idle_timeouts(3)
    tenants.register()
    calls = tenants.call_out()
    play_all(world, calls)
    for made in tenants.call_in():
        talk(world, made, inside_calls=False, first="outside")
    hang_up(calls[0])
    play_all(world, calls[1:])
    world.rest(6)
    for phone, door in zip(tenants.phones, tenants.doors):
        other = world.server_again(tenants.server, 5080 + TENANTS[tenants.phones.index(phone)])
        ring(phone, other, door.contact, f"{phone.user} after silence")


@scenario("R27", "two tenants with the same addresses share an outside address", (MASQUERADE, SHIFTED))
def original_zones(world: World) -> None:
    """The kernel finds no expectation of a zone that holds in one direction only, for what
    comes from the other: media has to begin inside."""
    tenants = Tenants(world)
    world.line.load(share_address(world))
    tenants.register()
    calls = tenants.call_out()
    play_all(world, calls)
    for made in tenants.call_in():
        talk(world, made, inside_calls=False)
    hang_up(calls[0])
    play_all(world, calls[1:])


@scenario("R27", "two routers in two namespaces, the same addresses and Call-ID in both",
          (MASQUERADE, SHIFTED6))
def two_routers(world: World) -> None:
    other = World(world.setup, world.helper)
    try:
        made = []
        for one in (world, other):
            phone, server = one.phone(), one.server()
            register(phone, server, call_id="register@both")
            made.append(call(phone, server, server.uri, server.address,
                             one.inside_media(4000), one.outside_media(7000), call_id="call@both"))
        for one, live in zip((world, other), made):
            talk(one, live, inside_calls=True, first="outside")
        hang_up(made[0])
        ports = [f"dport={one.caller_media_seen[1]} " for one in made]
        world.wait("the pinholes of the first one close", lambda: not [
            e for e in world.line.expectations() if ports[0] in e], 1)
        must(not world.helper or bool([e for e in other.line.expectations() if ports[1] in e]),
             "the other's pinholes stand")
        talk(other, made[1], inside_calls=True, first="outside")
    finally:
        other.close()


@scenario("R27", "media inherits the mark of its signalling", (SHIFTED, SHIFTED6))
def marks(world: World) -> None:
    rules = nft_rules(world.setup, world.helper)
    rules.attach.append(f"{SIP} ct mark set 42")
    world.line.load(rules)
    phone, server = world.phone(), world.server()
    for number, first in enumerate(("inside", "outside")):
        port = 4000 + 10 * number
        made = call(phone, server, server.uri, server.address,
                    world.inside_media(port), world.outside_media(7000 + 10 * number))
        talk(world, made, inside_calls=True, first=first)
        lines = [line for line in world.line.connections() if f"port={port} " in line]
        must(bool(lines) and all("mark=42 " in line for line in lines),
             f"the mark of audio that began {first}: {lines}")
