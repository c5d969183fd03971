#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
# No job, but for one: unload every module but those of the subsystem itself; fail if one stays that could go.

subsystem=' dma_buf dma_heap system_heap cma_heap udmabuf sw_sync '

# Lines of /proc/modules about the others.
others() {
	while read -r name rest; do
		case $subsystem in *" $name "*) ;; *) echo "$name $rest" ;; esac
	done </proc/modules
}

# one goes after the other, as long as one does
while progress=; do
	for name in $(others | cut -d ' ' -f 1); do
		! rmmod "$name" 2>/dev/null || progress=1
	done
	[ -n "$progress" ] || break
done
# field 4 is who uses it: nobody, but it did not go. A driver without an end (qcom_scm) says "[permanent]" there.
! others | grep -E '^[^ ]+ [^ ]+ [^ ]+ - '
