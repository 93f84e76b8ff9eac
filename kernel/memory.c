// SPDX-License-Identifier: GPL-2.0
/*
 * Memory, clock, chance and hash for the core.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

static const char *const slab_names[SIPX_SLABS] = {
	[SIPX_SLAB_CONNECTION]	 = "sip_ext_connection",
	[SIPX_SLAB_BINDING]	 = "sip_ext_binding",
	[SIPX_SLAB_REGISTRATION] = "sip_ext_registration",
	[SIPX_SLAB_CALL]	 = "sip_ext_call",
	[SIPX_SLAB_STREAM]	 = "sip_ext_stream",
	[SIPX_SLAB_ENDS]	 = "sip_ext_ends",
	[SIPX_SLAB_PINHOLE]	 = "sip_ext_pinhole",
	[SIPX_SLAB_HOST]	 = "sip_ext_host",
	[SIPX_SLAB_INVITE]	 = "sip_ext_invite",
	[SIPX_SLAB_OPTIONS]	 = "sip_ext_options",
	[SIPX_SLAB_TCP]		 = "sip_ext_tcp",
};

static struct kmem_cache *slabs[SIPX_SLABS] __read_mostly;
static u32 slab_words[SIPX_SLABS] __read_mostly;
static u64 secret[4] __read_mostly;
struct sipx_cpu __percpu *sipx_cpus;

u64 sipx_now_ms(void)
{
	/* seconds count here, not nanoseconds: the cheapest clock, which is the one of
	 * conntrack's timeouts and stands still while the machine sleeps
	 */
	return jiffies64_to_msecs(get_jiffies_64());
}

u32 sipx_random(void)
{
	return get_random_u32();
}

const u64 *sipx_secret(void)
{
	return secret;
}

/* Small ones, often: in words, and once. A kernel that clears all that it gives would do so
 * byte by byte; a cache with a constructor gives its objects as they are.
 */
void *sipx_alloc(enum sipx_slab slab)
{
	void *object = kmem_cache_alloc(slabs[slab], GFP_ATOMIC | __GFP_NOWARN);

	if (object)
		memset64(object, 0, slab_words[slab]);
	return object;
}

static void leave_as_it_is(void *object)
{
}

void sipx_free(enum sipx_slab slab, void *object)
{
	if (!object)
		return;
	if (slab == SIPX_SLAB_CONNECTION)
		sipx_end_forget(object);
	kmem_cache_free(slabs[slab], object);
}

/* A piece is never read where it was not written. */
static struct kmem_cache *small_pieces __read_mostly;

struct kmem_cache *sipx_tcp_hosts __read_mostly;

static void *take_memory(u32 size)
{
	if (size == SIPX_SMALL_PIECE)
		return kmem_cache_alloc(small_pieces, GFP_ATOMIC | __GFP_NOWARN);
	return kmalloc(size, GFP_ATOMIC | __GFP_NOWARN);
}

static void give_memory(void *piece, u32 size)
{
	if (size == SIPX_SMALL_PIECE)
		kmem_cache_free(small_pieces, piece);
	else
		kfree(piece);
}

/* Returns which limit that is too much for, or SIPX_COUNT_no_memory: none. It counts in any case. */
static enum sipx_reason hold_more(struct sipx_tcp_host *host, u32 size)
{
	struct sipx_net *sn = host->sn;
	const unsigned int *values = sn->settings.values;
	long most = READ_ONCE(values[SIPX_SETTING_TCP_MEMORY]) * 1024l;
	long all = atomic_long_add_return(size, &sn->tcp_bytes);
	long own = atomic_long_add_return(size, &host->bytes), together = own;

	if (host->network != host)
		together = atomic_long_add_return(size, &host->network->bytes);
	if (own > READ_ONCE(values[SIPX_SETTING_TCP_MEMORY_PER_HOST]) * 1024l)
		return SIPX_COUNT_limit_stream_host;
	if (!sipx_leaves_enough(together - SIPX_SMALL_PIECE, most, most - all))
		return SIPX_COUNT_limit_stream_memory;
	return SIPX_COUNT_no_memory;
}

