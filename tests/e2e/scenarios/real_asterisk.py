# SPDX-License-Identifier: GPL-2.0
"""Asterisk inside and outside, with no setting that speaks of NAT."""
from __future__ import annotations

from calls import must_equal
from net import FRIEND, MEDIA, SERVER, STRANGER
from peer import Agent, Media, World
from programs_asterisk import CHAN_SIP, PJSIP, Asterisk, Section, endpoint, music, transport
from programs_calls import (SLOW, Dialog, accept, both_talk, call_through, dial, digest_in, digest_of,
                            end_call, enrol, hears, hears_echo, step, until)
from registry import DNAT, SHIFTED, SHIFTED6, scenario
from sip import Address, address_of, host_port, uri_of

DIALPLAN = """[calls]
exten => echo,1,Answer()
 same => n,Echo()
exten => music,1,Answer()
 same => n,MusicOnHold()
exten => _desk.,1,Dial(PJSIP/${EXTEN})
exten => _free.,1,Dial(PJSIP/${EXTEN})
exten => _remote.,1,Dial(PJSIP/${EXTEN})
exten => _far.,1,Dial(PJSIP/${EXTEN}@trunk)
exten => _direct.,1,Dial(PJSIP/${EXTEN}@direct)
"""


class Office:
    """Asterisk inside, a provider outside that it registers at, phones at desks inside."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.address: Address = (world.plan.phone(1), 5060)
        self.provider = world.server()
        self.desks = {n: world.phone(n, user=f"desk{n}") for n in (2, 3)}
        self.lines = 0
        self.asterisk = Asterisk(world, world.line.inside, PJSIP, {
            "pjsip.conf": self._pjsip(), "extensions.conf": DIALPLAN})
        self.contact = self._registered()
        for desk in self.desks.values():
            enrol(desk, self.address)

    def _pjsip(self) -> str:
        provider = host_port(self.provider.address)
        sections = [
            transport(self.world, self.address),
            Section("trunk", f"type=registration; transport=only; server_uri=sip:{provider}{self.world.over}; "
                    f"client_uri=sip:office@{provider}; contact_user=office; expiration=300; "
                    "line=yes; endpoint=trunk; max_random_initial_delay=0; outbound_auth=trunk"),
            Section("trunk", "type=auth; auth_type=userpass; username=office; password=secret"),
            *endpoint(self.world, "trunk", "direct_media=no", f"sip:{provider}"),
            *endpoint(self.world, "direct", "direct_media=yes", f"sip:{provider}"),
            Section("trunk", f"type=identify; endpoint=trunk; match={self.provider.address[0]}"),
            *endpoint(self.world, "desk2", "direct_media=no"),
            *endpoint(self.world, "desk3", "direct_media=yes")]
        return "".join(map(str, sections))

    def _registered(self) -> str:
        """The Contact under which the provider knows Asterisk."""
        challenge = 'Digest realm="e2e", nonce="20518", algorithm=MD5'
        seen, source = self.provider.request("REGISTER", seconds=SLOW)
        self.provider.send_message(self.provider.answer(
            seen, source, 401, "Unauthorized", more=[("WWW-Authenticate", challenge)]), source)
        seen, source = self.provider.take("REGISTER with credentials", lambda m: (
            m.method == "REGISTER" and m.get("Authorization") != ""), SLOW)
        must_equal(digest_of(seen, "secret"), digest_in(seen), "the digest of the REGISTER")
        granted = [("Contact", f"{seen.get('Contact')};expires=300")]
        self.provider.send_message(
            self.provider.answer(seen, source, 200, "OK", more=granted), source)
        return uri_of(seen.get("Contact"))

    def reach(self, extension: str) -> str:
        """What the provider writes to call an extension."""
        return self.contact.replace("sip:office@", f"sip:{extension}@")

    def inside(self, extension: str) -> str:
        """What a desk writes to call an extension."""
        return f"sip:{extension}@{host_port(self.address)}"

    def near_media(self, desk: int) -> Media:
        self.lines += 2
        return self.world.inside_media(4000 + self.lines, desk)

    def far_media(self) -> Media:
        self.lines += 2
        return self.world.outside_media(7000 + self.lines, MEDIA)

    def from_provider(self, extension: str) -> Dialog:
        return dial(self.provider, self.reach(extension), address_of(self.contact),
                    self.far_media())

    def out(self, desk: int, number: str) -> tuple[Dialog, Dialog]:
        return call_through(self.desks[desk], self.inside(number), self.address,
                            self.provider, (self.near_media(desk), self.far_media()))

    def into(self, desk: int) -> tuple[Dialog, Dialog]:
        """From outside to a desk; the outside end comes first."""
        return call_through(self.provider, self.reach(f"desk{desk}"), address_of(self.contact),
                            self.desks[desk], (self.far_media(), self.near_media(desk)))


@scenario("R18", "Asterisk inside, no localnet or externip: trunk, hold, transfer, direct media",
          (SHIFTED, SHIFTED6), long=True)
def inside(world: World) -> None:
    office = Office(world)
    for what in (_trunk, _hold, _blind_from_inside, _blind_from_outside, _attended_from_inside,
                 _attended_from_outside, _direct_media):
        with step(what.__name__):
            what(office)


def _trunk(office: Office) -> None:
    """Calls in to an echo, to music and to a desk, and a desk's call out, all over the trunk."""
    world = office.world
    echo = office.from_provider("echo")
    hears_echo(world, echo)
    listener = office.from_provider("music")
    hears(world, listener, music())
    listener.hang_up()
    for call in (lambda: office.out(2, "far1"), lambda: office.into(3)):
        one, two = call()
        both_talk(world, one, two)
        hears_echo(world, echo)
        end_call(world, one, two)
    echo.hang_up()


