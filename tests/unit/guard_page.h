// SPDX-License-Identifier: GPL-2.0
// Memory that ends at a page nobody may touch: one byte read too far is a crash.
#ifndef SIP_EXT_TESTS_GUARD_PAGE_H
#define SIP_EXT_TESTS_GUARD_PAGE_H

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <sys/mman.h>
#include <unistd.h>

class guard_page {
public:
	explicit guard_page(size_t room)
	{
		const size_t page = size_t(sysconf(_SC_PAGESIZE));

		size_ = (room + page - 1) / page * page;
		void *all = mmap(nullptr, size_ + page, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (all == MAP_FAILED || mprotect(static_cast<char *>(all) + size_, page, PROT_NONE))
			abort();
		begin_ = static_cast<char *>(all);
		page_ = page;
	}
	~guard_page() { munmap(begin_, size_ + page_); }
	guard_page(const guard_page &) = delete;
	guard_page &operator=(const guard_page &) = delete;

	size_t size() const { return size_; }

	// A copy of the bytes whose end is the end of what may be read.
	const char *place(const char *bytes, size_t length)
	{
		char *at = begin_ + size_ - length;

		if (length)
			memcpy(at, bytes, length);
		return at;
	}

private:
	char *begin_ = nullptr;
	size_t size_ = 0;
	size_t page_ = 0;
};

#endif
