// SPDX-License-Identifier: GPL-2.0
// What is remembered between messages, one set of tables for each network namespace.
// Everything here is read and written under sipx_lock(). The conntrack and expectation
// tables of the kernel are the database; these objects say what belongs together.
#ifndef SIP_EXT_STATE_H
#define SIP_EXT_STATE_H

#include "endpoint.h"
#include "message_view.h"

namespace sip {

struct call;
struct kept_invite;
struct connection;
struct host;

// A power of two; chains stay short up to the limits that the settings begin with.
inline constexpr u32 bucket_count = 4096;
// Places of a message whose ports come back in one another: what was written in Contact comes
// back in a Request-URI (RFC 3261 12.2.1.1), Path in Route (RFC 3327 5). A Contact that was
// registered comes back in requests that begin something, any other in those of its dialog: some
// phones name the port that they listen at in the one, and that they send from in the other.
enum class port_group : u8 { via, other_via, registered, contact, route, identity };
inline constexpr u32 port_groups = 6;

// The inside port that the connection's own outside one stands for in each group of places,
// over TCP (T8); 0: its own. [1]: of the other end, where that is translated as well.
struct stand_ins {
	u16 port[2][port_groups];
};

// Its own socket, and those besides that a connection names in Via and Contact; more than
// one listening port has not been seen.
inline constexpr u32 max_sockets = 4;

// Chained table of objects that carry their own link.
template<typename T, T *T::*link>
class hash_table {
public:
	T *first(u64 hash) const { return buckets_[hash & (bucket_count - 1)]; }

	void insert(u64 hash, T *object)
	{
		T *&head = buckets_[hash & (bucket_count - 1)];
		object->*link = head;
		head = object;
	}

	// Without the lock: what is there may come or go at the same time.
	bool may_have(u64 hash) const
	{
		return __atomic_load_n(&buckets_[hash & (bucket_count - 1)], __ATOMIC_RELAXED);
	}

	void remove(u64 hash, T *object)
	{
		T **at = &buckets_[hash & (bucket_count - 1)];
		while (*at && *at != object)
			at = &((*at)->*link);
		if (*at)
			*at = object->*link;
	}

private:
	T *buckets_[bucket_count];
};

template<typename T>
struct neighbours {
	T *previous;
	T *next;
};

// Doubly linked, the newest at the head; the objects carry their own links.
template<typename T, neighbours<T> T::*link>
struct linked_list {
	T *head;
	T *tail;

	void push(T *object)
	{
		(object->*link) = {nullptr, head};
		(head ? (head->*link).previous : tail) = object;
		head = object;
	}

	// As if it were just newer than that one; null: as the oldest.
	void push_before(T *older, T *object)
	{
		T *newer = older ? (older->*link).previous : tail;
		(object->*link) = {newer, older};
		(newer ? (newer->*link).next : head) = object;
		(older ? (older->*link).previous : tail) = object;
	}

	void remove(T *object)
	{
		const neighbours<T> around = object->*link;
		(around.previous ? (around.previous->*link).next : head) = around.next;
		(around.next ? (around.next->*link).previous : tail) = around.previous;
		(object->*link) = {nullptr, nullptr};
	}
};

template<typename T, T *T::*link>
void list_remove(T *&head, T *object)
{
	T **at = &head;
	while (*at && *at != object)
		at = &((*at)->*link);
	if (*at)
		*at = object->*link;
}

// An inside transport address and the outside one that stands for it. One socket has one
// binding; whoever names it holds a reference.
struct binding {
	binding *next_inside;
	binding *next_outside;
	host *of;		// counts for it; null: for nobody, as it ends with its message
	endpoint inside;
	endpoint outside;
	u32 zone;
	u32 references : 31;
	u32 signalling : 1;	// nobody's media is led there
};

// A pinhole in the kernel's table. All who need the very same one share it; it belongs to the
// connection of who asked for it last, and ends with that.
struct pinhole {
	pinhole *next;
	neighbours<pinhole> on_host;	// while it has a place
	sipx_expectation *handle;	// null: it has no place there
	connection *master;	// followed only while it stands: it may have ended since
	host *of;	// a reference; it is one of its
	u64 place;	// of who may go where: the hash that it is found by
	u64 digest;	// of all that was wished
	u32 until;	// of 1024 ms each
	u32 references;
	u32 insisting : 30;	// of these: answered calls, or a registrar
	u32 door : 1;	// of signalling
	u32 shared : 1;	// another host has named it as well
};

// Where both ends of a stream are, as offered and answered (RFC 3264).
struct stream_ends {
	binding *rtp;		// of the inside socket; null where nothing is translated
	binding *rtcp;
	endpoint inside_rtp;	// port 0: not known, or declined
	endpoint inside_rtcp;
	endpoint remote_rtp;
	endpoint remote_rtcp;
	bool inside_mux;	// RFC 5761
	bool remote_mux;
	bool inside_bundled;	// RFC 9143
	bool remote_bundled;
	bool inside_connects;	// TCP: a=setup:active (RFC 4145)
	bool remote_declined;	// port 0
	bool remote_direct;	// its sockets are those of another phone inside (R14)
};

// A media stream of a call, by its place among the m-lines; each of several pairs of ports
// of one line (RFC 8866 5.14) is one.
struct stream : stream_ends {
	stream *next;
	stream_ends *before;	// while the call is changing: what a refusal falls back to; null: to nothing
	pinhole *in_rtp;	// towards the inside
	pinhole *in_rtcp;
	pinhole *out_rtp;	// from the inside: it leaves from the advertised port (R16)
	pinhole *out_rtcp;
	u8 line;
	u8 pair;
	u8 pinhole_class;
	bool insists;	// on its pinholes, as its call was answered
};

// over: remembered for a while, so that what is repeated late begins nothing.
enum class call_state : u8 { early, answered, ending, over };

// Branches of one call that arrive side by side (a proxy that forks, RFC 3261 8.2.2.2).
inline constexpr u32 max_pending = 4;
// Transactions that are remembered, so that what is repeated of them changes nothing.
inline constexpr u32 max_settled = 6;

// How the inside endpoint writes its own address, a bit for each place (enum place). What
// comes back in a place is written as it wrote it there (R4).
struct spelling {
	u32 bare;	// without a port
	u32 outer;	// as its outside address: it found that out by itself (R5)
	u32 inner;	// as its inside address; one account of several may do so

