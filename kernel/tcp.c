// SPDX-License-Identifier: GPL-2.0
/*
 * SIP over TCP: which connections are followed, how long, and what becomes of each segment.
 *
 * The numbers of a followed connection are translated by the core's own map, not by conntrack's
 * (nf_ct_seq_adjust()). Conntrack knows one position per direction where the shift changes,
 * and what was seen in order. Here messages come and go in both directions while others are
 * repeated; and what is held shifts nothing yet. But conntrack looks at numbers, too:
 *
 * * Its windows know nothing of what is held, or sent besides: they are told to be liberal.
 * * What the other side has acknowledged it must know in the sender's numbers: data that are
 *   not cost the connection its days, five minutes are left then, and a RST in front of what
 *   was is taken for forged, and leaves untranslated. Conntrack asks nf_ct_seq_offset(); that
 *   reads the extension, whether or not IPS_SEQ_ADJUST says that the kernel is to shift. So
 *   the shift is kept there, without it.
 * * When we leave, the bit is set: from there on the kernel shifts the numbers, by what
 *   they are shifted at that moment, and connections live on without us. Our map is
 *   gone then: what was sent before and is not acknowledged yet, of each run and not of the last
 *   one alone, comes again untranslated and by that one offset, and may arrive as other bytes.
 *
 * Between our last translation and the kernel's first one no segment may pass: its bytes
 * would be taken for others. It is dropped then, and its sender sends it again.
 *
 * A path with a smaller MTU than its sender knows: the ICMP error quotes our numbers. Helpers
 * do not see it, and the sender takes no notice. The core sends smaller segments when one
 * and the same is repeated without success.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/rcupdate.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/netfilter/nf_conntrack_synproxy.h>

#include "compat.h"
#include "internal.h"

/* IPv4 counts the whole packet in 16 bits; an aggregate can be larger (BIG TCP) */
#define PACKET_MAX 65535
/* With the core's part 256 bytes, where locks are not checked for mistakes (T7). */
#define BYTES_PER_CONNECTION 72
/* Of the connections that are followed, one in so many may wait for its answer. */
#define HALF_OPEN_SHARE 4
/* Each time that a place was lost, a SYN on another processor got it. */
#define ENTRY_TRIES 64

u32 sipx_tcp_size(void)
{
	BUILD_BUG_ON(sizeof(spinlock_t) <= sizeof(u32) &&
		     sizeof(struct sipx_tcp) > BYTES_PER_CONNECTION);
	return sizeof(struct sipx_tcp) + sipx_core_slab_size(SIPX_SLAB_TCP);
}

/* ---- the end ----------------------------------------------------------------------------- */

static void free_tcp(struct rcu_head *rcu)
{
	struct sipx_tcp *tcp = container_of(rcu, struct sipx_tcp, rcu);

	sipx_core_stream_end(sipx_state_of(tcp->sn), sipx_stream_of(tcp));
	sipx_tcp_host_release(tcp->host);
	nf_ct_put(tcp->ct);
	sipx_free(SIPX_SLAB_TCP, tcp);
}

/* Under tcp_lock. Returns which limit its host has reached, or no reason. Those that wait for their answer take
 * nobody's place: they make room for each other.
 */
static enum sipx_reason limit_of(const struct sipx_tcp *tcp)
{
	const struct sipx_net *sn = tcp->sn;
	const unsigned int *values = sn->settings.values;
	u32 most = READ_ONCE(values[SIPX_SETTING_TCP_CONNECTIONS]);
	s64 left = (s64)most - (sn->tcp_count - sn->tcp_half_open) - 1;

	if (!tcp->is_begun)
		return SIPX_REASON_COUNT;
	if (tcp->host->open >= READ_ONCE(values[SIPX_SETTING_TCP_CONNECTIONS_PER_HOST]))
		return SIPX_COUNT_limit_stream_host;
	if (!sipx_leaves_enough(tcp->host->network->open, most, left))
		return SIPX_COUNT_limit_streams;
	return SIPX_REASON_COUNT;
}

/* Under tcp_lock. */
static void count_open(struct sipx_tcp_host *host, int more)
{
	host->open += more;
	if (host->network != host)
		host->network->open += more;
}

