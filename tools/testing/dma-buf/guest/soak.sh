# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# make soak: the command line says dmabuf.seconds=N.

. /jobs/lib.sh
seconds=$(word seconds)
# the page allocator asks for memory early, and not when there is none left
echo 32768 >/proc/sys/vm/min_free_kbytes
# as long again on a machine that is slow
program tap pool_soak $((seconds + 900)) pool_soak "$seconds"
