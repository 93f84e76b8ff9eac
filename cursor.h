// SPDX-License-Identifier: GPL-2.0
// The one bounded cursor that all text is read through, and what it needs: character
// classes (RFC 3261 25.1), words compared without regard to case, a byte search eight
// bytes at a time, and the one routine for numbers from the wire.
#ifndef SIP_EXT_CURSOR_H
#define SIP_EXT_CURSOR_H

#include "sip_types.h"

namespace sip {

// What a byte may be a part of. Bits, so that one look answers for several classes.
enum char_class : u16 {
	cc_blank = 1,		// SP HTAB
	cc_lws = 2,		// SP HTAB CR LF: inside a header value a line end is a fold
	cc_token = 4,		// RFC 3261 token
	cc_host = 8,		// token or non-ASCII: lenient, since names are never rewritten
	cc_digit = 16,
	cc_name_end = 32,	// ends a parameter name: LWS ; , = "
	cc_value_end = 64,	// ends an unquoted parameter value: LWS ; , "
	cc_display_end = 128,	// ends a display name: < " ; or escapes a byte of it
	cc_address_end = 256,	// the same where several values may stand: the comma too
	cc_framing = 512,	// begins Content-Length, its compact form, or an empty line
	cc_field = 2048,	// any byte but LWS: a Call-ID, a field of SDP
	cc_parameter_end = 4096,	// ends a uri-parameter: ; ?
	cc_attribute = 1024,	// begins an SDP attribute that is looked at
};

namespace detail {

consteval bool one_of(char c, const char *set)
{
	for (; *set; set++)
		if (*set == c)
			return true;
	return false;
}

consteval u16 classes_of(u32 byte)
{
	const char c = char(byte);
	const bool digit = c >= '0' && c <= '9';
	const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	const bool token = digit || alpha || (c && one_of(c, "-.!%*_+`'~"));
	const bool blank = c == ' ' || c == '\t';
	const bool lws = blank || c == '\r' || c == '\n';
	u16 bits = 0;

	bits |= blank ? cc_blank : 0;
	bits |= lws ? cc_lws | cc_name_end | cc_value_end : 0;
	bits |= token ? cc_token | cc_host : 0;
	bits |= byte >= 0x80 ? cc_host : 0;
	bits |= lws ? 0 : cc_field;
	bits |= c && one_of(c, ";?") ? cc_parameter_end : 0;
	bits |= digit ? cc_digit : 0;
	bits |= c && one_of(c, ";,\"") ? cc_name_end | cc_value_end : 0;
	bits |= c == '=' ? cc_name_end : 0;
	bits |= c && one_of(c, ";<\"\\") ? cc_display_end | cc_address_end : 0;
	bits |= c == ',' ? cc_address_end : 0;
	bits |= c && one_of(c, "cClL\r\n") ? cc_framing : 0;
	bits |= c && one_of(c, "bBcCgGiImMpPrRsS") ? cc_attribute : 0;
	return bits;
}

struct class_table {
	u16 of[256];
};

consteval class_table make_class_table()
{
	class_table table{};
	for (u32 byte = 0; byte < 256; byte++)
		table.of[byte] = classes_of(byte);
	return table;
}

inline constexpr class_table classes = make_class_table();

} // namespace detail

// A byte that is in one of the classes.
inline bool is_in(char c, u16 set)
{
	return detail::classes.of[u8(c)] & set;
}

// A word of the grammar as a template argument, so that comparing it costs a few
// machine words: |mask folds the letters of the text to lower case, and nothing else.
template<size_type N>
struct fixed_text {
	char bytes[N]{};
	static constexpr u32 size = N - 1;

