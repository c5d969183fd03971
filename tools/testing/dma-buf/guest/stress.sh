# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# A minute of everything at once on all CPUs; the kernel must have nothing to say about it.

. /jobs/lib.sh
mark="job $JOB: quiet from here"

# What the scheduler and the tick say when the host lets a CPU stand still.
slow='sched: DL replenish lagged too much|NOHZ tick-stop error: local softirq work is pending'

# Kernel messages since the mark of level warning or worse.
quiet() {
	dmesg -r >/tmp/log
	grep -q "$mark" /tmp/log || { echo "the log has overflowed"; return 1; }
	! sed "1,/$mark/d" /tmp/log | grep '^<[0-4]>' | grep -vE "$slow"
}

echo "$mark" >/dev/kmsg
program tap sync_stress 1500 sync_stress 60
quiet >/tmp/quiet 2>&1
status=$?
program plain "sync_stress: no kernel message of level warning or worse" 300 sh -c "cat /tmp/quiet; exit $status"
