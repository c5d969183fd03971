# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# "make test", "make test-full", "make test-debug": build each form, look at the sources, boot a guest for every job.

# The jobs of a test run; a "-4" behind a name is the number of CPUs, else there are two. Those that take long come first.
TEST_JOBS=(selftests sync stress-4 interop kunit kunit-4 main-job inventory)
# Those which "make test" leaves to "make test-full" on its second machine: an emulated race of 64 bits is as good as one of 32.
FULL_JOBS=(sync stress-4 kunit-4)
BRIEF= # the form that leaves them
# What more there is to be tested of modules.
MODULE_JOBS=(modules)
# What is tested on the other core, and on the forms that differ for the samples only.
DRIVER_JOBS=(samples interop)

# test_job JOB: the logs and cases of one guest of $VARIANT.
test_job() {
	local machine=$MACHINE job=$1 dir=$RESULTS/$VARIANT/$1 options=()
	[ -z "$QUIET" ] || options=(--progress)
	case $job in
	# of the kernel crate's documentation tests (some 300) only our own
	kunit*)
		options+=(--append "kunit.enable=1 kunit.filter_glob=rust_doctests_kernel.*_dma_buf_*")
		[ "$machine" != arm64 ] || options+=(--peers) # CONFIG_DMABUF_RUST_KUNIT_PEER
		;;
	selftests | selftests-32)
		options+=(--gpu)
		# buffers count as a control group's memory: that kernel has such groups; so has that with the pool, where it is asked for
		if [ "$KIND" = debug ] || needs_groups "$TEST"; then options+=(--append dma_heap.mem_accounting=1); fi
		;;
	interop) options+=(--display) ;;
	# a device on a bus that libdrm knows
	suites) options+=(--gpu) ;;
	modules)
		# With each module that goes, 32-bit ARM flushes page by page what lies between modules and vmalloc: all memory does.
		[ "$machine" != vexpress-a9 ] || options+=(--memory 256)
		[ -n "$FULL" ] || [ "$machine" != vexpress-a9 ] || options+=(--append dmabuf.rounds=40)
		;;
	dmabuf-top) options+=(--append dmabuf.watch=1) ;;
	# devices that the board has and QEMU has not would be complained of while the job listens
	stress*) options+=(--append deferred_probe_timeout=-1) ;;
	esac
	case $job in *-4) options+=(--cpus 4) ;; esac
	[ -z "${BEHIND_IOMMU:-}" ] || options+=(--iommu)
	[ -z "${BOOT_WITH:-}" ] || options+=(--append "$BOOT_WITH")
	[ -z "${PATIENCE:-}" ] || options+=(--patience "$PATIENCE")
	[ -z "$TEST" ] || options+=(--only "$TEST")
	# what fails is told at once, the whole when the guest has ended
	guest_job "$machine" "${job%-4}" "$dir" 4500 "${options[@]}" --tell "$VARIANT: $job" 2>"$RESULTS/$VARIANT-$job.txt" >&3 || true
	[ "$job" != main-job ] || check_picture "$VARIANT" "$dir"
	[ "$job" != dmabuf-top ] || check_screens "$VARIANT" "$dir"
	[ "$job" != inventory ] || check_inventory "$dir/inventory.txt"
	python3 "$HERE/report.py" run "$VARIANT" "$dir"
}

# tested_job JOB: a guest that has left nothing behind is a failure, too.
tested_job() { test_job "$1" || case_is fail "$VARIANT: $1: the guest has left no result" "see $RESULTS/$VARIANT-$1.txt"; }

check_picture() {
	local note
	if note=$(main_job_picture "$2" "$2/frame.png" 2>&1); then
		case_is pass "$1: main job: the picture shows the camera's colour bars"
	else
		case_is fail "$1: main job: the picture shows the camera's colour bars" "$note"
	fi
}

# The expectation is what a kernel with the C files shows; "make test CORE=c" compares that kernel with it, too. What ours has beyond
# it is in a list, and tested elsewhere.
check_inventory() {
	local name="$VARIANT: trace events, debugfs, parameters and devices are those of the C files" dir
	dir=$(dirname "$1")
	if [ "$CORE" = rust ]; then
		grep -vxFf "$HERE/parity/inventory-more.txt" "$1" >"$dir/inventory-common.txt"
	else
		cp "$1" "$dir/inventory-common.txt"
	fi
	if grep -v '^# ' "$HERE/parity/inventory-$MACHINE.txt" | diff -u - "$dir/inventory-common.txt" >"$dir/inventory.diff" 2>&1; then
		case_is pass "$name"
	else
		head -n 20 "$dir/inventory.diff" | sed 's/^/      /'
		case_is fail "$name" "see $dir/inventory.diff"
	fi
}

# case_is STATUS NAME [NOTE]: a test case of the host's own.
case_is() { python3 "$HERE/report.py" case "$1" "$2" "$RESULTS/host.cases" "${3:-}"; }

