# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The tests of the sample drivers alone, where the job selftests does not run.

. /jobs/lib.sh
modprobe vgem
modprobe vkms
grep '_sample$' /jobs/our-tests | while read -r test; do
	program tap "$test" 1500 "$test"
done
