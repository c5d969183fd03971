# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The main job: frames from the vivid camera to the display, through dma-bufs of a heap.

. /jobs/lib.sh
# allocators=1 (dma-contig): the camera attaches to the buffer and maps it, as hardware would
[ -d /sys/module/vivid ] || modprobe vivid node_types=0x1 allocators=1
displays_on_one_cpu
if [ -e /dev/dri/card0 ] && [ ! -d /sys/module/vkms ]; then
	# a display that QEMU can see: hold the last frame until the host has dumped the screen
	program plain "main job" 600 taskset 1 camera_to_display --hold
else
	# no such display: vkms composes the imported frame and writes it back, we send it over
	[ -d /sys/module/vkms ] || modprobe vkms enable_writeback=1
	if [ -n "$(word watch)" ]; then set -- sh /jobs/watched.sh; else set -- taskset 1 camera_to_display; fi
	program plain "main job" 600 "$@" --dump /tmp/frame.ppm
	for file in /tmp/frame.ppm /tmp/*.screen; do
		[ ! -e "$file" ] || send_file "$file"
	done
fi
