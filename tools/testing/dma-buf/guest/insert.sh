# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The loadable form: inserts the subsystem, module by module, and the display's driver, and says so.

# insert NAME...: modules of the kernel, each without what it depends on.
insert() {
	for name; do
		path=$(find /lib/modules -name "$name.ko")
		[ -n "$path" ] || { echo "no module $name" >&3; return 1; }
		echo "insmod $path" >&3
		insmod "$path" || return
	done
}

insert dma-buf dma-heap system_heap cma_heap udmabuf sw_sync
# what the board's bus drivers would ask for, if there were somebody to hear them
for name in display-connector sii902x pl111_drm; do
	[ -z "$(find /lib/modules -name "$name.ko")" ] && continue
	modprobe -D "$name" | while read -r _ path; do
		grep -q "^$(basename "$path" .ko | tr - _) " /proc/modules && continue
		echo "insmod $path" >&3
		# shellcheck disable=SC2086 # module parameters may follow the path
		insmod $path
	done
done
# the display appears when its parts have found each other
[ -z "$(find /lib/modules -name pl111_drm.ko)" ] || for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ -e /dev/dri/card0 ] && break
	sleep 1
done
