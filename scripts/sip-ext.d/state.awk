# SPDX-License-Identifier: GPL-2.0
# What goes on: modules, counters, registrations, calls and their streams, conntrack's
# connections and expectations. Everything that was written by somebody outside (names in
# SIP) stays out of it: the kernel's tables hold numbers and addresses alone.
#
#   counter[name], counter_name[1 .. counters]
#   reason_text[name], reason_group[name], reason_groups
#   registration[1 ..registrations], call[1 .. calls], stream_*[1 .. streams]
#   sig[protocol|port|helper|family]     signalling connections, by original port; an example in
#   sig_example[...], and where the first ones come from in sig_sources[...]
#   followed[1 .. followed_count], followed_as[state], passing[reason]   TCP connections
#   knows_pinholes, pinholes, our_pinholes, pinhole_class[name]

function is_loaded(module,    line, found) {
	while ((getline line < path_of("/proc/modules")) > 0)
		if (index(line, module " ") == 1)
			found = 1
	close(path_of("/proc/modules"))
	return found || is_readable(path_of("/sys/module/" module "/refcnt")) || \
		is_readable(path_of("/sys/module/" module "/parameters/ports"))
}

function module_version(module) {
	return first_line(path_of("/sys/module/" module "/version"))
}

# The sentences are the source's own
function read_reasons(    file, line, name, group) {
	file = ENVIRON["SIPX_TOP"] "/kernel/reasons.h"
	while ((getline line < file) > 0) {
		if (line ~ /^\t\/\* .* \*\//) {
			group = after(line, "/* ", " */")
			reason_groups++
		} else if (line ~ /^\tX\(/) {
			name = after(line, "X(", ",")
			reason_text[name] = after(after(line, ",", "\")"), "\"", "\")")
			reason_group[name] = group
		}
	}
	close(file)
}

function read_counters(    file, line, words) {
	file = path_of("/proc/net/sip_ext/counters")
	while ((getline line < file) > 0) {
		split(line, words, " ")
		counter_name[++counters] = words[1]
		counter[words[1]] = words[2] + 0
	}
	close(file)
}

# The value of "key=value" in a line of the helper's tables
function field(line, key,    at) {
	at = index(line, " " key "=")
	return at ? after(substr(line, at), "=", " ") : ""
}

# --- addresses: conntrack's tables write them in more than one way -----------------------

function plain_address(text,    groups, count, i, front, back, missing, out) {
	if (text !~ /:/)
		return text
	if (text ~ /::/) {
		front = split(substr(text, 1, index(text, "::") - 1), groups, ":")
		back = split(substr(text, index(text, "::") + 2), groups, ":")
		for (missing = 8 - front - back; missing > 0; missing--)
			out = out ":0"
		text = substr(text, 1, index(text, "::") - 1) out ":" substr(text, index(text, "::") + 2)
		sub(/^:/, "", text)
		sub(/:$/, "", text)
	}
	count = split(text, groups, ":")
	out = ""
	for (i = 1; i <= count; i++) {
		sub(/^0+/, "", groups[i])
		out = out ":" (groups[i] == "" ? "0" : tolower(groups[i]))
	}
	return substr(out, 2)
}

# "[fd00::1]:5060" and "10.0.0.1:5060" as "address port"
function plain_socket(text,    port) {
	port = text
	sub(/^.*:/, "", port)
	text = substr(text, 1, length(text) - length(port) - 1)
	gsub(/[][]/, "", text)
	return plain_address(text) " " port
}

# --- the helper's own tables ------------------------------------------------------------

function read_registrations(    file, line) {
	file = path_of("/proc/net/sip_ext/registrations")
	while ((getline line < file) > 0) {
		if (line !~ /^(registration|subscription) /)
			continue
		registration[++registrations] = line
		if (line ~ /^registration /) {
			if (line ~ / live /)
				live_registrations++
			else
				asked_registrations++
		} else
			subscriptions++
	}
	close(file)
}

function call_state(line,    words) {
	split(line, words, " ")
	return words[3]
}

function read_calls(    file, line) {
	file = path_of("/proc/net/sip_ext/calls")
	while ((getline line < file) > 0) {
		if (line ~ /^call /) {
			call[++calls] = line
			calls_in[call_state(line)]++
		} else if (line ~ /^ +stream /) {
			stream_line[++streams] = line
			stream_call[streams] = calls
			stream_key[streams] = plain_socket(field(line, "inside"))
			wanted[stream_key[streams]] = 1
			media_socket[stream_key[streams]] = 1
			media_socket[plain_socket(field(line, "outside"))] = 1
		}
	}
	close(file)
}

# --- conntrack ----------------------------------------------------------------------------

# Ports on which SIP may be spoken without a rule that says so. 5061 is TLS: for nobody to read
function is_sip_port(port) { return port == 5060 || (port > 5061 && port <= 5090) }

function is_signalling(protocol, port,    n) {
	if (is_sip_port(port))
		return 1
	for (n = 1; n <= attached; n++)
		if (attach_ports[n] != "any" && covers(attach_ports[n], port))
			return 1
	return 0
}

# Sums for a stream's inside socket: what it sent, and what was sent to it
function count_media(socket, out_packets, out_bytes, in_packets, in_bytes) {
	seen_media[socket]++
	sent_packets[socket] += out_packets
	sent_bytes[socket] += out_bytes
	got_packets[socket] += in_packets
	got_bytes[socket] += in_bytes
}

# One line of conntrack -L, or of /proc/net/nf_conntrack, which has no helper in it
function conntrack_line(line,    words, count, i, at, protocol, helper, value) {
	count = split(line, words, " ")
	protocol = words[1] ~ /^ipv[46]$/ ? words[3] : words[1]
	if (protocol != "udp" && protocol != "tcp")
		return
	split("", value)
	helper = conntrack_tells ? "none" : "unknown"
	for (i = 3; i <= count; i++) {
		at = index(words[i], "=")
		if (words[i] ~ /^helper=/)
			helper = substr(words[i], 8)
		else if (words[i] ~ /OFFLOAD/)
			helper = "offloaded"
		else if (at)
			take_value(value, substr(words[i], 1, at - 1), substr(words[i], at + 1))
	}
	if (is_signalling(protocol, value["dport"]))
		count_signalling(protocol "|" value["dport"] "|" helper "|" (value["src"] ~ /:/ ? 6 : 4), value)
	if (streams)
		match_media(value)
}

# The first of each name is of the original direction, the second of the reply
function take_value(value, name, text) {
	if (name in value)
		value["r" name] = text
	else
		value[name] = text
}

# Over TCP no command helps: what the kernel forgets in mid-stream it picks up there, and that is not
# followed.
function connecting_again(sources, count, is_all,    ends, i, seen, text) {
	for (i = 1; i <= count; i++) {
		split(sources[i], ends, " ")
		if (!(ends[1] in seen))
			text = text (text ? ", " : "") ends[1]
		seen[ends[1]] = 1
	}
	return "let " text (is_all ? "" : " and the others") \
		" connect again, by a restart perhaps: over TCP a connection is followed from its beginning alone"
}

# The command that ends the connections of a key, or what to do instead. Not by the port alone, if they
# are few: those that have the helper, with their registrations and calls, would end with them.
function ending(key,    parts, sources, ends, count, i, text) {
	split(key, parts, "|")
	count = split(sig_sources[key], sources, "|")
	if (parts[1] == "tcp")
		return connecting_again(sources, count, count >= sig[key])
	if (count < sig[key])
		return "conntrack -D -f ipv" parts[4] " -p " parts[1] " --dport " parts[2] \
			"   # ends registrations and calls on that port, too, until the phones register again"
	for (i = 1; i <= count; i++) {
		split(sources[i], ends, " ")
		text = text (i > 1 ? "; " : "") "conntrack -D -f ipv" parts[4] " -p " parts[1] " -s " ends[1] \
			" --sport " ends[2] " --dport " parts[2]
	}
	return text
}

function count_signalling(key, value) {
	sig_example[key] = value["src"] " port " value["sport"] " to " value["dst"] " port " value["dport"]
	if (++sig[key] <= 3)
		sig_sources[key] = sig_sources[key] (sig[key] > 1 ? "|" : "") value["src"] " " value["sport"]
}

function match_media(value,    from, back) {
	from = plain_address(value["src"]) " " value["sport"]
	back = plain_address(value["rsrc"]) " " value["rsport"]
	if (from in wanted)
		count_media(from, value["packets"], value["bytes"], value["rpackets"], value["rbytes"])
	else if (back in wanted)
		count_media(back, value["rpackets"], value["rbytes"], value["packets"], value["bytes"])
}

function read_connections(    file, line) {
	conntrack_tells = has_tool("conntrack")
	# some versions show IPv4 alone if they are not asked
	if (conntrack_tells &&
	    run("conntrack -L -f ipv4 2>/dev/null && conntrack -L -f ipv6 2>/dev/null", "conntrack"))
		return
	conntrack_tells = 0
	split("", sig)
	file = path_of("/proc/net/nf_conntrack")
	while ((getline line < file) > 0)
		conntrack_line(line)
	close(file)
}

# A socket of a stream, or its RTCP
function is_media(address, port) {
	address = plain_address(address)
	return (address " " port) in media_socket || (address " " (port - 1)) in media_socket
}

# A line of /proc, with "sip-ext/audio" at its end, or of conntrack(8), with helper= and class=.
# Some kernels name the helper for signalling alone: media is known by its sockets.
function expectation_line(line,    words, count, i, value, class) {
	pinholes++
	split("", value)
	count = split(line, words, " ")
	for (i = 1; i <= count; i++)
		if (words[i] ~ /^[a-z]+=/)
			take_value(value, substr(words[i], 1, index(words[i], "=") - 1),
				   substr(words[i], index(words[i], "=") + 1))
	if (words[count] ~ /^sip-ext[a-z-]*\//)
		class = substr(words[count], index(words[count], "/") + 1)
	else if (line ~ / helper=sip-ext/)
		class = "of class " value["class"]
	else if (line !~ /( helper=|\/[a-z]+$)/ && (is_media(value["src"], value["sport"]) ||
		  is_media(value["dst"], value["dport"])))
		class = "media"
	if (class != "") {
		our_pinholes++
		pinhole_class[class]++
	}
}

function read_expectations(    file, line) {
	file = path_of("/proc/net/nf_conntrack_expect")
	knows_pinholes = is_readable(file) || \
		(has_tool("conntrack") && run("conntrack -L expect 2>/dev/null", "expectation"))
	while ((getline line < file) > 0)
		expectation_line(line)
	close(file)
}

# "connection following from=.. seen=.. to=.. at=.. held=.. shift=.. age=..", "connection passing
# REASON from=.."; nothing where the modules have no such table
function read_followed(    file, line, words) {
	file = path_of("/proc/net/sip_ext/connections")
	knows_followed = is_readable(file)
	while ((getline line < file) > 0) {
		followed[++followed_count] = line
		split(line, words, " ")
		followed_as[words[2]]++
		if (words[2] == "passing")
			passing[words[3]]++
	}
	close(file)
}

function read_state() {
	read_followed()
	read_reasons()
	read_counters()
	read_registrations()
	read_calls()
	read_connections()
	read_expectations()
}

# A port that traffic is on, and how many connections there have which helper
function signalling_count(helper,    key, parts, sum) {
	for (key in sig) {
		split(key, parts, "|")
		if (helper == "ours" ? is_ours(parts[3]) : parts[3] == helper)
			sum += sig[key]
	}
	return sum + 0
}

function many(count, one, more) { return count " " (count == 1 ? one : more) }
