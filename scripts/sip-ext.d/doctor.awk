# SPDX-License-Identifier: GPL-2.0
# Why is there no registration, or no audio? One line for each thing looked at: how it is, its
# name (docs/troubleshooting.md has more on it), what was seen; and below it what to do.

function say(level, name, text, todo) {
	if (level == "problem")
		problems++
	if (ENVIRON["SIPX_FLAG"] == "quiet" && level != "problem")
		return
	printf "%-8s %-12s %s\n", level, name, text
	if (todo != "")
		printf "%-8s %-12s -> %s\n", "", "", todo
}

function ok(name, text) { say("ok", name, text) }
function warning(name, text, todo) { say("warning", name, text, todo) }
function problem(name, text, todo) { say("problem", name, text, todo) }

# A setting that is not there: nothing is known of it, so that nothing is well
function unread(name, which,    why) {
	why = "a container hides it, or this kernel does without"
	if (which ~ /sip_ext_/)
		why = "a container hides it, or the modules are older than this command"
	else if (which ~ /nf_conntrack/)
		why = "modprobe nf_conntrack, or a container hides it"
	warning(name, which " could not be read", "sysctl " which "   # not there: " why)
}

# --- modules ------------------------------------------------------------------------

function check_modules() {
	if (!counters) {
		problem("modules", is_loaded("nf_conntrack_sip_ext") ? \
			"nf_conntrack_sip_ext is loaded, but this namespace has no /proc/net/sip_ext" : \
			"nf_conntrack_sip_ext is not loaded", "modprobe nf_nat_sip_ext")
		return
	}
	if (is_loaded("nf_nat_sip_ext") && module_version("nf_nat_sip_ext") != module_version("nf_conntrack_sip_ext"))
		warning("modules", "they are of two versions: nf_conntrack_sip_ext " module_version("nf_conntrack_sip_ext") \
			", nf_nat_sip_ext " module_version("nf_nat_sip_ext"),
			"modprobe -r nf_nat_sip_ext nf_conntrack_sip_ext; modprobe nf_nat_sip_ext   # without the rules meanwhile")
	else if (is_loaded("nf_nat_sip_ext"))
		ok("modules", "both are loaded")
	else if (ours_attached && !attaches_helper("sip-ext"))
		ok("modules", "nf_nat_sip_ext is not loaded; sip-ext-assist does not need it")
	else
		problem("nat-half", "nf_nat_sip_ext is not loaded: nothing can be translated", "modprobe nf_nat_sip_ext")
}

function attaches_helper(name,    n) {
	for (n = 1; n <= attached; n++)
		if (attach_helper[n] == name)
			return n
	return 0
}

function check_enabled() {
	if (setting("net.netfilter.sip_ext_enabled") == 0)
		problem("enabled", "switched off: every packet passes unread",
			"sysctl -w net.netfilter.sip_ext_enabled=1")
	else if (setting("net.netfilter.sip_ext_enabled") < 0)
		unread("enabled", "net.netfilter.sip_ext_enabled")
	else
		ok("enabled", "switched on")
}

# --- the helper of the kernel itself ----------------------------------------------------

function check_in_tree(    n, taken) {
	for (n = 1; n <= attached; n++)
		if (attach_helper[n] == "sip" && !dormant_name(rule_table[attach_rule[n]])) {
			problem("in-tree", "a rule attaches the in-tree helper to " attach_protocol[n] " port " \
				attach_ports[n] " (" rule_place(attach_rule[n]) ")", removal(attach_rule[n]))
			taken = 1
		}
	if (signalling_count("sip")) {
		problem("in-tree", many(signalling_count("sip"), "connection has", "connections have") \
			" the in-tree helper: " sig_example[key_with("sip")], ending(key_with("sip")))
		taken = 1
	}
	if (setting("net.netfilter.nf_conntrack_helper") == 1 && is_loaded("nf_conntrack_sip")) {
		problem("in-tree", "the kernel gives nf_conntrack_sip to port 5060 by itself (nf_conntrack_helper=1)",
			"sysctl -w net.netfilter.nf_conntrack_helper=0")
		taken = 1
	} else if (setting("net.netfilter.nf_conntrack_helper") == 1)
		warning("in-tree", "the kernel gives helpers to ports by itself, also the in-tree one once it is loaded",
			"sysctl -w net.netfilter.nf_conntrack_helper=0")
	if (!taken)
		ok("in-tree", is_loaded("nf_conntrack_sip") ? \
		   "nf_conntrack_sip is loaded, but nothing has it" : "nf_conntrack_sip is not in the way")
}

