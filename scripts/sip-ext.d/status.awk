# SPDX-License-Identifier: GPL-2.0
# One screen: what is attached, who is registered until when, live calls with their audio,
# pinholes, and the counters that moved.

function row(label, text) { printf "%-12s %s\n", label, text }

function more_of(count, shown, what) {
	if (count > shown)
		row("", "... and " count - shown " more " what " (status -a shows all)")
}

function show_modules(    enabled, list, i, text, version) {
	if (!counters) {
		row("switched", "the modules are not loaded here: modprobe nf_nat_sip_ext")
		return
	}
	enabled = setting("net.netfilter.sip_ext_enabled")
	row("switched", enabled < 0 ? "cannot be told: net.netfilter.sip_ext_enabled could not be read" : \
	    enabled ? "on" : "OFF, packets pass unread (net.netfilter.sip_ext_enabled=0)")
	split("nf_conntrack_sip_ext nf_nat_sip_ext nf_conntrack_sip", list, " ")
	for (i = 1; i <= 3; i++) {
		version = module_version(list[i])
		text = text (i > 1 ? ", " : "") list[i] (is_loaded(list[i]) ? \
			(version == "" ? "" : " (" version ")") : " not loaded")
	}
	row("modules", text)
}

# --- rules ------------------------------------------------------------------------

function attach_text(n,    i) {
	i = attach_rule[n]
	return sprintf("%-4s port %-10s %-15s by %s%s", attach_protocol[n], attach_ports[n], attach_helper[n],
		       rule_place(i), attach_fault[n] == "" ? "" : ": BUT " attach_fault[n])
}

function show_attached(    n, shown, name, parts) {
	for (n = 1; n <= attached; n++)
		if (is_ours(attach_helper[n]) || attach_helper[n] == "sip")
			row(shown++ ? "" : "attached", attach_text(n))
	for (name in objects) {
		split(name, parts, "|")
		if (objects[name] ~ /^sip/ && !(name in used_object))
			row(shown++ ? "" : "attached", "nft " parts[1] ": ct helper " parts[2] \
			    " is there, but no rule sets it")
	}
	if (!shown)
		row("attached", has_tool("nft") || has_tool("iptables-save") ? \
		    "nothing: no rule of nftables or iptables gives a connection the helper" : \
		    "cannot tell: neither nft nor iptables-save is installed")
	for (n = 1; n <= troubles; n++)
		row("", "could not be read: " trouble[n])
}

function show_signalling(    key, parts, ports, text, without) {
	for (key in sig) {
		split(key, parts, "|")
		if (is_ours(parts[3]))
			ports[parts[1] " " parts[2]] += sig[key]
	}
	for (key in ports)
		text = text (text ? ", " : "") many(ports[key], "connection", "connections") " to " key
	without = signalling_count("none") + signalling_count("sip") + signalling_count("offloaded")
	if (signalling_count("unknown"))
		text = many(signalling_count("unknown"), "connection", "connections") \
			" (conntrack(8) is missing: which have the helper cannot be told)"
	row("signalling", (text ? text : "no connection has the helper") \
	    (without ? "; " without " without it (sip-ext doctor)" : ""))
}

# --- registrations and calls ------------------------------------------------------------

function clock(seconds,    minute) {
	minute = int(now_minutes + seconds / 60)
	return sprintf("%02d:%02d%s", int(minute / 60) % 24, minute % 60,
		       minute >= 1440 ? " +" int(minute / 1440) "d" : "")
}

function duration(seconds) {
	if (seconds < 120)
		return seconds " s"
	if (seconds < 7200)
		return int(seconds / 60) " min"
	return int(seconds / 3600) " h " int(seconds % 3600 / 60) " min"
}

function registration_text(line,    words, until) {
	split(line, words, " ")
	until = field(line, "expires") + 0
	return sprintf("%s as %s at %s, %s", field(line, "inside"), field(line, "outside"),
		       field(line, "registrar") field(line, "notifier"),
		       words[3] == "live" ? "until " clock(until) " (" duration(until) ")" : \
		       "asked, not granted yet") (words[1] == "subscription" ? " (subscription)" : "")
}

function show_registrations(limit,    i) {
	row("registered", many(live_registrations + 0, "registration", "registrations") \
	    (asked_registrations ? ", " asked_registrations " more asked for" : "") \
	    (subscriptions ? ", " many(subscriptions, "subscription", "subscriptions") : ""))
	for (i = 1; i <= registrations && i <= limit; i++)
		row("", registration_text(registration[i]))
	more_of(registrations, limit, "of them")
}