def _hold(office: Office) -> None:
    """The other side hears music, whoever holds; the media go the same way afterwards."""
    world = office.world
    near, far = office.out(2, "far1")
    both_talk(world, near, far)
    seen = near.peer, far.peer
    near.reinvite("sendonly", "recvonly")
    hears(world, far, music())
    near.reinvite("sendrecv", "sendrecv")
    both_talk(world, near, far)
    for direction in ("sendonly", "inactive"):
        far.reinvite(direction)
        hears(world, near, music())
        far.reinvite("sendrecv", "sendrecv")
        both_talk(world, near, far)
    must_equal((near.peer, far.peer), seen, "where the media go, before and after holding")
    end_call(world, near, far)


def _transferred(world: World, by: Dialog) -> None:
    until(world, "the transfer is done", [by],
          lambda: any("200" in text for text in by.notified) or by.closed)
    if not by.closed:
        by.hang_up()


def _blind_from_inside(office: Office) -> None:
    """A desk in a call with far1 sends it to far2: both are outside then."""
    near, far = office.out(2, "far1")
    both_talk(office.world, near, far)
    near.refer(office.inside("far2"), by=office.inside("desk2"))
    other = accept(office.provider, office.far_media())
    _transferred(office.world, near)
    both_talk(office.world, far, other)
    end_call(office.world, far, other)


def _blind_from_outside(office: Office) -> None:
    """The one outside sends desk 2 to desk 3, at the address it knows Asterisk by."""
    far, near = office.into(2)
    both_talk(office.world, far, near)
    far.refer(office.reach("desk3"))
    other = accept(office.desks[3], office.near_media(3))
    _transferred(office.world, far)
    both_talk(office.world, near, other)
    end_call(office.world, near, other)


def _attended_from_inside(office: Office) -> None:
    near, far = office.out(2, "far1")
    consulting, other = office.out(2, "far2")
    both_talk(office.world, consulting, other)
    near.refer(office.inside("far2"), consulting, by=office.inside("desk2"))
    _transferred(office.world, near)
    both_talk(office.world, far, other)
    end_call(office.world, other, far)