# --- rules ------------------------------------------------------------------------------

# A rule in the language that the router's other rules are written in
function attach_command(protocol, port, family,    name) {
	name = "sip-ext-" protocol
	if (has_tool("nft") && (nft_rules() || !has_tool("iptables")))
		return "nft 'table inet sip { ct helper " name " { type \"sip-ext\" protocol " protocol "; };" \
			" chain prerouting { type filter hook prerouting priority filter; " protocol " dport " port \
			" ct helper set \"" name "\"; }; }'"
	return (family == 6 ? "ip6tables" : "iptables") " -t raw -A PREROUTING -p " protocol " --dport " port \
		" -j CT --helper sip-ext"
}

# Rules of nftables that are not iptables' own
function nft_rules(    i) {
	for (i = 1; i <= rules; i++)
		if (rule_tool[i] == "nft" && !is_ignored(rule_table[i]))
			return 1
	return 0
}

function hook_remedy(table) {
	return dormant_name(table) ? \
		"nft add table " dormant_name(table) "   # and take `flags dormant` from the file it is loaded from" : \
		"put it into a chain { type filter hook prerouting priority filter; } (docs/install.md)"
}

function check_rules(    n, name, parts, good) {
	for (n = 1; n <= troubles; n++)
		warning("rules", "not all rules could be read: " trouble[n], "run the same by hand: nft list ruleset; iptables-save")
	for (n = 1; n <= attached; n++) {
		if (!is_ours(attach_helper[n]))
			continue
		if (attach_fault[n] == "")
			good = good (good ? "; " : "") attach_protocol[n] " port " attach_ports[n] (attach_family[n] == "any" ? "" : " of IPv" attach_family[n]) \
				" has " attach_helper[n]
		else
			problem("hook", "the rule in " rule_place(attach_rule[n]) " cannot work: " attach_fault[n],
				hook_remedy(rule_table[attach_rule[n]]))
	}
	for (name in objects) {
		split(name, parts, "|")
		if (is_ours(objects[name]) && !(name in used_object))
			warning("rule", "ct helper " parts[2] " of table " parts[1] " is there, but no rule sets it",
				"nft add rule " parts[1] " CHAIN " substr(objects[name], index(objects[name], " ") + 1) \
				" dport 5060 ct helper set '\"" parts[2] "\"'")
	}
	if (good)
		ok("rule", good)
	else if (!has_tool("nft") && !has_tool("iptables-save"))
		warning("rule", "cannot tell: neither nft nor iptables-save is installed", "install nftables or iptables")
	else
		problem("rule", "no rule gives any connection the helper", attach_command("udp", 5060, 4) \
			"   # and what else docs/install.md has")
}

function check_notrack(    i) {
	for (i = 1; i <= rules; i++)
		if (!is_ignored(rule_table[i]) && !dormant_name(rule_table[i]) && rule_text[i] ~ /(notrack|NOTRACK)/ &&
		    covers(ports_of(rule_text[i]), 5060))
			warning("notrack", "a rule keeps packets from conntrack, perhaps SIP or its media: " \
				rule_place(i) ": " rule_text[i], removal(i) "   # if it meets them")
}

# --- connections that go without ---------------------------------------------------------

