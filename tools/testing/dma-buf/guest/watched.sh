# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
# The main job, with the options that are given, and dmabuf-top beside it: what it draws is recorded for the host.

bufinfo=/sys/kernel/debug/dma_buf/bufinfo

# Each ends by itself, after some looks; the sizes are those of the picture.
watch() {
	# the camera has its buffers, and frames flow
	until grep -q vivid $bufinfo; do sleep 0.2; done
	record /tmp/buffers.screen 10 110 dmabuf-top --by buffer -i 1 -n 4
	record /tmp/devices.screen 7 110 dmabuf-top --by device -i 1 -n 2
	ino=$(dmabuf-top --once --by buffer --csv | awk -F , 'NR == 2 { print $2 }')
	record /tmp/tree.screen 13 110 dmabuf-top --by buffer --buffer "$ino" -i 1 -n 2
	echo >/tmp/seen
}

mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
# shellcheck disable=SC3040 # busybox has it
set -o pipefail
mkfifo /tmp/seen
watch &
# it holds its buffers until it reads a line; opened for both, for otherwise it would wait here for who writes
taskset 1 camera_to_display --hold "$@" <>/tmp/seen | awk '!/^SCREENDUMP/ { print; fflush() }'
