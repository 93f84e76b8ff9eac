// SPDX-License-Identifier: GPL-2.0
// Puts records in, takes them out, moves and changes them; and knows the steps of a call.
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "helper_script.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

namespace {

using fuzz::record;
using piece = std::vector<uint8_t>;

// See play::act() and what it calls. Who: roles; which: Call-ID, tags and CSeq.
constexpr uint8_t incoming = 128, with_tag = 32, as_left = 16, next_cseq = 64;
constexpr uint8_t op_register = 0x00, op_invite_sdp = 0x90, op_ack = 0x20, op_bye = 0x30, op_cancel = 0x40,
		  op_update_sdp = 0xd0;
constexpr uint8_t op_other = 0x70, op_answer = 4, op_wait = 7, op_media = 8, op_fault = 9, op_cut = 10,
		  op_repeat = 11, op_tcp = 12, op_elsewhere = 13;
constexpr uint8_t ringing = 1, progress = 2 | 192, ok = 3, ok_sdp = 3 | 192, busy = 9, challenge = 7;

class records {
public:
	records(const uint8_t *data, size_t size, unsigned seed) : random_(seed)
	{
		for (size_t at = 0; at < size; at += record) {
			piece one(data + at, data + (size - at < record ? size : at + record));
			one.resize(record);
			all_.push_back(one);
		}
		if (all_.empty())
			all_.push_back(piece(record));
	}

	void change()
	{
		for (uint32_t i = 0, count = 1 + below(3); i < count; i++)
			change_once();
	}

	void cross(const records &other)
	{
		const size_t begin = below(other.all_.size()), count = 1 + below(8);
		for (size_t i = 0, at = place(); i < count && begin + i < other.all_.size(); i++)
			all_.insert(all_.begin() + at + i, other.all_[begin + i]);
	}

	size_t write(uint8_t *out, size_t max_size) const
	{
		size_t at = 0;
		for (const piece &one : all_) {
			if (at + record > max_size)
				break;
			std::memcpy(out + at, one.data(), record);
			at += record;
		}
		return at;
	}

private:
	uint32_t below(size_t limit) { return limit ? static_cast<uint32_t>(random_() % limit) : 0; }
	// Behind the first, which says what the router is like.
	size_t place() { return 1 + below(all_.size()); }
	size_t which() { return below(all_.size()); }

	void change_once()
	{
		switch (below(12)) {
		case 0:
		case 1:
			return insert({by_chance()});
		case 2:
			if (all_.size() > 1)
				all_.erase(all_.begin() + static_cast<long>(1 + below(all_.size() - 1)));
			return;
		case 3:
			return insert({all_[which()]});
		case 4:
			if (all_.size() > 1)
				std::swap(all_[1 + below(all_.size() - 1)], all_.back());
			return;
		case 5:
		case 6:
			return insert(call());
		case 7:
			return insert(granted());
		case 8:
			all_[which()][below(4)] = static_cast<uint8_t>(random_());
			return;
		default:
			piece &one = all_[which()];
			LLVMFuzzerMutate(one.data(), record, record);
		}
	}

	void insert(const std::vector<piece> &steps)
	{
		const size_t at = place() > all_.size() ? all_.size() : place();
		all_.insert(all_.begin() + static_cast<long>(at < all_.size() ? at : all_.size()), steps.begin(),
			    steps.end());
	}

	piece step(std::initializer_list<uint8_t> bytes)
	{
		piece one(bytes);
		one.resize(record);
		return one;
	}

	piece by_chance()
	{
		piece one(record);
		for (uint8_t &byte : one)
			byte = static_cast<uint8_t>(random_());
		if (below(2)) // nothing bent
			std::fill(one.begin() + 8, one.end(), 0);
		return one;
	}

	// A call one way or the other, as far as it gets, and something that happens meanwhile.
	std::vector<piece> call()
	{
		const bool comes_in = below(2);
		const uint8_t who = static_cast<uint8_t>(below(9) | (comes_in ? incoming : 0)),
			      id = static_cast<uint8_t>(below(4) | as_left);
		const uint8_t media = static_cast<uint8_t>(random_());
		const uint8_t inside = id | with_tag, form = static_cast<uint8_t>(1 + below(3));
		std::vector<piece> steps = {step({op_invite_sdp, who, id, form, media, media, media})};
		if (below(2))
			steps.push_back(step({op_answer, static_cast<uint8_t>(below(2) ? ringing : progress), form,
					      media, media, media}));
		if (below(3) == 0) {
			steps.push_back(step({op_elsewhere, static_cast<uint8_t>(below(2))}));
			steps.push_back(step({op_answer, static_cast<uint8_t>(random_()), form, media, media, media}));
			steps.push_back(steps.front());
		}
		steps.push_back(
			step({op_answer, static_cast<uint8_t>(below(4) ? ok_sdp : busy), form, media, media, media}));
		steps.push_back(step({op_ack, who, inside}));
		if (below(2))
			steps.push_back(
				step({op_media, static_cast<uint8_t>(random_()), static_cast<uint8_t>(random_())}));
		if (below(2))
			steps.push_back(meanwhile());
		if (below(3) == 0) {
			steps.push_back(step({below(2) ? op_update_sdp : op_invite_sdp, who,
					      static_cast<uint8_t>(inside | next_cseq), form, media}));
			steps.push_back(step({op_answer, ok_sdp, form, media}));
		}
		if (below(2)) {
			steps.push_back(
				step({below(5) ? op_bye : op_cancel, who, static_cast<uint8_t>(inside | next_cseq)}));
			steps.push_back(step({op_answer, ok}));
		}
		return steps;
	}

	std::vector<piece> granted()
	{
		const uint8_t who = static_cast<uint8_t>(below(9)), id = static_cast<uint8_t>(below(4));
		std::vector<piece> steps;
		if (below(2)) // over the other protocol
			steps.push_back(step({op_tcp}));
		steps.push_back(
			step({below(3) ? op_register : op_other, who, id, static_cast<uint8_t>(1 + below(20))}));
		steps.push_back(step({op_answer, below(4) ? ok : challenge}));
		if (below(2))
			steps.push_back(meanwhile());
		return steps;
	}

	piece meanwhile()
	{
		const uint8_t ops[] = {op_wait, op_fault, op_cut, op_repeat, op_wait | 16, op_elsewhere};
		return step({ops[below(6)], static_cast<uint8_t>(random_()), static_cast<uint8_t>(random_()),
			     static_cast<uint8_t>(random_())});
	}

	std::mt19937 random_;
	std::vector<piece> all_;
};

} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	if (seed % 16 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	records all(data, size, seed);
	all.change();
	return all.write(data, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
					    size_t other_size, uint8_t *out, size_t max_size, unsigned seed)
{
	records all(one, one_size, seed);
	all.cross(records(other, other_size, seed));
	return all.write(out, max_size);
}
