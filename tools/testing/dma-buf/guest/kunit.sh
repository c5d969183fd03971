# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The KUnit suites: the documentation tests of our files, which the command line asked the kernel to run while
# booting, upstream's suites and our own; each suite's results are read from debugfs, free of other kernel messages.

. /jobs/lib.sh
cpus="on $(nproc) CPUs"

results() {
	for suite; do
		! wanted "$suite" || program tap "kunit $suite $cpus" 300 cat "/sys/kernel/debug/kunit/$suite/results"
	done
}

# they are part of the kernel image, which cannot use DMA-BUF when that is a module
[ "$LINK" = m ] || results rust_doctests_kernel
# the command line's choice of tests would hold for the modules, too
printf '%s' "${ONLY:-*}" >/sys/module/kunit/parameters/filter_glob
program plain "load dmabuf_kunit $cpus" 1500 modprobe dmabuf_kunit
results dma-buf-fence dma-buf-fence-chain dma-buf-fence-unwrap dma-buf-resv
program plain "load dmabuf_rust_kunit $cpus" 1500 modprobe dmabuf_rust_kunit
cd /sys/kernel/debug/kunit || exit
# when there is none, its pattern stays, and that suite has no results
results rust_dma_*
