# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Everything there is comes up: the kernel, which it has by now, and each module. And a program runs, if one is named.

. /jobs/lib.sh
find /lib/modules -name '*.ko' | sort | while read -r path; do
	program plain "modprobe $(basename "$path" .ko)" 60 modprobe "$(basename "$path" .ko)"
done
program plain "all modules are there" 10 lsmod
[ -z "$ONLY" ] || test_program "$ONLY" 1500
