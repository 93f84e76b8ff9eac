# SPDX-License-Identifier: GPL-2.0
# The rules of nftables and iptables, as far as they concern the helper: who attaches it,
# who lets related packets in, who takes connections away from conntrack.
#
#   rule_*[1 .. rules]           every rule: tool, table, chain, text without remarks, line as it was, handle
#   base_*[1 .. bases]           chains with a hook: key, tool, hook, priority, policy
#   attach_*[1 .. attached]      rules that give a connection a helper, whichever
#   objects[table|name]          helper objects of nftables, "type protocol"
#   dormant[table]               tables of nftables that are there and do nothing
#   trouble[1 .. troubles]       what could not be read

function has_tool(name) { return index(ENVIRON["SIPX_TOOLS"], " " name " ") > 0 }

function path_of(name) { return ENVIRON["SIPX_ROOT"] name }

function first_line(path,    line) {
	if ((getline line < path) <= 0)
		line = ""
	close(path)
	return line
}

function is_readable(path,    line, got) {
	got = (getline line < path)
	close(path)
	return got >= 0
}

# A value below /proc/sys; -1 if there is none
function setting(name,    line) {
	gsub(/\./, "/", name)
	line = first_line(path_of("/proc/sys/" name))
	return line == "" ? -1 : line + 0
}

function key_of(table, chain) { return table "|" chain }

function add_rule(tool, table, chain, text, line, handle) {
	rule_tool[++rules] = tool
	rule_table[rules] = table
	rule_chain[rules] = chain
	rule_text[rules] = text
	rule_line[rules] = line
	rule_handle[rules] = handle
}

function add_base(tool, table, chain, hook, priority, policy) {
	base_tool[++bases] = tool
	base_table[bases] = table
	base_key[bases] = key_of(table, chain)
	base_hook[bases] = hook
	base_priority[bases] = priority
	base_policy[bases] = policy
}

