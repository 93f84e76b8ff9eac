// SPDX-License-Identifier: GPL-2.0
// SIP peers for tests: what a phone or a server writes, made from what it read. They know
// nothing of the core and parse with means of their own.
#ifndef SIP_EXT_FAKE_PEERS_H
#define SIP_EXT_FAKE_PEERS_H

#include <string>
#include <utility>
#include <vector>

#include "text.h"

namespace fake {

using fields = std::vector<std::pair<std::string, std::string>>;

// Start line, fields, Content-Length, body. `type` empty: no body and no Content-Type.
std::string compose(const std::string &start_line, const fields &all, const std::string &type = "",
		    const std::string &body = "");

// All values of a field, under its name or its compact one, in order, one for each line.
std::vector<std::string> lines_of(const std::string &message, const std::string &name);
std::string line_of(const std::string &message, const std::string &name);	// the first, or ""
std::string body_of(const std::string &message);
std::string start_of(const std::string &message);
std::string request_uri_of(const std::string &message);
int status_of(const std::string &message);	// 0: a request
std::string tag_of(const std::string &party);
std::string uri_of(const std::string &party);	// what stands between < and >
// The text with every `old` replaced.
std::string with(std::string text, const std::string &old, const std::string &fresh);

struct media_line {
	endpoint rtp{};			// the address counts where it is not that of the session
	std::string kind = "audio";
	std::string proto = "RTP/AVP 0";
	std::vector<std::string> attributes{};	// without a=
};

std::string sdp_of(const endpoint &host, const std::vector<media_line> &media,
		   const std::vector<std::string> &session_attributes = {});
// The socket that the n-th m-line of the message's SDP names; its RTCP port by a=rtcp or
// the next one.
endpoint media_of(const std::string &message, u32 index = 0);
endpoint rtcp_of(const std::string &message, u32 index = 0);

// One side of a dialog, or of what may become one.
struct dialog {
	std::string call_id;
	std::string local, remote;		// URIs
	std::string local_tag, remote_tag;
	std::string target;			// Request-URI
	std::string contact;			// value of the Contact field; "" for none
	std::string via;			// sent-by and parameters, without branch
	std::vector<std::string> routes;
	u32 cseq = 1;
};

// A dialog of `user` at that socket to whom `remote` names: Via and Contact name the
// socket, with its port unless `bare`.
dialog dialog_of(const std::string &user, const endpoint &socket, const std::string &remote, bool bare = false);
// What the called side makes of the request that it got.
dialog answering(const std::string &request, const std::string &user, const endpoint &socket);
// The caller learns the other's tag, target and route set.
void learn(dialog &d, const std::string &response);

// The next request of that dialog.
std::string request(dialog &d, const std::string &method, const std::string &sdp = "", const fields &more = {});
// The same again with the CSeq of the last (ACK, CANCEL).
std::string request_again(const dialog &d, const std::string &method, const std::string &like,
			  const std::string &sdp = "");
// ACK to a 2xx: its own branch, the CSeq number of the INVITE.
std::string ack(const dialog &d, const std::string &invite, const std::string &sdp = "");

struct reply_parts {
	std::string tag;		// added to To where it has none
	std::string contact;
	std::string sdp;
	fields more;
	endpoint seen_from{};		// received= and rport= are filled from it (RFC 3581)
};

std::string respond(const std::string &request, int status, const reply_parts &parts = {});

std::string new_branch();
std::string new_word(const std::string &start);
void restart_words();	// the same again, as in a new program

} // namespace fake

#endif
