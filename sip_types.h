// SPDX-License-Identifier: GPL-2.0
// The small types that every room shares: text, addresses, results. Nothing of the
// kernel and nothing of the hosted library.
#ifndef SIP_EXT_TYPES_H
#define SIP_EXT_TYPES_H

#include "kernel/boundary.h"

namespace sip {

using size_type = decltype(sizeof(0));

// A stretch of a message: 16-bit offsets, so that a view of 64 KB stays small.
struct span {
	u16 offset = 0;
	u16 length = 0;

	constexpr u32 end() const { return u32{offset} + length; }
	constexpr bool empty() const { return length == 0; }
};

// Borrowed text. Never owns, never ends in NUL.
class text_view {
public:
	constexpr text_view() = default;
	constexpr text_view(const char *data, u32 size) : data_(data), size_(size) {}
	template<size_type N>
	constexpr text_view(const char (&literal)[N]) : data_(literal), size_(N - 1) {}

	constexpr const char *data() const { return data_; }
	constexpr u32 size() const { return size_; }
	constexpr bool empty() const { return size_ == 0; }
	constexpr char operator[](u32 index) const { return data_[index]; }

	// Clipped to what there is: never reaches beyond the end.
	constexpr text_view sub(u32 offset, u32 length = ~0u) const
	{
		if (offset > size_)
			offset = size_;
		if (length > size_ - offset)
			length = size_ - offset;
		return {data_ + offset, length};
	}
	constexpr text_view sub(span s) const { return sub(s.offset, s.length); }

	constexpr bool operator==(text_view other) const
	{
		if (size_ != other.size_)
			return false;
		for (u32 i = 0; i < size_; i++)
			if (data_[i] != other.data_[i])
				return false;
		return true;
	}

private:
	const char *data_ = "";
	u32 size_ = 0;
};

// An IP address in network byte order; family 0 is "none".
struct ip_address {
	u8 bytes[16] = {};
	u8 family = 0;

	constexpr bool operator==(const ip_address &other) const = default;
	constexpr explicit operator bool() const { return family != 0; }
};

// Why a message could not be understood. Each value has the counter that it adds to:
// see reason_of() in verdict.h.
enum class parse_error : u8 {
	none,
	not_sip,		// no SIP start line: nothing of ours
	start_line,
	header,
	number,
	length,
	body,
	missing_header,
	too_many_addresses,
	too_many_streams,
};

// A value, or the error that stands in its place.
template<typename T>
class [[nodiscard]] result {
public:
	constexpr result(T value) : value_(value) {}
	constexpr result(parse_error error) : error_(error) {}

	constexpr explicit operator bool() const { return error_ == parse_error::none; }
	constexpr const T &operator*() const { return value_; }
	constexpr const T *operator->() const { return &value_; }
	constexpr parse_error error() const { return error_; }

private:
	T value_{};
	parse_error error_ = parse_error::none;
};

} // namespace sip

#endif
