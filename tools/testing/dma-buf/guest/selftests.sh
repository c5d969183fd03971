# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# kselftests: upstream's, unmodified, then our own.

. /jobs/lib.sh

# test_program NAME SECONDS
test_program() { ! wanted "$1" || program tap "$1" "$2" "$1"; }

modprobe vgem
test_program dmabuf-heap 1500
# two of its tests use 1024 huge pages of 2 MiB, where the machine has huge pages; ours a few
huge=/proc/sys/vm/nr_hugepages
[ ! -e $huge ] || echo 1024 >$huge
test_program udmabuf 1500
[ ! -e $huge ] || echo 8 >$huge
test_program sync_test 2400

modprobe vkms
modprobe virtio-gpu
modprobe vivid node_types=0x1
while read -r test; do
	test_program "$test" 1500
done </jobs/our-tests
