#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The KUnit tests, as TAP. In the router, without the modules they test (they have their
# own copy):
#   make kunit KDIR=$(scripts/lab kdir uml-6.1) O=build/kunit/uml-6.1
#   scripts/lab run --no-load --env KUNIT_MODULE=$PWD/build/kunit/uml-6.1/sip_ext_kunit.ko \
#       tests/lab/kunit.sh
# `make kunit-test KERNEL=uml-6.1` does both.
. "$LAB_LIB"

module=${KUNIT_MODULE:-$LAB_MODULES/sip_ext_kunit.ko}
# as in kunit/pinholes.c
echo 1100 >/proc/sys/net/netfilter/nf_conntrack_expect_max
dmesg -C
if ! insmod "$module" 2>/tmp/insmod; then
	tap_not_ok "$module loads" "$(cat /tmp/insmod)" "$(dmesg | tail -n 5)"
	tap_done
	exit 1
fi
# Newer kernels may be configured to run a suite only when somebody asks for it
if ! dmesg | grep -q '# Subtest: sip_ext_'; then
	for run in /sys/kernel/debug/kunit/sip_ext_*/run; do
		[ ! -w "$run" ] || echo run >"$run"
	done
fi
dmesg >/tmp/kunit.log
tap_check "the module can be removed again" rmmod sip_ext_kunit

# KTAP, each test once: "ok N name" indented below its suite, suites at the margin
python3 -S - /tmp/kunit.log "$tap_count" "$tap_failed" <<'END'
import re, sys

log = [re.sub(r"^(<\d+>)?\[ *\d+\.\d+\] ?", "", line.rstrip("\n"))
       for line in open(sys.argv[1], errors="replace")]
number, failed = int(sys.argv[2]), int(sys.argv[3])
first, suite, said, planned, seen = number, "", [], {}, {}

for line in log:
    line = re.sub(r"^( *)KTAP version \d+.*", "", line)
    plan = re.match(r" +1\.\.(\d+)$", line)
    name = re.match(r" +# Subtest: (.*)", line)
    result = re.match(r"( +)(ok|not ok) (\d+) (?:- )?(.*)", line)
    if name:
        suite = name.group(1)
        said = []
    elif plan and suite:
        planned[suite] = int(plan.group(1))
    elif result:
        seen[suite] = seen.get(suite, 0) + 1
        number += 1
        failed += result.group(2) != "ok"
        print(f"{result.group(2)} {number} - {suite}: {result.group(4)}")
        if result.group(2) != "ok":
            print("".join(f"# {text.strip()}\n" for text in said), end="")
        said = []
    elif line.strip():
        said.append(line)

for suite, count in planned.items():
    if seen.get(suite, 0) != count:
        number += 1
        failed += 1
        print(f"not ok {number} - {suite}: runs all its tests")
        print(f"# planned {count}, ran {seen.get(suite, 0)}")
if number == first or len(planned) < 4:
    number += 1
    failed += 1
    print(f"not ok {number} - the kernel ran our tests")
    print("".join(f"# {line}\n" for line in log[-30:]), end="")
print(f"1..{number}")
sys.exit(failed != 0)
END
