// SPDX-License-Identifier: GPL-2.0
// Thousands of phones behind the router and a server outside it, for minutes: registrations, calls both ways at a
// steady rate, a packet of audio each way in each call. Whatever does not arrive, or not as it should, is counted.
//
//     scale PHONES RATE HOLD SECONDS MEDIA_PORTS
//
// In network namespaces `inside` (10.1.0.0/16 is its own) and `outside` (198.18.0.0/16 is its own). PHONES register;
// then RATE calls begin each second for SECONDS, every second one outside, each for HOLD seconds. MEDIA_PORTS numbers
// are in use by phones for their audio: 1, the same at all of them. Prints a line each second, and at the end
// name=value for each figure. Exit status 1: something was lost or wrong.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace {

using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = unsigned long long;

constexpr u16 sip_port = 5060, first_media_port = 10000, far_media_port = 30000;
constexpr u64 ms = 1000000, resend_after = 2000 * ms, lost_after = 16000 * ms;
constexpr u32 hosts_in_byte = 250;

struct socket_address {
	u32 host = 0;	// host byte order
	u16 port = 0;
	bool operator==(const socket_address &) const = default;
};

const socket_address server{0xcb007102, sip_port};	// 203.0.113.2
constexpr u32 router = 0xcb007101;			// 203.0.113.1

u64 now()
{
	timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return u64(at.tv_sec) * 1000 * ms + u64(at.tv_nsec);
}

std::string text_of(u32 host)
{
	char text[16];
	std::snprintf(text, sizeof(text), "%u.%u.%u.%u", host >> 24, host >> 16 & 255, host >> 8 & 255, host & 255);
	return text;
}

std::string text_of(const socket_address &at) { return text_of(at.host) + ":" + std::to_string(at.port); }

[[noreturn]] void give_up(const char *what)
{
	std::perror(what);
	std::exit(2);
}

// One socket for all addresses of its namespace: each datagram says from which of them it goes.
class many_addresses {
public:
	many_addresses(const char *name_space, u16 port)
	{
		const int at = open((std::string("/run/netns/") + name_space).c_str(), O_RDONLY);
		if (at < 0 || setns(at, CLONE_NEWNET))
			give_up(name_space);
		close(at);
		const int on = 1, size = 64 << 20;
		fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		sockaddr_in any{};
		any.sin_family = AF_INET;
		any.sin_port = htons(port);
		if (fd_ < 0 || setsockopt(fd_, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) ||
		    setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
		    bind(fd_, reinterpret_cast<sockaddr *>(&any), sizeof(any)))
			give_up("socket");
	}

	int descriptor() const { return fd_; }

	void send(u32 from, const socket_address &to, std::string_view bytes)
	{
		alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))]{};
		sockaddr_in there{};
		there.sin_family = AF_INET;
		there.sin_port = htons(to.port);
		there.sin_addr.s_addr = htonl(to.host);
		iovec text{const_cast<char *>(bytes.data()), bytes.size()};
		msghdr message{&there, sizeof(there), &text, 1, control, sizeof(control), 0};
		cmsghdr *info = CMSG_FIRSTHDR(&message);
		info->cmsg_level = IPPROTO_IP;
		info->cmsg_type = IP_PKTINFO;
		info->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
		reinterpret_cast<in_pktinfo *>(CMSG_DATA(info))->ipi_spec_dst.s_addr = htonl(from);
		sendmsg(fd_, &message, 0);	// what is lost is sent again
	}

	// False: nothing is there.
	bool receive(u32 &to, socket_address &from, std::string &bytes)
	{
		alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))];
		sockaddr_in there{};
		bytes.resize(4096);
		iovec text{bytes.data(), bytes.size()};
		msghdr message{&there, sizeof(there), &text, 1, control, sizeof(control), 0};
		const ssize_t size = recvmsg(fd_, &message, 0);
		if (size < 0)
			return false;
		bytes.resize(static_cast<size_t>(size));
		from = {ntohl(there.sin_addr.s_addr), ntohs(there.sin_port)};
		for (cmsghdr *info = CMSG_FIRSTHDR(&message); info; info = CMSG_NXTHDR(&message, info))
			if (info->cmsg_level == IPPROTO_IP && info->cmsg_type == IP_PKTINFO)
				to = ntohl(reinterpret_cast<in_pktinfo *>(CMSG_DATA(info))->ipi_addr.s_addr);
		return true;
	}