def _attended_from_outside(office: Office) -> None:
    far, near = office.into(2)
    consulting, other = office.into(3)
    both_talk(office.world, consulting, other)
    far.refer(consulting.target, consulting)
    _transferred(office.world, far)
    both_talk(office.world, near, other)
    end_call(office.world, near, other)


def _direct_media(office: Office) -> None:
    """A desk and the outside exchange media themselves, but not while one is held."""
    world = office.world
    _media_hosts(world)
    near, far = office.out(3, "direct1")
    both, through = [near, far], far.peer
    until(world, "Asterisk names the ends' own media", both,
          lambda: near.peer == far.media.address and far.peer != through)
    must_equal(far.peer[0], world.line.router_address, "where the outside sends its media")
    both_talk(world, near, far)
    direct = far.peer
    near.reinvite("sendonly", "recvonly")
    until(world, "Asterisk takes the media back", both, lambda: far.peer != direct)
    hears(world, far, music())
    near.reinvite("sendrecv", "sendrecv")
    until(world, "the media are direct again", both,
          lambda: near.peer == far.media.address and far.peer == direct)
    both_talk(world, near, far)
    end_call(world, far, near)


def _media_hosts(world: World) -> None:
    """The setting for a server whose phones take media themselves."""
    if world.helper == "sip-ext":
        network = world.plan.inside + ("0" if world.plan.family == 4 else "")
        world.line.router.sysctl("net.netfilter.sip_ext_media_hosts",
                                 f"{network}/{world.plan.length}")


@scenario("R18", "Asterisk behind DNAT: phones outside register, call a desk and are called",
          (DNAT,))
def dnat(world: World) -> None:
    address, door = (world.plan.phone(1), 5060), (world.line.router_address, 5060)
    sections = [transport(world, address), *(section for name in ("desk2", "remote1", "remote2")
                                             for section in endpoint(world, name, "direct_media=no"))]
    Asterisk(world, world.line.inside, PJSIP, {
        "pjsip.conf": "".join(map(str, sections)), "extensions.conf": DIALPLAN})
    desk = world.phone(2, user="desk2")
    remotes = world.friend(user="remote1"), Agent(
        world, world.line.outside, (world.plan.far(STRANGER), 5060), "remote2")
    enrol(desk, address)
    for remote in remotes:
        enrol(remote, door)
    near, far, third = (world.inside_media(4000, 2), world.outside_media(7000, FRIEND),
                        world.outside_media(7002, FRIEND))
    for caller, callee, to, media in (
            (remotes[0], desk, door, (far, near)), (desk, remotes[1], address, (near, third)),
            (remotes[1], remotes[0], door, (third, far))):
        one, two = call_through(caller, f"sip:{callee.user}@{host_port(to)}", to, callee, media)
        both_talk(world, one, two)
        end_call(world, two, one)


CHAN_SIP_CONF = """[general]
bindaddr={host}
bindport=5060
directmedia=no
context=calls
disallow=all
allow=ulaw
tcpenable=yes
tcpbindaddr={host}:5060
transport={transport}
register => {transport}://office@{provider}/office
[trunk]
type=peer
host={provider}
insecure=port,invite
[desk2]
type=peer
host={desk}
"""


@scenario("R18", "Asterisk's older chan_sip inside, no localnet, no externip: calls in and out",
          (SHIFTED,))
