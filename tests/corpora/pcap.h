// SPDX-License-Identifier: GPL-2.0
// UDP datagrams and TCP segments out of pcap and pcapng files.
#ifndef SIP_EXT_CORPORA_PCAP_H
#define SIP_EXT_CORPORA_PCAP_H

#include <functional>
#include <string>

#include "sip_types.h"

namespace corpora {

// The payload, and whether it is a datagram.
using payload_sink = std::function<void(const std::string &payload, bool datagram)>;

// False: the file is none of these. What of it cannot be read is passed over.
bool read_pcap(const std::string &file, const payload_sink &sink);

} // namespace corpora

#endif
