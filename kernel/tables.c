// SPDX-License-Identifier: GPL-2.0
/*
 * The files in /proc/net/sip_ext/. Tables are printed in parts, each short and alone under a lock:
 * a buffer that was too small is filled again from where its part begins, and nobody waits
 * for who reads slowly.
 */
#include <linux/proc_fs.h>

#include "internal.h"

void sipx_print(struct sipx_sink *sink, const char *text, u32 length)
{
	seq_write(sink->seq, text, length);
}

#ifdef CONFIG_PROC_FS

/* The files go before the namespace does. */
static struct sipx_net *net_of_table(struct seq_file *seq)
{
	return sipx_net_owned(seq_file_net(seq));
}

static int show_counters(struct seq_file *seq, void *unused)
{
	struct sipx_net *sn = sipx_net_owned(seq_file_single_net(seq));
	int reason, cpu;

	for (reason = 0; reason < SIPX_REASON_COUNT; reason++) {
		u64 sum = 0;

		for_each_possible_cpu(cpu)
			sum += READ_ONCE(per_cpu_ptr(sn->counters, cpu)[reason]);
		seq_printf(seq, "%s %llu\n", sipx_reason_name(reason), sum);
	}
	return 0;
}

/* ---- tables of the core ------------------------------------------------------------------ */

/* NULL is the end: parts are counted from 1 on here. */
static void *part_at(loff_t at)
{
	return at < sipx_core_parts() ? (void *)(unsigned long)(at + 1) : NULL;
}

static void *first_part(struct seq_file *seq, loff_t *at)
{
	return part_at(*at);
}

static void *next_part(struct seq_file *seq, void *part, loff_t *at)
{
	cond_resched();
	return part_at(++*at);
}

static void leave_part(struct seq_file *seq, void *part)
{
}

static u32 number_of(void *part)
{
	return (unsigned long)part - 1;
}

static int show_calls(struct seq_file *seq, void *part)
{
	struct sipx_sink sink = { .seq = seq };

	local_bh_disable();
	sipx_core_show_calls(sipx_state_of(net_of_table(seq)), number_of(part), &sink);
	local_bh_enable();
	return 0;
}

static int show_registrations(struct seq_file *seq, void *part)
{
	struct sipx_sink sink = { .seq = seq };

	local_bh_disable();
	sipx_core_show_registrations(sipx_state_of(net_of_table(seq)), number_of(part), &sink);
	local_bh_enable();
	return 0;
}

static const struct seq_operations calls_operations = {
	.start = first_part, .next = next_part, .stop = leave_part, .show = show_calls,
};
static const struct seq_operations registrations_operations = {
	.start = first_part, .next = next_part, .stop = leave_part, .show = show_registrations,
};

/* ---- TCP connections: those of conntrack, one bucket of its table after the other ---------- */

static void print_end(struct seq_file *seq, const char *name, const struct nf_conntrack_tuple *tuple,
		      const union nf_inet_addr *address, __be16 port)
{
	seq_printf(seq, tuple->src.l3num == NFPROTO_IPV4 ? " %s=%pI4:%u" : " %s=[%pI6c]:%u", name,
		   address, ntohs(port));
}

/* Who began it and whom it called, and how each of them is seen by the other. */
static void print_ends(struct seq_file *seq, const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *there = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct nf_conntrack_tuple *back = &ct->tuplehash[IP_CT_DIR_REPLY].tuple;

	print_end(seq, "from", there, &there->src.u3, there->src.u.all);
	print_end(seq, "seen", back, &back->dst.u3, back->dst.u.all);
	print_end(seq, "to", there, &there->dst.u3, there->dst.u.all);
	print_end(seq, "at", back, &back->src.u3, back->src.u.all);
}

struct stream_view {
	enum sipx_reason why;
	u32 bytes;
	s32 shift[IP_CT_DIR_MAX];
	bool is_open;
};

static void look_at(struct sipx_tcp *tcp, struct stream_view *view)
{
	struct sipx_stream *stream = sipx_stream_of(tcp);

	spin_lock_bh(&tcp->lock);
	view->why = sipx_core_stream_reason(stream);
	view->bytes = sipx_core_stream_bytes(stream);
	view->shift[0] = sipx_core_stream_shift(stream, 0);
	view->shift[1] = sipx_core_stream_shift(stream, 1);
	view->is_open = tcp->is_open;
	spin_unlock_bh(&tcp->lock);
}