function key_with(helper,    key, parts) {
	for (key in sig) {
		split(key, parts, "|")
		if (parts[3] == helper)
			return key
	}
	return ""
}

# Behind another command
function then(key) {
	return (key ~ /^tcp/ ? "   # and " : "; ") ending(key)
}

function one_without(key, protocol, port, family,    seen) {
	seen = many(sig[key], "connection", "connections") " to " protocol " port " port " over IPv" family
	if (attaches_ours(protocol, port, family))
		problem("older", seen " without the helper, though a rule is there: begun before it, or it asks for more" \
			" than the port (" sig_example[key] ")", ending(key))
	else if (port == 5060)
		problem("port", seen ", for which there is no rule (" sig_example[key] ")",
			attach_command(protocol, port, family) then(key))
	else
		warning("port", seen ", which has no rule: if that is SIP it passes unread (" sig_example[key] ")",
			attach_command(protocol, port, family) then(key))
}

function check_connections(    key, parts, found) {
	if (!conntrack_tells) {
		warning("older", "which connections have the helper cannot be told without conntrack(8)",
			"install conntrack (conntrack-tools)")
		return
	}
	for (key in sig) {
		split(key, parts, "|")
		if (parts[3] == "none") {
			one_without(key, parts[1], parts[2], parts[4])
			found = 1
		} else if (parts[3] == "offloaded") {
			problem("flowtable", many(sig[key], "connection", "connections") " to " parts[1] " port " parts[2] \
				" in the flowtable (" flowtables "), begun before the helper's rule: no packet reaches the helper",
				ending(key))
			found = 1
		}
	}
	if (signalling_count("ours"))
		ok("connections", many(signalling_count("ours"), "connection has", "connections have") " the helper")
	else if (!found)
		warning("connections", "no connection on a SIP port: no phone has sent anything through this router yet",
			"do packets come in? tcpdump -ni any port 5060")
	if (flowtables && !found)
		ok("flowtable", flowtables ": connections with the helper are never put there")
}

# --- tables -----------------------------------------------------------------------------

# COUNT of LIMIT: 1 nearly full, 2 full
function fullness(count, limit) {
	if (limit <= 0 || count < 0.8 * limit)
		return 0
	return count >= 0.95 * limit ? 2 : 1
}

function check_expectations(    limit, text, todo) {
	limit = setting("net.netfilter.nf_conntrack_expect_max")
	text = "the kernel's table of expectations holds " pinholes + 0 " of " limit
	todo = "sysctl -w net.netfilter.nf_conntrack_expect_max=" (limit < 1024 ? 2048 : 2 * limit) \
		"   # in the first network namespace"
	if (!knows_pinholes)
		warning("expectations", "how many there are cannot be told", "install conntrack (conntrack-tools)")
	else if (limit < 0)
		unread("expectations", "net.netfilter.nf_conntrack_expect_max")
	else if (fullness(pinholes, limit) == 2)
		problem("expectations", text, todo)
	else if (fullness(pinholes, limit))
		warning("expectations", text, todo)
	else if (counter["expectations_full"])
		warning("expectations", text ", but was full " many(counter["expectations_full"], "time", "times") \
			" (of the kernel, or of one connection: 255 of each kind)", todo)
	else
		ok("expectations", text)
}

function check_conntrack(    count, limit, text) {
	count = setting("net.netfilter.nf_conntrack_count")
	limit = setting("net.netfilter.nf_conntrack_max")
	if (limit < 0)
		limit = setting("net.nf_conntrack_max")
	text = "the kernel's table of connections holds " count " of " limit
	if (count < 0 || limit < 0)
		unread("conntrack", count < 0 ? "net.netfilter.nf_conntrack_count" : "net.netfilter.nf_conntrack_max")
	else if (fullness(count, limit) == 2)
		problem("conntrack", text, "sysctl -w net.netfilter.nf_conntrack_max=" 2 * limit \
			"   # in the first network namespace")
	else if (fullness(count, limit))
		warning("conntrack", text, "sysctl -w net.netfilter.nf_conntrack_max=" 2 * limit)
	else
		ok("conntrack", text)
}