def chan_sip(world: World) -> None:
    provider, desk = world.server(), world.phone(2, user="desk2")
    address = (world.plan.phone(1), 5060)
    Asterisk(world, world.line.inside, CHAN_SIP, {
        "sip.conf": CHAN_SIP_CONF.format(host=address[0], transport=world.setup.transport, provider=provider.address[0],
                                         desk=desk.address[0]),
        "extensions.conf": DIALPLAN.replace("PJSIP/${EXTEN}@trunk", "SIP/trunk/${EXTEN}")
        .replace("PJSIP", "SIP")})
    seen, source = provider.request("REGISTER", seconds=SLOW)
    provider.send_message(provider.answer(seen, source, 200, "OK", more=[
        ("Contact", f"{seen.get('Contact')};expires=120")]), source)
    contact = uri_of(seen.get("Contact"))
    near, far = world.inside_media(4000, 2), world.outside_media(7000)
    echo = dial(provider, contact.replace("office@", "echo@"), address_of(contact),
                world.outside_media(7100))
    for caller, callee, uri, to, media in (
            (desk, provider, f"sip:far1@{address[0]}", address, (near, far)),
            (provider, desk, contact.replace("office@", "desk2@"), address_of(contact),
             (far, near))):
        one, two = call_through(caller, uri, to, callee, media)
        both_talk(world, one, two)
        held = one if caller is desk else two
        held.reinvite("sendonly", "recvonly")
        hears(world, two if caller is desk else one, music())
        held.reinvite("sendrecv", "sendrecv")
        both_talk(world, one, two)
        hears_echo(world, echo)
        end_call(world, one, two)


NAT_OFF = "force_rport=no; rewrite_contact=no; rtp_symmetric=no; "


class Provider:
    """Asterisk outside, all it knows of NAT switched off; phones inside and one outside.

    A desk's media go through Asterisk; where phones are `free`, they are told of each other.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.address: Address = (world.plan.far(SERVER), 5060)
        sections = [transport(world, self.address)]
        for letter in "abc":
            sections += endpoint(world, f"desk{letter}", NAT_OFF + "direct_media=no")
            sections += endpoint(world, f"free{letter}", NAT_OFF + "direct_media=yes")
        Asterisk(world, world.line.outside, PJSIP, {
            "pjsip.conf": "".join(map(str, sections)), "extensions.conf": DIALPLAN})
        self.phones = [world.phone(1), world.phone(2), world.friend()]
        # Asterisk takes its host's first address, the friend's, in an SDP for its own
        self.media = [world.inside_media(4000, 1), world.inside_media(4000, 2),
                      world.outside_media(7000, MEDIA)]

    def enrol(self, kind: str) -> None:
        for phone, letter in zip(self.phones, "abc"):
            phone.user = kind + letter
            enrol(phone, self.address)

    def call(self, caller: int, callee: int) -> tuple[Dialog, Dialog]:
        uri = f"sip:{self.phones[callee].user}@{host_port(self.address)}"
        return call_through(self.phones[caller], uri, self.address, self.phones[callee],
                            (self.media[caller], self.media[callee]))

    def through(self, caller: int, callee: int) -> None:
        """A call with hold, its media through Asterisk."""
        one, two = self.call(caller, callee)
        both_talk(self.world, one, two)
        one.reinvite("sendonly", "recvonly")
        hears(self.world, two, music())
        one.reinvite("sendrecv", "sendrecv")
        both_talk(self.world, one, two)
        end_call(self.world, one, two)

    def direct(self, caller: int, callee: int) -> None:
        """A call whose ends are told of each other's media after the answer."""
        one, two = self.call(caller, callee)
        until(self.world, "Asterisk leaves the media to the ends", [one, two],
              lambda: self.address[0] not in (one.peer[0], two.peer[0]))
        both_talk(self.world, one, two)
        end_call(self.world, one, two)


@scenario("R14", "Asterisk outside, its NAT settings off: two phones inside and one outside",
          (SHIFTED, SHIFTED6), long=True)
def outside(world: World) -> None:
    provider = Provider(world)
    provider.enrol("desk")
    for caller, callee in ((0, 1), (0, 2), (2, 1)):
        with step(f"media through Asterisk, {caller} calls {callee}"):
            provider.through(caller, callee)
    provider.enrol("free")
    for caller, callee in ((0, 1), (0, 2), (2, 0)):
        with step(f"direct media, {caller} calls {callee}"):
            provider.direct(caller, callee)