/* RCU, and a reference to the connection. */
static void print_tcp(struct seq_file *seq, const struct nf_conn *ct, struct sipx_tcp *tcp)
{
	struct stream_view view;

	look_at(tcp, &view);
	seq_puts(seq, "connection ");
	if (view.why != SIPX_REASON_COUNT)
		seq_printf(seq, "passing %s", sipx_reason_name(view.why));
	else
		seq_puts(seq, view.is_open ? "following" : "half-open");
	print_ends(seq, ct);
	seq_printf(seq, " held=%u shift=%d,%d age=%u\n", view.bytes, view.shift[0], view.shift[1],
		   (u32)div_u64(sipx_now_ms(), 1000) - tcp->began_s);
}

/* RCU. What is looked at may just become another connection: it is looked for by its tuple. */
static void show_connection(struct seq_file *seq, const struct nf_conntrack_tuple_hash *hash)
{
	struct net *net = seq_file_net(seq);
	struct nf_conntrack_tuple tuple = hash->tuple;
	const struct nf_conn *ct = nf_ct_tuplehash_to_ctrack(hash);
	struct nf_conntrack_tuple_hash *found;
	struct sipx_connection_data *data;
	struct nf_conntrack_zone zone;
	struct sipx_tcp *tcp;

	if (tuple.dst.protonum != IPPROTO_TCP || tuple.dst.dir != IP_CT_DIR_ORIGINAL ||
	    !net_eq(nf_ct_net(ct), net))
		return;
	zone = *nf_ct_zone(ct);
	found = nf_conntrack_find_get(net, &zone, &tuple);
	if (!found)
		return;
	ct = nf_ct_tuplehash_to_ctrack(found);
	data = sipx_data_of(ct);
	/* once: it may end at any time */
	tcp = data ? READ_ONCE(data->stream) : NULL;
	if (tcp)
		print_tcp(seq, ct, tcp);
	nf_ct_put((struct nf_conn *)ct);
}

static void *bucket_at(loff_t at)
{
	return at < READ_ONCE(nf_conntrack_htable_size) ? (void *)(unsigned long)(at + 1) : NULL;
}

static void *first_bucket(struct seq_file *seq, loff_t *at)
{
	return bucket_at(*at);
}

static void *next_bucket(struct seq_file *seq, void *bucket, loff_t *at)
{
	if (++*at % 1024 == 0)
		cond_resched();
	return bucket_at(*at);
}

/* While the table is exchanged for one of another size, some may be missing, or twice there. */
static int show_bucket(struct seq_file *seq, void *bucket)
{
	struct nf_conntrack_tuple_hash *hash;
	struct hlist_nulls_node *node;
	struct hlist_nulls_head *heads;
	u32 buckets;

	rcu_read_lock();
	heads = sipx_ct_table(&buckets);
	if (number_of(bucket) < buckets)
		hlist_nulls_for_each_entry_rcu(hash, node, &heads[number_of(bucket)], hnnode)
			show_connection(seq, hash);
	rcu_read_unlock();
	return 0;
}

static const struct seq_operations connections_operations = {
	.start = first_bucket, .next = next_bucket, .stop = leave_part, .show = show_bucket,
};

/* ---- the files ------------------------------------------------------------------------------- */

static bool create_table(const char *name, struct proc_dir_entry *dir,
			 const struct seq_operations *operations)
{
	/* who calls whom is not for every user's eyes */
	return proc_create_net(name, 0400, dir, operations, sizeof(struct seq_net_private));
}

int sipx_tables_create(struct net *net)
{
	struct proc_dir_entry *dir = proc_net_mkdir(net, "sip_ext", net->proc_net);

	if (!dir)
		return -ENOMEM;
	if (proc_create_net_single("counters", 0444, dir, show_counters, NULL) &&
	    create_table("calls", dir, &calls_operations) &&
	    create_table("registrations", dir, &registrations_operations) &&
	    create_table("connections", dir, &connections_operations))
		return 0;
	sipx_tables_remove(net);
	return -ENOMEM;
}

void sipx_tables_remove(struct net *net)
{
	remove_proc_subtree("sip_ext", net->proc_net);
}

#else

int sipx_tables_create(struct net *net)
{
	return 0;
}

void sipx_tables_remove(struct net *net)
{
}

#endif