	consteval fixed_text(const char (&literal)[N])
	{
		for (u32 i = 0; i < N; i++)
			bytes[i] = literal[i];
	}
	consteval u64 word(u32 at, u32 width) const
	{
		u64 value = 0;
		for (u32 i = 0; i < width; i++)
			value |= u64{u8(bytes[at + i])} << (8 * i);
		return value;
	}
	consteval u64 mask(u32 at, u32 width) const
	{
		u64 value = 0;
		for (u32 i = 0; i < width; i++)
			if (bytes[at + i] >= 'a' && bytes[at + i] <= 'z')
				value |= u64{0x20} << (8 * i);
		return value;
	}
};

namespace detail {

// Loads of `width` bytes in the order of the text, on any machine.
template<u32 width>
[[gnu::always_inline]] inline u64 load(const char *at)
{
	if constexpr (width == 8) {
		u64 value;
		__builtin_memcpy(&value, at, 8);
		return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? value : __builtin_bswap64(value);
	} else if constexpr (width == 4) {
		u32 value;
		__builtin_memcpy(&value, at, 4);
		return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? value : __builtin_bswap32(value);
	} else if constexpr (width == 2) {
		u16 value;
		__builtin_memcpy(&value, at, 2);
		return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? value : __builtin_bswap16(value);
	} else {
		return u8(*at);
	}
}

template<fixed_text word, u32 at, u32 width>
[[gnu::always_inline]] inline bool word_matches(const char *text)
{
	return (load<width>(text + at) | word.mask(at, width)) == word.word(at, width);
}

// The text has at least word.size bytes. The last load overlaps the one before.
template<fixed_text word, u32 at = 0>
[[gnu::always_inline]] inline bool matches(const char *text)
{
	constexpr u32 left = word.size - at;
	constexpr u32 width = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;

	if constexpr (left == 0)
		return true;
	else if constexpr (left < 8 && word.size >= 8)
		return word_matches<word, word.size - 8, 8>(text);
	else
		return word_matches<word, at, width>(text) && matches<word, at + width>(text);
}

inline constexpr u64 every_byte = 0x0101010101010101ull;

// The high bit of the lowest zero byte, and perhaps of higher ones.
[[gnu::always_inline]] inline u64 zero_bytes(u64 word)
{
	return (word - every_byte) & ~word & (every_byte << 7);
}

// Some byte is below SP, or perhaps far above it: what most text is free of between its
// line ends.
[[gnu::always_inline]] inline bool may_hold_controls(u64 word)
{
	return (word - every_byte * ' ') & (every_byte << 7);
}

// The high bit of every LF, and of nothing else.
[[gnu::always_inline]] inline u64 line_ends(u64 word)
{
	constexpr u64 low_bits = ~(every_byte << 7);

	word ^= every_byte * '\n';
	return ~(((word & low_bits) + low_bits) | word | low_bits);
}

} // namespace detail

// The first `wanted` in [at, end), or end.
inline const char *find_byte(const char *at, const char *end, char wanted)
{
	const u64 pattern = detail::every_byte * u8(wanted);

	while (end - at >= 16 && !(detail::zero_bytes(detail::load<8>(at) ^ pattern) |
				   detail::zero_bytes(detail::load<8>(at + 8) ^ pattern)))
		at += 16;
	if (end - at >= 8) {
		const char *last = end - 8;
		do {
			const u64 hit = detail::zero_bytes(detail::load<8>(at) ^ pattern);
			if (hit)
				return at + (__builtin_ctzll(hit) >> 3);
			at += 8;
		} while (at <= last);
	}
	while (at < end && *at != wanted)
		at++;
	return at;
}

// The first byte of [at, end) that is in the set, or is not, or end. Four bytes a step:
// most of a message that is looked at byte by byte is looked at here.
template<bool wanted>
[[gnu::noinline]] inline const char *find_class(const char *at, const char *end, u16 set)
{
	if (end - at >= 4) {
		const char *last = end - 4;
		do {
			if (is_in(at[0], set) == wanted)
				return at;
			if (is_in(at[1], set) == wanted)
				return at + 1;
			if (is_in(at[2], set) == wanted)
				return at + 2;
			if (is_in(at[3], set) == wanted)
				return at + 3;
			at += 4;
		} while (at <= last);
	}
	while (at < end && is_in(*at, set) != wanted)
		at++;
	return at;
}

// The last eight overlap those before.
inline bool same_bytes(const char *a, const char *b, u32 length)
{
	if (length >= 8) {
		for (; length > 8; a += 8, b += 8, length -= 8) {
			if (detail::load<8>(a) != detail::load<8>(b))
				return false;
			if (length < 16)
				return detail::load<8>(a + length - 8) == detail::load<8>(b + length - 8);
		}
		return detail::load<8>(a) == detail::load<8>(b);
	}
	for (; length; a++, b++, length--)
		if (*a != *b)
			return false;
	return true;
}

// A window on text, read from its front. Never looks outside.
class cursor {
public:
	constexpr cursor() = default;
	constexpr cursor(const char *begin, const char *end) : at_(begin), end_(end) {}

	constexpr const char *at() const { return at_; }
	constexpr const char *end() const { return end_; }
	constexpr u32 left() const { return u32(end_ - at_); }
	constexpr bool done() const { return at_ == end_; }

	// The next byte; -1 at the end.
	int peek() const { return at_ < end_ ? u8(*at_) : -1; }
	// The byte `ahead` bytes further on; -1 beyond the end.
	int peek(u32 ahead) const { return ahead < left() ? u8(at_[ahead]) : -1; }

	void skip(u32 count) { at_ += count < left() ? count : left(); }
	void skip_to(const char *where) { at_ = where; }

	bool accept(char c)
	{
		if (at_ == end_ || *at_ != c)
			return false;
		at_++;
		return true;
	}
	void skip_while(u16 set) { at_ = find_class<false>(at_, end_, set); }
	void skip_until(u16 set) { at_ = find_class<true>(at_, end_, set); }
	// Mostly there is none or one.
	void skip_lws()
	{
		if (at_ < end_ && is_in(*at_, cc_lws) && ++at_ < end_ && is_in(*at_, cc_lws))
			skip_while(cc_lws);
	}
	void skip_blanks()
	{
		if (at_ < end_ && is_in(*at_, cc_blank) && ++at_ < end_ && is_in(*at_, cc_blank))
			skip_while(cc_blank);
	}

