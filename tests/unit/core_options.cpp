// SPDX-License-Identifier: GPL-2.0
// An OPTIONS like the one before it leaves as that did, unread; whatever differs in more than its
// identifiers is read. P4.
#include "core_scene.h"

namespace core_test {

class options : public core_scene {
protected:
	options()
	{
		gate.rules.shift_ports = true;
		register_phone(phone, "alice");
		server_asks.target = "sip:alice@" + text_of(outer(phone));
	}
	// Whether the message is read that leaves.
	std::string read(bool wanted, const std::string &message, bool from_phone = true)
	{
		const u32 before = gate.plans;
		const std::string seen = from_phone ? to_server(phone, message) : to_phone(phone, message);
		EXPECT_EQ(gate.plans - before, wanted) << message;
		return seen;
	}
	std::string asked(const std::string &method = "OPTIONS") { return request(phone_asks, method); }

	endpoint phone = map.inside(10, 5060);
	dialog phone_asks = dialog_of("alice", phone, "sip:example.com");
	dialog server_asks = dialog_of("pbx", server, "sip:alice@example.com");
};
FOR_BOTH_FAMILIES(options);

// Every identifier of it is another one, of the same length.
std::string asked_anew(std::string message, char with)
{
	for (const char *name : {"branch=z9hG4bK", ";tag=", "Call-ID: "}) {
		const size_t at = message.find(name) + std::strlen(name);
		const size_t end = message.find_first_of(";@\r", at);
		message.replace(at, end - at, end - at, with);
	}
	const size_t at = message.find("CSeq: ") + 6;
	return message.replace(at, 1, 1, with >= '1' && with <= '9' ? with : '9');
}

TEST_P(options, P4_one_like_the_one_before_is_not_read)
{
	const std::string first = asked();
	const std::string seen = read(true, first);
	EXPECT_NE(seen, first);
	for (const char with : {'1', 'x', '-', '~', '7'})
		EXPECT_EQ(read(false, asked_anew(first, with)), asked_anew(seen, with));
	EXPECT_EQ(live_objects(SIPX_SLAB_OPTIONS), 1u);
	EXPECT_EQ(gate.count(SIPX_COUNT_translated), 8u);
}

TEST_P(options, P4_one_of_the_server_like_the_one_before_is_not_read)
{
	const std::string first = request(server_asks, "OPTIONS");
	const std::string got = read(true, first, false);
	EXPECT_NE(got, first);
	for (const char with : {'1', 'x', '7'})
		EXPECT_EQ(read(false, asked_anew(first, with), false), asked_anew(got, with));
	read(true, asked());	// the other direction has its own
	read(false, asked_anew(first, '8'), false);
	EXPECT_EQ(live_objects(SIPX_SLAB_OPTIONS), 2u);
	gate.end_all();
	EXPECT_EQ(live_objects(SIPX_SLAB_OPTIONS), 0u);
}

TEST_P(options, P4_one_that_differs_by_a_byte_is_read)
{
	const std::string first = asked();
	const std::string seen = read(true, first);
	std::set<size_t> varies;
	for (const char *name : {"branch=", ";tag=", "Call-ID: ", "CSeq: "}) {
		const size_t at = first.find(name) + std::strlen(name);
		for (size_t i = at; i < first.find_first_of("; \r", at); i++)
			varies.insert(i);
	}
	for (size_t i = 0; i < first.size(); i++) {
		std::string other = first;
		other[i] = other[i] == 'q' ? 'r' : 'q';
		const std::string again = gate.send(phone, server, first).bytes;
		EXPECT_EQ(again, seen);
		const u32 before = gate.plans;
		const u64 parsed = gate.count(SIPX_COUNT_translated);
		const delivery sent = gate.send(phone, server, other);
		const bool alike = gate.count(SIPX_COUNT_translated) > parsed && gate.plans == before;
		EXPECT_TRUE(!alike || varies.contains(i)) << i << " " << other;
		if (alike) {
			EXPECT_EQ(leak_in(sent.bytes, map), "");
		}
		(void)gate.send(phone, server, first);
	}
}

// What an identifier must not become: it would no longer end where it did.
TEST_P(options, P4_identifiers_are_words)
{
	const std::string first = asked();
	read(true, first);
	for (const char with : {' ', '\r', '\n', '\t', '\0', '\x80', '\x7f', ';', ',', '"', '<', '>', '(', '/', ':', '='})
		for (const char *name : {"branch=z9hG4bK", ";tag=", "Call-ID: ", "CSeq: "}) {
			if (*name == 'C' && name[1] == 'a' && std::string(" \t\r\n").find(with) == std::string::npos)
				continue;	// a Call-ID may have it
			std::string other = first;
			other[other.find(name) + std::strlen(name)] = with;
			const u32 before = gate.plans;
			const u64 translated = gate.count(SIPX_COUNT_translated);
			const delivery sent = gate.send(phone, server, other);
			EXPECT_TRUE(gate.plans > before || gate.count(SIPX_COUNT_translated) == translated)
				<< name << static_cast<int>(with);
			(void)gate.send(phone, server, first);
		}
}

TEST_P(options, P4_only_one_of_the_same_length_from_the_same_end)
{
	const std::string first = asked();
	read(true, first);
	std::string longer = first;
	longer.insert(longer.find(";tag=") + 5, "1");
	read(true, longer);
	read(false, longer);
	read(true, first);	// one is kept
	std::string in_dialog = first;
	in_dialog.insert(in_dialog.find("\r\n", in_dialog.find("\r\nTo: ") + 2), ";tag=2");
	read(true, in_dialog);
	read(true, in_dialog);
	std::string message = asked("MESSAGE");
	read(true, message);
	read(true, message);
}

TEST_P(options, P4_settings_and_what_is_remembered_count)
{
	const fields identity = {{"P-Preferred-Identity", "<sip:alice@" + fake::uri_host_of(phone) + ">"}};
	const std::string first = request(phone_asks, "OPTIONS", "", identity);
	const std::string seen = read(true, first);
	gate.rules.values[SIPX_SETTING_IDENTITY] = 0;
	const std::string bare = gate.send(phone, server, first).bytes;
	EXPECT_NE(bare, seen);
	EXPECT_EQ(gate.send(phone, server, first).bytes, bare);
	gate.rules.values[SIPX_SETTING_IDENTITY] = 1;
	EXPECT_EQ(read(true, first), seen);
	gate.rules.denied_ports.insert(1234);
	read(true, first);
	read(false, first);
}

// It changes while the message is on its way through: the edits are those of before.
TEST_P(options, P4_a_setting_that_changes_meanwhile_counts)
{
	const fields identity = {{"P-Preferred-Identity", "<sip:alice@" + fake::uri_host_of(phone) + ">"}};
	const std::string first = request(phone_asks, "OPTIONS", "", identity);
	gate.during_rewrite = [this] { gate.rules.values[SIPX_SETTING_IDENTITY] = 0; };
	gate.send(phone, server, first);
	EXPECT_NE(line_of(gate.send(phone, server, first).bytes, "P-Preferred-Identity").find(fake::uri_host_of(phone)),
		  std::string::npos);
}

TEST_P(options, S12_without_memory_each_is_read)
{
	set_faults({.kinds = fault_alloc, .strike_at = 1, .all_after = true});
	const std::string first = asked();
	const std::string seen = read(true, first);
	EXPECT_EQ(read(true, first), seen);
	set_faults({});
	EXPECT_EQ(live_objects(SIPX_SLAB_OPTIONS), 0u);
}

} // namespace core_test
