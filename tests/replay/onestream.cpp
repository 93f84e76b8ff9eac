// SPDX-License-Identifier: GPL-2.0
// onestream [--named HOST] SEED BACK CALLER HOME OWN LISTENING TARGET DIR...: sends every message
// below each DIR (`own`: the project's own cases) over TCP through the router.
//   CALLER, HOME     descriptors of the network namespaces of who connects and who listens
//   OWN, LISTENING   their addresses; TARGET: what the caller connects to. All use port 5060, but
//                    the caller any
//   BACK             1: who listens sends the messages, 0: who connects
// Each message goes over a connection of its own, cut at random places, and FIN behind it. Where
// its length is right (it is given one where it has none), a request goes between the two that
// shows whether the stream is still followed: its phone's address must be translated. Then all
// messages that left it followed go together, twenty in a stream, cut at random places that know
// nothing of messages. Without --named, those with a length go together at once, and alone if
// their stream was not followed to its end.
// Prints `sent N`, `changed N`, `framed N`, `followed N`, `streams N`, `left NAME` for those that
// have a length and end the following nevertheless, and `fault TEXT` lines.
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "one_message.h"
#include "place.h"

namespace {

constexpr int sip_port = 5060, first_port = 6000, last_port = 65535;
constexpr int patience_ms = 20000;
constexpr size_t together = 20;
constexpr size_t longest = 65535;
const char fence_start[] = "OPTIONS sip:fence@";

using batch = std::vector<std::pair<std::string, std::string>>;	// name and bytes

struct route {
	bool back, quick;
	int caller, home;	// namespaces
	const char *own, *listening, *target;
};

void must(bool good, const char *what)
{
	if (!good)
		throw std::runtime_error(std::string(what) + ": " + strerror(errno));
}

int socket_in(int where, const char *host, int port)
{
	const one_way::place own = one_way::place_of(host, port);
	const int one = 1;

	must(setns(where, CLONE_NEWNET) == 0, "setns");
	const int made = socket(own.family(), SOCK_STREAM, 0);
	must(made >= 0, "socket");
	setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	must(bind(made, own.raw(), own.size) == 0, "bind");
	return made;
}

// The length of the message at the start of the text, by its one Content-Length (RFC 3261
// 18.3); 0 if it has none, or is not all there.
size_t framed_length(const std::string &text)
{
	size_t at = text.find_first_not_of("\r\n"), length = std::string::npos;
	const std::string start = at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);

	if (start.find("SIP/2.0") == std::string::npos)
		return 0;
	for (;;) {
		const size_t end = text.find('\n', at);
		if (end == std::string::npos)
			return 0;
		const std::string line = text.substr(at, end - at);
		at = end + 1;
		if (line.empty() || line == "\r")
			break;
		const size_t colon = line.find(':');
		const std::string name = line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1);
		if (colon == std::string::npos || (strcasecmp(name.c_str(), "content-length") && strcasecmp(name.c_str(), "l")))
			continue;
		const size_t digits = line.find_first_not_of(" \t", colon + 1);
		const size_t stop = line.find_first_not_of("0123456789", digits);
		const std::string rest = stop == std::string::npos ? "" : line.substr(stop);
		const bool good = digits != std::string::npos && stop != digits &&
				  rest.find_first_not_of(" \t\r") == std::string::npos;
		if (!good || length != std::string::npos || text.find_first_of(" \t", at) == at)
			return 0;
		length = strtoul(line.c_str() + digits, nullptr, 10);
	}
	return length != std::string::npos && length <= longest && at + length <= text.size() ? at + length : 0;
}

// A stream's messages must have a length (RFC 3261 20.14): the same with one, where it has none.
// Empty where it has, or where nobody can say where its header ends.
std::string with_length(const std::string &text)
{
	const bool crlf = text.find("\r\n") != std::string::npos;
	const std::string gap = crlf ? "\r\n\r\n" : "\n\n";
	const size_t at = text.find(gap);

	if (at == std::string::npos || one_way::length_of(text).slack != one_way::unknown)
		return "";
	const size_t end = at + gap.size() / 2;
	std::string made = text;
	made.insert(end, "Content-Length: " + std::to_string(text.size() - at - gap.size()) + gap.substr(gap.size() / 2));
	return framed_length(made) == made.size() ? made : "";
}

