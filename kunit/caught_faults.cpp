// SPDX-License-Identifier: GPL-2.0
// The C++ half of caught.c.
#include "kunit/caught.h"

namespace {

constexpr unsigned int room_size = 24;

unsigned char global_room[room_size];
volatile unsigned int numbers[room_size];

} // namespace

unsigned char sipx_caught_cxx_read(const unsigned char *room, unsigned int place)
{
	return *static_cast<const volatile unsigned char *>(room + place);
}

void sipx_caught_cxx_write(unsigned char *room, unsigned int place)
{
	*static_cast<volatile unsigned char *>(room + place) = 1;
}

unsigned char sipx_caught_cxx_stack(unsigned int place)
{
	volatile unsigned char room[room_size] = {};
	const volatile unsigned char *first = room;

	return first[place];
}

unsigned char sipx_caught_cxx_global(unsigned int place)
{
	const volatile unsigned char *first = global_room;

	return first[place];
}

unsigned int sipx_caught_cxx_index(unsigned int place)
{
	return numbers[place];
}

unsigned int sipx_caught_cxx_shift(unsigned int by)
{
	return 1u << by;
}