private:
	int fd_ = -1;
};

// ---- what messages say ---------------------------------------------------------------------

std::string_view field(std::string_view message, std::string_view name)
{
	const size_t at = message.find(name);
	if (at == message.npos)
		return {};
	const size_t begin = at + name.size();
	return message.substr(begin, message.find("\r\n", begin) - begin);
}

u32 number_after(std::string_view text, std::string_view mark)
{
	const size_t at = text.find(mark);
	return at == text.npos ? ~0u : static_cast<u32>(std::strtoul(text.data() + at + mark.size(), nullptr, 10));
}

u32 host_in(std::string_view text)
{
	in_addr host{};
	const std::string copy(text.substr(0, text.find_first_not_of("0123456789.")));
	return inet_pton(AF_INET, copy.c_str(), &host) == 1 ? ntohl(host.s_addr) : 0;
}

// "...@host:port..."
socket_address socket_in(std::string_view uri)
{
	const size_t at = uri.find('@');
	if (at == uri.npos)
		return {};
	const std::string_view rest = uri.substr(at + 1);
	const u32 port = number_after(rest.substr(0, rest.find_first_of(";>")), ":");
	return {host_in(rest), port == ~0u ? sip_port : static_cast<u16>(port)};
}

socket_address media_in(std::string_view message)
{
	return {host_in(field(message, "\r\nc=IN IP4 ")), static_cast<u16>(number_after(message, "\r\nm=audio "))};
}

std::string session(u32 host, u16 port)
{
	return "v=0\r\no=- 1 1 IN IP4 " + text_of(host) + "\r\ns=-\r\nc=IN IP4 " + text_of(host) +
	       "\r\nt=0 0\r\nm=audio " + std::to_string(port) + " RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";
}

