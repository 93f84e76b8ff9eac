// SPDX-License-Identifier: GPL-2.0
#include "stream_waiting.h"

namespace sip {

namespace {

// A piece with room for `need` bytes from `base` on, with what is kept.
bool make_waiting(const stream_host &host, stream_flow &flow, u32 base, u32 need)
{
	stream_waiting *old = flow.waiting;
	u32 size = stream_piece_min;

	while (size - sizeof(stream_waiting) < need)
		size *= 2;
	auto *fresh = static_cast<stream_waiting *>(host.take(host.context, size));
	if (!fresh)
		return false;
	if (old) {
		__builtin_memcpy(fresh, old, sizeof(*old));
		for (u32 i = 0; i < old->count; i++) {
			const stream_range &range = old->ranges[i];
			__builtin_memcpy(fresh->bytes() + (range.left - base), old->bytes() + (range.left - old->base),
					 range.right - range.left);
		}
		free_waiting(host, flow);
	} else {
		fresh->count = fresh->newest = 0;
	}
	fresh->size = size;
	fresh->base = base;
	flow.waiting = fresh;
	return true;
}

// Room for what ends at `end`. What is kept moves only if the piece doubles, or a quarter of it is
// passed by: so a byte costs few moves, whatever the order of its segments.
bool find_room(const stream_host &host, stream_flow &flow, u32 end)
{
	const stream_waiting *waiting = flow.waiting;
	const u32 most = host.max_bytes - u32(sizeof(stream_waiting)), next = in_next(flow);

	if (!waiting)
		return end - next <= most && make_waiting(host, flow, next, end - next);
	if (end - waiting->base <= waiting->room())
		return true;
	const u32 need = end - next;
	if (need > most || (need <= waiting->room() && next - waiting->base < waiting->room() / 4))
		return false;
	return make_waiting(host, flow, next, need);
}

// Ranges [first, last) become one, or a new one comes before `first` where that is `last`.
void join(stream_waiting &waiting, u32 first, u32 last, const stream_range &whole)
{
	const u32 gone = last - first;
	const u32 rest = waiting.count - last;

	__builtin_memmove(waiting.ranges + first + 1, waiting.ranges + last, rest * sizeof(stream_range));
	waiting.ranges[first] = whole;
	waiting.count = waiting.count - gone + 1;
	waiting.newest = first;
}

void copy(stream_waiting &waiting, u32 at, text_view bytes)
{
	__builtin_memcpy(waiting.bytes() + (at - waiting.base), bytes.data(), bytes.size());
}

// What of [seq, end) is not there yet is copied: no byte is written twice.
void fill(stream_waiting &waiting, u32 seq, text_view bytes)
{
	u32 first = 0, last, at = seq;
	const u32 end = seq + bytes.size();

	while (first < waiting.count && before(waiting.ranges[first].right, seq))
		first++;
	for (last = first; last < waiting.count && !after(waiting.ranges[last].left, end); last++) {
		const stream_range &there = waiting.ranges[last];
		if (before(at, there.left))
			copy(waiting, at, bytes.sub(at - seq, there.left - at));
		at = later(at, there.right);
	}
	if (first == last && waiting.count == max_waiting)
		return;
	if (before(at, end))
		copy(waiting, at, bytes.sub(at - seq));
	stream_range whole{seq, end};
	if (first < last)
		whole = {earlier(seq, waiting.ranges[first].left), later(end, waiting.ranges[last - 1].right)};
	join(waiting, first, last, whole);
}

} // namespace

void keep_waiting(const stream_host &host, const work &at, u32 seq, text_view bytes)
{
	stream_flow &flow = at.flow;
	const bool began = !flow.waiting;

	if (bytes.empty() || !find_room(host, flow, seq + bytes.size()))
		return;
	if (began)
		flow.waiting->began_ms = at.now_ms;
	fill(*flow.waiting, seq, bytes);
}

void take_waiting(const stream_host &host, const work &at)
{
	stream_flow &flow = at.flow;
	stream_waiting *waiting = flow.waiting;
	u32 taken = 0;

	if (!waiting)
		return;
	for (; taken < waiting->count && flow.mode != flow_mode::through; taken++) {
		const stream_range &range = waiting->ranges[taken];
		if (after(range.left, in_next(flow)))
			break;
		if (!after(range.right, in_next(flow)))
			continue;
		const u32 skip = in_next(flow) - waiting->base;
		work later = at;
		later.kept = true;
		(void)take_in(host, later, {waiting->bytes() + skip, range.right - in_next(flow)});
	}
	if (taken == waiting->count || flow.mode == flow_mode::through)
		return free_waiting(host, flow);
	waiting->count -= taken;
	waiting->newest = waiting->newest < taken ? 0 : waiting->newest - taken;
	__builtin_memmove(waiting->ranges, waiting->ranges + taken, waiting->count * sizeof(stream_range));
}

bool waiting_range(const stream_flow &flow, u32 n, stream_range &out)
{
	const stream_waiting *waiting = flow.waiting;

	if (!waiting || flow.mode == flow_mode::through)	// it will never be taken
		return false;
	out = waiting->ranges[(waiting->newest + n) % waiting->count];
	return true;
}

} // namespace sip