/* Under tcp_lock. It counts for its host from here on. Returns what limit_of() did. */
static enum sipx_reason settle_in(struct sipx_tcp *tcp)
{
	enum sipx_reason limit = limit_of(tcp);

	if (!tcp->is_begun)
		return limit;
	tcp->is_begun = false;
	tcp->sn->tcp_half_open--;
	list_move(&tcp->link, &tcp->sn->tcp_idle);
	count_open(tcp->host, 1);
	return limit;
}

/* Under tcp_lock. */
static void leave_lists(struct sipx_tcp *tcp)
{
	list_del(&tcp->link);
	tcp->has_ended = true;
	tcp->sn->tcp_count--;
	if (tcp->is_begun)
		tcp->sn->tcp_half_open--;
	else
		count_open(tcp->host, -1);
}

/*
 * Another helper's, or a later one's of ours, where that is not the stream that they name. NULL: nobody
 * finds them any more. When any helper leaves, the kernel hides what hangs on connections that are not
 * confirmed.
 */
static struct sipx_connection_data *data_of(const struct sipx_tcp *tcp)
{
	struct nf_conn_help *help = nfct_help(tcp->ct);

	return help ? (void *)help->data : NULL;
}

/* RCU. The core may be at work on it just now, even here on this CPU: its lock is not taken. */
static void end(struct sipx_tcp *tcp)
{
	struct sipx_connection_data *data = data_of(tcp);
	struct sipx_net *sn = tcp->sn;
	bool first;

	spin_lock_bh(&sn->tcp_lock);
	first = !tcp->has_ended;
	if (first) {
		leave_lists(tcp);
		if (data && data->stream == tcp)
			WRITE_ONCE(data->stream, NULL);
	}
	spin_unlock_bh(&sn->tcp_lock);
	if (first)
		call_rcu(&tcp->rcu, free_tcp);
}

/* RCU. */
void sipx_tcp_end(struct sipx_connection_data *data)
{
	struct sipx_tcp *tcp = READ_ONCE(data->stream);

	if (tcp)
		end(tcp);
}

/* NULL: that list is empty. In an RCU section. */
static struct sipx_tcp *first_of(struct sipx_net *sn, struct list_head *list)
{
	struct sipx_tcp *tcp;

	spin_lock_bh(&sn->tcp_lock);
	tcp = list_first_entry_or_null(list, struct sipx_tcp, link);
	spin_unlock_bh(&sn->tcp_lock);
	return tcp;
}

static struct sipx_tcp *any_of(struct sipx_net *sn)
{
	return first_of(sn, &sn->tcp_idle) ?: first_of(sn, &sn->tcp_waiting) ?:
									       first_of(sn, &sn->tcp_begun);
}

static void end_each(struct sipx_net *sn, void (*before)(struct sipx_tcp *tcp))
{
	struct sipx_tcp *tcp;

	do {
		rcu_read_lock();
		tcp = any_of(sn);
		if (tcp && before)
			before(tcp);
		if (tcp)
			end(tcp);
		rcu_read_unlock();
		cond_resched();
	} while (tcp);
}

void sipx_tcp_end_all(struct sipx_net *sn)
{
	end_each(sn, NULL);
}

/* One that is looked at becomes the newest of the idle ones. NULL: there is none. RCU. */
static struct sipx_tcp *look_at_next(struct sipx_net *sn)
{
	struct sipx_tcp *tcp;

	spin_lock_bh(&sn->tcp_lock);
	tcp = list_first_entry_or_null(&sn->tcp_idle, struct sipx_tcp, link);
	if (tcp)
		list_move_tail(&tcp->link, &sn->tcp_idle);
	spin_unlock_bh(&sn->tcp_lock);
	return tcp;
}

static bool end_if_lost(struct sipx_tcp *tcp)
{
	bool lost = tcp && sipx_ct_is_lost(tcp->ct);

	if (lost)
		end(tcp);
	return lost;
}

/* Those that wait for time to pass are looked at then; of those that wait for their answer the
 * oldest one is, for it is soon over.
 */
void sipx_tcp_sweep(struct sipx_net *sn)
{
	struct sipx_tcp *tcp;
	int i;

	rcu_read_lock();
	for (i = 0; i < SIPX_SWEPT && (tcp = look_at_next(sn)); i++)
		end_if_lost(tcp);
	for (i = 0; i < SIPX_SWEPT && end_if_lost(first_of(sn, &sn->tcp_begun)); i++)
		;
	rcu_read_unlock();
}

