// SPDX-License-Identifier: GPL-2.0
// libre: sip_msg_decode(), which decodes the first Via, From, To and CSeq; then each other field
// that has an address, by sip_via_decode() and sip_addr_decode(); and sdp_decode().
#include <cstdint>
#include <cstdlib>

#include <sys/types.h>

#include <re/re.h>

#include "parser.h"

namespace bench {

namespace {

mbuf *input;

// The same bytes each time: the decoder copies nothing of them.
bool load(const sample &message)
{
	const auto *bytes = reinterpret_cast<const uint8_t *>(message.bytes.data());
	mem_deref(input);
	input = mbuf_alloc(message.bytes.size() + 1);
	return input && !mbuf_write_mem(input, bytes, message.bytes.size());
}

bool is_address(const sip_hdr *field)
{
	switch (field->id) {
	case SIP_HDR_CONTACT:
	case SIP_HDR_RECORD_ROUTE:
	case SIP_HDR_ROUTE:
	case SIP_HDR_PATH:
	case SIP_HDR_SERVICE_ROUTE:
	case SIP_HDR_REFER_TO:
	case SIP_HDR_REPLY_TO:
	case SIP_HDR_REFERRED_BY:
	case SIP_HDR_P_ASSERTED_IDENTITY:
	case SIP_HDR_P_PREFERRED_IDENTITY:
	case SIP_HDR_HISTORY_INFO:
		return true;
	default:
		return false;
	}
}

bool decode_fields(const sip_msg *msg)
{
	bool good = true, top = true;
	for (const le *at = msg->hdrl.head; at; at = at->next) {
		const auto *field = static_cast<const sip_hdr *>(at->data);
		sip_via via;
		sip_addr addr;
		if (is_address(field))
			good &= !sip_addr_decode(&addr, &field->val);
		else if (field->id == SIP_HDR_VIA && !top)
			good &= !sip_via_decode(&via, &field->val);
		top &= field->id != SIP_HDR_VIA;
	}
	return good;
}

// As an offer: what it says is taken as it is, and compared with nothing.
bool decode_sdp(const sip_msg *msg)
{
	if (!msg_ctype_cmp(&msg->ctyp, "application", "sdp"))
		return true;
	sa local;
	sdp_session *session = nullptr;
	if (sa_set_str(&local, "192.0.2.1", 0) || sdp_session_alloc(&session, &local))
		return false;
	const bool good = !sdp_decode(session, msg->mb, true);
	mem_deref(session);
	return good;
}

bool has_all(const sip_msg *msg)
{
	return pl_isset(&msg->via.sentby) && pl_isset(&msg->from.auri) && pl_isset(&msg->to.auri) &&
	       pl_isset(&msg->callid) && pl_isset(&msg->cseq.met);
}

bool decode_all(const sample &)
{
	sip_msg *msg = nullptr;
	input->pos = 0;
	if (sip_msg_decode(&msg, input))
		return false;
	const bool good = has_all(msg) && decode_fields(msg) && decode_sdp(msg);
	mem_deref(msg);
	return good;
}

} // namespace

std::vector<task> tasks()
{
	if (libre_init())
		abort();
	return {{"parse", load, decode_all, nullptr}};
}

} // namespace bench
