# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# kselftests: upstream's, unmodified, then our own.

. /jobs/lib.sh
modprobe vgem
program tap dmabuf-heap 120 dmabuf-heap
program tap udmabuf 60 udmabuf
program tap sync_test 180 sync_test
check_leaks
