// SPDX-License-Identifier: GPL-2.0
// The input of the helper's fuzz target: records of one size, the first of which says what the
// router is like, and each other one what happens next. So a step can be put in, taken out or
// moved without another meaning for all that follow.
#ifndef SIP_EXT_FUZZ_HELPER_SCRIPT_H
#define SIP_EXT_FUZZ_HELPER_SCRIPT_H

#include <cstddef>
#include <string>

#include "../../kernel/boundary.h"

namespace fuzz {

inline constexpr size_t record = 24;

// Reads one record; zeroes beyond its end.
class script {
public:
	script(const u8 *data, size_t size) : data_(data), size_(size) {}

	bool done() const { return next_ >= size_; }
	// The next record.
	void step()
	{
		at_ = next_;
		next_ = size_ - at_ < record ? size_ : at_ + record;
	}
	u8 byte() { return at_ < next_ ? data_[at_++] : 0; }
	u32 below(u32 limit) { return byte() % limit; }
	// Of as many records as they need.
	std::string bytes(size_t count)
	{
		const size_t left = size_ - at_, take = count < left ? count : left;
		std::string text(reinterpret_cast<const char *>(data_ + at_), take);
		at_ += take;
		while (next_ < at_)
			step_over();
		return text;
	}

private:
	void step_over() { next_ = size_ - next_ < record ? size_ : next_ + record; }

	const u8 *data_;
	size_t size_;
	size_t at_ = 0, next_ = 0;
};

} // namespace fuzz

#endif