function bytes_text(bytes) {
	return bytes < 10000 ? bytes + 0 " B" : bytes < 10000000 ? int(bytes / 1000) " kB" : \
		int(bytes / 1000000) " MB"
}

function stream_text(n,    key, audio) {
	key = stream_key[n]
	if (!(key in seen_media))
		audio = "no packet yet"
	else if (accounting != 1)
		audio = "flows"
	else
		audio = sprintf("out %d packets %s, in %d packets %s", sent_packets[key],
				bytes_text(sent_bytes[key]), got_packets[key], bytes_text(got_bytes[key]))
	return sprintf("  %s = %s with %s: %s", field(stream_line[n], "inside"), field(stream_line[n], "outside"),
		       field(stream_line[n], "remote"), audio)
}

function show_calls(limit,    i, n, state, text) {
	for (state in calls_in)
		text = text (text ? ", " : "") calls_in[state] " " state
	row("calls", calls + 0 (text ? " (" text ")" : ""))
	for (i = 1; i <= calls && i <= limit; i++) {
		row("", call_state(call[i]) ": " field(call[i], "inside") " with " field(call[i], "peer"))
		for (n = 1; n <= streams; n++)
			if (stream_call[n] == i)
				row("", stream_text(n))
	}
	more_of(calls, limit, calls - limit == 1 ? "call" : "calls")
	if (calls && accounting == 0)
		row("", "packets are not counted: sysctl -w net.netfilter.nf_conntrack_acct=1   # for new connections")
}

function show_pinholes(    name, text, limit) {
	if (!knows_pinholes) {
		row("pinholes", "cannot be told: neither /proc/net/nf_conntrack_expect nor conntrack(8) tells of them")
		return
	}
	limit = setting("net.netfilter.nf_conntrack_expect_max")
	for (name in pinhole_class)
		text = text (text ? ", " : "") pinhole_class[name] " " name
	row("pinholes", our_pinholes + 0 " waiting" (text ? " (" text ")" : "") "; the kernel's table holds " \
	    pinholes + 0 (limit < 0 ? " (nf_conntrack_expect_max could not be read)" : " of " limit))
}

function followed_text(line,    words) {
	split(line, words, " ")
	return sprintf("%s as %s at %s: %s for %s%s", field(line, "from"), field(line, "seen"), field(line, "to"),
		       words[2] == "passing" ? "passes unread (" words[3] ")" : words[2], duration(field(line, "age") + 0),
		       field(line, "held") + 0 ? ", " bytes_text(field(line, "held") + 0) " held" : "")
}

function show_connections(limit,    i, state, text) {
	if (!knows_followed)
		return
	for (state in followed_as)
		text = text (text ? ", " : "") followed_as[state] " " state
	row("tcp", many(followed_count + 0, "connection", "connections") (text ? " (" text ")" : ""))
	for (i = 1; i <= followed_count && i <= limit; i++)
		row("", followed_text(followed[i]))
	more_of(followed_count, limit, "of them")
}

function show_counters(    i, name, group, shown) {
	for (i = 1; i <= counters; i++) {
		name = counter_name[i]
		if (!counter[name])
			continue
		if (!shown || group != reason_group[name])
			row(shown ? "" : "counters", reason_group[name] ":")
		group = reason_group[name]
		shown++
		row("", sprintf("%9d %-20s %s", counter[name], name, reason_text[name]))
	}
	if (!shown)
		row("counters", "none has moved")
}

function show_settings(    i, count, list, name, value) {
	count = split(ENVIRON["SIPX_SETTINGS"], list, " ")
	for (i = 1; i <= count; i++) {
		name = list[i]
		value = first_line(path_of("/proc/sys/net/netfilter/sip_ext_" name))
		if (value != first_line(path_of("/sys/module/nf_conntrack_sip_ext/parameters/" name)))
			row("setting", "net.netfilter.sip_ext_" name " = " value)
	}
}

function main(    limit, words, line) {
	limit = ENVIRON["SIPX_FLAG"] == "all" ? 1e9 : 10
	read_rules()
	read_state()
	accounting = setting("net.netfilter.nf_conntrack_acct")
	"date '+%H %M'" | getline line
	split(line, words, " ")
	now_minutes = words[1] * 60 + words[2]
	show_modules()
	show_attached()
	if (!counters)
		return
	show_settings()
	show_signalling()
	show_registrations(limit)
	show_calls(limit)
	show_pinholes()
	show_connections(limit)
	show_counters()
}

BEGIN {
	main()
	exit
}
