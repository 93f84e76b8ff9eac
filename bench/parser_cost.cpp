// SPDX-License-Identifier: GPL-2.0
// What the parser that is linked in costs. Run by bench/parser-cost:
//   cost-NAME check TOP SETS   what is not as it should be, in lines
//   cost-NAME time TOP SETS    task, number, name, bytes, fate, nanoseconds; tabs between
//   cost-NAME count TOP SETS LEFT-OUT...   the same samples under callgrind
// SETS: "ordinary" messages alone; "": the hostile sets, too; or a folder of more messages.
// LEFT-OUT: TASK/NUMBER of what did not come to its end.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "counted.h"
#include "parser.h"

namespace {

using namespace bench;
using ns = std::chrono::duration<double, std::nano>;

constexpr unsigned slowest_s = 4;	// for all batches of one message
constexpr double batch_ns = 100000;

double time_of(const task &what, const sample &one, unsigned times)
{
	const auto start = std::chrono::steady_clock::now();
	for (unsigned i = 0; i < times; i++)
		what.run(one);
	return ns(std::chrono::steady_clock::now() - start).count() / times;
}

// The shortest batch: the one that nothing else came between.
double least_time(const task &what, const sample &one)
{
	const unsigned batches = one.kind == sort::hostile ? 5 : 400;
	double best = time_of(what, one, 1);
	const unsigned times = best < batch_ns ? static_cast<unsigned>(batch_ns / best) + 1 : 1;
	for (unsigned i = 0; i < batches; i++)
		best = std::min(best, time_of(what, one, times));
	return best;
}

struct figure {
	bool accepted;
	double took;
};

// In a process of its own: a library may crash, or never end.
std::string measure(const task &what, const sample &one)
{
	int pipe_ends[2];
	if (!what.prepare(one))
		return "nothing\t0";
	fflush(stdout);
	const pid_t child = pipe(pipe_ends) ? -1 : fork();
	if (child < 0) {
		perror("no process to measure in");
		exit(1);
	}
	if (!child) {
		alarm(slowest_s);
		figure made{what.run(one), 0};
		made.took = least_time(what, one);
		_exit(write(pipe_ends[1], &made, sizeof(made)) == sizeof(made) ? 0 : 1);
	}
	close(pipe_ends[1]);
	figure made{};
	const bool whole = read(pipe_ends[0], &made, sizeof(made)) == sizeof(made);
	close(pipe_ends[0]);
	int status = 0;
	waitpid(child, &status, 0);
	if (!whole)
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "slow\t0" : "crashed\t0";
	char text[64];
	snprintf(text, sizeof(text), "%s\t%.2f", made.accepted ? "accepted" : "refused", made.took);
	return text;
}

// How long a processor's cycle is now: an addition that needs the last one's result takes one.
double cycle_ns()
{
	constexpr unsigned count = 20000, at_once = 16;
	double best = 1;
	for (int batch = 0; batch < 1000; batch++) {
		unsigned long sum = 0, step = 1;
		const auto start = std::chrono::steady_clock::now();
		for (unsigned i = 0; i < count; i++) {
#pragma GCC unroll 16
			for (unsigned k = 0; k < at_once; k++) {
				asm volatile("" : "+r"(step), "+r"(sum));
				sum += step;
			}
		}
		asm volatile("" : "+r"(sum));
		best = std::min(best, ns(std::chrono::steady_clock::now() - start).count() / (count * at_once));
	}
	return best;
}

void time_all(const std::vector<sample> &all)
{
	for (const task &what : tasks())
		for (size_t i = 0; i < all.size(); i++)
			printf("%s\t%zu\t%s\t%zu\t%s\n", what.name, i, all[i].name.c_str(), all[i].bytes.size(),
			       measure(what, all[i]).c_str());
	printf("cycle\t%.4f\n", cycle_ns());
}

// Each ordinary message by itself, and each of the worst; the other sets as one.
bool stands_alone(const sample &one) { return one.kind != sort::hostile || one.name == "worst inputs"; }

void count(const task &what, const sample &one)
{
	CALLGRIND_TOGGLE_COLLECT;
	what.run(one);
	CALLGRIND_TOGGLE_COLLECT;
}

// What counting itself takes is told apart, to be taken off again.
void count_nothing()
{
	const task nothing{"nothing", nullptr, [](const sample &) { return true; }, nullptr};
	CALLGRIND_ZERO_STATS;
	count(nothing, {});
	dump("nothing", nothing.name, 1, 0);
}

class counted {
public:
	explicit counted(const task &what) : what_(what) {}

	void add(size_t number, const sample &one)
	{
		if (count_ && (stands_alone(one) || one.name != name_))
			end();
		if (!what_.prepare(one))
			return;
		if (!count_)
			CALLGRIND_ZERO_STATS;
		count(what_, one);
		name_ = one.name;
		first_ = count_ ? first_ : number;
		count_++;
		size_ += one.bytes.size();
	}
	void end()
	{
		if (count_)
			dump(std::to_string(first_), what_.name, count_, size_);
		count_ = size_ = 0;
	}

private:
	const task &what_;
	std::string name_;
	size_t first_ = 0, count_ = 0, size_ = 0;
};

void count_all(const std::vector<sample> &all, const std::set<std::string> &left_out)
{
	count_nothing();
	for (const task &what : tasks()) {
		if (what.prepare(all[0]))	// tables that are made the first time, and the linker's work
			what.run(all[0]);
		counted region(what);
		for (size_t i = 0; i < all.size(); i++)
			if (!left_out.count(std::string(what.name) + "/" + std::to_string(i)))
				region.add(i, all[i]);
		region.end();
	}
}

void check(const task &what, const sample &one)
{
	if (!what.prepare(one))
		return;
	const bool good = what.run(one);
	if (good != (one.kind == sort::sip))
		printf("%s: %s %s it\n", one.name.c_str(), what.name, good ? "accepts" : "refuses");
	else if (good && what.result && what.result(one) != one.translated)
		printf("%s: became\n%s\nand not\n%s\n", one.name.c_str(), what.result(one).c_str(), one.translated.c_str());
}

void check_all(const std::vector<sample> &all)
{
	for (const task &what : tasks())
		for (const sample &one : all)
			check(what, one);
}

} // namespace

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	const std::string way = argv[1], top = argv[2], corpora = argv[3];
	std::vector<sample> all = ordinary_samples(top);
	if (way == "check")
		check_all(all);
	if (corpora != "ordinary")
		for (const sample &one : hostile_samples(top, corpora))
			all.push_back(one);
	if (way == "time")
		time_all(all);
	else if (way == "count")
		count_all(all, {argv + 4, argv + argc});
	return 0;
}