static void hold_less(struct sipx_tcp_host *host, u32 size)
{
	atomic_long_sub(size, &host->bytes);
	if (host->network != host)
		atomic_long_sub(size, &host->network->bytes);
	atomic_long_sub(size, &host->sn->tcp_bytes);
}

void *sipx_piece_take(struct sipx_state *state, struct sipx_stream *stream, u32 size,
		      enum sipx_reason *why)
{
	struct sipx_tcp_host *host = sipx_tcp_of(stream)->host;
	void *piece = NULL;

	*why = hold_more(host, size);
	if (*why == SIPX_COUNT_no_memory)
		piece = take_memory(size);
	else
		sipx_count(state, *why);
	if (!piece)
		hold_less(host, size);
	return piece;
}

void sipx_piece_give(struct sipx_state *state, struct sipx_stream *stream, void *piece, u32 size)
{
	if (!piece)
		return;
	hold_less(sipx_tcp_of(stream)->host, size);
	give_memory(piece, size);
}

static void free_cpus(void)
{
	int cpu;

	if (!sipx_cpus)
		return;
	for_each_possible_cpu(cpu)
		kvfree(per_cpu_ptr(sipx_cpus, cpu)->workspace);
	free_percpu(sipx_cpus);
	sipx_cpus = NULL;
}

static int alloc_cpus(void)
{
	int cpu;

	sipx_cpus = alloc_percpu(struct sipx_cpu);
	if (!sipx_cpus)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct sipx_cpu *own = per_cpu_ptr(sipx_cpus, cpu);

		spin_lock_init(&own->busy);
		own->workspace = kvzalloc_node(sipx_core_workspace_size(), GFP_KERNEL,
					       cpu_to_node(cpu));
		if (!own->workspace)
			return -ENOMEM;
	}
	return 0;
}

static void destroy_slabs(void)
{
	int i;

	for (i = 0; i < SIPX_SLABS; i++) {
		kmem_cache_destroy(slabs[i]);
		slabs[i] = NULL;
	}
	kmem_cache_destroy(small_pieces);
	small_pieces = NULL;
	kmem_cache_destroy(sipx_tcp_hosts);
	sipx_tcp_hosts = NULL;
}

static u32 size_of(enum sipx_slab slab)
{
	if (slab == SIPX_SLAB_CONNECTION)
		return sipx_end_offset() + sizeof(struct sipx_end);
	if (slab == SIPX_SLAB_TCP)
		return sipx_tcp_size();
	return sipx_core_slab_size(slab);
}

static int create_slabs(void)
{
	int i;

	small_pieces = kmem_cache_create("sip_ext_piece", SIPX_SMALL_PIECE, 0, 0, leave_as_it_is);
	/* of their own, so that it is seen when one is left */
	sipx_tcp_hosts = kmem_cache_create("sip_ext_tcp_host", sizeof(struct sipx_tcp_host), 0, 0,
					   leave_as_it_is);
	if (!small_pieces || !sipx_tcp_hosts)
		return -ENOMEM;
	for (i = 0; i < SIPX_SLABS; i++) {
		slab_words[i] = DIV_ROUND_UP(size_of(i), sizeof(u64));
		slabs[i] = kmem_cache_create(slab_names[i] ?: "sip_ext", slab_words[i] * sizeof(u64),
					     __alignof__(u64), 0, leave_as_it_is);
		if (!slabs[i])
			return -ENOMEM;
	}
	return 0;
}

int sipx_memory_init(void)
{
	int err;

	get_random_bytes(secret, sizeof(secret));
	err = create_slabs();
	if (!err)
		err = alloc_cpus();
	if (err)
		sipx_memory_exit();
	return err;
}

void sipx_memory_exit(void)
{
	free_cpus();
	destroy_slabs();
}