# How many guests run side by side: most of the time each keeps one processor busy, and none has more than 3 GiB.
guests_at_a_time() {
	local processors memory
	processors=$(nproc)
	memory=$(awk '/^MemAvailable:/ { print int($2 / 1024 / 1024 / 3.5) }' /proc/meminfo)
	echo $((memory < 1 ? 1 : memory < processors ? memory : processors))
}

# queue_jobs MACHINE/CORE/LINK JOB...: guests for run_queue.
QUEUE=()
queue_jobs() {
	local form=$1 job
	shift
	for job; do QUEUE+=("$form $job"); done
}

# one_guest MACHINE/CORE/LINK JOB: what it has found is printed when it has ended.
one_guest() {
	local start=$SECONDS out
	IFS=/ read -r MACHINE CORE LINK <<<"$1"
	set_machine
	out=$RESULTS/$VARIANT-$2.out
	tested_job "$2" >"$out" 2>&1
	exec 8>"$RESULTS/printing"
	flock 8
	[ -n "$QUIET" ] || cat "$out"
	say "  Guest for $2 ($TITLE) done in $(duration $((SECONDS - start)))"
}

# Boot what is queued, some guests side by side.
run_queue() {
	local each form job limit
	limit=$(guests_at_a_time)
	say "  Boot ${#QUEUE[@]} guests, $limit at a time ..."
	trap 'for each in $(jobs -p); do kill -TERM -- "-$each"; done; exit 130' INT TERM
	for each in "${QUEUE[@]}"; do
		read -r form job <<<"$each"
		while [ "$(jobs -rp | wc -l)" -ge "$limit" ]; do wait -n || true; done
		# a process group of its own: an interrupt then takes QEMU down, too
		set -m
		one_guest "$form" "$job" </dev/null &
		set +m
	done
	wait
	trap - INT TERM
	QUEUE=()
}

# Which of some forms of a kernel, MACHINE/CORE/LINK, the knobs leave.
chosen_forms() {
	local form machine core link
	for form; do
		IFS=/ read -r machine core link <<<"$form"
		# "c-heaps" is the C core with our heaps
		[ "${MACHINE:-$machine}/${ASKED_CORE:-${core%-heaps}}/${LINK:-$link}" != "$machine/${core%-heaps}/$link" ] || echo "$form"
	done
}

run_tests() {
	local forms=(arm64/rust/y vexpress-a9/rust/m) drivers=(arm64/c/y)
	[ -n "$MACHINE$LINK$ASKED_CORE" ] || BRIEF=vexpress-a9/rust/m
	if [ "$CORE" = c ]; then
		forms=({arm64,vexpress-a9}/c/y) drivers=()
		[ "$MACHINE" != x86_64 ] || forms=(x86_64/c/y)
	elif [ -n "$MACHINE$LINK" ]; then
		forms=({arm64,vexpress-a9}/rust/{y,m}) drivers=(arm64/c/y arm64/c-heaps/y vexpress-a9/c/y)
		# only if it is asked for
		[ "$MACHINE" != x86_64 ] || forms=(x86_64/rust/{y,m}) drivers=(x86_64/c/y x86_64/c-heaps/y)
	fi
	mapfile -t forms < <(chosen_forms "${forms[@]}")
	mapfile -t drivers < <(chosen_forms "${drivers[@]}")
	begin_tests test "every test on ${forms[*]}${drivers[*]:+, samples and interop on ${drivers[*]}}"
	test_forms "${forms[@]}" + "${drivers[@]}"
	end_tests
}

# What "make test" does, on all forms, and what takes too long for it. All of it is some hours: T="NAME..." asks for parts.
FULL_PARTS=(forms combinations series variants models fuzz users bpf dmabuf-top suites tries plants)

full_part() {
	case $1 in
	forms) test_forms {arm64,vexpress-a9,x86_64}/rust/{y,m} + {arm64,vexpress-a9,x86_64}/c/y {arm64,x86_64}/c-heaps/y ;;
	combinations) check_combinations ;;
	series) check_series ;;
	variants) test_variants ;;
	models) models_test ;;
	fuzz) fuzz_slice ;;
	users) check_users arm64 vexpress-a9 ;;
	bpf) bpf_test ;;
	dmabuf-top) dmabuf_top_test ;;
	suites) suites_test ;;
	tries) try_everything ;;
	plants) find_plants ;;
	esac
}

run_full_tests() {
	local parts=("${FULL_PARTS[@]}") part start
	[ "$CORE" = rust ] || fail "reading the knobs" "test-full is about the Rust core" "use CORE=rust, or make test CORE=c"
	[ -z "$TEST" ] || read -ra parts <<<"$TEST"
	for part in "${parts[@]}"; do
		[[ " ${FULL_PARTS[*]} " == *" $part "* ]] || fail "looking for T=$part" "test-full has no such part" "use some of: ${FULL_PARTS[*]}"
	done
	FULL=1 TEST=
	compat_packages
	begin_tests test-full "everything: ${parts[*]}"
	for part in "${parts[@]}"; do
		start=$SECONDS
		lock_cache
		full_part "$part"
		say "  Part $part of test-full done in $(duration $((SECONDS - start)))"
	done
	end_tests
}

