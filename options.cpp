// SPDX-License-Identifier: GPL-2.0
#include "options.h"

#include "connections.h"
#include "keyed_hash.h"

namespace sip {

namespace {

// Longer ones might be too large a number.
constexpr u32 max_sequence_digits = 9;

bool is_all(text_view text, u16 set)
{
	return find_class<false>(text.data(), text.data() + text.size(), set) == text.data() + text.size();
}

// Bytes of it can be any of their kind, and it still ends where it did: the value of a parameter, a Call-ID up
// to its line's end, a number.
bool is_identifier(text_view text, u32 number)
{
	if (number == kept_options::sequence)
		return is_all(text, cc_digit) && text.size() <= max_sequence_digits;
	return is_all(text, number == kept_options::call_id ? cc_field : cc_token);
}

bool are_identifiers(const kept_options &kept, text_view message)
{
	for (u32 i = 0; i < kept_options::identifiers; i++)
		if (!is_identifier(message.sub(kept.identifier[i].offset, kept.identifier[i].length), i))
			return false;
	return true;
}

// Of what lies between the identifiers, and where that is.
u64 digest_around(const kept_options &kept, text_view message)
{
	constexpr u64 golden = 0x9e3779b97f4a7c15ull;
	u64 digest = message.size();
	u32 at = 0;
	for (const u8 next : kept.order) {
		const span &identifier = kept.identifier[next];
		digest = digest * golden + keyed_hash(message.data() + at, identifier.offset - at);
		at = identifier.end();
	}
	return digest * golden + keyed_hash(message.data() + at, message.size() - at);
}

// False: two share bytes.
bool put_in_order(kept_options &kept)
{
	for (u8 i = 0; i < kept_options::identifiers; i++) {
		u8 at = i;
		for (; at && kept.identifier[kept.order[at - 1]].offset > kept.identifier[i].offset; at--)
			kept.order[at] = kept.order[at - 1];
		kept.order[at] = i;
	}
	for (u32 i = 1; i < kept_options::identifiers; i++)
		if (kept.identifier[kept.order[i - 1]].end() > kept.identifier[kept.order[i]].offset)
			return false;
	return true;
}

bool is_edited(const kept_edits &made, const span &where)
{
	for (u32 i = 0; i < made.count; i++)
		if (made.offset[i] < where.end() && where.offset < made.offset[i] + u32{made.length[i]})
			return true;
	return false;
}

bool leaves_identifiers(const kept_options &kept)
{
	for (const span &identifier : kept.identifier)
		if (is_edited(kept.made, identifier))
			return false;
	return true;
}

bool is_plain(const sipx_packet_info &info) { return !(info.data->flags & (connection_has_more | connection_gone)); }

} // namespace

bool describe_options(const sipx_packet_info &info, const workspace &work, text_view datagram, kept_options &fresh)
{
	const message_view &view = work.view;
	const bool is_one = view.request && view.request_method == method::options && view.to_tag.empty();
	if (!is_one || !is_plain(info) || info.master || !connection_of(*info.data))
		return false;
	fresh.identifier[0] = view.via.branch;
	fresh.identifier[1] = view.from_tag;
	fresh.identifier[kept_options::call_id] = view.call_id;
	fresh.identifier[kept_options::sequence] = view.cseq_digits;
	if (!put_in_order(fresh) || !are_identifiers(fresh, datagram))
		return false;
	fresh.size = static_cast<u16>(datagram.size());
	fresh.digest = digest_around(fresh, datagram);
	fresh.settings = work.settings;
	fresh.spelled = work.what.before;
	return true;
}

void keep_options(const sipx_packet_info &info, const workspace &work, kept_options &fresh)
{
	if (!keep_edits(work, fresh.made) || !leaves_identifiers(fresh))
		return;
	table_lock lock(info.state);
	connection *owner = connection_of(*info.data);
	if (!owner)
		return;
	kept_options *&place = owner->options[work.where.from_inside];
	if (!place)
		place = make<kept_options>();
	if (!place)
		return;
	*place = fresh;
}

bool is_like_before(const sipx_packet_info &info, workspace &work, text_view datagram)
{
	kept_options known;
	const u32 settings = sipx_settings_version(info.state);	// before anything that hangs on them is looked at
	if (!is_plain(info) || !connection_of(*info.data))
		return false;
	work.where = sides_of(info);
	{
		table_lock lock(info.state);
		const connection *owner = connection_of(*info.data);
		const kept_options *place = owner ? owner->options[work.where.from_inside] : nullptr;
		if (!place || place->size != datagram.size() || !(place->spelled == spelling_of(*info.data)) ||
		    place->settings != settings)
			return false;
		known = *place;
	}
	if (!are_identifiers(known, datagram) || digest_around(known, datagram) != known.digest)
		return false;
	work.kept = known.made;
	return true;
}

} // namespace sip
