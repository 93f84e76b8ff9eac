# SPDX-License-Identifier: GPL-2.0
"""S5: what comes from outside makes no state toward the inside without a known dialog or binding."""
from __future__ import annotations

from attacks import SUCCEEDS, Attacked, pinholes
from calls import must, must_equal, register
from net import STRANGER
from peer import Agent, Header, World
from registry import DNAT, MASQUERADE, SHIFTED, SHIFTED6, scenario
from sip import Address, Message, build, host_port, sdp


def _tables(world: World) -> dict[str, list[str]]:
    """What is known of calls and registrations; expectations are what any helper has."""
    found = {"pinholes": sorted(pinholes(world))}
    if world.line.counters():
        for name in ("calls", "registrations"):
            text = world.line.router.read(f"/proc/net/sip_ext/{name}")
            found[name] = [line.split(" expires=")[0] for line in text.splitlines()]
    return found


def _response(sender: Agent, door: Address, status: int, method: str, body: str) -> Message:
    """An answer to a request that nobody has sent."""
    call = sender.world.token("unasked-")
    headers: list[Header] = [
        ("Via", f"SIP/2.0/{sender.transport.upper()} {host_port(door)};branch=z9hG4bK{call};rport"),
        ("From", f"<sip:a@{host_port(door)}>;tag=a"), ("To", f"<{sender.uri}>;tag=b"),
        ("Call-ID", call), ("CSeq", f"1 {method}"), ("Contact", f"<{sender.uri}>"),
        ("Expires", "3600")]
    if body:
        headers.append(("Content-Type", "application/sdp"))
    return build(f"SIP/2.0 {status} Anything", headers, body)


def _request(sender: Agent, door: Address, method: str, body: str) -> Message:
    """A request within a dialog that there is not."""
    call = sender.world.token("unknown-")
    headers: list[Header] = [
        ("From", f"<{sender.uri}>;tag=a"), ("To", f"<sip:b@{host_port(door)}>;tag=b"),
        ("Call-ID", call), ("CSeq", f"7 {method}"), ("Contact", f"<{sender.uri}>"),
        ("Expires", "3600"), ("Event", "presence"), ("Subscription-State", "active;expires=3600")]
    return sender.compose(method, f"sip:b@{host_port(door)}", headers, body)


def _unasked(sender: Agent, door: Address, body: str) -> dict[str, Message]:
    answers = {f"{status} to {method}": _response(sender, door, status, method, text)
               for status, method, text in (
                   (180, "INVITE", body), (183, "INVITE", body), (200, "INVITE", body),
                   (202, "UPDATE", body), (200, "PRACK", body), (200, "REGISTER", ""),
                   (200, "SUBSCRIBE", ""), (202, "REFER", ""), (488, "INVITE", body))}
    requests = {method: _request(sender, door, method, body)
                for method in ("ACK", "UPDATE", "PRACK", "INFO", "BYE", "CANCEL", "MESSAGE")}
    quiet = {method: _request(sender, door, method, "") for method in ("NOTIFY", "REFER", "PUBLISH")}
    return {**answers, **requests, **quiet}


@scenario("S5", "answers and requests of dialogs that are not known make no state, from the server itself",
          (SHIFTED, SHIFTED6, MASQUERADE), subset=True, in_tree_fails=True)
def unknown_dialogs(world: World) -> None:
    world.translates = False
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=600)
    before = _tables(world)
    media = server.address[0]
    for what, message in _unasked(server, made.target, sdp(media, (media, 7000))).items():
        server.send_message(message, made.target)
        phone.take(what, lambda m, call=message.call_id: m.call_id == call)
        after = _tables(world)
        new = sorted(set(after["pinholes"]) - set(before["pinholes"]))
        if new:
            raise Attacked(f"{SUCCEEDS}{what} from outside: pinholes {new}")
        must_equal(after, before, f"{what}: what is known")


@scenario("S5", "a stranger who talks SIP to the router's outside address makes no state and is let in nowhere",
          (SHIFTED, MASQUERADE, SHIFTED6))
def to_the_router(world: World) -> None:
    world.translates, world.loses = False, True
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=600)
    before, fence = _tables(world), world.fence()
    stranger = Agent(world, world.line.outside, (world.plan.far(STRANGER), 5060), "stranger", "udp")
    router, inside = world.line.router_address, phone.address[0]
    first = [stranger.registration((router, 5060), 3600),
             stranger.registration((router, 5060), 3600, contact=f"<sip:a@{host_port(phone.address)}>"),
             stranger.invitation(f"sip:b@{router}", sdp(stranger.address[0], (stranger.address[0], 7000))),
             stranger.invitation(f"sip:b@{router}", sdp(inside, (inside, 4000)))]
    for port in (5060, made.target[1]):
        unasked = _unasked(stranger, (router, port), sdp(inside, (inside, 4000)))
        for message in (*first, *unasked.values()):
            world.passes_nothing(stranger, message.raw, (router, port), *fence)
    must_equal(_tables(world), before, "what is known")


@scenario("S5", "who may call the server inside opens nothing to other hosts inside, nor holds anything",
          (DNAT,), udp_only="what a stranger may begin is the same; who connects is S2's")
def to_a_server_inside(world: World) -> None:
    """A stranger registers and calls with the addresses of other hosts inside."""
    world.translates = False
    pbx, stranger = world.phone(), world.stranger()
    fence, victim = world.fence(), world.plan.phone(2)
    door = (world.line.router_address, 5060)
    named = host_port((victim, 4000))
    asked = stranger.registration(door, 3600, contact=f"<sip:a@{named}>")
    stranger.send_message(asked, door)
    seen, source = pbx.request("REGISTER", asked.call_id)
    pbx.send_message(pbx.answer(seen, source, 200, "OK", more=[("Contact", f"<sip:a@{named}>;expires=3600")]),
                     source)
    stranger.response(200, asked)
    invite = stranger.invitation(f"sip:pbx@{host_port(door)}", sdp(victim, (victim, 4000)))
    stranger.send_message(invite, door)
    heard, source = pbx.request("INVITE", invite.call_id)
    pbx.send_message(pbx.answer(heard, source, 486, "Busy Here"), source)
    stranger.response(486, invite)
    for line in pinholes(world):
        must(victim not in line, f"no pinhole has to do with another host: {line}")
    for to in ((world.line.router_address, 4000), (world.line.router_address, 5061)):
        world.passes_nothing(stranger, b"a stranger's try", to, *fence)