# Everything that runs in a guest, on a kernel that watches itself. Its address sanitizer does not know Rust on arm.
run_debug_tests() {
	choose MACHINE "${MACHINE:=arm64}" arm64 x86_64
	begin_tests test-debug "every test on a debug kernel of $MACHINE"
	KIND=debug
	test_forms "$MACHINE/$CORE/${LINK:-y}"
	iommu_test
	failure_points
	end_tests
}

# Behind an IOMMU a device gets memory of others by one stretch of addresses, which can fail in its own ways.
iommu_test() {
	local variant=$VARIANT
	# what T= asks for has run
	[ "$MACHINE$TEST" = arm64 ] || return 0
	VARIANT=$variant-iommu BEHIND_IOMMU=1 TEST=fail_each
	tested_job selftests
	VARIANT=$variant BEHIND_IOMMU='' TEST=''
}

# Where our crates can fail for want of memory or in a copy, by the objects, and where they have, by what fail_each has sent.
failure_points() {
	local log=$LOGS/failure-points.log status=pass
	# the C core is not ours; of modules the stacks are the same; of x86_64 the relocations do not say what is a call
	[ "$MACHINE/$CORE/${LINK:-y}" = arm64/rust/y ] || return 0
	lock_cache
	python3 "$HERE/lib/failure_points.py" --build "$OBJ" --objdump "llvm-objdump$LLVM_SUFFIX" --cxxfilt "llvm-cxxfilt$LLVM_SUFFIX" \
		--reasons "$HERE/configs/failure-points.txt" "$RESULTS/$VARIANT"{,-iommu}/selftests/data.log >"$log" 2>&1 || status=fail
	case_is "$status" "$VARIANT: each place that can fail has failed, or has its reason" "$(tail -n 1 "$log"): see $log"
	unlock_cache
}

# begin_tests DIR TITLE
begin_tests() {
	RESULTS=$BUILD/$1
	BEGIN=$SECONDS
	KIND='test'
	say "Rust DMA-BUF: $2, core $CORE"
	mkdir -p "$BUILD"
	lock_results "$1"
	rm -rf "$RESULTS"
	mkdir -p "$RESULTS"
	exec 3>&1 # for what test_job tells at once
	: >"$RESULTS/host.cases" # not every command has cases of the host's own
	prepare
}

# test_forms MACHINE/CORE/LINK... [+ MACHINE/CORE/LINK...]: build each, look at the sources, run the jobs of each. Those
# behind the + are there for the sample drivers and the interop matrix alone.
test_forms() {
	local form jobs
	DRIVERS_ONLY=
	for form; do
		if [ "$form" = + ]; then DRIVERS_ONLY=1 && continue; fi
		IFS=/ read -r MACHINE CORE LINK <<<"$form"
		build_machine "$MACHINE" "$LINK"
		if [ -n "$DRIVERS_ONLY" ]; then
			gate_linked
			continue
		fi
		gate_machine
		[ "$KIND" = debug ] || gate_strict
		# once; the first kernel is the one with everything built in, if that is among them
		[ "$KIND" = debug ] || [ "$form" != "$1" ] || gate_compile
		[ "$KIND" = debug ] || [ "$form" != arm64/rust/y ] || gate_rustdoc
	done
	DRIVERS_ONLY=
	[ "$KIND" = debug ] || gate_sources
	unlock_cache
	jobs=("${TEST_JOBS[@]}")
	for form; do
		if [ "$form" = + ]; then jobs=("${DRIVER_JOBS[@]}") && continue; fi
		case $form in */m) queue_jobs "$form" "${MODULE_JOBS[@]}" ;; esac
		if [ "$form" = "$BRIEF" ]; then
			mapfile -t jobs < <(printf '%s\n' "${jobs[@]}" | grep -vxF "$(printf '%s\n' "${FULL_JOBS[@]}")")
		fi
		queue_jobs "$form" "${jobs[@]}"
		IFS=/ read -r MACHINE CORE LINK <<<"$form"
		! set_compat || queue_jobs "$form" selftests-32
		set_machine
		choose_accelerator
	done
	run_queue
}

end_tests() {
	local status=0 matrices=("$RESULTS"/*/interop/data.log) cases
	unlock_cache
	[ ! -e "${matrices[0]}" ] || python3 "$HERE/report.py" matrix "$RESULTS/host.cases" "${matrices[@]}"
	say "logs: $RESULTS, $LOGS"
	all_of_it_took "$BEGIN"
	# a gate alone has no guests
	mapfile -t cases < <(compgen -G "$RESULTS/*/*/cases")
	python3 "$HERE/report.py" total "$RESULTS"/host.cases "${cases[@]}" || status=1
	return "$status"
}
