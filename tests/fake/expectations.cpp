// SPDX-License-Identifier: GPL-2.0
// The expectation table, as nf_conntrack_expect.c and kernel/pinhole.c have it.
#include "keys.h"
#include "router.h"

namespace fake {

namespace {

bool same_socket(const endpoint &a, const endpoint &b)
{
	return sip::same_endpoint(a, b) && a.protocol == b.protocol;
}

// Port and address of the source count where the pinhole names them.
bool source_fits(const sipx_pinhole &wished, const endpoint &source)
{
	return (!wished.source.family || sip::same_address(wished.source, source)) &&
	       (!wished.source.port || wished.source.port == source.port);
}

bool sources_meet(const sipx_pinhole &a, const sipx_pinhole &b)
{
	const bool addresses = !a.source.family || !b.source.family || sip::same_address(a.source, b.source);
	return addresses && (!a.source.port || !b.source.port || a.source.port == b.source.port);
}

// The inside host of a translated pinhole is the one at the end of the master that its
// direction says, or one that the settings let it speak for.
bool direction_fits(const sipx_state *state, const sipx_pinhole &wished, const connection &master)
{
	const endpoint &inside = wished.translate == SIPX_TRANSLATE_SOURCE ? wished.source : wished.translated;
	if (wished.translate != SIPX_TRANSLATE_NONE && !wished.helper && sipx_is_media_host(state, &inside))
		return true;
	const endpoint &began = master.original.source, &was_called = master.reply.source;
	if (wished.translate == SIPX_TRANSLATE_DESTINATION)
		return sip::same_address(wished.translated, wished.reply ? began : was_called);
	if (wished.translate == SIPX_TRANSLATE_SOURCE)
		return sip::same_address(wished.source, wished.reply ? was_called : began);
	return true;
}

} // namespace

u32 router::expectation_count(sipx_pinhole_class which) const
{
	u32 count = 0;
	for (const sipx_expectation *e : table_)
		count += e->wished.pinhole_class == which;
	return count;
}

std::vector<sipx_pinhole> router::expectations() const
{
	std::vector<sipx_pinhole> all;
	for (const sipx_expectation *e : table_)
		all.push_back(e->wished);
	return all;
}

std::vector<standing> router::standing_pinholes() const
{
	std::vector<standing> all;
	for (const sipx_expectation *e : table_) {
		const endpoint &began = e->master->original.source;
		all.push_back({e, e->master, is_inside(began) ? began : e->master->reply.source, e->wished});
	}
	return all;
}

sipx_expectation *router::match(const tuple &packet)
{
	for (sipx_expectation *e : table_)
		if (e->zone == rules.zone && same_socket(e->wished.destination, packet.destination) &&
		    source_fits(e->wished, packet.source))
			return e;
	return nullptr;
}

// translate_destination() and translate_source() of kernel/nat.c.
void router::translate_by(const sipx_expectation &hit, connection &made)
{
	made.expected = true;
	made.helper |= hit.wished.helper != 0;
	for (const auto &c : connections_)
		if (c.get() == hit.master)
			made.master = c;
	if (hit.wished.translate == SIPX_TRANSLATE_NONE)
		return;
	if (hit.wished.translate == SIPX_TRANSLATE_DESTINATION)
		made.reply.source = hit.wished.translated;
	else {
		made.reply.destination = hit.wished.translated;
		// To the outside socket of another inside endpoint: hairpin.
		endpoint inside;
		if (sipx_core_inside_of(state_, made.zone, &made.original.destination, &inside))
			made.reply.source = inside;
	}
	end_stale({.original = made.reply, .translate = SIPX_TRANSLATE_SOURCE}, &made);
}

// sipx_is_as_wished() and sipx_is_stale() of kernel/internal.h.
void router::end_stale(const wish &wanted, const connection *but)
{
	const auto found = index_->find({rules.zone, wanted.original});
	if (found == index_->end() || found->second.at == but || found->second.at->helper)
		return;
	connection &there = *found->second.at;
	const tuple &back = found->second.reply ? there.original : there.reply;
	const endpoint &stands = wanted.translate == SIPX_TRANSLATE_SOURCE ? back.destination : back.source;
	const bool translated = wanted.translate != SIPX_TRANSLATE_NONE;
	if (translated && sip::same_endpoint(stands, wanted.translated))
		return;
	const bool early = !found->second.reply && (wanted.certain || !there.seen_reply);
	if (early || (translated && there.expected))
		end(&there);
}

void router::note_stale(const sipx_pinhole &wished)
{
	const u16 port = wished.source.port ? wished.source.port : wished.likely_port;
	if (wished.source.family && port)
		stale_.push_back({{sip::with_port(wished.source, port), wished.destination}, wished.translated,
				  wished.translate, wished.translate == SIPX_TRANSLATE_SOURCE});
}

sipx_pinhole_error router::open(connection &master, const sipx_pinhole &wished, sipx_expectation *&handle)
{
	need_lock("a pinhole is opened");
	if (!wished.destination.family || !wished.destination.port)
		broken("a pinhole without a destination");
	if (wished.source.family && wished.source.family != wished.destination.family)
		broken("a pinhole of two families");
	if (wished.source.family && wished.source.protocol != wished.destination.protocol)
		broken("a pinhole of two protocols");
	if (!direction_fits(state_, wished, master))
		broken("a pinhole of the wrong direction");
	if (!wished.lifetime_s)
		broken("a pinhole without a lifetime");
	if (wished.translate == SIPX_TRANSLATE_DESTINATION && rules.denied_ports.count(wished.translated.port))
		broken("a pinhole to a denied port");
	if (fault_strikes(fault_pinhole))
		return fault_pinhole_error();
	if (master.ended)
		return SIPX_PINHOLE_GONE;
	if (master.expecting[wished.pinhole_class] >= rules.class_limit)
		return SIPX_PINHOLE_CLASS_FULL;
	for (const sipx_expectation *e : table_) {
		if (e->zone != master.zone || !same_socket(e->wished.destination, wished.destination) ||
		    !sources_meet(e->wished, wished))
			continue;
		if (wished.alone && sip::same_endpoint(e->wished.source, wished.source))
			broken("a pinhole that is said to be alone in its place, and is not");
		return SIPX_PINHOLE_BUSY;
	}
	if (table_.size() >= rules.expectations_max)
		return SIPX_PINHOLE_TABLE_FULL;
	const u64 until_ms = now_ms() + u64{wished.lifetime_s} * 1000;
	handle = new sipx_expectation{this, &master, wished, until_ms, master.zone, 2, true};
	handles_++;
	master.expecting[wished.pinhole_class]++;
	table_.push_back(handle);
	note_stale(wished);
	return SIPX_PINHOLE_OPEN;
}

sipx_pinhole_error router::renew(sipx_expectation &handle, u32 lifetime_s)
{
	if (!handle.stands || handle.until_ms <= now_ms())
		return SIPX_PINHOLE_GONE;
	handle.until_ms = now_ms() + u64{lifetime_s} * 1000;
	return SIPX_PINHOLE_OPEN;
}

void router::put(sipx_expectation *handle)
{
	if (--handle->references == 0)
		delete handle;
}

void router::take_off(sipx_expectation *gone)
{
	gone->stands = false;
	gone->master->expecting[gone->wished.pinhole_class]--;
	gone->master = nullptr;
	table_.remove(gone);
	put(gone);
}

void router::close(sipx_expectation *handle)
{
	if (handle->stands)
		take_off(handle);
	handles_--;
	put(handle);
}

void router::flush_expectations()
{
	while (!table_.empty())
		take_off(table_.front());
}

} // namespace fake

sipx_pinhole_error sipx_pinhole_open(sipx_packet *packet, sipx_conntrack *master, const sipx_pinhole *pinhole,
				     sipx_expectation **handle)
{
	fake::router &on = *(packet ? packet->on : master->on);
	on.expectation_locks++;
	return on.open(*master->of, *pinhole, *handle);
}

sipx_pinhole_error sipx_pinhole_renew(sipx_expectation *handle, u32 lifetime_s)
{
	handle->on->expectation_locks++;
	return handle->on->renew(*handle, lifetime_s);
}

void sipx_pinhole_close(sipx_expectation *handle)
{
	handle->on->expectation_locks++;
	handle->on->close(handle);
}

bool sipx_pinhole_stands(const sipx_expectation *handle) { return handle->stands && handle->until_ms > fake::now_ms(); }