std::string with_body(std::string head, const std::string &body)
{
	if (!body.empty())
		head += "Content-Type: application/sdp\r\n";
	return head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// ---- the play ------------------------------------------------------------------------------

enum class step { registering, idle, inviting, talking, ending };

// A phone and, while it has one, its call. The identifiers say which, as phone and number of the call.
struct phone {
	u32 host = 0;
	socket_address seen;		// its Contact as the server was told
	step at = step::idle;
	bool calls = false;		// it began the call; else the server
	bool heard_inside = false, heard_outside = false;
	u32 call = 0;
	u64 began = 0, sent = 0, ends = 0;
	std::string last;		// what is sent again
	socket_address media_outside;	// of the phone, as the server was told
};

struct figures {
	u64 registered = 0, begun = 0, answered = 0, ended = 0, resent = 0, lost = 0, wrong = 0, messages = 0;
	u64 audio_in = 0, audio_out = 0, most = 0;
};

class play {
public:
	play(u32 phones, u32 rate, u32 hold_s, u32 seconds, u32 media_ports)
		: phones_(phones), rate_(rate), hold_(hold_s * 1000 * ms), seconds_(seconds)
	{
		for (u32 i = 0; i < media_ports; i++) {
			audio_.emplace_back("inside", static_cast<u16>(first_media_port + 2 * i));
			epoll_event event{EPOLLIN, {.u32 = i}};
			if (epoll_ctl(heard_, EPOLL_CTL_ADD, audio_[i].descriptor(), &event))
				give_up("epoll");
		}
		for (u32 i = 0; i < phones; i++) {
			phones_[i].host = host_in_net(0x0a010000, i);
			idle_.push_back(i);
		}
	}

	int run()
	{
		enroll();
		const u64 begin = now();
		u64 said = begin;
		const u64 wanted = u64{rate_} * seconds_;
		for (u64 started = 0; started < wanted || live_;) {
			const u64 at = now();
			const u64 due = std::min(wanted, (at - begin) * rate_ / (1000 * ms));
			for (; started < due && !idle_.empty(); started++)
				begin_call(started % 2 == 0, at);
			move(at);
			if (at - said > 1000 * ms) {
				said = at;
				say((at - begin) / (1000 * ms));
			}
			if (at - begin > (u64{seconds_} + 60) * 1000 * ms + hold_)
				break;
		}
		return report();
	}

private:
	static u32 host_in_net(u32 net, u32 number)
	{
		return net + (number / hosts_in_byte << 8) + 1 + number % hosts_in_byte;
	}
	u16 media_port(u32 number) const
	{
		return static_cast<u16>(first_media_port + 2 * (number % audio_.size()));
	}
	static u32 far_media(u32 number) { return host_in_net(0xc6120000, number); }

	static std::string head_of(const phone &p, u32 number, const char *method, const std::string &uri,
				   bool from_phone)
	{
		const std::string id = std::to_string(number) + "." + std::to_string(p.call);
		const socket_address self = from_phone ? socket_address{p.host, sip_port} : server;
		return std::string(method) + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + text_of(self) +
		       ";rport;branch=z9hG4bK" + method + id + "\r\nMax-Forwards: 70\r\nFrom: <sip:u" +
		       std::to_string(number) + "@example.net>;tag=f" + id + "\r\nTo: <sip:t@example.net>" +
		       (*method == 'I' || *method == 'R' ? "" : ";tag=t" + id) + "\r\nCall-ID: c" + id + "\r\nCSeq: " +
		       (*method == 'B' ? "2 " : "1 ") + method + "\r\nContact: <sip:u" + std::to_string(number) + "@" +
		       text_of(self) + ">\r\n";
	}

	static std::string answer(std::string_view request, const socket_address &from, const std::string &contact,
				  const std::string &body)
	{
		std::string via(field(request, "\r\nVia: "));
		if (const size_t at = via.find(";rport"); at != via.npos)
			via.replace(at, 6, ";received=" + text_of(from.host) + ";rport=" + std::to_string(from.port));
		std::string to(field(request, "\r\nTo: "));
		const std::string_view id = field(request, "\r\nCall-ID: c");
		if (to.find(";tag=") == to.npos)
			to += ";tag=t" + std::string(id);
		const std::string from_field(field(request, "\r\nFrom: ")), sequence(field(request, "\r\nCSeq: "));
		return with_body("SIP/2.0 200 OK\r\nVia: " + via + "\r\nFrom: " + from_field + "\r\nTo: " + to +
					 "\r\nCall-ID: c" + std::string(id) + "\r\nCSeq: " + sequence + "\r\nContact: " +
					 contact + "\r\n",
				 body);
	}

	void from_phone(const phone &p, const std::string &text) { inside_.send(p.host, server, text); }
	void from_server(const phone &p, const std::string &text) { outside_.send(server.host, p.seen, text); }

	// Sent again until the next one is.
	void ask(phone &p, bool by_phone, std::string text, u64 at)
	{
		p.last = std::move(text);
		p.sent = at;
		by_phone ? from_phone(p, p.last) : from_server(p, p.last);
	}

	void enroll()
	{
		const u64 begin = now();
		u32 asked = 0;
		const u64 most = (phones_.size() / rate_ + 30) * 1000 * ms;
		while (figures_.registered < phones_.size() && now() - begin < most) {
			const u64 at = now();
			for (; asked < phones_.size() && asked < (at - begin) * rate_ / (1000 * ms); asked++) {
				phone &p = phones_[asked];
				p.at = step::registering;
				p.began = at;
				const std::string head = head_of(p, asked, "REGISTER", "sip:example.net", true);
				ask(p, true, with_body(head + "Expires: 3600\r\n", ""), at);
			}
			move(at);
		}
		std::printf("%llu of %zu registered\n", figures_.registered, phones_.size());
		sleep(2);	// what that took of memory is measured meanwhile
	}

	void begin_call(bool by_phone, u64 at)
	{
		const u32 number = idle_.front();
		idle_.pop_front();
		phone &p = phones_[number];
		const u32 call = p.call + 1;
		const phone before = p;
		p = {};
		p.host = before.host;
		p.seen = before.seen;
		p.call = call;
		p.calls = by_phone;
		p.at = step::inviting;
		p.began = at;
		figures_.begun++;
		live_++;
		figures_.most = std::max(figures_.most, u64{live_});
		due_.push_back({at + resend_after, number, call});
		const std::string uri = by_phone ? "sip:t@example.net"
						 : "sip:u" + std::to_string(number) + "@" + text_of(p.seen);
		const std::string offer = by_phone ? session(p.host, media_port(number))
						   : session(far_media(number), far_media_port);
		ask(p, by_phone, with_body(head_of(p, number, "INVITE", uri, by_phone), offer), at);
	}

	// ---- what arrives

	void move(u64 at)
	{
		u32 to;
		socket_address from;
		std::string bytes;
		for (u32 i = 0; i < 64 && outside_.receive(to, from, bytes); i++)
			at_server(from, bytes, at);
		for (u32 i = 0; i < 64 && inside_.receive(to, from, bytes); i++)
			at_phone(to, from, bytes, at);
		for (u32 i = 0; i < 64 && far_audio_.receive(to, from, bytes); i++)
			audio_at_server(to, from, bytes);
		epoll_event events[64];
		const int heard = epoll_wait(heard_, events, 64, 0);
		for (int i = 0; i < heard; i++)
			if (audio_[events[i].data.u32].receive(to, from, bytes))
				audio_at_phone(to, from, bytes);
		tend(at);
	}

	// Null: it is about nobody, or about what is over.
	phone *phone_of(std::string_view message, u32 &number)
	{
		const std::string_view id = field(message, "\r\nCall-ID: c");
		number = static_cast<u32>(std::strtoul(id.data(), nullptr, 10));
		const u32 call = number_after(id, ".");
		return number < phones_.size() && phones_[number].call == call ? &phones_[number] : nullptr;
	}

	bool is_wrong(bool wrong, std::string_view message)
	{
		if (wrong && ++figures_.wrong <= 3)
			std::printf("wrong:\n%.*s\n", static_cast<int>(message.size()), message.data());
		return wrong;
	}

	void at_server(const socket_address &from, const std::string &text, u64 at)
	{
		u32 number;
		phone *p = phone_of(text, number);
		figures_.messages++;
		if (!p || is_wrong(text.find("10.1.") != text.npos || from.host != router, text))
			return;
		const std::string me = "<sip:t@" + text_of(server) + ">";
		if (text.starts_with("REGISTER")) {
			p->seen = socket_in(field(text, "\r\nContact: "));
			is_wrong(!(p->seen == from), text);
			const std::string contact(field(text, "\r\nContact: "));
			from_server(*p, answer(text, from, contact + ";expires=3600", ""));
		} else if (text.starts_with("INVITE")) {
			p->media_outside = media_in(text);
			is_wrong(p->media_outside.host != router, text);
			from_server(*p, answer(text, from, me, session(far_media(number), far_media_port)));
		} else if (text.starts_with("ACK") || text.starts_with("BYE")) {
			if (*text.data() == 'B')
				from_server(*p, answer(text, from, me, ""));
			else
				talk(*p, number);
		} else if (text.find("\r\nCSeq: 1 INVITE") != text.npos && p->at == step::inviting && !p->calls) {
			p->media_outside = media_in(text);
			is_wrong(p->media_outside.host != router, text);
			from_server(*p, with_body(head_of(*p, number, "ACK", "sip:u@" + text_of(p->seen), false), ""));
			answered(*p, number, at);
		} else if (text.find(" BYE") != text.npos) {
			ended(*p, number);
		}
	}

	void at_phone(u32 to, const socket_address &from, const std::string &text, u64 at)
	{
		u32 number;
		phone *p = phone_of(text, number);
		figures_.messages++;
		if (!p || is_wrong(to != p->host || !(from == server), text))
			return;
		const std::string me = "<sip:u" + std::to_string(number) + "@" + text_of({p->host, sip_port}) + ">";
		const std::string_view sequence = field(text, "\r\nCSeq: ");
		if (text.starts_with("INVITE")) {
			from_phone(*p, answer(text, from, me, session(p->host, media_port(number))));
		} else if (text.starts_with("BYE")) {
			from_phone(*p, answer(text, from, me, ""));
		} else if (text.starts_with("ACK")) {
			talk(*p, number);
		} else if (sequence == "1 REGISTER") {
			if (p->at != step::registering)
				return;
			is_wrong(field(text, "\r\nContact: ").find(text_of(p->host) + ":5060") == text.npos, text);
			p->at = step::idle;
			figures_.registered++;
		} else if (sequence == "1 INVITE" && p->at == step::inviting && p->calls) {
			is_wrong(media_in(text) != socket_address{far_media(number), far_media_port}, text);
			from_phone(*p, with_body(head_of(*p, number, "ACK", "sip:t@" + text_of(server), true), ""));
			answered(*p, number, at);
		} else if (sequence == "2 BYE") {
			ended(*p, number);
		}
	}

	// Who sent the ACK has an answer; who got it speaks first.
	void answered(phone &p, u32 number, u64 at)
	{
		p.at = step::talking;
		p.ends = at + hold_;
		p.sent = at;
		figures_.answered++;
		ending_.push_back({p.ends, number, p.call});
	}

	void talk(phone &p, u32 number)
	{
		if (p.at != step::talking)
			return;
		const std::string mark = std::to_string(number) + "." + std::to_string(p.call);
		audio_[number % audio_.size()].send(p.host, {far_media(number), far_media_port}, std::string("\x80\x00", 2) + mark);
		far_audio_.send(far_media(number), p.media_outside, std::string("\x80\x00", 2) + mark);
	}

	phone *phone_heard(const std::string &bytes, u32 &number)
	{
		if (bytes.size() < 3)
			return nullptr;
		number = static_cast<u32>(std::strtoul(bytes.c_str() + 2, nullptr, 10));
		const u32 call = number_after(bytes, ".");
		return number < phones_.size() && phones_[number].call == call ? &phones_[number] : nullptr;
	}

	void audio_at_server(u32 to, const socket_address &from, const std::string &bytes)
	{
		u32 number;
		phone *p = phone_heard(bytes, number);
		if (!p || is_wrong(to != far_media(number) || !(from == p->media_outside), "audio out"))
			return;
		figures_.audio_out += !p->heard_outside;
		p->heard_outside = true;
	}

	void audio_at_phone(u32 to, const socket_address &from, const std::string &bytes)
	{
		u32 number;
		phone *p = phone_heard(bytes, number);
		const socket_address far{far_media(number), far_media_port};
		if (!p || is_wrong(to != p->host || from != far, "audio in"))
			return;
		figures_.audio_in += !p->heard_inside;
		p->heard_inside = true;
	}

	void ended(phone &p, u32 number)
	{
		if (p.at != step::ending)
			return;
		figures_.ended++;
		leave(p, number);
	}

	void leave(phone &p, u32 number)
	{
		p.at = step::idle;
		idle_.push_back(number);
		live_--;
	}

	// ---- what time brings

	struct due {
		u64 at;
		u32 number, call;
	};

	void tend(u64 at)
	{
		while (!ending_.empty() && ending_.front().at <= at) {
			const due one = ending_.front();
			ending_.pop_front();
			hang_up(one, at);
		}
		while (!due_.empty() && due_.front().at <= at) {
			const due one = due_.front();
			due_.pop_front();
			remind(one, at);
		}
	}

	void hang_up(const due &one, u64 at)
	{
		phone &p = phones_[one.number];
		if (p.call != one.call || p.at != step::talking)
			return;
		p.at = step::ending;
		p.began = at;
		due_.push_back({at + resend_after, one.number, one.call});
		const bool by_phone = one.number % 3;
		std::string uri = by_phone ? "sip:t@" + text_of(server) : "sip:u@" + text_of(p.seen);
		ask(p, by_phone, bye_of(p, one.number, uri, by_phone), at);
	}

	// Who did not begin the call has its tags the other way round.
	std::string bye_of(const phone &p, u32 number, const std::string &uri, bool by_phone) const
	{
		std::string text = with_body(head_of(p, number, "BYE", uri, by_phone), "");
		if (by_phone == p.calls)
			return text;
		const size_t from = text.find(";tag=f"), to = text.find(";tag=t");
		std::swap(text[from + 5], text[to + 5]);
		return text;
	}

	void remind(const due &one, u64 at)
	{
		phone &p = phones_[one.number];
		const bool waits = p.at == step::inviting || p.at == step::ending;
		if (p.call != one.call || !waits || at - p.sent < resend_after)
			return;
		if (at - p.began > lost_after) {
			figures_.lost++;
			leave(p, one.number);
			return;
		}
		figures_.resent++;
		p.sent = at;
		const bool by_phone = p.at == step::inviting ? p.calls : one.number % 3;
		by_phone ? from_phone(p, p.last) : from_server(p, p.last);
		due_.push_back({at + resend_after, one.number, one.call});
	}

	void say(u64 second) const
	{
		std::printf("%llu s: %u calls live, %llu begun, %llu ended, %llu lost, %llu sent again, audio %llu in %llu out\n",
			    second, live_, figures_.begun,
			    figures_.ended, figures_.lost,
			    figures_.resent, figures_.audio_in,
			    figures_.audio_out);
		std::fflush(stdout);
	}

	int report() const
	{
		const auto print = [](const char *name, u64 value) {
			std::printf("%s=%llu\n", name, value);
		};
		print("registered", figures_.registered);
		print("begun", figures_.begun);
		print("answered", figures_.answered);
		print("ended", figures_.ended);
		print("most", figures_.most);
		print("messages", figures_.messages);
		print("resent", figures_.resent);
		print("lost", figures_.lost + live_);
		print("wrong", figures_.wrong);
		print("audio_in", figures_.audio_in);
		print("audio_out", figures_.audio_out);
		const bool all = figures_.registered == phones_.size() && figures_.ended == u64{rate_} * seconds_ &&
				 figures_.audio_in == figures_.ended && figures_.audio_out == figures_.ended;
		return all && !figures_.wrong ? 0 : 1;
	}

	std::vector<phone> phones_;
	std::deque<u32> idle_;
	std::deque<due> due_, ending_;
	u32 rate_;
	u64 hold_;
	u32 seconds_;
	u32 live_ = 0;
	figures figures_;
	std::vector<many_addresses> audio_;	// of the phones, each with a port of its own
	int heard_ = epoll_create1(0);
	many_addresses inside_{"inside", sip_port};
	many_addresses outside_{"outside", sip_port}, far_audio_{"outside", far_media_port};
};

} // namespace

int main(int count, char **words)
{
	const auto number = [words](int at) { return static_cast<u32>(std::strtoul(words[at], nullptr, 10)); };
	if (count != 6 || !number(5) || number(5) > (65536 - first_media_port) / 2) {
		std::fprintf(stderr, "scale: PHONES RATE HOLD SECONDS MEDIA_PORTS\n");
		return 2;
	}
	const rlimit files{number(5) + 100, number(5) + 100};
	if (setrlimit(RLIMIT_NOFILE, &files))
		give_up("RLIMIT_NOFILE");
	return play(number(1), number(2), number(3), number(4), number(5)).run();
}