	// Words are written in lower case and match in any case.
	template<fixed_text word>
	[[gnu::always_inline]] bool looking_at() const
	{
		return left() >= word.size && detail::matches<word>(at_);
	}
	template<fixed_text word>
	[[gnu::always_inline]] bool accept_word()
	{
		if (!looking_at<word>())
			return false;
		at_ += word.size;
		return true;
	}
	// The whole window is this word.
	template<fixed_text word>
	[[gnu::always_inline]] bool is() const
	{
		return left() == word.size && detail::matches<word>(at_);
	}

	const char *find(char c) const { return find_byte(at_, end_, c); }

	// What lies between here and the first byte of the set, which becomes the next one.
	cursor take_until(u16 set)
	{
		const char *begin = at_;
		skip_until(set);
		return {begin, at_};
	}
	cursor take_while(u16 set)
	{
		const char *begin = at_;
		skip_while(set);
		return {begin, at_};
	}
	void trim_end()
	{
		while (end_ > at_ && is_in(end_[-1], cc_lws))
			end_--;
	}
	// RFC 3261 quoted-string: the text between the quotes, escapes as written. Without
	// a closing quote the cursor stays where it is.
	bool take_quoted(cursor &inner)
	{
		const char *p = at_;

		if (p == end_ || *p != '"')
			return false;
		for (p++; p < end_ && *p != '"'; p++)
			if (*p == '\\' && p + 1 < end_)
				p++;
		if (p == end_)
			return false;
		inner = {at_ + 1, p};
		at_ = p + 1;
		return true;
	}

private:
	const char *at_ = "";
	const char *end_ = at_;
};

// Text line by line. Line ends are looked for eight bytes at a time, each byte once.
class line_reader {
public:
	explicit line_reader(cursor text) : at_(text.at()), end_(text.end()), next_(text.at()) {}

	const char *at() const { return at_; }
	const char *end() const { return end_; }
	bool done() const { return at_ == end_; }

	// The line that starts here, without its CR LF or LF; the next line is next. False:
	// the text ends before the line does.
	bool take(cursor &line)
	{
		const char *begin = at_;

		if (!mask_ && !find_line_ends()) {
			at_ = end_;
			line = {begin, end_};
			return false;
		}
		const char *stop = next_ - 8 + (__builtin_ctzll(mask_) >> 3);
		mask_ &= mask_ - 1;
		at_ = stop + 1;
		line = {begin, stop > begin && stop[-1] == '\r' ? stop - 1 : stop};
		return true;
	}
	// The same with the continuation lines that follow it (RFC 3261 7.3.1): their line
	// ends are part of it. An empty line is never continued.
	bool take_folded(cursor &line)
	{
		const bool whole = take(line);

		if (done() || !is_in(*at_, cc_blank) || line.done())
			return whole;
		return take_continuation(line);
	}

private:
	bool take_continuation(cursor &line)
	{
		const char *begin = line.at();
		bool whole = true;

		while (!done() && is_in(*at_, cc_blank))
			whole = take(line);
		line = {begin, line.end()};
		return whole;
	}
	// Goes on to the next eight bytes with a line end in them.
	bool find_line_ends()
	{
		const char *word = next_;

		if (end_ - word >= 8) {
			const char *last = end_ - 8;
			do {
				const u64 bytes = detail::load<8>(word);
				word += 8;
				if (!detail::may_hold_controls(bytes))
					continue;
				mask_ = detail::line_ends(bytes);
				if (mask_) {
					next_ = word;
					return true;
				}
			} while (word <= last);
		}
		return find_last_line_ends(word);
	}
	bool find_last_line_ends(const char *word)
	{
		u64 rest = 0;

		for (u32 i = 0; word + i < end_; i++)
			rest |= u64{u8(word[i])} << (8 * i);
		next_ = end_ > word ? word + 8 : word;
		mask_ = detail::line_ends(rest);
		return mask_;
	}

	const char *at_;
	const char *end_;
	const char *next_;	// the bytes behind those that mask_ speaks of
	u64 mask_ = 0;		// line ends in [next_ - 8, next_) that are still to come
};

// The routine for every number of the wire: 1*DIGIT, at most `limit`. Leading zeros
// are legal, signs are not. Reads all digits even of a number that is too large.
inline bool read_number(cursor &text, u32 limit, u32 &value)
{
	constexpr u32 safe_digits = 19;	// no more than 64 bits hold
	const char *begin = text.at();
	const char *end = text.end();
	const char *safe = text.left() > safe_digits ? begin + safe_digits : end;
	const char *at = begin;
	u64 sum = 0;
	u32 digit;

	while (at < safe && (digit = u32(u8(*at)) - '0') <= 9) {
		sum = sum * 10 + digit;
		at++;
	}
	while (at < end && (digit = u32(u8(*at)) - '0') <= 9) {
		// Ten times this, and nine, fits 64 bits: it cannot come back below the limit.
		if (sum >> 32)
			sum = u64{1} << 32;
		sum = sum * 10 + digit;
		at++;
	}
	text.skip_to(at);
	value = sum > limit ? limit : u32(sum);
	return sum <= limit && at != begin;
}

inline bool read_port(cursor &text, u16 &port)
{
	u32 value;
	const bool good = read_number(text, 65535, value);

	port = good ? u16(value) : 0;
	return good;
}

} // namespace sip

#endif
