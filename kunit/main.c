// SPDX-License-Identifier: GPL-2.0
/*
 * The module: the suites, and the tables of cases as suites with a test for each case.
 */
#include <kunit/test.h>
#include <linux/ctype.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "internal.h"
#include "kunit.h"
#include "suites.h"

#define NAME_MAX_LENGTH 80
#define FAILURE_MAX_LENGTH 16384
#define CASES_MAX 1000

struct case_table {
	u32 (*count)(void);
	u32 (*name)(u32 index, const char **name);
	bool (*run)(u32 index, char *failure, u32 size);
	char (*names)[NAME_MAX_LENGTH];
	struct kunit_case *cases;
};

/* not on the heap: KUnit looks at them once more after the module's exit */
static char parse_names[CASES_MAX][NAME_MAX_LENGTH], road_names[CASES_MAX][NAME_MAX_LENGTH];
static struct kunit_case parse_cases[CASES_MAX + 1], road_cases[CASES_MAX + 1];

static void *parse_room;
static char *failure;
static bool prepared;

static bool run_parse_case(u32 index, char *says, u32 size)
{
	return sipx_kunit_parse_run(index, parse_room, says, size);
}

static struct case_table parse_table, road_table;

static void run_case(struct kunit *test, struct case_table *table)
{
	/* the name of the running test is the table's own text: its place is its number */
	u32 index = (u32)(test->name - table->names[0]) / NAME_MAX_LENGTH;

	KUNIT_ASSERT_LT(test, index, table->count());
	failure[0] = '\0';
	if (!table->run(index, failure, FAILURE_MAX_LENGTH))
		KUNIT_FAIL(test, "%s", failure);
}

static void run_parse(struct kunit *test)
{
	run_case(test, &parse_table);
}

static void run_road(struct kunit *test)
{
	run_case(test, &road_table);
}

static int prepare_suite(struct kunit_suite *suite);

static struct kunit_suite parse_suite = {
	.name = "sip_ext_parse", .suite_init = prepare_suite, .test_cases = parse_cases,
};
static struct kunit_suite road_suite = {
	.name = "sip_ext_road", .suite_init = prepare_suite, .test_cases = road_cases,
};

static struct case_table parse_table = {
	sipx_kunit_parse_count, sipx_kunit_parse_name, run_parse_case, parse_names, parse_cases,
};
static struct case_table road_table = {
	sipx_kunit_road_count, sipx_kunit_road_name, sipx_kunit_road_run, road_names, road_cases,
};

/* TAP gives '#' a meaning, and names are one line. */
static void copy_name(char *to, const char *from, u32 length)
{
	u32 i;

	for (i = 0; i < length && i < NAME_MAX_LENGTH - 1; i++)
		to[i] = isprint(from[i]) && from[i] != '#' ? from[i] : '_';
	to[i] = '\0';
}

static int make_cases(struct case_table *table, void (*run)(struct kunit *test))
{
	u32 i, count = table->count();

	if (count > CASES_MAX) {
		pr_err("sip_ext_kunit: %u cases in a table, room for %u\n", count, CASES_MAX);
		return -E2BIG;
	}
	for (i = 0; i < count; i++) {
		const char *name;
		u32 length = table->name(i, &name);

		copy_name(table->names[i], name, length);
		table->cases[i].run_case = run;
		table->cases[i].name = table->names[i];
	}
	return 0;
}

static int prepare_halves(void)
{
	int err = sipx_kunit_helper_init();

	if (err)
		return err;
	err = sipx_kunit_nat_init();
	if (err)
		sipx_kunit_helper_exit();
	return err;
}

/*
 * Some kernels run the suites before the module's own init, some after it: whoever comes
 * first prepares.
 */
static int prepare(void)
{
	int err;

	if (prepared)
		return 0;
	parse_room = vzalloc(sipx_kunit_parse_room());
	failure = vzalloc(FAILURE_MAX_LENGTH);
	if (!parse_room || !failure)
		return -ENOMEM;
	err = make_cases(&parse_table, run_parse);
	if (!err)
		err = make_cases(&road_table, run_road);
	if (!err)
		err = prepare_halves();
	prepared = !err;
	return err;
}

static int prepare_suite(struct kunit_suite *suite)
{
	return prepare();
}

static int __init sip_ext_kunit_init(void)
{
	return prepare();
}

static void __exit sip_ext_kunit_exit(void)
{
	sipx_kunit_nat_exit();
	sipx_kunit_helper_exit();
	vfree(parse_room);
	vfree(failure);
}

kunit_test_suites(&parse_suite, &road_suite, &sipx_packets_suite, &sipx_pinholes_suite,
		  &sipx_mappings_suite, &sipx_glue_suite, &sipx_segments_suite, &sipx_tcp_suite,
		  &sipx_tcp_limits_suite, &sipx_log_suite);

module_init(sip_ext_kunit_init);
module_exit(sip_ext_kunit_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of the SIP application layer gateway");
