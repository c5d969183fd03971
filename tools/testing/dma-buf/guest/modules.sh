# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The loadable form: what is in use stays, what is not goes, a hundred times over.

. /jobs/lib.sh

# What init has loaded goes, the latest first.
unload_all() {
	cp /proc/modules /tmp/loaded
	while read -r name _; do
		echo "rmmod $name"
		rmmod "$name" || return
	done </tmp/loaded
	[ ! -s /proc/modules ]
}

# files NAME...: the modules' files, each without what it depends on.
files() {
	for name; do find /lib/modules -name "$name.ko"; done
}

unload_all >/tmp/unloaded 2>&1
status=$?
program plain "unload all modules" 300 sh -c "cat /tmp/unloaded; exit $status"
core=$(files dma-buf dma-heap system_heap cma_heap udmabuf sw_sync)
# what these depend on comes first, DMA-BUF itself excepted
drivers=$(for name in vgem vivid; do modprobe -D "$name"; done |
	awk '{ print $2 }' | grep -vxF "$core" | awk '!seen[$0]++')
# all rounds take the emulated Cortex-A9 20 min: "make test" wants fewer there
rounds=$(word rounds)
rounds=${rounds:+-n $rounds}
# shellcheck disable=SC2086 # lists of files
program tap module_cycle 2400 module_cycle $rounds $core -- $drivers