/* ---- what time brings ----------------------------------------------------------------------- */

/* Bottom halves are off. */
static void wait_for_time(struct sipx_tcp *tcp)
{
	struct sipx_net *sn = tcp->sn;

	spin_lock(&sn->tcp_lock);
	if (!tcp->has_ended) {
		settle_in(tcp);
		tcp->waits = true;
		list_move(&tcp->link, &sn->tcp_waiting);
	}
	spin_unlock(&sn->tcp_lock);
	sipx_net_arm(sn, &sn->tcp_tick);
}

static void make_both(const struct sipx_tcp *tcp, const struct sipx_emission *emissions,
		      struct sk_buff **made)
{
	made[0] = sipx_emission_make(tcp, &emissions[0]);
	made[1] = sipx_emission_make(tcp, &emissions[1]);
}

static void send_both(const struct sipx_tcp *tcp, struct sk_buff **made)
{
	int i;

	for (i = 0; i < 2; i++)
		if (made[i])
			sipx_emission_send(nf_ct_net(tcp->ct), made[i]);
}

/* RCU. */
static void look_after(struct sipx_tcp *tcp)
{
	struct sipx_emission emissions[2];
	struct sk_buff *made[2];
	bool waits;

	if (end_if_lost(tcp))
		return;
	local_bh_disable();
	spin_lock(&tcp->lock);
	waits = sipx_core_stream_tick(sipx_state_of(tcp->sn), sipx_stream_of(tcp), emissions);
	make_both(tcp, emissions, made);
	spin_unlock(&tcp->lock);
	if (waits)
		wait_for_time(tcp);
	send_both(tcp, made);
	local_bh_enable();
}

/* One of those, which counts as idle from here on; in an RCU section, if there is one. */
static struct sipx_tcp *next_of(struct sipx_net *sn, struct list_head *batch)
{
	struct sipx_tcp *tcp;

	spin_lock_bh(&sn->tcp_lock);
	tcp = list_first_entry_or_null(batch, struct sipx_tcp, link);
	if (tcp) {
		list_move(&tcp->link, &sn->tcp_idle);
		tcp->waits = false;
		rcu_read_lock();
	}
	spin_unlock_bh(&sn->tcp_lock);
	return tcp;
}

void sipx_tcp_tick(struct work_struct *work)
{
	struct sipx_net *sn = container_of(to_delayed_work(work), struct sipx_net, tcp_tick);
	LIST_HEAD(batch);
	struct sipx_tcp *tcp;

	if (sipx_net_stopped(sn))
		return;
	spin_lock_bh(&sn->tcp_lock);
	list_splice_init(&sn->tcp_waiting, &batch);
	spin_unlock_bh(&sn->tcp_lock);
	while ((tcp = next_of(sn, &batch))) {
		look_after(tcp);
		rcu_read_unlock();
		cond_resched();
	}
}

/* ---- what conntrack must know -------------------------------------------------------------------- */

/* Each SYN gives its side new windows. */
static void be_liberal(struct nf_conn *ct)
{
	spin_lock_bh(&ct->lock);
	ct->proto.tcp.seen[IP_CT_DIR_ORIGINAL].flags |= IP_CT_TCP_FLAG_BE_LIBERAL;
	ct->proto.tcp.seen[IP_CT_DIR_REPLY].flags |= IP_CT_TCP_FLAG_BE_LIBERAL;
	spin_unlock_bh(&ct->lock);
}

static void set_shift(struct nf_conn *ct, u8 dir, const struct nf_ct_seqadj *wanted)
{
	struct nf_ct_seqadj *shift = &nfct_seqadj(ct)->seq[dir];

	/* nobody else writes it: NAT does so for helpers of its own */
	if (shift->correction_pos == wanted->correction_pos &&
	    shift->offset_before == wanted->offset_before &&
	    shift->offset_after == wanted->offset_after)
		return;
	spin_lock_bh(&ct->lock);
	*shift = *wanted;
	spin_unlock_bh(&ct->lock);
}

