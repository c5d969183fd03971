# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Our kselftests as 32-bit programs: other system calls and ioctls, and structures that must be the same.

. /jobs/lib.sh
if linux32 true; then
	echo 8 >/proc/sys/vm/nr_hugepages
	modprobe vgem
	modprobe vkms
	modprobe virtio-gpu
	modprobe vivid node_types=0x1
	while read -r test; do
		program tap "32-bit $test" 1500 "/bin/32/$test"
	done </jobs/our-tests
else
	# some 64-bit processors, which KVM lends to the guest
	program tap "32-bit programs" 10 echo '1..0 # SKIP not for this processor'
fi
