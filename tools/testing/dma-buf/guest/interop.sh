# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The interop matrix: every exporter with every importer.

. /jobs/lib.sh
modprobe vgem
modprobe vkms enable_writeback=1
# instances that import and instances that export: of each, one with memory by vmalloc and one with contiguous memory
modprobe vivid n_devs=4 node_types=0x1,0x1,0x1,0x1 allocators=0,1,0,1
# a frame of 640x480 pixels of 32 bits
for module in bochs rust_drm_dumb rust_dma_buf_importer "rust_dma_buf_misc size=1228800"; do
	# shellcheck disable=SC2086 # a parameter may follow the name
	[ -z "$(find /lib/modules -name "${module%% *}.ko")" ] || modprobe $module
done
displays_on_one_cpu
program tap interop 1500 interop "$(word machine)" "$LINK"