static void tell_shift(struct sipx_packet *packet, const struct sipx_segment_answer *answer)
{
	const struct nf_ct_seqadj shift = {
		.correction_pos = answer->shift_position,
		.offset_before = answer->shift_before,
		.offset_after = answer->shift_after,
	};

	set_shift(packet->ct, CTINFO2DIR(packet->ctinfo), &shift);
}

/* RCU. */
static void leave_to_kernel(struct sipx_tcp *tcp)
{
	struct sipx_stream *stream = sipx_stream_of(tcp);
	bool is_shifted = false;
	u8 dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		s32 offset = sipx_core_stream_shift(stream, dir);
		const struct nf_ct_seqadj shift = {
			.offset_before = offset, .offset_after = offset,
		};

		set_shift(tcp->ct, dir, &shift);
		is_shifted |= offset != 0;
	}
	if (is_shifted)
		set_bit(IPS_SEQ_ADJUST_BIT, &tcp->ct->status);
}

/*
 * What was held goes out as it is. Should it get lost, so is the connection: its sender was
 * told that it arrived.
 */
static void hand_over(struct sipx_tcp *tcp)
{
	struct sipx_state *state = sipx_state_of(tcp->sn);
	struct sipx_stream *stream = sipx_stream_of(tcp);
	struct sipx_emission emissions[2];
	struct sk_buff *made[2];

	local_bh_disable();
	spin_lock(&tcp->lock);
	sipx_core_stream_through(state, stream, SIPX_COUNT_stream);
	sipx_core_stream_tick(state, stream, emissions);
	make_both(tcp, emissions, made);
	leave_to_kernel(tcp);
	spin_unlock(&tcp->lock);
	send_both(tcp, made);
	local_bh_enable();
}

void sipx_tcp_hand_over(struct sipx_net *sn)
{
	end_each(sn, hand_over);
}

/* ---- the beginning ---------------------------------------------------------------------------------- */

static bool may_follow(struct sipx_packet *packet, const struct sipx_tcp_header *header)
{
	const struct sipx_segment *segment = &header->segment;
	struct sipx_net *sn = packet->sn;

	if (nf_ct_is_confirmed(packet->ct) || CTINFO2DIR(packet->ctinfo) != IP_CT_DIR_ORIGINAL ||
	    !READ_ONCE(sn->settings.values[SIPX_SETTING_ENABLED]))
		return false;
	if (!segment->syn || segment->has_ack)
		sipx_refuse(packet, SIPX_COUNT_stream_middle);
	else if (sipx_is_for_router(packet->skb, packet->ct))
		sipx_refuse(packet, SIPX_COUNT_for_router);
	/* its numbers are shifted by the kernel already, in the place where we tell our shift */
	else if (nfct_synproxy(packet->ct))
		return false;
	else if (header->is_signed)
		sipx_refuse(packet, SIPX_COUNT_stream_signed);
	else
		return true;
	return false;
}

/* Returns whether there was room for it; else *OLDEST is who waits for an answer longest, or NULL. */
static bool enter(struct sipx_tcp *tcp, struct sipx_connection_data *data, struct sipx_tcp **oldest)
{
	u32 limit = READ_ONCE(tcp->sn->settings.values[SIPX_SETTING_TCP_CONNECTIONS]);
	struct sipx_net *sn = tcp->sn;
	bool room;

	spin_lock_bh(&sn->tcp_lock);
	room = sn->tcp_count < limit && sn->tcp_half_open < max(limit / HALF_OPEN_SHARE, 1u);
	*oldest = list_first_entry_or_null(&sn->tcp_begun, struct sipx_tcp, link);
	if (room) {
		sn->tcp_count++;
		sn->tcp_half_open++;
		tcp->is_begun = true;
		list_add_tail(&tcp->link, &sn->tcp_begun);
		WRITE_ONCE(data->stream, tcp);
	}
	spin_unlock_bh(&sn->tcp_lock);
	return room;
}

/* RCU. It may have been answered just now, or evicted on another processor. */
static void evict(struct sipx_tcp *oldest)
{
	spin_lock_bh(&oldest->lock);
	if (!oldest->is_open && !oldest->is_evicted) {
		oldest->is_evicted = true;
		end(oldest);
		sipx_net_count(oldest->sn, SIPX_COUNT_limit_half_open);
	}
	spin_unlock_bh(&oldest->lock);
}

