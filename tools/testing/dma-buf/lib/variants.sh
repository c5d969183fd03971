# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Guests of make test-full in which memory, locks or heaps are others than everywhere else.

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

# The pool of the system heap, which the C core has not got: with highmem and as modules, too. Elsewhere parameters and debugfs are
# those of C.
pool_tests() {
	local form job variant
	POOL=1 CORE=rust
	for form in arm64/y vexpress-a9/m x86_64/y; do
		IFS=/ read -r MACHINE LINK <<<"$form"
		build_machine "$MACHINE" "$LINK"
		gate_strict
		for job in kunit selftests; do tested_job "$job"; done
		# many buffers; and two programs with each buffer charged
		variant=$VARIANT
		BOOT_WITH=dmabuf.times=100000
		for TEST in heap_pool heap_charge hostile_memory; do
			VARIANT=$variant-$TEST
			tested_job selftests
		done
		VARIANT=$variant TEST='' BOOT_WITH=
	done
	POOL=
}

# make soak: the kernel must have nothing to say, and the shrinker must get all back.
soak() {
	local seconds=${SOAK_SECONDS:-3600} dir
	[[ $seconds =~ ^[1-9][0-9]{0,5}$ ]] || fail "reading the knobs" "SECONDS=$seconds is no number of seconds" "use make soak SECONDS=3600"
	begin_tests soak "the pool of the system heap, for $(duration "$seconds") beside somebody who eats the memory"
	KIND=debug POOL=1 MACHINE=arm64 LINK=y
	build_machine "$MACHINE" "$LINK"
	unlock_cache
	choose_accelerator
	dir=$RESULTS/$VARIANT/soak
	say "  Boot $MACHINE with 4 CPUs ..."
	guest_job "$MACHINE" soak "$dir" "$((seconds + 1000))" --cpus 4 --memory 1024 --append "dmabuf.seconds=$seconds" \
		2>"$RESULTS/$VARIANT-soak.txt" || true
	python3 "$HERE/report.py" run "$VARIANT" "$dir" || case_is fail "soak: the guest has left no result" "see $RESULTS/$VARIANT-soak.txt"
	end_tests
}

test_variants() {
	swiotlb_tests
	rt_tests
	pool_tests
}
