// SPDX-License-Identifier: GPL-2.0
#include "message.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "../tests/fake/peers.h"
#include "../tests/fake/text.h"

namespace bench {

namespace {

std::string fill(std::string text, const words &values)
{
	for (const auto &[name, value] : values)
		text = fake::with(text, "{" + name + "}", value);
	return text;
}

} // namespace

std::string message(const std::string &file, const words &values)
{
	std::ifstream in(file);
	std::stringstream all;
	all << in.rdbuf();
	if (all.str().empty()) {
		fprintf(stderr, "%s: no message\n", file.c_str());
		exit(2);
	}
	const std::string text = fake::with(fill(all.str(), values), "\n", "\r\n");
	const size_t body = text.find("\r\n\r\n") + 4;
	return fill(text, {{"length", std::to_string(text.size() - body)}});
}

words numbered(int number, int port)
{
	std::string id = std::to_string(number);
	id.insert(0, 8 - id.size(), '0');
	return {{"id", id}, {"port", std::to_string(port)}, {"rtcp", std::to_string(port + 1)}};
}

void name_socket(words &values, const std::string &name, const sip::endpoint &socket)
{
	values[name] = fake::text_of(socket);
	values[name + "_host"] = fake::host_of(socket);
}

} // namespace bench