# No setting takes more than a million
function twice(limit) {
	return limit > 500000 ? 1000000 : 2 * limit
}

function one_limit(name, count, reached,    limit) {
	limit = setting("net.netfilter.sip_ext_" name)
	if (limit < 0)
		unread("limits", "net.netfilter.sip_ext_" name)
	else if (fullness(count, limit) == 2 && count >= limit)
		problem("limits", count " of " limit " that net.netfilter.sip_ext_" name " allows",
			"sysctl -w net.netfilter.sip_ext_" name "=" twice(limit))
	else if (counter[reached])
		warning("limits", reached " " counter[reached] ": " reason_text[reached] " (now " count " of " limit ")",
			"sysctl -w net.netfilter.sip_ext_" name "=" twice(limit) "   # if that was no flood")
	else
		return 1
	return 0
}

function check_limits(    good) {
	good = one_limit("max_calls", calls + 0, "limit_calls")
	good += one_limit("max_registrations", registrations + 0, "limit_registrations")
	if (good == 2)
		ok("limits", calls + 0 " calls and " registrations + 0 " registrations are below the limits")
}

# --- the road of the media ----------------------------------------------------------------

# The elements of a map of verdicts, "keys : verdict"; 0 where the rule has none
function vmap_elements(text, elements) {
	if (!match(text, /vmap \{[^}]*\}/))
		return 0
	text = substr(text, RSTART + 6, RLENGTH - 7)
	gsub(/^ +| +$/, "", text)
	return split(text, elements, ", ")
}

function is_dropping(text,    elements, count, n) {
	count = vmap_elements(text, elements)
	for (n = 1; n <= count; n++)
		if (elements[n] ~ / : drop$/ && elements[n] !~ /invalid/)
			return 1
	if (count || text ~ /invalid|INVALID/)
		return 0
	return text ~ /(^| )(drop|reject)( |$)/ || text ~ / -j (DROP|REJECT)/
}

# Without what counts and logs
function bare(text) {
	gsub(/counter packets [0-9]+ bytes [0-9]+ ?|counter |log( (level [a-z]+|flags [a-z]+))* ?/, "", text)
	return text
}

# Without any condition: the end of what the chain lets pass
function is_final(text) {
	return bare(text) ~ /^(drop|reject)/ || text ~ /^-A [^ ]+ -j (DROP|REJECT)/
}

# accepting[key of a chain] that accepts anything, or leads to one that does
function find_accepting(    i, more) {
	for (i = 1; i <= rules; i++)
		if (rule_text[i] ~ /(^| )(accept|queue)( |,|$)|vmap @| -j (ACCEPT|NFQUEUE)/)
			accepting[key_of(rule_table[i], rule_chain[i])] = 1
	for (more = 1; more; ) {
		more = 0
		for (i = 1; i <= jumps; i++)
			if (jump_to[i] in accepting && !(jump_from[i] in accepting)) {
				accepting[jump_from[i]] = 1
				more = 1
			}
	}
}

# "accept", "jump CHAIN"; "return" leaves it to the policy at last
function lets(i, verdict, policy) {
	if (sub(/^(jump|goto|-[jg]) /, "", verdict)) {
		verdict = key_of(rule_table[i], verdict)
		return !(verdict in known_chain) || verdict in accepting
	}
	return verdict == "accept" || (verdict == "return" && policy != "drop")
}

function names_related(text) { return text ~ /(^|[ ,|({])related([ ,|)}]|$)/ }

