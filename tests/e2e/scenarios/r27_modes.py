# SPDX-License-Identifier: GPL-2.0
"""R27: sip-ext, sip-ext-assist and neither, per rule; and the switch that turns all of it off.

With sip-ext-assist the server does what providers' servers do for phones behind any NAT
(Kamailio's fix_nated_register): it takes each message's source for the phone's address.
"""
from __future__ import annotations

from calls import Registration, call, hang_up, must, must_equal, register, talk
from dialog import session_of
from middle import assist, assisting, call_in, untouched
from net import FRIEND, SERVER, STRANGER, Rules, attaches, nft_rules
from peer import World, offer
from registry import (IPTABLES, MASQUERADE, ROUTED, ROUTED6, SHIFTED, SHIFTED6, scenario)


@scenario("R27", "assist: nothing is edited, a registration stays reachable through silence",
          (SHIFTED, MASQUERADE, SHIFTED6, IPTABLES), subset=True, tcp=4)
def reachable(world: World) -> None:
    assist(world)
    world.line.idle_timeouts(3)
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=60)
    world.rest(6)
    call_in(server, phone, made.seen_from, "")
    call_in(world.server_again(server), phone, made.seen_from, "")
    untouched(world)


@scenario("R27", "assist, routed: pinholes let audio in both ways", (ROUTED, ROUTED6))
def routed(world: World) -> None:
    assist(world)
    phone, server = world.phone(), world.server()
    contact = register(phone, server)
    out = call(phone, server, server.uri, server.address,
               world.inside_media(4000), world.outside_media(7000))
    talk(world, out, inside_calls=True, first="outside")
    hang_up(out)
    back = call(server, phone, contact.contact, contact.target,
                world.outside_media(7100), world.inside_media(4100))
    talk(world, back, inside_calls=False, first="outside")
    untouched(world)


def _three_rules(world: World) -> Rules:
    """One server with sip-ext, one with sip-ext-assist, one with neither."""
    rules, plan = nft_rules(world.setup, world.helper), world.plan
    if not world.helper:
        return rules
    ip = "ip" if plan.family == 4 else "ip6"
    rules.helpers = {"full": world.helper, "half": assisting(world.helper)}
    rules.attach = [line for host, name in ((SERVER, "full"), (FRIEND, "half"))
                    for line in attaches(name, f"{ip} daddr {plan.far(host)}")]
    return rules


@scenario("R27", "three servers: sip-ext, sip-ext-assist and none, by rule", (SHIFTED, SHIFTED6))
def three_servers(world: World) -> None:
    world.line.load(_three_rules(world))
    world.translates = False
    world.line.idle_timeouts(3)
    phone = world.phone()
    servers = world.server(), world.friend(), world.stranger()
    made: list[Registration] = [register(phone, server, granted=60) for server in servers]
    must_equal(made[0].target, made[0].seen_from, "with sip-ext the Contact is translated")
    for one in made[1:]:
        must_equal(one.seen.raw, one.sent.raw, "without sip-ext the REGISTER is as it was")
    near, far = world.inside_media(4000), world.outside_media(7000)
    talk(world, call(phone, servers[0], servers[0].uri, servers[0].address, near, far),
         inside_calls=True, first="outside")
    world.rest(6)
    for server, one in zip(servers[:2], made):
        call_in(server, phone, one.seen_from, "")
    must(not world.line.connections(f"--orig-dst={world.plan.far(STRANGER)}"),
         "without a helper the connection ends as the kernel wants it")


@scenario("R27", "switched off in mid-call: the call goes on, messages pass untouched; and on again",
          (SHIFTED, MASQUERADE, SHIFTED6))
def switch(world: World) -> None:
    phone, server = world.phone(), world.server()
    made = register(phone, server, granted=600)
    near, far = world.inside_media(4000), world.outside_media(7000)
    live = call(phone, server, server.uri, server.address, near, far)
    talk(world, live, inside_calls=True)
    world.line.own_setting("enabled", 0)
    talk(world, live, inside_calls=True, first="outside")
    since = len(world.crossings())
    world.translates = False
    dead = phone.invitation(server.uri, offer(world.inside_media(4100)))
    phone.send_message(dead, server.address)
    seen, source = server.request("INVITE", dead.call_id)
    server.send_message(server.answer(seen, source, 486, "Busy Here"), source)
    phone.response(486, dead)
    untouched(world, since)
    world.line.own_setting("enabled", 1)
    talk(world, live, inside_calls=True)
    phone.reconnects(server.address)    # a stream that went by unread cannot be taken up again
    again = register(phone, server, granted=600, call_id=made.sent.call_id)
    must_equal(again.target, again.seen_from if world.over_tcp else made.target,
               "the Contact when it is on again")
    other = call(server, phone, again.contact, again.target,
                 world.outside_media(7200), world.inside_media(4200))
    talk(world, other, inside_calls=False, first="outside")
    session_of(world, live, True).hang_up()
    gone = f"dport={live.caller_media_seen[1]} "
    world.wait("the pinholes of the ended call close",
               lambda: not [e for e in world.line.expectations() if gone in e], 1)
    talk(world, other, inside_calls=False)
