/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one boundary between the C++ core and the world it runs in.
 *
 * Everything the core may ask of its surroundings is a sipx_* function below;
 * everything its surroundings may ask of the core is a sipx_core_* function.
 * kernel/ answers for a real kernel, tests/fake/ answers in userspace. Only
 * opaque types and plain structures cross; no kernel header is seen from C++.
 *
 * Units: ports in host byte order, addresses in network byte order, lifetimes
 * in seconds, clocks in milliseconds, lengths in bytes.
 */
#ifndef SIP_EXT_BOUNDARY_H
#define SIP_EXT_BOUNDARY_H

#ifdef __cplusplus
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
extern "C" {
#else
#include <linux/types.h>
#endif

#include "reasons.h"

#define SIPX_UDP 17
#define SIPX_TCP 6
#define SIPX_IPV4 4
#define SIPX_IPV6 6

/* A transport address. family 0: no address ("any"); port 0: no port ("any").
 * An IPv4 address fills bytes[0..3], the rest is zero. */
struct sipx_endpoint {
	u8 bytes[16];
	u16 port;
	u8 family;
	u8 protocol;
};

/* A packet on its way through the helper: valid during sipx_core_packet() and
 * sipx_core_segment(). Under RCU, as all that is asked with one at hand. */
struct sipx_packet;
/* A network namespace as the boundary keeps it. */
struct sipx_net;
/* A kernel connection that the core holds a reference to. */
struct sipx_conntrack;
/* A live or ended kernel expectation that the core holds a reference to. */
struct sipx_expectation;
/* What the core keeps of one TCP connection, sipx_core_slab_size(SIPX_SLAB_TCP) bytes. */
struct sipx_stream;
/* The core's own tables for one namespace, sipx_core_state_size() bytes. */
struct sipx_state;
/* Room for one packet's view and plan on this CPU, sipx_core_workspace_size() bytes. */
struct sipx_workspace;
/* Where a table of the core is printed to. */
struct sipx_sink;

/* What is kept with a connection: all zero in a new one; at most 32 bytes. */
struct sipx_connection_data {
	void *connection;	/* owned by the core; see sipx_core_connection_gone() */
	void *stream;		/* TCP: owned by the boundary; the core does not look at it */
	u32 keep_until_s;	/* the connection must not time out before this; clock of sipx_now_ms() */
	u32 flags;		/* how the inside endpoint writes its addresses, and more: connections.h */
	u32 outer_written;	/* the places where it wrote its outside address by itself */
	u32 inner_written;	/* the places where it wrote its inside one */
};

/* One packet and the four faces of its connection.
 * inner = as the endpoint knows itself, outer = as its peer sees it. Inner and outer
 * differ where the connection is translated. */
struct sipx_packet_info {
	struct sipx_packet *packet;
	struct sipx_state *state;
	struct sipx_workspace *workspace;
	struct sipx_connection_data *data;
	struct sipx_connection_data *master;	/* of the connection whose signalling pinhole
						 * this one came through; NULL: none */
	struct sipx_endpoint source_inner;	/* the sender, as it knows itself */
	struct sipx_endpoint source_outer;	/* the sender, as the receiver sees it */
	struct sipx_endpoint destination_outer;	/* the receiver, as the sender sees it */
	struct sipx_endpoint destination_inner;	/* the receiver, as it knows itself */
	const u8 *payload;			/* of the datagram or segment, linear, not ours to write */
	u32 payload_length;
	u32 zone;				/* conntrack zone id; 0 is the default zone */
	u32 default_timeout_s;			/* what the kernel would give this connection */
	u8 reply;				/* 1: against the direction of the first packet */
	u8 nat_present;				/* nf_nat_sip_ext is loaded */
	u8 source_far;				/* not translated: it is outside, as routes have it */
	u8 destination_far;
	u8 assist;				/* pinholes only, no edits (sip-ext-assist) */
};

/* A TCP segment, beside its payload. reply of its packet: its direction. */
#define SIPX_SACK_BLOCKS 4		/* as many as fit the option (RFC 2018 3) */

struct sipx_sack_block {
	u32 left;
	u32 right;
};

struct sipx_segment {
	u8 syn;
	u8 fin;
	u8 rst;
	u8 urgent;
	u8 has_ack;
	u8 sack_count;
	u16 window_field;	/* as written */
	u32 window;		/* in bytes, scaled (RFC 7323 2.3) */
	u32 seq;
	u32 ack;
	struct sipx_sack_block sacks[SIPX_SACK_BLOCKS];
	u16 mss;		/* of a SYN: its option, or what counts without one (RFC 9293 3.7.1) */
	u16 room;		/* payload that one packet of this segment can carry to where it goes:
				 * its MTU less all headers and options; 65535 where one with
				 * neither payload nor SYN says nothing of it */
	u16 merged;		/* payload of each of the packets that came as one (GRO); 0: one came */
	u8 options_length;	/* of this segment: bytes of TCP options */
};

enum sipx_sack_fate {
	SIPX_SACK_KEEP,		/* as it came */
	SIPX_SACK_REPLACE,	/* the answer's blocks, as many as came */
	SIPX_SACK_BLANK,	/* the option becomes NOPs */
};

/* A segment to be sent besides, with ACK and PSH, as its receiver sees it. It may get lost. */
struct sipx_emission {
	u8 reply;		/* its direction, as in sipx_packet_info */
	u16 window_field;
	u32 seq;
	u32 ack;
	u16 size;		/* payload of each packet; see sipx_segment_answer */
	const u8 *payload;
	u32 length;		/* 0: no emission */
};

/* What leaves instead of a segment. Pointers hold until the stream's next call. */
struct sipx_segment_answer {
	u8 same_payload;	/* it stays as it is: only numbers change, if at all */
	u8 fin;			/* leaves with FIN */
	u8 sack;		/* enum sipx_sack_fate */
	u8 plausible;		/* its numbers are those of the connection: no stranger's */
	u8 anew;		/* with it both ends begin another connection in place of this one */
	u8 foreign;		/* neither this nor any later packet of the connection is changed:
				 * the stream is no longer needed */
	u32 seq;
	u32 ack;
	struct sipx_sack_block sacks[SIPX_SACK_BLOCKS];
	u32 head;		/* payload[0, head), then ... */
	const u8 *ours;		/* ... this, then ... */
	u32 ours_length;
	u32 tail;		/* ... payload[tail, tail + tail_length) */
	u32 tail_length;
	u16 size;		/* payload that each packet of it shall carry at most */
	u8 waits;		/* something waits for time to pass: sipx_core_stream_tick() */
	/* For the kernel's own window tracking: what the packet's direction differs by, up to and
	 * after a position, all in the receiver's numbers. */
	u32 shift_position;
	u32 shift_before;	/* modulo 2^32 */
	u32 shift_after;
	struct sipx_emission emission;
};

enum sipx_pinhole_class {
	SIPX_CLASS_SIGNALLING,
	SIPX_CLASS_AUDIO,
	SIPX_CLASS_VIDEO,
	SIPX_CLASS_OTHER,
	SIPX_CLASSES
};

enum sipx_translate {
	SIPX_TRANSLATE_NONE,
	SIPX_TRANSLATE_DESTINATION,	/* a packet that comes in: its destination becomes `translated` */
	SIPX_TRANSLATE_SOURCE,		/* a packet that goes out: its source becomes `translated` */
};

/* A kernel expectation, as the core wishes it. It stays usable for several
 * connections until it is closed or its lifetime ends. */
struct sipx_pinhole {
	struct sipx_endpoint source;		/* who may use it; family 0: anyone; port 0: any port */
	struct sipx_endpoint destination;	/* as the sender writes it; address and port both needed */
	struct sipx_endpoint translated;	/* see sipx_translate */
	u8 pinhole_class;			/* enum sipx_pinhole_class */
	u8 translate;				/* enum sipx_translate */
	u8 reply;				/* 1: packets come against the master's first direction */
	u8 helper;				/* 1: the connection it creates gets the helper (signalling) */
	u32 lifetime_s;
	u16 likely_port;			/* where source.port is 0: the port that the source most
						 * likely sends from, or 0. Only to find a stale connection */
	u8 alone;				/* 1: the core has no other from this source to this destination */
};

enum sipx_pinhole_error {
	SIPX_PINHOLE_OPEN = 0,
	SIPX_PINHOLE_BUSY = 1,		/* another expectation stands in its place */
	SIPX_PINHOLE_TABLE_FULL = 2,	/* nf_conntrack_expect_max */
	SIPX_PINHOLE_NO_MEMORY = 3,
	SIPX_PINHOLE_GONE = 4,		/* the master is dying, or the handle no longer stands */
	SIPX_PINHOLE_CLASS_FULL = 5,	/* the master has no more of this class; another may do */
};

enum sipx_slab {
	SIPX_SLAB_CONNECTION,
	SIPX_SLAB_BINDING,
	SIPX_SLAB_REGISTRATION,
	SIPX_SLAB_CALL,
	SIPX_SLAB_STREAM,	/* a media stream of a call */
	SIPX_SLAB_ENDS,		/* where it was before a change that may be refused */
	SIPX_SLAB_PINHOLE,	/* an open pinhole, shared by all who need it */
	SIPX_SLAB_HOST,		/* an inside address */
	SIPX_SLAB_INVITE,	/* how an INVITE left that nobody has answered yet */
	SIPX_SLAB_OPTIONS,	/* how the last OPTIONS of a connection left */
	SIPX_SLAB_TCP,		/* a struct sipx_stream, at most 184 bytes; made by the boundary */
	SIPX_SLABS
};

/* ---- what the core asks for ------------------------------------------------- */

/* A monotonic clock. */
u64 sipx_now_ms(void);
u32 sipx_random(void);
/* Four random words, drawn when the module is loaded and told to nobody. */
const u64 *sipx_secret(void);

/* One object of a slab, zeroed, or NULL. Never sleeps. Released by sipx_free(). */
void *sipx_alloc(enum sipx_slab slab);
void sipx_free(enum sipx_slab slab, void *object);

/* The lock over one namespace's tables. Bottom halves are off before. Not recursive.
 * Expectation functions may be called under it. */
void sipx_lock(struct sipx_state *state);
void sipx_unlock(struct sipx_state *state);

/* Adds one to the named counter of the namespace. Never fails, needs no lock. */
void sipx_count(struct sipx_state *state, enum sipx_reason reason);

/* Whom media from outside may come from, once a call has an answer (REQUIREMENTS R15). */
enum sipx_media_source {
	SIPX_MEDIA_FROM_SDP,	/* the address that the session names; before: the signalling peer */
	SIPX_MEDIA_FROM_PEER,	/* the signalling peer alone */
	SIPX_MEDIA_FROM_ANY,	/* anyone */
};

/* Settings of a namespace; net.netfilter.sip_ext_* in a real kernel. What they begin with
 * is in SIPX_SETTING_DEFAULTS, in this order. */
enum sipx_setting {
	SIPX_SETTING_MEDIA_SOURCE,	/* enum sipx_media_source */
	SIPX_SETTING_MEDIA_PORT_MIN,	/* outside ports for media, where the inside port's own */
	SIPX_SETTING_MEDIA_PORT_MAX,	/* number is not free; 1024 to 65535, min below max */
	SIPX_SETTING_DIRECT_MEDIA,	/* 1: two inside endpoints of one call get each other's
					 * inside sockets; 0: their media passes the router */
	SIPX_SETTING_TCP_MEDIA,		/* 1: pinholes for TCP media towards the inside (S2) */
	SIPX_SETTING_IDENTITY,		/* 0: From, To and the other identity fields stay as they are */
	SIPX_SETTING_MAX_CALLS,		/* of the namespace */
	SIPX_SETTING_MAX_CALLS_PER_HOST,	/* of one inside address */
	SIPX_SETTING_MAX_REGISTRATIONS,		/* subscriptions are counted with them */
	SIPX_SETTING_MAX_REGISTRATIONS_PER_HOST,
	SIPX_SETTING_MAX_MEDIA,		/* inside sockets that outside ones are kept for */
	SIPX_SETTING_MAX_MEDIA_PER_HOST,	/* and pinholes twice as many, one for each way */
	SIPX_SETTING_TCP_INBOUND,	/* 1: a phone that names a listening port over TCP gets a
					 * pinhole to it from its registrar; 0: it is spoken to over
					 * the connection that it began (S2) */
	SIPX_SETTING_TCP_CONNECTIONS,	/* that are followed at once, of the namespace */
	SIPX_SETTING_TCP_MEMORY,	/* KiB that all of them hold, of the namespace */
	SIPX_SETTING_TCP_BUFFER,	/* KiB that one direction of a connection holds */
	SIPX_SETTING_TCP_HOLD,		/* seconds that an incomplete message is held that does not
					 * go on */
	/* seconds: */
	SIPX_SETTING_UNANSWERED_TIMEOUT,	/* of a call that nobody answers, after its last
						 * message */
	SIPX_SETTING_ANSWERED_TIMEOUT,	/* of an answered call without any message and without
					 * media: its peer has vanished (R13) */
	SIPX_SETTING_TRANSACTION_TIMEOUT,	/* that an answer is waited for, and that what is
						 * over is remembered */
	SIPX_SETTINGS
};

#define SIPX_SETTING_DEFAULTS \
	SIPX_MEDIA_FROM_SDP, 10000, 32767, 0, 0, 1, 65536, 2000, 20000, 1000, 200000, 4096, \
	0, 65536, 65536, 256, 32, 300, 604800, 32

u32 sipx_setting(const struct sipx_state *state, enum sipx_setting setting);
/* Another number once any of them has changed, lists included. */
u32 sipx_settings_version(const struct sipx_state *state);
/* True if the setting media_hosts lists that address: an inside host whose media address
 * other inside endpoints may name, as a PBX does for its phones (REQUIREMENTS S4). */
bool sipx_is_media_host(const struct sipx_state *state, const struct sipx_endpoint *host);
/* True if the setting media_deny_ports lists that inside port: no pinhole leads to it (S4). */
bool sipx_is_denied_port(const struct sipx_state *state, u16 port);

/* Where a packet of an inside endpoint goes, as routes have it. */
enum sipx_way {
	SIPX_WAY_OUT,		/* where the default route leads, or the one to the peer */
	SIPX_WAY_ROUTER,	/* an address of the router's own */
	SIPX_WAY_INSIDE,	/* any other */
};

enum sipx_way sipx_way_to(struct sipx_packet *packet, const struct sipx_endpoint *inside,
			  const struct sipx_endpoint *peer, const struct sipx_endpoint *remote);

/* Wishes sipx_core_tick() to be called in about a second. */
void sipx_tick_arm(struct sipx_state *state);

/* A reference to the packet's kernel connection. It may end while it is held (and says so
 * with sipx_core_connection_gone()), but its memory and its sipx_connection_data stay. */
struct sipx_conntrack *sipx_conntrack_hold(struct sipx_packet *packet);
void sipx_conntrack_release(struct sipx_conntrack *conntrack);
/* It ends, or has ended, or has the helper no more; sipx_core_connection_gone() may not have been
 * called yet, or never will be. */
bool sipx_conntrack_has_ended(const struct sipx_conntrack *conntrack);
/* It shall live at least lifetime_s from now, if the kernel would end it sooner; never
 * shortens it. */
void sipx_connection_keep(struct sipx_conntrack *conntrack, u32 lifetime_s);
/* Gives it exactly lifetime_s from now (when nothing depends on it any more). */
void sipx_connection_shorten(struct sipx_conntrack *conntrack, u32 lifetime_s);
/* True if a connection stands on which packets travel from source to destination, both as
 * the sender writes them; whichever end began it. May be called under the lock, with or
 * without a packet. */
bool sipx_connection_stands(struct sipx_state *state, u32 zone, const struct sipx_endpoint *source,
			    const struct sipx_endpoint *destination);

/* Opens a pinhole that belongs to `master`: it ends with that connection at the latest, and
 * the directions in it are those of that connection. `packet` is the one on its way, NULL where
 * none is. On SIPX_PINHOLE_OPEN
 * *handle holds a reference that the core gives back with sipx_pinhole_close().
 * An unreplied connection that a too early packet of the same flow has left behind
 * is removed, so that the next packet meets the pinhole. An end that comes of it under the
 * lock is told when the lock is given back. */
enum sipx_pinhole_error sipx_pinhole_open(struct sipx_packet *packet,
					  struct sipx_conntrack *master,
					  const struct sipx_pinhole *pinhole,
					  struct sipx_expectation **handle);
/* A new lifetime for a standing pinhole; SIPX_PINHOLE_GONE if it no longer stands. */
enum sipx_pinhole_error sipx_pinhole_renew(struct sipx_expectation *handle, u32 lifetime_s);
/* True if it still stands in the table. Takes no lock: it may go the moment after. */
bool sipx_pinhole_stands(const struct sipx_expectation *handle);
/* Removes it from the table if it still stands and drops the reference. Never fails;
 * may be called after the master is gone. */
void sipx_pinhole_close(struct sipx_expectation *handle);

/* Of `count` ports in a row, the first of them in outside and inside: true if one of these
 * outside sockets must not become the binding of its `inside`, because the address is the
 * router's own and a program of the router has the port, or because a live connection of
 * another inside socket leaves from it, or is forwarded from it by the rules. `inside` NULL: asks
 * about programs alone. No port of them is above 65535. */
bool sipx_ports_taken(struct sipx_packet *packet, const struct sipx_endpoint *outside,
		      const struct sipx_endpoint *inside, u32 count);
/* The port at the address of `outside` that the router's NAT already gives to packets from
 * `inside` (a STUN client, media of an earlier call); 0: none that is known, or the number is
 * the same. at_once: also a mapping that is younger than a second; that costs five times as much. */
u16 sipx_mapped_port(struct sipx_packet *packet, const struct sipx_endpoint *inside,
		     const struct sipx_endpoint *outside, bool at_once);

/* The NAT half (nf_nat_sip_ext); see sipx_nat_* below. False: not loaded. */
bool sipx_nat_plan_edits(const struct sipx_packet_info *info);
/* Renders the plan of info->workspace and replaces the changed span of the payload
 * in one rewrite, with lengths and checksums put right. Over TCP it is rendered alone: the
 * core has it put in its place. False: nothing was changed. */
bool sipx_nat_apply_edits(const struct sipx_packet_info *info);

/* Replaces payload[offset, offset + old_length) by bytes[0, new_length) in the packet,
 * IP and UDP lengths and checksums included. False: no memory or the datagram would
 * exceed 65535 bytes; then the packet is as it was. Else its payload is no longer where it
 * was. Called by the NAT half alone. */
bool sipx_packet_replace(struct sipx_packet *packet, u32 offset, u32 old_length,
			 const u8 *bytes, u32 new_length);

/* The datagram goes to another port of the host that it is going to. */
void sipx_packet_redirect(struct sipx_packet *packet, u16 port);

#define SIPX_SMALL_PIECE 2048

/* Memory for what a stream holds: `size` bytes, SIPX_SMALL_PIECE << n. NULL: there is none, and *why is
 * SIPX_COUNT_no_memory; or the limit of the namespace or of the host that began the connection is
 * reached: *why says which one, and it has been counted. Never sleeps. */
void *sipx_piece_take(struct sipx_state *state, struct sipx_stream *stream, u32 size,
		      enum sipx_reason *why);
void sipx_piece_give(struct sipx_state *state, struct sipx_stream *stream, void *piece, u32 size);

/* Appends text to what a reader of /proc sees. */
void sipx_print(struct sipx_sink *sink, const char *text, u32 length);

/* ---- what the core offers, to callers that have bottom halves off ---------------- */

/* Zeroed memory of that size, aligned to 64, is an empty state. */
u32 sipx_core_state_size(void);
/* Size of the objects of one slab, for the cache that sipx_alloc() draws from. */
u32 sipx_core_slab_size(enum sipx_slab slab);
u32 sipx_core_workspace_size(void);
/* Closes every pinhole and frees every object. No packet may be on its way any more. */
void sipx_core_state_exit(struct sipx_state *state);

/* One datagram of a connection that has the helper. The packet is accepted in any case: it
 * leaves fully translated, or as it came. */
void sipx_core_packet(const struct sipx_packet_info *info);
/* What sipx_core_packet() would count a datagram as whose first bytes show that it is no message:
 * SIPX_COUNT_keep_alive or SIPX_COUNT_not_sip. SIPX_REASON_COUNT: it may be one. */
enum sipx_reason sipx_core_glance(const u8 *payload, u32 length);

/* The connection ends: everything that hangs on it ends too. data->connection is NULL
 * afterwards. */
void sipx_core_connection_gone(struct sipx_state *state, struct sipx_connection_data *data);

/* As sipx_core_connection_gone(), for each connection that has ended and of which this was not
 * said. */
void sipx_core_connections_missed(struct sipx_state *state);

enum sipx_tick {
	SIPX_TICK_NO_MORE,	/* nothing is left to wait for */
	SIPX_TICK_LATER,	/* in about a second */
	SIPX_TICK_AT_ONCE,	/* as soon as others had the lock */
};

/* Ends what has outlived its time, a bounded number at once. Says when it wants to be called again. */
enum sipx_tick sipx_core_tick(struct sipx_state *state);

/* Which inside socket a binding shows as `outside`: media between two inside endpoints that
 * only know each other's outside sockets is led there (hairpin, REQUIREMENTS R14). False: none.
 * Takes the lock; called when the first packet of a connection comes through a pinhole. */
bool sipx_core_inside_of(struct sipx_state *state, u32 zone, const struct sipx_endpoint *outside,
			 struct sipx_endpoint *inside);

/* The tables as text, in so many parts: each is short, and printed under the lock. What stands
 * while all parts are printed is printed once. */
u32 sipx_core_parts(void);
void sipx_core_show_calls(struct sipx_state *state, u32 part, struct sipx_sink *sink);
void sipx_core_show_registrations(struct sipx_state *state, u32 part, struct sipx_sink *sink);

/* ---- SIP over TCP. One caller at a time for each stream: its lock is the boundary's, and
 * stands outside of sipx_lock(). Zeroed memory is a stream whose beginning was not seen: it
 * passes, and a SYN begins it. ----------------------------------------------------------- */

/* One segment of a connection that has the helper, as it arrived. Bottom halves are off.
 * The packet is not touched: `answer`, written whole, says what leaves. */
void sipx_core_segment(const struct sipx_packet_info *info, struct sipx_stream *stream,
		       const struct sipx_segment *segment, struct sipx_segment_answer *answer);
/* About once a second for a stream that waits. Returns whether it still does. emissions: two,
 * written whole. */
bool sipx_core_stream_tick(struct sipx_state *state, struct sipx_stream *stream,
			   struct sipx_emission *emissions);
/* No message of it is looked at any more; its numbers are still translated. */
void sipx_core_stream_through(struct sipx_state *state, struct sipx_stream *stream,
			      enum sipx_reason why);
/* Gives back everything that it holds. */
void sipx_core_stream_end(struct sipx_state *state, struct sipx_stream *stream);
/* The numbers of that direction (as in sipx_packet_info) are shifted by so much from here on. */
u32 sipx_core_stream_shift(const struct sipx_stream *stream, u8 reply);
/* Why messages of it are not looked at any more; SIPX_REASON_COUNT: they are. */
enum sipx_reason sipx_core_stream_reason(const struct sipx_stream *stream);
/* What it holds at the moment, in bytes. */
u32 sipx_core_stream_bytes(const struct sipx_stream *stream);

/* In nf_nat_sip_ext: the edits of the message that info->workspace holds the view of. */
void sipx_core_plan_edits(const struct sipx_packet_info *info);
bool sipx_core_apply_edits(const struct sipx_packet_info *info);

#ifdef __cplusplus
}
#endif
#endif