/*
 * A flood of SYNs, whoever they say has sent them, takes no place of connections that were
 * answered: it makes those go that wait for their answer longest. Nothing of them was
 * changed yet, and they pass. The place that one left may be taken by a SYN on another
 * processor: then the next one goes. RCU.
 */
static bool enter_in_turn(struct sipx_tcp *tcp, struct sipx_connection_data *data)
{
	struct sipx_tcp *oldest;
	int tries;

	for (tries = 0; tries < ENTRY_TRIES; tries++) {
		if (enter(tcp, data, &oldest))
			return true;
		if (!oldest)
			return false;
		evict(oldest);
	}
	return false;
}

static struct sipx_tcp *make_tcp(struct sipx_packet *packet)
{
	struct sipx_tcp *tcp;

	if (!nfct_seqadj(packet->ct) && !nfct_seqadj_ext_add(packet->ct))
		return NULL;
	tcp = sipx_alloc(SIPX_SLAB_TCP);
	if (!tcp)
		return NULL;
	tcp->host = sipx_tcp_host_hold(packet->sn, packet->ct);
	if (!tcp->host) {
		sipx_free(SIPX_SLAB_TCP, tcp);
		return NULL;
	}
	spin_lock_init(&tcp->lock);
	tcp->began_s = div_u64(sipx_now_ms(), 1000);
	tcp->sn = packet->sn;
	tcp->ct = packet->ct;
	nf_conntrack_get(&tcp->ct->ct_general);
	return tcp;
}

/*
 * A connection that never makes it into the table ends without a word to its helper: see
 * sipx_settle(). So it is confirmed here.
 */
static unsigned int begin(struct sipx_packet *packet)
{
	struct nf_conn *ct = packet->ct;
	struct sipx_tcp *tcp = make_tcp(packet);
	unsigned int verdict;

	if (!tcp) {
		sipx_refuse(packet, SIPX_COUNT_no_memory);
		return NF_ACCEPT;
	}
	if (!enter_in_turn(tcp, packet->data)) {
		sipx_refuse(packet, SIPX_COUNT_limit_streams);
		sipx_tcp_host_release(tcp->host);
		nf_ct_put(ct);
		sipx_free(SIPX_SLAB_TCP, tcp);
		return NF_ACCEPT;
	}
	verdict = nf_conntrack_confirm(packet->skb);
	/* who ends the connection marks it first and looks at the data then */
	smp_mb();
	if (!nf_ct_is_confirmed(ct) || nf_ct_is_dying(ct))
		sipx_tcp_end(packet->data);
	sipx_tick_arm(sipx_state_of(packet->sn));
	return verdict;
}

/* ---- one segment ---------------------------------------------------------------------------------------- */

/* An acknowledgement alone: with it no message is complete, and no connection ends. */
static void describe_empty(struct sipx_packet *packet, struct sipx_packet_info *info)
{
	*info = (struct sipx_packet_info){
		.packet = packet,
		.state = sipx_state_of(packet->sn),
		.data = packet->data,
		.reply = CTINFO2DIR(packet->ctinfo) == IP_CT_DIR_REPLY,
	};
}

static void through_core(struct sipx_packet *packet, struct sipx_tcp *tcp,
			 const struct sipx_tcp_header *header, struct sipx_segment_answer *answer)
{
	struct sipx_cpu *cpu = this_cpu_ptr(sipx_cpus);
	struct sipx_packet_info info;

	if (header->payload_length || header->segment.syn || header->segment.fin || header->segment.rst)
		sipx_describe(packet, &info);
	else
		describe_empty(packet, &info);
	/* routes cost time, and only messages ask for them */
	if (header->payload_length)
		sipx_set_far(&info, packet->ct);
	info.payload = header->payload;
	info.payload_length = header->payload_length;
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		spin_lock(&cpu->busy);
	sipx_core_segment(&info, sipx_stream_of(tcp), &header->segment, answer);
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		spin_unlock(&cpu->busy);
}

/* A stranger's timestamp in what we send would make its receiver deaf to the true end (RFC 7323
 * 5.3), and so would one that was overtaken make it deaf to us.
 * An answer has one only if what it answers had one (3.2), which tells of a SYN that begins anew.
 */