# What stands behind related, in one element or more, or else behind "*"
function state_map_lets(i, elements, count, policy,    n, at, keys, verdict, named, others) {
	for (n = 1; n <= count; n++) {
		at = index(elements[n], " : ")
		keys = substr(elements[n], 1, at - 1)
		verdict = substr(elements[n], at + 3)
		if (keys == "*")
			others = verdict
		if (!names_related(keys))
			continue
		if (lets(i, verdict, policy))
			return 1
		named = 1
	}
	return !named && lets(i, others, policy)
}

# Whether any of the verdicts that a rule may come to lets packets through
function any_lets(i, text, elements, count, policy,    n) {
	for (n = 1; n <= count; n++)
		if (lets(i, substr(elements[n], index(elements[n], " : ") + 3), policy))
			return 1
	return text ~ /vmap @/ || (match(text, /(accept|return|(jump|goto) [^ ]+)$/) && \
		lets(i, substr(text, RSTART), policy))
}

function nft_lets_related(i, policy,    text, elements, count, state, is_all_but) {
	text = rule_text[i]
	gsub(/"[^"]*"/, "", text)
	if (text !~ /ct state/)
		return text ~ /ct status expected.* accept$/ || bare(text) ~ /^accept/
	if (text ~ /ct state( \. [^{]*)? (vmap )?@/)
		return any_lets(i, text, elements, 0, policy)
	count = vmap_elements(text, elements)
	if (text ~ /ct state( \. [^{]*)? vmap/)
		return state_map_lets(i, elements, count, policy)
	state = text
	sub(/ (vmap|jump|goto) .*/, "", state)
	is_all_but = state ~ /ct state (!|&.* == 0)/
	# what is anything else is dropped here: these go on
	if (is_all_but && names_related(state))
		return text !~ /accept/
	return (is_all_but || names_related(state)) && any_lets(i, text, elements, count, policy)
}

function iptables_lets_related(i,    text) {
	text = rule_text[i]
	if (text ~ /! --(ct)?state [^ ]*RELATED/)
		return 1
	if (text ~ /--(ct)?state [^ ]*RELATED/)
		return text !~ / -j (DROP|REJECT|LOG)( |$)/ && match(text, / -[jg] [^ ]+/) && \
			lets(i, substr(text, RSTART + 1, RLENGTH - 1))
	return text ~ /! --(ct)?state .*-j ACCEPT/ || text ~ /^-A [^ ]+ -j ACCEPT/
}

# Rules for another helper's connections do not count
function lets_related(i, policy) {
	if (rule_text[i] ~ /ct helper "/ && rule_text[i] !~ /ct helper "sip-ext/)
		return 0
	if (rule_text[i] ~ /--helper / && rule_text[i] !~ /--helper sip-ext/)
		return 0
	return rule_tool[i] == "nft" ? nft_lets_related(i, policy) : iptables_lets_related(i)
}

# "" if the chain lets everything pass, "conditions" or "all" if it drops some or all of the rest
function closes(base,    i, found) {
	found = base_policy[base] == "drop" ? "all" : ""
	for (i = 1; i <= rules; i++)
		if (is_reached(base, i) && is_dropping(rule_text[i]) && found != "all")
			found = key_of(rule_table[i], rule_chain[i]) == base_key[base] && is_final(rule_text[i]) ? \
				"all" : "conditions"
	return found
}

function is_open_for_related(base,    i) {
	for (i = 1; i <= rules; i++)
		if (is_reached(base, i) && lets_related(i, base_policy[base]))
			return 1
	return 0
}

function related_remedy(base,    place) {
	if (base_tool[base] != "nft")
		return base_tool[base] " -I " toupper(base_hook[base]) " -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
	place = base_key[base]
	sub(/\|/, " ", place)
	return "nft insert rule " place " ct state established,related accept"
}

function check_related(hook,    base, how, place, bad) {
	for (base = 1; base <= bases; base++) {
		if (base_hook[base] != hook || is_ignored(base_table[base]) || dormant_name(base_table[base]))
			continue
		how = closes(base)
		if (how == "" || is_open_for_related(base))
			continue
		place = base_key[base]
		sub(/\|/, " ", place)
		bad = 1
		if (how == "all")
			problem("related", place " (" hook ") drops what no rule accepts, and none accepts related packets: media from outside is dropped",
				related_remedy(base))
		else
			warning("related", place " (" hook ") has rules that drop, and none that accepts related packets",
				related_remedy(base) "   # if they meet media")
	}
	if (!bad)
		ok("related", "no chain in " hook " is seen to drop related packets")
}

# Whether the router's own programs are given the helper
function has_own_programs(    n) {
	for (n = 1; n <= attached; n++)
		if (is_ours(attach_helper[n]) && attach_hook[n] == "output")
			return 1
	return 0
}

# Interfaces with routes, but lo
function routed_interfaces(    file, line, words, seen, count) {
	file = path_of("/proc/net/route")
	while ((getline line < file) > 0) {
		split(line, words, "\t")
		if (words[1] != "Iface" && words[1] != "lo" && !(words[1] in seen)) {
			seen[words[1]] = 1
			count++
		}
	}
	close(file)
	return count + 0
}

# Interfaces with an IPv6 address that is not for the link alone
function ipv6_interfaces(    file, line, words, seen, count) {
	file = path_of("/proc/net/if_inet6")
	while ((getline line < file) > 0) {
		split(line, words, " ")
		if (words[4] == "00" && words[6] != "lo" && !(words[6] in seen)) {
			seen[words[6]] = 1
			count++
		}
	}
	close(file)
	return count + 0
}

function check_forwarding() {
	if (setting("net.ipv4.ip_forward") == 0 && routed_interfaces() > 1)
		problem("forwarding", "the router does not forward IPv4", "sysctl -w net.ipv4.ip_forward=1")
	else if (setting("net.ipv4.ip_forward") == 0)
		warning("forwarding", "the router does not forward IPv4, and has one interface at most: right for its own programs alone",
			"sysctl -w net.ipv4.ip_forward=1")
	else if (setting("net.ipv4.ip_forward") < 0)
		unread("forwarding", "net.ipv4.ip_forward")
	else
		ok("forwarding", "IPv4 is forwarded")
	if (setting("net.ipv6.conf.all.forwarding") == 0 && ipv6_interfaces() > 1)
		problem("forwarding", "the router does not forward IPv6, but has IPv6 addresses on several interfaces",
			"sysctl -w net.ipv6.conf.all.forwarding=1")
	else if (setting("net.ipv6.conf.all.forwarding") == 1)
		ok("forwarding", "IPv6 is forwarded")
	# a kernel without IPv6 has neither
	else if (setting("net.ipv6.conf.all.forwarding") < 0 && is_readable(path_of("/proc/net/if_inet6")))
		unread("forwarding", "net.ipv6.conf.all.forwarding")
}

# Strict reverse path filtering hurts where packets come by another way than they go
function check_rp_filter(    file, line, words, all, own, ways, strict, seen, hidden) {
	all = setting("net.ipv4.conf.all.rp_filter")
	hidden = all < 0 ? "all" : ""
	file = path_of("/proc/net/route")
	while ((getline line < file) > 0) {
		split(line, words, "\t")
		if (words[2] != "00000000" || words[8] != "00000000" || words[1] in seen)
			continue
		seen[words[1]] = 1
		ways++
		own = first_line(path_of("/proc/sys/net/ipv4/conf/" words[1] "/rp_filter"))
		if (own == "")
			hidden = words[1]
		own += 0
		if ((own > all ? own : all) == 1)
			strict = strict (strict ? ", " : "") words[1]
	}
	close(file)
	if (ways > 1 && strict)
		warning("rp_filter", "several default routes, and strict reverse path filtering on " strict \
			": what comes by the other way is dropped", "sysctl -w net.ipv4.conf.all.rp_filter=2")
	else if (ways > 1 && hidden)
		unread("rp_filter", "net.ipv4.conf." hidden ".rp_filter")
	else
		ok("rp_filter", "does not stand in the way")
}

# --- registrations, calls ------------------------------------------------------------------

function check_registrations() {
	if (live_registrations)
		ok("registered", many(live_registrations, "registration", "registrations"))
	else if (asked_registrations)
		warning("registered", many(asked_registrations, "phone has", "phones have") \
			" asked, and no registrar has granted it: no answer, or a challenge or refusal",
			"look at the phone's password and at the registrar: tcpdump -ni any port 5060")
	else
		warning("registered", "nobody is registered through this router", "restart a phone, and look again")
}

function check_accounting() {
	accounting = setting("net.netfilter.nf_conntrack_acct")
	if (accounting == 0)
		warning("accounting", "packets are not counted, so that which call has no audio cannot be told",
			"sysctl -w net.netfilter.nf_conntrack_acct=1   # for new connections")
	else if (accounting < 0)
		unread("accounting", "net.netfilter.nf_conntrack_acct")
	else
		ok("accounting", "packets of media are counted")
}

function media_remedy() {
	return setting("net.netfilter.sip_ext_media_source") == 2 ? \
		"what comes from it? tcpdump -ni any udp; who drops it? nft monitor trace" : \
		"sysctl -w net.netfilter.sip_ext_media_source=2   # from anyone: does media come from elsewhere?"
}

function check_audio(    n, key, name, bad) {
	for (n = 1; n <= streams; n++) {
		if (call_state(call[stream_call[n]]) != "answered")
			continue
		key = stream_key[n]
		name = "stream of " field(stream_line[n], "inside") " with " field(stream_line[n], "remote")
		if (!(key in seen_media))
			warning("audio", name ": no packet in either direction", "does the phone send? tcpdump -ni any udp and host " \
				substr(key, 1, index(key, " ") - 1))
		else if (accounting == 1 && sent_packets[key] && !got_packets[key])
			warning("audio", name ": " sent_packets[key] " packets went out, none came in", media_remedy())
		else if (accounting == 1 && got_packets[key] && !sent_packets[key])
			warning("audio", name ": " got_packets[key] " packets came in, none went out",
				"does the phone send? tcpdump -ni any udp and host " substr(key, 1, index(key, " ") - 1))
		else
			continue
		bad = 1
	}
	if (!bad)
		ok("audio", streams ? "media of " many(streams, "stream", "streams") " flows" : "no call has media now")
}

# Connections over TCP that are not followed, by their reason
function check_followed(    why) {
	for (why in passing)
		warning("tcp", many(passing[why], "TCP connection passes", "TCP connections pass") " unread, " why ": " \
			reason_text[why], why in advice ? advice[why] : "let the phone connect again")
	if (knows_followed && !followed_as["passing"])
		ok("tcp", many(followed_as["following"] + 0, "TCP connection is", "TCP connections are") " followed")
}

# --- counters ----------------------------------------------------------------------------

# What a counter other than zero suggests. What it means is in kernel/reasons.h
function set_advice() {
	advice["no_port"] = "widen net.netfilter.sip_ext_media_port_min to media_port_max; with sip-ext-assist give each phone media ports of its own"
	advice["no_memory"] = "free memory; look at it: free; dmesg"
	advice["no_nat_module"] = "modprobe nf_nat_sip_ext"
	advice["rewrite_failed"] = "look at memory: free; dmesg"
	advice["expectation_clash"] = "another rule or helper wants the same port: conntrack -L expect"
	advice["unmatched_response"] = "does the way back pass this router? Else asymmetric routing, or forged answers"
	advice["media_not_owner"] = "if that host is a phone of this PBX: add its address to net.netfilter.sip_ext_media_hosts"
	advice["no_inside"] = "add the network of the phones to net.netfilter.sip_ext_media_hosts"
	advice["media_not_outside"] = "if that host is a phone or a media server of this network: add its address to net.netfilter.sip_ext_media_hosts"
	advice["media_tcp"] = "sysctl -w net.netfilter.sip_ext_tcp_media=1   # if that is wanted"
	advice["media_bad_address"] = "correct the media address in the phone's or PBX's configuration"
	advice["port_denied"] = "if a phone has its media there: take the port from net.netfilter.sip_ext_media_deny_ports"
	advice["media_port_low"] = "correct the media ports in the phone's or PBX's configuration"
	advice["unknown_dialog"] = "none, if the router was restarted in mid-call; else asymmetric routing"
	advice["aggregate"] = "ethtool -K INTERFACE rx-udp-gro-forwarding off rx-gro-list off"
	advice["stream_middle"] = "let the phone connect again, by a restart perhaps: conntrack -D does not help"
	advice["too_long"] = advice["stream_too_long"] = "none: messages of more than 64 KB pass as they are, and no setting changes that"
	advice["stream_too_slow"] = "a bad line, or somebody who holds connections open: /proc/net/sip_ext/connections; else raise net.netfilter.sip_ext_tcp_hold"
	advice["stream_no_memory"] = advice["rewrite_failed"]
	advice["stream_corrupt"] = "a bad line or network card: ethtool -S INTERFACE"
	advice["stream_signed"] = "switch TCP MD5 or AO off for SIP, if the two ends can do without"
	advice["limit_streams"] = "if that was no flood: raise net.netfilter.sip_ext_tcp_connections"
	advice["limit_stream_memory"] = "if that was no flood: raise net.netfilter.sip_ext_tcp_memory"
	advice["limit_host"] = "if that was no flood: raise net.netfilter.sip_ext_max_calls_per_host, sip_ext_max_registrations_per_host"
	advice["limit_stream_host"] = "if that was no flood: raise net.netfilter.sip_ext_tcp_connections_per_host, sip_ext_tcp_memory_per_host"
	advice["limit_half_open"] = "who begins so many connections? conntrack -L -p tcp | grep SYN_"
	advice["limit_bindings"] = "if that was no flood: raise net.netfilter.sip_ext_max_media"
	advice["limit_media_host"] = "if that was no flood: raise net.netfilter.sip_ext_max_media_per_host"
	advice["limit_connections_host"] = "which program sends from so many ports? conntrack -L -p udp --dport 5060"
	advice["too_many_sockets"] = "let the phone listen at one port; three besides the one that it sends from are followed"
	advice["too_many_addresses"] = advice["too_many_streams"] = advice["too_many_ports"] = \
		"capture such a message and report it: tcpdump -w sip.pcap port 5060"
	advice["malformed_start_line"] = advice["malformed_header"] = advice["malformed_number"] = \
		advice["malformed_length"] = advice["malformed_body"] = advice["missing_header"] = advice["too_many_ports"]
}

function check_counters(    i, name, bad) {
	for (i = 1; i <= counters; i++) {
		name = counter_name[i]
		if (!counter[name] || !(name in advice))
			continue
		bad = 1
		warning("counter", name " " counter[name] ": " reason_text[name], advice[name])
	}
	if (!bad)
		ok("counter", "none tells of trouble")
}

function main() {
	set_advice()
	read_rules()
	read_state()
	check_modules()
	if (counters)
		check_enabled()
	check_in_tree()
	check_rules()
	check_notrack()
	check_connections()
	find_accepting()
	check_related("forward")
	if (has_own_programs())
		check_related("input")
	check_forwarding()
	check_rp_filter()
	check_expectations()
	check_conntrack()
	if (counters) {
		check_limits()
		check_registrations()
		check_accounting()
		check_audio()
		check_followed()
		check_counters()
	}
	return problems ? 1 : 0
}

BEGIN { exit main() }
