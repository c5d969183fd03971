# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the operations cost, group by group; with dmabuf.only=GROUP dmabuf.op=NAME only that one, for a profile.

. /jobs/lib.sh
# where a mapping lies decides how many page tables it takes
echo 0 >/proc/sys/kernel/randomize_va_space
# how much buffers take is measured before anything else has left its memory to them
[ "$ONLY" != pool ] || program plain bench-pool 3000 bench pool
for group in memory user module jobs growth; do
	# shellcheck disable=SC2046 # a name, or no argument
	! wanted $group || program plain "bench-$group" 3000 bench $group $(word op)
	# the next group loads it once more
	[ ! -d /sys/module/bench_calls ] || rmmod bench_calls
done
