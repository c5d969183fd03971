# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What user space sees of the subsystem without using it: trace events, debugfs, parameters, devices. To the host as one
# file, which is compared with what a kernel with the C files shows. Numbers that the kernel gives out as it likes are left out.

. /jobs/lib.sh
out=/tmp/inventory.txt

# Type, mode and owner of everything at or below some paths.
stats() { find "$@" -exec stat -c '%A %u:%g %n' {} + 2>&1 | LC_ALL=C sort -k 3; }

{
	echo "== trace events"
	cd /sys/kernel/tracing/events || exit
	for event in dma_buf/* dma_fence/* sync_trace/*; do
		[ -e "$event/format" ] || continue
		echo "-- $event"
		grep -v '^ID:' "$event/format"
	done

	echo "== debugfs"
	cd /sys/kernel/debug || exit
	stats dma_buf sync
	echo "-- dma_buf/bufinfo"
	cat dma_buf/bufinfo
	echo "-- sync/info"
	cat sync/info
	echo "-- sync/info, with a timeline"
	exec 4<>sync/sw_sync
	cat sync/info
	exec 4>&-

	echo "== module parameters"
	cd /sys/module || exit
	for file in dma_buf*/parameters/* dma_fence*/parameters/* dma_resv*/parameters/* dma_heap/parameters/* \
		system_heap/parameters/* cma_heap/parameters/* udmabuf/parameters/* sw_sync/parameters/* sync_*/parameters/*; do
		[ -e "$file" ] || continue
		stat -c '%A %u:%g %n' "$file"
		cat "$file"
	done

	echo "== devices"
	stats /dev/dma_heap /dev/udmabuf
	sed -n 's/^ *[0-9]* \(.*dma.*\)$/major number of \1/p' /proc/devices
	sed -n 's/^ *[0-9]* \(.*dma.*\)$/minor number of \1/p' /proc/misc
	for file in /sys/class/dma_heap/* /sys/class/misc/udmabuf; do
		echo "-- $file"
		(cd "$file" && pwd -P && stats . ! -path '*/power*' && grep -v -e '^MAJOR=' -e '^MINOR=' uevent)
	done

	echo "== file systems"
	grep -i -e dma -e sync /proc/filesystems
	grep -i -e dma -e sync_ /proc/mounts
} >$out 2>&1
send_file $out
program plain "inventory taken" 300 test -s $out
