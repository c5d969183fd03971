# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The upstream KUnit suites; each suite's results are read from debugfs, free of other kernel messages.

. /jobs/lib.sh
program plain "load dmabuf_kunit" 60 modprobe dmabuf_kunit
for suite in dma-buf-fence dma-buf-fence-chain dma-buf-fence-unwrap dma-buf-resv; do
	program tap "kunit $suite" 10 cat "/sys/kernel/debug/kunit/$suite/results"
done
check_leaks
