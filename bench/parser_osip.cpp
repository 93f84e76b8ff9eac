// SPDX-License-Identifier: GPL-2.0
// libosip2: osip_message_parse(), then the URI of each identity field, and sdp_message_parse().
#include <cstdarg>
#include <cstdlib>
#include <cstring>

#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>
#include <osipparser2/sdp_message.h>

#include "parser.h"

namespace bench {

namespace {

// They come as text, while From, To, Contact and the routes have been parsed.
const char *const identities[] = {"reply-to", "referred-by", "p-asserted-identity", "p-preferred-identity",
				  "remote-party-id", "diversion", "history-info", "path", "service-route", "refer-to"};

bool is_identity(const char *name)
{
	for (const char *one : identities)
		if (name && !osip_strcasecmp(name, one))
			return true;
	return false;
}

bool parse_identity(const char *value)
{
	osip_from_t *from = nullptr;
	if (!value || osip_from_init(&from))
		return false;
	const bool good = !osip_from_parse(from, value);
	osip_from_free(from);
	return good;
}

bool parse_identities(osip_message_t *sip)
{
	bool good = true;
	for (int i = 0; i < osip_list_size(&sip->headers); i++) {
		const auto *field = static_cast<const osip_header_t *>(osip_list_get(&sip->headers, i));
		if (is_identity(field->hname))
			good &= parse_identity(field->hvalue);
	}
	return good;
}

bool is_sdp(const osip_message_t *sip)
{
	const osip_content_type_t *type = sip->content_type;
	return type && type->type && type->subtype && !osip_strcasecmp(type->type, "application") && !osip_strcasecmp(type->subtype, "sdp");
}

bool parse_sdp(osip_message_t *sip)
{
	osip_body_t *body = nullptr;
	if (!is_sdp(sip))
		return true;
	if (osip_message_get_body(sip, 0, &body) < 0 || !body || !body->body)
		return false;
	sdp_message_t *sdp = nullptr;
	if (sdp_message_init(&sdp))
		return false;
	const bool good = !sdp_message_parse(sdp, body->body);
	sdp_message_free(sdp);
	return good;
}

bool parse_all(const sample &message)
{
	osip_message_t *sip = nullptr;
	if (osip_message_init(&sip))
		abort();
	const bool good = !osip_message_parse(sip, message.bytes.c_str(), message.bytes.size()) &&
			  osip_list_size(&sip->vias) && sip->from && sip->to && sip->call_id && sip->cseq &&
			  parse_identities(sip) && parse_sdp(sip);
	osip_message_free(sip);
	return good;
}

} // namespace

std::vector<task> tasks()
{
	osip_trace_initialize_func(TRACE_LEVEL0, [](const char *, int, osip_trace_level_t, const char *, va_list) {});
	if (parser_init())
		abort();
	return {{"parse", [](const sample &) { return true; }, parse_all, nullptr}};
}

} // namespace bench