static void note_stamp(struct sipx_tcp *tcp, const struct sipx_tcp_header *header, u8 dir, bool anew)
{
	u8 told = anew ? SIPX_BOTH_STAMPED : 1 << dir;
	u8 fresh = SIPX_STAMPED_ANEW << dir;

	if (anew)
		tcp->stamped |= SIPX_STAMPED_ANEW << !dir;
	if (header->segment.syn)
		tcp->stamped &= ~told;
	if (!header->has_stamp)
		return;
	if (header->segment.syn)
		tcp->stamped |= told;
	if (header->segment.syn || tcp->stamped & fresh || (s32)(header->stamp - tcp->stamps[dir]) > 0)
		tcp->stamps[dir] = header->stamp;
	tcp->stamped &= ~fresh;
}

/* Under its lock. A direction that a SYN began after the last time is one more to tell. */
static void pass_through(struct sipx_tcp *tcp, enum sipx_reason why)
{
	sipx_core_stream_through(sipx_state_of(tcp->sn), sipx_stream_of(tcp), why);
}

/* Under its lock. */
static unsigned int translate(struct sipx_packet *packet, struct sipx_tcp *tcp,
			      const struct sipx_tcp_header *header, struct sipx_segment_answer *answer)
{
	if (!READ_ONCE(packet->sn->settings.values[SIPX_SETTING_ENABLED]))
		pass_through(tcp, SIPX_COUNT_stream);
	through_core(packet, tcp, header, answer);
	pr_debug("%s > %s: segment of %u bytes, %u leave\n",
		 sipx_trace_end(packet->ct, CTINFO2DIR(packet->ctinfo)),
		 sipx_trace_end(packet->ct, !CTINFO2DIR(packet->ctinfo)), header->payload_length,
		 answer->same_payload ? header->payload_length :
					answer->head + answer->ours_length + answer->tail_length);
	if (answer->plausible)
		note_stamp(tcp, header, CTINFO2DIR(packet->ctinfo), answer->anew);
	tell_shift(packet, answer);
	return sipx_segment_write(packet, header, answer) ? NF_ACCEPT : NF_DROP;
}

/* Under its lock. */
static bool is_untouched(struct sipx_tcp *tcp)
{
	struct sipx_stream *stream = sipx_stream_of(tcp);

	return !sipx_core_stream_bytes(stream) && !sipx_core_stream_shift(stream, 0) &&
	       !sipx_core_stream_shift(stream, 1);
}

/* Under its lock. Returns which limit keeps this segment from opening the connection, or no reason. open_up()
 * asks once more, for two that open at once.
 */
static enum sipx_reason limit_before(struct sipx_tcp *tcp, const struct sipx_segment *segment)
{
	enum sipx_reason limit = SIPX_REASON_COUNT;

	if (!tcp->was_answered || segment->syn || segment->rst)
		return limit;
	spin_lock(&tcp->sn->tcp_lock);
	if (!tcp->has_ended)
		limit = limit_of(tcp);
	spin_unlock(&tcp->sn->tcp_lock);
	return limit;
}

/* Under its lock. Who has too many goes on without us before anything of it was changed. */
static void send_away_if_too_many(struct sipx_packet *packet, struct sipx_tcp *tcp, const struct sipx_segment *segment)
{
	enum sipx_reason limit = limit_before(tcp, segment);

	if (limit == SIPX_REASON_COUNT)
		return;
	tcp->is_evicted = true;
	sipx_tcp_end(packet->data);
	sipx_refuse(packet, limit);
}

/*
 * Under its lock. The handshake is over: conntrack has seen to it that its numbers fit, and is
 * told only now to be liberal. Who has too many such connections goes on without us.
 */
static void open_up(struct sipx_tcp *tcp, struct sipx_segment_answer *answer)
{
	enum sipx_reason limit = SIPX_REASON_COUNT;

	be_liberal(tcp->ct);
	tcp->is_open = true;
	spin_lock(&tcp->sn->tcp_lock);
	if (!tcp->has_ended)
		limit = settle_in(tcp);
	spin_unlock(&tcp->sn->tcp_lock);
	if (limit == SIPX_REASON_COUNT)
		return;
	pass_through(tcp, limit);
	answer->foreign |= is_untouched(tcp);
}