	bool operator==(const spelling &) const = default;
};

// What became of a message, without what it said: some bytes of its text instead of others. The most
// are one address, which is there once. So many as an INVITE with one stream has, and no more memory.
inline constexpr u32 max_kept_edits = 11;

struct kept_edits {
	u16 offset[max_kept_edits];	// of each edit, in their order
	u8 length[max_kept_edits];
	u8 written[max_kept_edits];	// bytes that stand there instead
	u8 place[max_kept_edits];	// where they are in `text`
	char text[58];
	u8 count;
};

// How the INVITE left that began a call and has no response yet: sent again (RFC 3261 17.1.1.2) it
// leaves so once more, unread.
struct kept_invite {
	kept_invite *next;
	call *of;
	u64 digest;	// of the whole datagram
	u64 transaction;
	spelling spelled;	// what its connection remembered then
	bool reply;	// as in sipx_packet_info
	kept_edits made;
};

// How an OPTIONS left that nobody remembers: see options.h.
struct kept_options {
	static constexpr u32 identifiers = 4, call_id = 2, sequence = 3;	// of the four

	u64 digest;	// of what lies around them
	u32 settings;	// sipx_settings_version()
	u16 size;
	span identifier[identifiers];
	u8 order[identifiers];	// in which they stand in the text
	spelling spelled;	// what its connection remembered then
	kept_edits made;
};

// A dialog, or what may become one (RFC 3261 12): one for each branch of a call that forks.
struct call {
	call *next_hash;
	neighbours<call> on_owner;
	neighbours<call> on_direct;
	neighbours<call> on_host;
	neighbours<call> on_keeping;
	connection *owner;
	connection *direct;		// its messages come by this one as well; null: none does
	stream *streams;
	kept_invite *invite;		// null: none is kept
	u64 key;
	u32 number;			// what it is shown by: the key is a hash that nobody may see
	u32 session_expires_s;		// RFC 4028; 0: none was agreed on
	u64 pending[max_pending];	// INVITEs that have no final response yet
	u64 settled[max_settled];	// the last that had one, and ACKs; newest first
	u64 bye;			// of the BYE seen last
	u64 caller;			// the tag of who sent the INVITE
	u64 called;			// the other's; 0: nobody has answered yet
	u64 changing;			// an offer that may be refused; 0: none
	u64 changing_until_ms;
	u64 expires_ms;
	u64 asked[2];			// the last UPDATE or PRACK, of outside and of inside
	endpoint peer;			// whom it began with
	endpoint target;		// what the other end's Contact names
	call_state state;
	bool caller_inside;
	bool overtaken;			// another branch was answered
	bool assumed;			// the inside speaks in a dialog that nobody outside has confirmed
	bool expendable;		// in its host's list
	bool keeping;			// expendable, and has outside ports
};

// An address-of-record at a registrar (RFC 3261 10), or a subscription (RFC 6665): what
// somebody outside has granted for a time.
struct registration {
	registration *next;
	connection *owner;
	neighbours<registration> on_host;
	u64 name;		// address-of-record, or Call-ID
	u64 pending[2];		// transactions of REGISTERs not yet answered, newest first
	u64 pending_until_ms;
	u64 live_until_ms;
	u32 requested_s;
	u32 number;		// see call
	u8 socket;		// of its connection: index into sockets, the own one is 0
	bool live;
	bool subscription;
	bool asking;		// nobody has granted it: in its host's list
};

// A socket that an inside endpoint is reached at: its own, or one that it names in Via or
// Contact besides (a listening port).
struct signalling_socket {
	binding *bound;		// null for the own one: the connection itself is its mapping
	endpoint inside;	// port 0: unused
	u32 answers_until_s;	// what named it in its Via without `rport` may be answered
	pinhole *door;		// to it
	bool listens;		// named in Via or Contact, and not only in an identity
	bool lasts;		// the Contact of a dialog, which a 2xx has made
	u64 asked;		// transaction that would make a dialog with it as Contact; 0: none
};

// The IPv6 literal of the inside endpoint as it writes it, where that is not the recommended
// form (RFC 5952): upper case, zeroes written out. It comes back as it was written (R4).
struct inner_literal {
	char text[46];		// RFC 4291 2.2: at most 45 characters
	u8 length;		// 0: the recommended form
	bool fresh;		// this message says something new about it
};

// A request whose response is wanted at the port of its Via, and not where it came from
// (RFC 3261 18.2.2).
struct awaited_elsewhere {
	u64 transaction;
	u16 port;
};

// As many may be on their way at once from a phone that does so.
inline constexpr u32 max_awaited_elsewhere = 4;

// What hangs on one kernel connection that has the helper.
struct connection {
	connection *next;
	connection *previous;
	connection *next_outer;
	connection *next_way;
	sipx_conntrack *conntrack;	// a reference
	sipx_connection_data *data;	// lives as long as that
	sides ends;
	host *of;
	neighbours<connection> on_host;
	neighbours<connection> on_spare;
	linked_list<call, &call::on_owner> calls;
	linked_list<call, &call::on_direct> direct;	// calls of others that come by here, too
	registration *registrations;
	signalling_socket sockets[max_sockets];
	inner_literal literal;
	stand_ins stands_for;
	awaited_elsewhere awaited[max_awaited_elsewhere];	// newest first
	kept_options *options[2];	// of outside and of inside; null: none is kept
	u32 ordinary_s;		// the kernel's own timeout for it
	bool needs_less;	// what needed it longest is over
	bool needs_more;
	bool closed;		// TCP: no message comes by it any more
	bool has_spare;		// in its host's list
	bool opened_for_others;	// its pinholes may be held by other connections of its host as well
	bool opened_for_hosts;	// and by those of other hosts, which may name its sockets or whose it may name
};

// What all hosts share.
enum class shared : u8 { calls, registrations, bindings, pinholes };
inline constexpr u32 shared_kinds = 4;

// What gives way where that is full: calls that nobody has answered, begun outside or inside,
// registrations that nobody has granted; the pinholes, and the outside ports, of calls that nobody has answered
// and of sockets that no registrar knows; and the ports of these sockets alone.
enum class yielding : u8 { calls_in, calls_out, registrations, pinholes, ports, listening };
inline constexpr u32 yielding_kinds = 6;
// A host that no registrar knows counts 256 times.
inline constexpr u32 ranks_of_unknown = 8;
// By how many binary digits the number has; 0: there is none.
inline constexpr u32 share_ranks = 33 + ranks_of_unknown;

// How much a host has of one kind, among all hosts.
struct share {
	neighbours<share> of_rank;
	host *of;
	u32 count;
	u8 rank;
};

// An inside address, for what it may have at once; or, of IPv6, the first 64 bits of one, which
// one sender may have all addresses of (RFC 4291 2.5.1): it has no connections of its own.
struct host {
	host *next;
	host *network;		// those 64 bits; of IPv4 itself
	endpoint address;	// without a port
	u32 zone;
	u32 users;		// connections, messages on their way, addresses of the network
	u32 connection_count;
	u32 held[shared_kinds];
	u32 together[shared_kinds];	// of all addresses of the network
	u32 pinholes;			// of it, whether they have places or not
	u32 granted;			// registrations that are live
	u32 most_media;			// the setting, as it was with its last offer or answer
	linked_list<connection, &connection::on_host> connections;
	linked_list<connection, &connection::on_spare> spare;	// those that may have outside ports for nothing else
	linked_list<call, &call::on_host> expendable[2];	// calls that are not answered; [1]: begun inside
	linked_list<call, &call::on_keeping> keeping;		// of these, those that have outside ports
	linked_list<pinhole, &pinhole::on_host> yielding;	// that may lose their places: doors go first
	pinhole *newest_door;	// of these
	neighbours<host> on_network;
	// Of the network: its addresses that have such, and the others that have places
	linked_list<host, &host::on_network> holders;
	linked_list<pinhole, &pinhole::on_host> media, doors;
	linked_list<registration, &registration::on_host> asking;
	share shares[yielding_kinds];
};

// Outside ports that bindings have, a bit for each number, whatever their addresses: a hint.
class port_marks {
public:
	void set(u16 port) { words_[port / 32] |= 1u << port % 32; }
	void clear(u16 port) { words_[port / 32] &= ~(1u << port % 32); }
	bool has(u32 port) const { return port < 65536 && words_[port / 32] >> port % 32 & 1; }

private:
	u32 words_[65536 / 32];
};

struct state {
	hash_table<binding, &binding::next_inside> by_inside;
	hash_table<binding, &binding::next_outside> by_outside;
	hash_table<call, &call::next_hash> calls;
	hash_table<pinhole, &pinhole::next> pinholes;
	hash_table<host, &host::next> hosts;
	hash_table<connection, &connection::next_outer> by_outer;	// the outer end, in any zone
	hash_table<connection, &connection::next_way> by_way;	// the inner end and the peer
	hash_table<kept_invite, &kept_invite::next> invites;
	port_marks ports[2][2];		// where addresses are translated; [1]: IPv6; [1]: TCP
	linked_list<share, &share::of_rank> ranked[yielding_kinds][share_ranks];	// hosts by how much may go
	connection *connections;
	connection *looked_at;	// next, whether it still has the helper; null: the first
	connection *expiring;	// the tick is not done with this one and those after it; null: it is done
	u64 next_expiry_ms;	// nothing ends before; 0: nothing to wait for
	host *crowd;		// the network that has had most pinholes; null: none
	u32 last_number;	// of a call or registration, as it is shown
	u32 held[shared_kinds];
	u32 listening[2][2];	// bindings of sockets that are listened at; [1]: IPv6; [1]: TCP
};

inline state &tables_of(sipx_state *opaque) { return *reinterpret_cast<state *>(opaque); }

template<typename T> struct slab_of;
template<> struct slab_of<connection> { static constexpr sipx_slab id = SIPX_SLAB_CONNECTION; };
template<> struct slab_of<binding> { static constexpr sipx_slab id = SIPX_SLAB_BINDING; };
template<> struct slab_of<registration> { static constexpr sipx_slab id = SIPX_SLAB_REGISTRATION; };
template<> struct slab_of<call> { static constexpr sipx_slab id = SIPX_SLAB_CALL; };
template<> struct slab_of<pinhole> { static constexpr sipx_slab id = SIPX_SLAB_PINHOLE; };
template<> struct slab_of<host> { static constexpr sipx_slab id = SIPX_SLAB_HOST; };
template<> struct slab_of<kept_invite> { static constexpr sipx_slab id = SIPX_SLAB_INVITE; };
template<> struct slab_of<kept_options> { static constexpr sipx_slab id = SIPX_SLAB_OPTIONS; };
template<> struct slab_of<stream_ends> { static constexpr sipx_slab id = SIPX_SLAB_ENDS; };
template<> struct slab_of<stream> { static constexpr sipx_slab id = SIPX_SLAB_STREAM; };

// Zeroed, or null.
template<typename T> [[nodiscard]] T *make() { return static_cast<T *>(sipx_alloc(slab_of<T>::id)); }
template<typename T> void discard(T *object) { sipx_free(slab_of<T>::id, object); }

// The end of a registration, or of a stream, in looks.
inline constexpr u32 work_of_end = 16;

// Of a bounded amount of work. False: so much is not left.
inline bool spend(u32 &left, u32 work)
{
	if (left < work)
		return false;
	left -= work;
	return true;
}

// The next tick that ends anything comes then at the latest.
inline void expect_expiry(state &tables, u64 when_ms)
{
	if (!tables.next_expiry_ms || when_ms < tables.next_expiry_ms)
		tables.next_expiry_ms = when_ms;
}

// Holds the tables of a namespace for one scope.
class table_lock {
public:
	explicit table_lock(sipx_state *opaque) : opaque_(opaque) { sipx_lock(opaque_); }
	~table_lock() { sipx_unlock(opaque_); }
	table_lock(const table_lock &) = delete;
	table_lock &operator=(const table_lock &) = delete;

private:
	sipx_state *opaque_;
};

} // namespace sip

#endif
