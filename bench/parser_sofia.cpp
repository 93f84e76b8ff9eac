// SPDX-License-Identifier: GPL-2.0
// sofia-sip: msg_make() of its SIP class with the extra fields, which parses each field that it
// knows, and sdp_parse().
#include <cstdlib>

#include <sofia-sip/msg.h>
#include <sofia-sip/sdp.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <sofia-sip/su_string.h>

#include "parser.h"

namespace bench {

namespace {

bool has_all(const sip_t *sip)
{
	return sip && (sip->sip_request || sip->sip_status) && !sip->sip_error && sip->sip_via && sip->sip_from &&
	       sip->sip_to && sip->sip_call_id && sip->sip_cseq;
}

bool is_sdp(const sip_t *sip)
{
	const sip_content_type_t *type = sip->sip_content_type;
	return type && type->c_type && su_casematch(type->c_type, "application/sdp");
}

bool parse_sdp(const sip_t *sip)
{
	if (!is_sdp(sip))
		return true;
	if (!sip->sip_payload)
		return false;
	const auto size = static_cast<issize_t>(sip->sip_payload->pl_len);
	sdp_parser_t *parser = sdp_parse(nullptr, sip->sip_payload->pl_data, size, 0);
	const bool good = sdp_session(parser) != nullptr;
	sdp_parser_free(parser);
	return good;
}

bool parse_all(const sample &message)
{
	const auto size = static_cast<ssize_t>(message.bytes.size());
	msg_t *msg = msg_make(sip_default_mclass(), 0, message.bytes.data(), size);
	if (!msg)
		return false;
	const sip_t *sip = sip_object(msg);
	const bool good = has_all(sip) && !msg_has_error(msg) && parse_sdp(sip);
	msg_destroy(msg);
	return good;
}

} // namespace

std::vector<task> tasks()
{
	if (sip_update_default_mclass(sip_extend_mclass(nullptr)) < 0)
		abort();
	return {{"parse", [](const sample &) { return true; }, parse_all, nullptr}};
}

} // namespace bench