/* Under its lock: a segment of one that is not open yet. */
static void mind_handshake(struct sipx_tcp *tcp, const struct sipx_segment *segment, u8 dir,
			   struct sipx_segment_answer *answer)
{
	if (!answer->plausible)
		return;
	if (segment->syn)
		tcp->was_answered |= segment->has_ack && dir == IP_CT_DIR_REPLY;
	else if (tcp->was_answered)
		open_up(tcp, answer);
}

static unsigned int carry(struct sipx_packet *packet, struct sipx_tcp *tcp,
			  const struct sipx_tcp_header *header)
{
	struct sipx_segment_answer answer;
	struct sk_buff *besides;
	unsigned int verdict;
	bool disabled;

	disabled = sipx_bh_disable();
	sipx_forget_refusals();
	spin_lock(&tcp->lock);
	if (unlikely(!tcp->is_open && !tcp->is_evicted))
		send_away_if_too_many(packet, tcp, &header->segment);
	if (unlikely(tcp->is_evicted)) {
		spin_unlock(&tcp->lock);
		sipx_bh_enable(disabled);
		return NF_ACCEPT;
	}
	verdict = translate(packet, tcp, header, &answer);
	besides = answer.emission.length ? sipx_emission_make(tcp, &answer.emission) : NULL;
	if (unlikely(!tcp->is_open))
		mind_handshake(tcp, &header->segment, CTINFO2DIR(packet->ctinfo), &answer);
	spin_unlock(&tcp->lock);
	sipx_log_refusals(packet);
	if (answer.waits && !READ_ONCE(tcp->waits))
		wait_for_time(tcp);
	if (answer.foreign)
		sipx_tcp_end(packet->data);
	if (besides)
		sipx_emission_send(nf_ct_net(packet->ct), besides);
	sipx_bh_enable(disabled);
	return verdict;
}

/*
 * More than 64 KB in one: what the core answers would not fit a packet. No SIP needs this:
 * the messages are looked at no more. While numbers are shifted, its sender does with less.
 */
static unsigned int too_large(struct sipx_packet *packet, struct sipx_tcp *tcp)
{
	bool is_shifted;

	spin_lock_bh(&tcp->lock);
	sipx_forget_refusals();
	pass_through(tcp, SIPX_COUNT_stream_too_long);
	is_shifted = !is_untouched(tcp);
	sipx_log_refusals(packet);
	spin_unlock_bh(&tcp->lock);
	if (is_shifted) {
		sipx_net_count(packet->sn, SIPX_COUNT_stream_full);
		return NF_DROP;
	}
	sipx_tcp_end(packet->data);
	return NF_ACCEPT;
}

static unsigned int followed(struct sipx_packet *packet, struct sipx_tcp *tcp,
			     struct sipx_tcp_header *header)
{
	unsigned int verdict;

	if (packet->skb->len > PACKET_MAX)
		return too_large(packet, tcp);
	if (header->payload_length && !sipx_segment_open(packet, header))
		return NF_DROP;
	if (header->segment.syn && READ_ONCE(tcp->is_open))
		be_liberal(packet->ct);
	verdict = carry(packet, tcp, header);
	return verdict == NF_ACCEPT ? sipx_settle(packet) : verdict;
}

unsigned int sipx_tcp_segment(struct sipx_packet *packet)
{
	struct sipx_connection_data *data = packet->data;
	struct sipx_tcp_header header;
	unsigned int verdict;
	struct sipx_tcp *tcp;

	if (!READ_ONCE(data->stream) && nf_ct_is_confirmed(packet->ct)) {
		sipx_net_count(packet->sn, SIPX_COUNT_stream);
		return NF_ACCEPT;
	}
	/* also the first of a connection, which without it would not be followed */
	if (!sipx_segment_read(packet, &header))
		return NF_DROP;
	if (may_follow(packet, &header)) {
		verdict = begin(packet);
		if (verdict != NF_ACCEPT)
			return verdict;
	}
	tcp = READ_ONCE(data->stream);
	if (tcp)
		return followed(packet, tcp, &header);
	sipx_net_count(packet->sn, SIPX_COUNT_stream);
	return NF_ACCEPT;
}
