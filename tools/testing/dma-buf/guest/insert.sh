# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The loadable form: inserts the subsystem, module by module, and the display's driver, and says so.

# inserted PATH [PARAMETER...]
inserted() {
	echo "insmod $1" >&3
	insmod "$@"
}

for name in dma-buf dma-heap system_heap cma_heap udmabuf sw_sync; do
	path=$(find /lib/modules -name "$name.ko")
	[ -z "$path" ] || inserted "$path"
done
# the display's parts, which the board's bus drivers would ask for if there were somebody to hear them;
# but not for a job that takes modules out again: pl111 of 7.3.4 goes with its output_poll_work pending
for name in display-connector sii902x pl111_drm; do
	[ "$JOB" != modules ] || continue
	[ -n "$(find /lib/modules -name "$name.ko")" ] || continue
	modprobe -D "$name" | while read -r _ path; do
		# shellcheck disable=SC2086 # module parameters may follow the path
		grep -q "^$(basename "${path%% *}" .ko | tr - _) " /proc/modules || inserted $path
	done
done
# it appears when these have found each other
for _ in $(seq 300); do
	[ ! -d /sys/module/pl111_drm ] || [ -e /dev/dri/card0 ] || sleep 1
done
