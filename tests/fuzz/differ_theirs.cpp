// SPDX-License-Identifier: GPL-2.0
#include "differ.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <sys/time.h>

#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>
#include <osipparser2/sdp_message.h>

namespace differ {

namespace {

// The first of its complaints about the message at hand: the later ones only pass it on.
std::string complaint;

void note_complaint(const char *, int, osip_trace_level_t, const char *format, va_list values)
{
	char text[200];
	if (!complaint.empty())
		return;
	std::vsnprintf(text, sizeof(text), format, values);
	complaint = text;
	while (!complaint.empty() && complaint.back() == '\n')
		complaint.pop_back();
}

bool make_ready()
{
	osip_trace_initialize_func(TRACE_LEVEL3, note_complaint);
	return !parser_init();
}

bool is_sdp(const osip_message_t *sip)
{
	const osip_content_type_t *type = sip->content_type;
	return type && type->type && type->subtype && !osip_strcasecmp(type->type, "application") && !osip_strcasecmp(type->subtype, "sdp");
}

bool parses_sdp(const char *text)
{
	sdp_message_t *sdp = nullptr;
	if (sdp_message_init(&sdp))
		return false;
	const int failed = sdp_message_parse(sdp, text);
	sdp_message_free(sdp);
	return !failed;
}

// What it leaves to its user: whether the fields are there that every message needs (RFC 3261
// 8.1.1), and the body.
const char *missing(osip_message_t *sip)
{
	osip_body_t *body = nullptr;
	if (osip_list_size(&sip->vias) == 0 || !sip->from || !sip->to || !sip->call_id || !sip->cseq)
		return "field";
	if (is_sdp(sip) && osip_message_get_body(sip, 0, &body) >= 0 && body && body->body && !parses_sdp(body->body))
		return "sdp";
	return nullptr;
}

} // namespace

opinion theirs(const std::string &message)
{
	static const bool ready = make_ready();
	osip_message_t *sip = nullptr;
	if (!ready || osip_message_init(&sip))
		std::abort();
	complaint.clear();
	opinion says{false, ""};
	if (!osip_message_parse(sip, message.c_str(), message.size())) {
		const char *why = missing(sip);
		says = {!why, why ? why : "none"};
	}
	if (says.why.empty())
		says.why = complaint.empty() ? "message" : complaint;
	osip_message_free(sip);
	return says;
}

} // namespace differ
