// SPDX-License-Identifier: GPL-2.0
// Finds SIP messages and SDP in a tree of files of any layout, by what the files hold.
#ifndef SIP_EXT_CORPORA_MESSAGE_SOURCE_H
#define SIP_EXT_CORPORA_MESSAGE_SOURCE_H

#include <filesystem>
#include <functional>
#include <string>

namespace corpora {

struct message {
	std::string folder;	// the first folder below the top: what results are added up by
	std::string name;	// path below the top, with "#n" where a file has several
	std::string bytes;
	bool whole = true;	// said to be one complete message (not a segment, junk or template)
};

using message_sink = std::function<void(const message &)>;

// Calls the sink for everything that may be a message in the tree.
void walk(const std::filesystem::path &top, const message_sink &sink);

// Bare LF made CR LF: many collections keep messages as text files.
std::string with_crlf(const std::string &text);
// The SDP as the body of an INVITE.
std::string as_invite(const std::string &sdp);

} // namespace corpora

#endif
