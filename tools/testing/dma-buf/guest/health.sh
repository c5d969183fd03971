# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# After a job: how the kernel fared, beyond what it wrote into its log.

. /jobs/lib.sh
if [ -e /sys/kernel/debug/kmemleak ]; then
	# the scanner reports what stays unreferenced over two scans some seconds apart
	for _ in 1 2; do
		sleep 6
		echo scan >/sys/kernel/debug/kmemleak || echo "kmemleak: no scan, is it disabled?"
	done
	cat /sys/kernel/debug/kmemleak >/tmp/kmemleak.txt
	send_file /tmp/kmemleak.txt
fi
# lockdep stops watching after its first report, or when a table of it is full
[ ! -e /proc/lockdep_stats ] || printf '\n# lockdep %s\n' "$(awk '/debug_locks:/ { print $2 }' /proc/lockdep_stats)" >&3
printf '\n# taint %s\n' "$(cat /proc/sys/kernel/tainted)" >&3
