# SPDX-License-Identifier: GPL-2.0
"""baresip with ICE and without, a STUN and TURN server outside."""
from __future__ import annotations

from calls import must_equal
from net import MEDIA, SERVER
from peer import World
from programs import Baresip, Kamailio
from programs_hosts import own_host
from programs_talk import NOTES, talk
from programs_ice import Coturn, ice_faults
from registry import MASQUERADE, SHIFTED, scenario
from sip import Address, host_port

PORTS = "10000-19998"
"""baresip draws its RTP port from these by chance. The TURN server still has the allocation of a
call that has just ended: the next one must not come from the same port (437, RFC 8656 7.2)."""


class Party:
    """Kamailio and coturn outside; alice and dave inside, bob and carol outside.

    Each has a host with one address: baresip offers all that it finds as candidates.
    """

    HOSTS = {"alice": 101, "dave": 102, "bob": 40, "carol": 41}

    def __init__(self, world: World, stun: bool = True) -> None:
        self.world = world
        self.registrar: Address = (world.plan.far(SERVER), 5060)
        self.stun: Address = (world.plan.far(MEDIA), 3478)
        if stun:
            Coturn(world, world.line.outside, self.stun)
        Kamailio(world, self.registrar)

    def ice(self) -> str:
        return f";medianat=ice;stunserver=stun:{host_port(self.stun)}"

    def phone(self, user: str, account: str = "") -> Baresip:
        number, line = self.HOSTS[user], self.world.line
        inside = number > 100
        address = (self.world.plan.phone if inside else self.world.plan.far)(number)
        where = own_host(self.world, line.inside if inside else line.outside, address)
        made = Baresip(self.world, where, (address, 5060), user, self.registrar, NOTES[user],
                       account=account, ports=PORTS,
                       more=("stun", "turn", "ice") if account else ())
        made.registered()
        return made


@scenario("R6", "baresip pair with ICE, one inside: calls both ways", (SHIFTED, MASQUERADE))
def ice_pair(world: World) -> None:
    party = Party(world)
    alice, bob = party.phone("alice", party.ice()), party.phone("bob", party.ice())
    talk(world, alice, bob, party.registrar)
    talk(world, bob, alice, party.registrar)
    must_equal(ice_faults(world.capture.seen), [], "what ICE finds in the SDPs")


@scenario("R6", "baresip pair with ICE that asks no STUN server: calls both ways",
          (SHIFTED,))
def ice_without_stun(world: World) -> None:
    """The default destination is an inside address then, and so is the candidate it is of."""
    party = Party(world, stun=False)
    alice, bob = party.phone("alice", ";medianat=ice"), party.phone("bob", ";medianat=ice")
    talk(world, alice, bob, party.registrar)
    talk(world, bob, alice, party.registrar)
    must_equal(ice_faults(world.capture.seen), [], "what ICE finds in the SDPs")


@scenario("R5", "baresip with STUN inside and one without: the address it found passes as it is",
          (MASQUERADE,))
def stun_alone(world: World) -> None:
    party = Party(world)
    account = f";medianat=stun;stunserver=stun:{host_port(party.stun)}"
    alice, carol = party.phone("alice", account), party.phone("carol")
    talk(world, alice, carol, party.registrar)
    talk(world, carol, alice, party.registrar)


@scenario("R5", "baresip with TURN inside and one without: the relay's address passes as it is",
          (SHIFTED,))
def turn_alone(world: World) -> None:
    party = Party(world)
    account = f";medianat=turn;stunserver=turn:{host_port(party.stun)};stunuser=e2e;stunpass=secret"
    alice, carol = party.phone("alice", account), party.phone("carol")
    talk(world, alice, carol, party.registrar)
    talk(world, carol, alice, party.registrar)