# Lines of a command go to reader(); the last one names its status
function run(command, kind,    line, status, said, begun) {
	status = 1
	command = command "; echo \"#status $?\""
	while ((command | getline line) > 0) {
		if (line ~ /^#status /) {
			status = substr(line, 9) + 0
			continue
		}
		said = line
		if (kind !~ /^(conntrack|expectation)$/) {
			line = begun line
			begun = is_unfinished(line, kind) ? line "\n" : ""
			if (begun)
				continue
		}
		if (kind == "nft")
			nft_line(line)
		else if (kind == "conntrack")
			conntrack_line(line)
		else if (kind == "expectation")
			expectation_line(line)
		else if (line ~ /^#family /)
			kind = substr(line, 9)
		else
			iptables_line(line, kind)
	}
	close(command)
	if (status != 0 && kind !~ /^(conntrack|expectation)$/)
		trouble[++troubles] = said
	return status == 0
}

# --- what people wrote ------------------------------------------------------------------

# What stands in quotes: iptables puts \ before a quote within, nft allows none there
function in_quotes(tool) { return tool == "nft" ? "\"[^\"]*\"" : "\"([^\"\\\\]|\\\\.)*\"" }

# A comment may have several lines
function is_unfinished(line, tool) {
	gsub(in_quotes(tool), "", line)
	return line ~ /"/
}

# Without comments and prefixes of the log, which may read like rules. iptables quotes no plain word.
function without_remarks(line, tool,    quotes, before, quoted) {
	quotes = in_quotes(tool)
	while (match(line, quotes)) {
		before = before substr(line, 1, RSTART - 1)
		quoted = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
		if (!sub(/(^| )(-m comment --|--log-|--nflog-|--ulog-)?(comment|prefix) $/, "", before))
			before = before quoted
	}
	line = before line
	if (tool != "nft")
		gsub(/ (-m comment --comment|--(log|nflog|ulog)-prefix) [^ "]+/, "", line)
	return line
}

# --- nftables ---------------------------------------------------------------------

# "filter + 10", "-150", "mangle"
function priority_number(text,    words, count, number) {
	count = split(text, words, " ")
	number = words[1] in named_priority ? named_priority[words[1]] : words[1] + 0
	if (count == 3)
		number += words[2] == "-" ? -words[3] : words[3]
	return number
}

function after(text, word, until,    rest) {
	if (!index(text, word))
		return ""
	rest = substr(text, index(text, word) + length(word))
	return index(rest, until) ? substr(rest, 1, index(rest, until) - 1) : rest
}

function nft_opens(line,    words) {
	split(line, words, " ")
	nft_block = words[1]
	if (words[1] == "table")
		nft_table = words[2] " " words[3]
	else if (words[1] == "chain") {
		nft_chain = words[2]
		known_chain[key_of(nft_table, nft_chain)] = 1
	} else if (words[1] == "ct" && words[2] == "helper") {
		nft_block = "helper"
		nft_object = words[3]
	} else if (words[1] == "flowtable")
		flowtables = flowtables (flowtables ? ", " : "") nft_table " " words[2]
}

function nft_chain_line(line, handle,    hook) {
	if (line !~ /^type [a-z]+ hook /) {
		add_rule("nft", nft_table, nft_chain, line, line, handle)
		return
	}
	hook = after(line, " hook ", " ")
	if (hook ~ /^[a-z]+$/)
		add_base("nft", nft_table, nft_chain, hook, priority_number(after(line, " priority ", ";")),
			 after(line, "policy ", ";"))
	# what iptables-nft made is read from iptables-save
	if (has_tool("iptables-save") && nft_table ~ /^ip6? (raw|nat|filter|mangle|security)$/ &&
	    nft_chain ~ /^(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/)
		of_iptables[nft_table] = 1
}

function nft_line(line,    handle) {
	sub(/^[ \t]+/, "", line)
	if (line ~ /^#/)
		return
	if (match(line, / *# handle [0-9]+$/)) {
		handle = substr(line, RSTART, RLENGTH)
		sub(/^.* /, "", handle)
		line = substr(line, 1, RSTART - 1)
	}
	line = without_remarks(line, "nft")
	if (line == "")
		return
	if (line ~ /\{$/)
		nft_opens(line)
	else if (line == "}")
		nft_block = ""
	else if (nft_block == "table" && line ~ /^flags .*dormant/)
		dormant[nft_table] = 1
	else if (nft_block == "chain")
		nft_chain_line(line, handle)
	else if (nft_block == "helper" && line ~ /^type /)
		objects[nft_table "|" nft_object] = unquoted(after(line, "type ", " ")) " " \
			after(line, "protocol ", ";")
}

function unquoted(text) {
	gsub(/["; ]/, "", text)
	return text
}

# --- iptables ---------------------------------------------------------------------

function iptables_line(line, tool,    words, text) {
	text = without_remarks(line, tool)
	split(text, words, " ")
	if (line ~ /^\*/)
		ipt_table = tool " " substr(line, 2)
	else if (line ~ /^:/) {
		words[1] = substr(words[1], 2)
		known_chain[key_of(ipt_table, words[1])] = 1
		if (words[2] != "-")
			add_base(tool, ipt_table, words[1], tolower(words[1]), 0, tolower(words[2]))
	} else if (words[1] == "-A")
		add_rule(tool, ipt_table, words[2], text, line, "")
}

# Both families in one shell; IPv6 where the router has it
function run_both(suffix, tool,    second) {
	if (has_tool("ip6tables" suffix) && is_readable(path_of("/proc/net/if_inet6")))
		second = " && echo '#family ip6" substr(tool, 3) "' && ip6tables" suffix
	run("{ iptables" suffix second "; } 2>&1", tool)
}

# The tables of iptables-legacy are asked for only where there are some: to ask loads them
function read_iptables() {
	if (has_tool("iptables-nft-save"))
		run_both("-nft-save", "iptables")
	else if (has_tool("iptables-save"))
		run_both("-save", "iptables")
	if (!has_tool("iptables-nft-save") || !has_tool("iptables-legacy-save"))
		return
	if (first_line(path_of("/proc/net/ip_tables_names")) first_line(path_of("/proc/net/ip6_tables_names")) != "")
		run_both("-legacy-save", "iptables-legacy")
}

# --- which chain leads to which ---------------------------------------------------------

function add_jump(from, table, chain) {
	if (!(key_of(table, chain) in known_chain))
		return
	jump_from[++jumps] = from
	jump_to[jumps] = key_of(table, chain)
}

function find_jumps(i,    rest, word, from, chain) {
	rest = rule_text[i]
	from = key_of(rule_table[i], rule_chain[i])
	word = rule_tool[i] == "nft" ? "(jump|goto) [^ ,}]+" : "-[jg] [^ ]+"
	while (match(rest, word)) {
		chain = substr(rest, RSTART, RLENGTH)
		sub(/^[^ ]* /, "", chain)
		add_jump(from, rule_table[i], chain)
		rest = substr(rest, RSTART + RLENGTH)
	}
	# where the elements of a map of verdicts are not shown, it may lead anywhere
	if (rule_text[i] ~ /vmap @/)
		for (word in known_chain)
			if (index(word, rule_table[i] "|") == 1)
				add_jump(from, rule_table[i], substr(word, length(rule_table[i]) + 2))
}

# leads[base|key of a chain]
function follow(    base, i, more) {
	for (i = 1; i <= rules; i++)
		find_jumps(i)
	for (base = 1; base <= bases; base++) {
		leads[base "|" base_key[base]] = 1
		for (more = 1; more; ) {
			more = 0
			for (i = 1; i <= jumps; i++)
				if ((base "|" jump_from[i]) in leads && !((base "|" jump_to[i]) in leads)) {
					leads[base "|" jump_to[i]] = 1
					more = 1
				}
		}
	}
}

function is_reached(base, i) { return (base "|" key_of(rule_table[i], rule_chain[i])) in leads }

function is_ignored(table) { return table in of_iptables }

# The name in nftables of a table that is dormant, or "". iptables-save does not tell
function dormant_name(table) {
	if (sub(/^iptables /, "ip ", table) + sub(/^ip6tables /, "ip6 ", table) && !is_ignored(table))
		return ""
	return table in dormant ? table : ""
}

# --- what a rule says -------------------------------------------------------------------

# "5060,5062-5070"; "any" where it names none, or in a way that is not understood
function ports_of(text,    ports) {
	if (text ~ /(dport !=|! --dports? |dport map |dport @)/)
		return "any"
	if (match(text, /dport \{[^}]*\}/))
		ports = substr(text, RSTART + 7, RLENGTH - 8)
	else if (match(text, /--dports? [^ ]+/) || match(text, /dport [^ ]+/)) {
		ports = substr(text, RSTART, RLENGTH)
		sub(/^[^ ]* /, "", ports)
	} else
		return "any"
	gsub(/ /, "", ports)
	gsub(/:/, "-", ports)
	gsub(/sip-tls/, "5061", ports)
	gsub(/sip/, "5060", ports)
	return ports ~ /^[0-9,-]+$/ ? ports : "any"
}

function covers(ports, port,    list, count, i, ends) {
	if (ports == "any")
		return 1
	count = split(ports, list, ",")
	for (i = 1; i <= count; i++) {
		if (split(list[i], ends, "-") == 1)
			ends[2] = ends[1]
		if (port >= ends[1] + 0 && port <= ends[2] + 0)
			return 1
	}
	return 0
}

# Where a rule stands in the road of a packet: the best of the chains that lead to it
function place_rule(n, i,    base) {
	attach_hook[n] = ""
	if (dormant_name(rule_table[i])) {
		attach_fault[n] = "the table " dormant_name(rule_table[i]) " is dormant"
		return
	}
	for (base = 1; base <= bases; base++)
		if (is_reached(base, i) && (attach_hook[n] == "" || base_priority[base] > attach_priority[n])) {
			attach_hook[n] = base_hook[base]
			attach_priority[n] = base_priority[base]
		}
	if (attach_hook[n] == "")
		attach_fault[n] = "no chain with a hook leads to it"
	else if (rule_tool[i] == "nft" && attach_hook[n] !~ /^(prerouting|output|input|forward|postrouting)$/)
		attach_fault[n] = "it is in the hook " attach_hook[n] ", which conntrack does not know"
	else if (rule_tool[i] == "nft" && attach_hook[n] ~ /^(prerouting|output)$/ && attach_priority[n] <= -200)
		attach_fault[n] = "priority " attach_priority[n] " is before conntrack's (-200): it does nothing there"
}

function add_attach(i, helper, protocol, ports) {
	attach_rule[++attached] = i
	attach_helper[attached] = helper
	attach_protocol[attached] = protocol
	attach_ports[attached] = ports
	attach_family[attached] = family_of(rule_table[i])
	attach_fault[attached] = ""
	place_rule(attached, i)
	if (is_ours(helper) && attach_fault[attached] == "")
		ours_attached++
}

# "ip sip", "inet sip", "ip6tables raw": 4, 6, or "any"
function family_of(table) {
	if (table ~ /^(ip|iptables[a-z-]*) /)
		return 4
	return table ~ /^(ip6|ip6tables[a-z-]*) / ? 6 : "any"
}

function is_ours(helper) { return helper ~ /^sip-ext/ }

function nft_attach(i,    rest, name, parts, object) {
	rest = substr(rule_text[i], index(rule_text[i], "ct helper set") + 13)
	for (name in objects) {
		split(name, parts, "|")
		if (parts[1] != rule_table[i] || !(index(rest, "\"" parts[2] "\"") || rest ~ /map @/))
			continue
		split(objects[name], object, " ")
		used_object[name] = 1
		add_attach(i, object[1], object[2], rest ~ /map/ ? "any" : ports_of(rule_text[i]))
	}
}

function iptables_attach(i,    protocol) {
	protocol = after(rule_text[i], " -p ", " ")
	add_attach(i, after(rule_text[i], "--helper ", " "), protocol == "" ? "any" : protocol,
		   ports_of(rule_text[i]))
}

function find_attached(    i) {
	for (i = 1; i <= rules; i++) {
		if (is_ignored(rule_table[i]))
			continue
		if (rule_tool[i] == "nft" && rule_text[i] ~ /ct helper set /)
			nft_attach(i)
		else if (rule_tool[i] != "nft" && rule_text[i] ~ / -j CT .*--helper /)
			iptables_attach(i)
	}
}

function attaches_ours(protocol, port, family,    n) {
	for (n = 1; n <= attached; n++)
		if (is_ours(attach_helper[n]) && attach_fault[n] == "" &&
		    (attach_family[n] == "any" || attach_family[n] == family) &&
		    (attach_protocol[n] == "any" || attach_protocol[n] == protocol) &&
		    covers(attach_ports[n], port))
			return 1
	return 0
}

function rule_place(i) {
	return rule_tool[i] == "nft" ? "nft " rule_table[i] " " rule_chain[i] : \
		rule_table[i] " " rule_chain[i]
}

# The command that takes a rule away
function removal(i,    line, table) {
	if (rule_tool[i] == "nft")
		return "nft delete rule " rule_table[i] " " rule_chain[i] " handle " rule_handle[i]
	line = rule_line[i]
	sub(/^-A/, "-D", line)
	table = rule_table[i]
	sub(/^[^ ]* /, "", table)
	return rule_tool[i] " -t " table " " line
}

function read_rules(    list, i, count) {
	count = split("raw -300 mangle -150 dstnat -100 filter 0 security 50 srcnat 100", list, " ")
	for (i = 1; i < count; i += 2)
		named_priority[list[i]] = list[i + 1]
	if (has_tool("nft"))
		run("nft -a -t list ruleset 2>/dev/null || nft -a list ruleset 2>&1", "nft")
	read_iptables()
	follow()
	find_attached()
}
