# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Guests of make test-full in which memory or locks are others than everywhere else.

# Devices that reach nothing but bounce buffers: what is not synchronised does not get there, and what is undone is seen.
swiotlb_tests() {
	local job
	MACHINE=arm64 CORE=rust LINK=y
	build_machine "$MACHINE" "$LINK"
	# a machine of its own for those who compare matrices
	VARIANT=$MACHINE-swiotlb-$CORE
	BOOT_WITH=swiotlb=force
	for job in selftests interop; do tested_job "$job"; done
	BOOT_WITH=
}

# Locks that sleep, and threads that run what elsewhere runs in interrupts; as modules, which are unloaded under them.
set_rt() {
	MACHINE=arm64 CORE=rust LINK=m
	set_machine
	FRAGMENTS+=("$HERE/configs/rt.config")
	set_variation rt PREEMPT_RT "8 to 15 min when cold"
}

rt_tests() {
	local job
	set_rt
	make_kernel
	build_guest
	# upstream's test_wait_backward has 8 million callbacks, and two switches of tasks for each
	PATIENCE=4
	for job in modules kunit selftests; do tested_job "$job"; done
	PATIENCE=
}

test_variants() {
	swiotlb_tests
	rt_tests
}