// One connection through the router.
class connection {
public:
	connection(const route &way, int gate, int port) : back_(way.back)
	{
		const one_way::place target = one_way::place_of(way.target, sip_port);
		const int one = 1;

		near_ = socket_in(way.caller, way.own, port);
		must(connect(near_, target.raw(), target.size) == 0, "connect");
		far_ = accept(gate, seen_.raw(), &seen_.size);
		must(far_ >= 0, "accept");
		setsockopt(sender(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	~connection()
	{
		close(near_);
		close(far_);
	}
	connection(const connection &) = delete;
	connection &operator=(const connection &) = delete;

	// Who is inside, as itself and as its peer knows it.
	std::string own() const
	{
		one_way::place here;
		getsockname(near_, here.raw(), &here.size);
		return one_way::text_of(here);
	}
	std::string seen() const { return one_way::text_of(seen_); }

	// Sends the pieces and FIN, and reads until its end.
	std::string carry(const std::vector<std::string> &pieces)
	{
		std::string got;
		size_t place = 0, at = 0;
		bool ended = false;

		fcntl(sender(), F_SETFL, O_NONBLOCK);
		fcntl(receiver(), F_SETFL, O_NONBLOCK);
		while (!ended) {
			const bool moved = send_some(pieces, place, at) | read_some(got, ended);
			if (place == pieces.size() && !finished_) {
				shutdown(sender(), SHUT_WR);
				finished_ = true;
			}
			if (!moved && !ended && !wait(place < pieces.size()))
				throw std::runtime_error("stalled after " + std::to_string(got.size()) + " bytes");
		}
		return got;
	}

private:
	int sender() const { return back_ ? far_ : near_; }
	int receiver() const { return back_ ? near_ : far_; }
	bool send_some(const std::vector<std::string> &pieces, size_t &place, size_t &at)
	{
		bool moved = false;

		while (place < pieces.size()) {
			const std::string &piece = pieces[place];
			const ssize_t size = send(sender(), piece.data() + at, piece.size() - at, MSG_NOSIGNAL);
			if (size < 0) {
				must(errno == EAGAIN, "send");
				break;
			}
			moved = true;
			at += static_cast<size_t>(size);
			if (at == piece.size())
				place++, at = 0;
		}
		return moved;
	}
	bool read_some(std::string &got, bool &ended)
	{
		static char room[1 << 16];
		const ssize_t size = recv(receiver(), room, sizeof(room), 0);

		if (size < 0)
			must(errno == EAGAIN, "recv");
		if (size > 0)
			got.append(room, static_cast<size_t>(size));
		ended = size == 0;
		return size > 0;
	}
	bool wait(bool sending)
	{
		pollfd ready[2] = {{receiver(), POLLIN, 0}, {sender(), POLLOUT, 0}};
		return poll(ready, sending ? 2 : 1, patience_ms) > 0;
	}

	bool back_, finished_ = false;
	int near_ = -1, far_ = -1;
	one_way::place seen_;
};

class courier {
public:
	courier(const route &way, u32 seed) : way_(way), chance_(seed)
	{
		gate_ = socket_in(way.home, way.listening, sip_port);
		must(listen(gate_, 64) == 0, "listen");
	}

	void deliver(const std::string &name, const std::string &message)
	{
		sent_++;
		if (way_.quick && is_framed(message))
			framed_++, kept_.emplace_back(name, message);
		else
			try_alone(name, message);
		if (kept_.size() == together)
			stream();
	}
	int report()
	{
		if (!kept_.empty())
			stream();
		printf("sent %u\nchanged %u\nframed %u\n", sent_, changed_, framed_);
		printf("followed %u\nstreams %u\n", followed_, streams_);
		return 0;
	}

private:
	void fault(const std::string &text) { printf("fault %s\n", text.c_str()); }
	// Each has one of its own: conntrack remembers those that ended.
	int next_port()
	{
		port_ = port_ < last_port ? port_ + 1 : first_port;
		return port_;
	}
	size_t below(size_t limit) { return limit ? chance_() % limit : 0; }

	std::vector<std::string> cut(const std::string &text, size_t most)
	{
		std::vector<std::string> pieces;

		for (size_t at = 0; at < text.size();) {
			const size_t size = 1 + below(below(3) ? most : 20);
			pieces.push_back(text.substr(at, size));
			at += size;
		}
		return pieces;
	}
	// A request that is translated wherever the stream is followed.
	std::string fence(const connection &on) const
	{
		const bool outward = !way_.back && strcmp(way_.target, way_.listening) == 0;
		const std::string phone = outward ? on.own() : way_.back ? on.seen() : one_way::in_uri(way_.target) + ":5060";
		const std::string uri = outward ? "far.example" : phone;
		const std::string contact = outward ? phone : "far.example";

		return std::string(fence_start) + uri + " SIP/2.0\r\nVia: SIP/2.0/TCP near.example;branch=z9hG4bK-fence\r\n"
		       "From: <sip:a@near.example>;tag=1\r\nTo: <sip:b@far.example>\r\nCall-ID: fence\r\nCSeq: 1 OPTIONS\r\n"
		       "Contact: <sip:a@" + contact + ">\r\nContent-Length: 0\r\n\r\n";
	}
	static bool is_framed(const std::string &message)
	{
		return message.size() <= longest && framed_length(message) == message.size();
	}
	void try_alone(const std::string &name, const std::string &message)
	{
		try {
			alone(name, message);
		} catch (const std::runtime_error &error) {
			fault(name + ": " + error.what());
		}
	}
	void alone(const std::string &name, const std::string &message)
	{
		connection on(way_, gate_, next_port());
		const bool framed = is_framed(message);
		const std::string behind = framed ? fence(on) : "";
		std::string got = on.carry(cut(message + behind, message.size() / (1 + below(4)) + 1));

		framed_ += framed && !way_.quick;
		if (framed) {
			const size_t at = got.rfind(fence_start);
			if (at == std::string::npos) {
				fault(name + ": what comes behind it did not arrive");
				return;
			}
			const bool left = got.compare(at, std::string::npos, behind) == 0;
			got.resize(at);
			followed_ += !left;
			if (left)
				printf("left %s\n", name.c_str());
			else if (!way_.quick)
				kept_.emplace_back(name, message);
		}
		compare(name, message, got);
	}
	void compare(const std::string &name, const std::string &message, const std::string &got)
	{
		if (got == message)
			return;
		changed_++;
		const std::string wrong = one_way::fault_of(message, got);
		if (!wrong.empty())
			fault(name + ": " + wrong);
	}
	void stream()
	{
		const batch messages = std::move(kept_);
		std::string all;

		kept_.clear();
		streams_++;
		for (const auto &[name, message] : messages)
			all += message;
		std::string wrong;
		try {
			connection on(way_, gate_, next_port());
			const std::string behind = fence(on);
			wrong = take_apart(messages, on.carry(cut(all + behind, 3000)), behind);
		} catch (const std::runtime_error &error) {
			wrong = std::string("in a stream: ") + error.what();
		}
		if (wrong.empty()) {
			followed_ += way_.quick ? static_cast<u32>(messages.size()) : 0;
			return;
		}
		if (!way_.quick)
			fault(messages[0].first + " to " + messages.back().first + ": " + wrong);
		else	// which of them was it?
			for (const auto &[name, message] : messages)
				try_alone(name, message);
	}
	// What is wrong with what became of them.
	std::string take_apart(const batch &messages, std::string got, const std::string &behind)
	{
		u32 changed = 0;

		for (const auto &[name, message] : messages) {
			const size_t length = framed_length(got);
			const std::string wrong = length ? one_way::fault_of(message, got.substr(0, length)) : "is not there";
			if (!wrong.empty())
				return name + ": behind others " + wrong;
			changed += got.compare(0, length, message) != 0;
			got.erase(0, length);
		}
		if (got == behind || framed_length(got) != got.size())
			return "the stream was not followed to its end";
		changed_ += way_.quick ? changed : 0;
		return "";
	}

	route way_;
	std::mt19937 chance_;
	int gate_, port_ = first_port;
	u32 sent_ = 0, changed_ = 0, framed_ = 0, followed_ = 0, streams_ = 0;
	batch kept_;
};

} // namespace

int main(int argc, char **argv)
{
	const bool naming = argc > 2 && !strcmp(argv[1], "--named");
	char **words = argv + (naming ? 3 : 1);
	char **end = argv + argc;

	if (end - words < 8) {
		fprintf(stderr, "usage: onestream [--named HOST] SEED BACK CALLER HOME OWN LISTENING TARGET DIR...\n");
		return 2;
	}
	const route way{words[1][0] == '1', !naming, atoi(words[2]), atoi(words[3]), words[4], words[5], words[6]};
	courier post(way, static_cast<u32>(strtoul(words[0], nullptr, 10)));
	const auto give = [&](const std::string &name, const std::string &text) {
		const std::string fitted = with_length(text);
		post.deliver(name, text);
		if (!fitted.empty())
			post.deliver(name + " with a length", fitted);
	};
	one_way::each_message({words + 7, end}, naming ? argv[2] : "", give);
	return post.report();
}
