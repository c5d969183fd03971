# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# kselftests: upstream's, unmodified, then our own. Of upstream's, sync_test is a job of its own.

. /jobs/lib.sh

modprobe vgem
test_program dmabuf-heap 1500
# two of its tests use 1024 huge pages of 2 MiB, where the machine has huge pages; ours a few
huge=/proc/sys/vm/nr_hugepages
[ ! -e $huge ] || echo 1024 >$huge
test_program udmabuf 1500
[ ! -e $huge ] || echo 8 >$huge

modprobe vkms
modprobe virtio-gpu
modprobe vivid node_types=0x1
while read -r test; do
	# what is done at random is done so often, if the command line says dmabuf.times=N, which takes as long
	times=$(word times)
	case $test:$times in
	heap_pool:?* | heap_charge:?*) ! wanted "$test" || program tap "$test" 4000 "$test" "$times" ;;
	*) test_program "$test" 1500 ;;
	esac
done </jobs/our-tests
