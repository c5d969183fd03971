# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# kselftests: upstream's, unmodified, then our own.

. /jobs/lib.sh
modprobe vgem
program tap dmabuf-heap 1500 dmabuf-heap
# two of its tests use 1024 huge pages of 2 MiB, where the machine has huge pages; ours a few
huge=/proc/sys/vm/nr_hugepages
[ ! -e $huge ] || echo 1024 >$huge
program tap udmabuf 1500 udmabuf
[ ! -e $huge ] || echo 8 >$huge
program tap sync_test 2400 sync_test

modprobe vkms
modprobe virtio-gpu
modprobe vivid node_types=0x1
while read -r test; do
	program tap "$test" 1500 "$test"
done </jobs/our-tests
