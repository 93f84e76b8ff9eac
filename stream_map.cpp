// SPDX-License-Identifier: GPL-2.0
#include "stream_map.h"

namespace sip {

u32 to_out(const stream_flow &flow, u32 in)
{
	if (!before(in, flow.in_end)) {
		const u32 past = in - flow.in_end, held = held_of(flow);
		return past < held ? flow.out_end + lesser(past, flow.released) : out_next(flow) + (past - held);
	}
	u32 in_at = flow.in_head, out_at = flow.out_head;
	if (before(in, in_at))
		return out_at - (in_at - in);
	for (u32 i = 0; i < runs_of(flow); i++) {
		const stream_run &run = flow.store->runs[i];
		if (in - in_at < run.in)
			return out_at + lesser(in - in_at, run.out);
		in_at += run.in;
		out_at += run.out;
	}
	return out_at;
}

u32 to_in(const stream_flow &flow, u32 out)
{
	if (!before(out, flow.out_end))
		return flow.in_end + (out - flow.out_end);
	u32 in_at = flow.in_head, out_at = flow.out_head;
	if (before(out, out_at))
		return in_at - (out_at - out);
	for (u32 i = 0; i < runs_of(flow); i++) {
		const stream_run &run = flow.store->runs[i];
		if (out - out_at < run.out)
			return in_at + lesser(out - out_at, run.in - 1);
		in_at += run.in;
		out_at += run.out;
	}
	return in_at;
}

namespace {

// A larger piece, or one without what was acknowledged.
bool move_store(const stream_host &host, stream_flow &flow, u32 used, u32 need)
{
	stream_store *old = flow.store;
	u32 size = stream_piece_min;

	// A quarter to spare, so that one move pays for many bytes.
	while (size - sizeof(stream_store) < need + need / 4)
		size *= 2;
	auto *fresh = static_cast<stream_store *>(host.take(host.context, size));
	if (!fresh)
		return false;
	stream_store_state &state = *fresh;
	state = {};
	if (old) {
		state = *old;
		__builtin_memcpy(fresh->runs, old->runs, old->run_count * sizeof(stream_run));
		fresh->begin = 0;
		__builtin_memcpy(fresh->bytes(), old->output(), used);
		host.give(host.context, old, old->size);
	}
	fresh->size = size;
	flow.store = fresh;
	return true;
}

} // namespace

bool make_room(const stream_host &host, stream_flow &flow, u32 more)
{
	stream_store *store = flow.store;
	const u32 used = store ? store->stored + store->held : 0;

	if (more > host.max_bytes || used > host.max_bytes - more)
		return false;
	if (store && store->begin + used + more <= store->room())
		return true;
	// As many bytes were acknowledged since the last time as a quarter of what moves.
	if (store && used + more <= store->room() && store->begin >= used / 4) {
		__builtin_memmove(store->bytes(), store->output(), used);
		store->begin = 0;
		return true;
	}
	return move_store(host, flow, used, used + more);
}

void hold_bytes(stream_flow &flow, text_view bytes)
{
	__builtin_memcpy(flow.store->input() + flow.store->held, bytes.data(), bytes.size());
	flow.store->held += bytes.size();
}

void store_run(stream_flow &flow, u32 in, u32 out)
{
	stream_store &store = *flow.store;
	stream_run *last = store.run_count ? &store.runs[store.run_count - 1] : nullptr;
	const bool alike = last && last->in == last->out && in == out;

	if (last && (alike || store.run_count == max_runs)) {
		last->in += in;
		last->out += out;
	} else {
		store.runs[store.run_count++] = {in, out};
	}
	store.stored += out;
	store.held -= out;
	flow.in_end += in;
	flow.out_end += out;
}

void pass_run(stream_flow &flow, text_view bytes)
{
	flow.in_head = flow.in_end += bytes.size();
	flow.out_head = flow.out_end += bytes.size();
	flow.last_byte = bytes[bytes.size() - 1];
}

void acknowledge_output(stream_flow &flow, u32 out)
{
	flow.out_acked = out;
	const u32 stop = earlier(out, flow.out_end);
	if (!runs_of(flow) || !before(flow.out_head, stop))
		return;
	stream_store &store = *flow.store;
	const u32 gone = stop - flow.out_head;
	u32 left = gone, first = 0;
	for (; first < store.run_count && store.runs[first].out <= left; first++) {
		left -= store.runs[first].out;
		flow.in_head += store.runs[first].in;
	}
	if (left) {
		stream_run &run = store.runs[first];
		const u32 step = lesser(left, run.in - 1);
		flow.in_head += step;
		run.in -= step;
		run.out -= left;
	}
	store.run_count -= first;
	__builtin_memmove(store.runs, store.runs + first, store.run_count * sizeof(stream_run));
	flow.last_byte = store.output()[gone - 1];
	flow.out_head = stop;
	store.begin += gone;
	store.stored -= gone;
}

void settle_store(const stream_host &host, stream_flow &flow)
{
	if (flow.store && !flow.store->stored && !flow.store->held)
		free_store(host, flow);
}

void free_store(const stream_host &host, stream_flow &flow)
{
	if (flow.store)
		host.give(host.context, flow.store, flow.store->size);
	flow.store = nullptr;
}

void free_waiting(const stream_host &host, stream_flow &flow)
{
	if (flow.waiting)
		host.give(host.context, flow.waiting, flow.waiting->size);
	flow.waiting = nullptr;
}

} // namespace sip
