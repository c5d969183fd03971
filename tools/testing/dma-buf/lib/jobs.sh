# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Boot guests: the main job for "make run", every job for "make test" and "make test-debug".

# guest_job MACHINE JOB DIR TIMEOUT [OPTION...]: the kernel and initramfs are those of $OUT.
guest_job() {
	local machine=$1 job=$2 dir=$3 timeout=$4
	shift 4
	[ -z "$DEBUG_KERNEL" ] || set -- --debug --patience 4 "$@"
	[ "${ACCELERATOR[$machine]:-}" != KVM ] || set -- --kvm "$@"
	python3 "$HERE/qemu.py" --machine "$machine" --core "${CORE%-heaps}" --link "$LINK" --dir "$OUT" --out "$dir" \
		--job "$job" --timeout "$timeout" "$@"
}

# main_job_picture DIR PNG: the picture came as a screen dump or as a file from the guest.
main_job_picture() {
	local ppm
	for ppm in "$1/screen.ppm" "$1/frame.ppm"; do
		[ -e "$ppm" ] || continue
		python3 "$HERE/picture.py" "$ppm" "$2"
		return
	done
	echo "the guest sent no picture" >&2
	return 1
}

run() {
	local dir=$BUILD/run start=$SECONDS origin
	say "Rust DMA-BUF: frames from a camera to a display on ${MACHINE:=vexpress-a9}, core $CORE, link ${LINK:=y}"
	prepare
	build_machine "$MACHINE" "$LINK"
	unlock_cache
	choose_accelerator
	say "  Boot $MACHINE and run the main job (15 s to 1 min) ..."
	guest_job "$MACHINE" main-job "$dir" 700 --echo "      guest: " ||
		fail "the main job" "the guest's run was not clean" "read the log; CORE=c shows whether the C core does the same" "$dir/console.log"
	grep -qx '# end 0' "$dir/data.log" ||
		fail "the main job" "camera_to_display failed" "its last message says what to do" "$dir/data.log"
	main_job_picture "$dir" "$dir/frame.png" >"$dir/size" ||
		fail "looking at the picture" "$(cat "$dir/size")" "look at it: $dir/frame.png" "$dir/console.log"
	if [ -e "$dir/screen.ppm" ]; then origin="screen dump of the guest's display by QEMU"; else origin="what vkms composed, sent by the guest: QEMU cannot see vkms"; fi
	say ""
	say "Summary"
	sed -n '/^--- summary/,/^--- end/p' "$dir/data.log" | grep -v -e '^---' -e '^picture:' -e '^$' | sed 's/^/  /'
	say "  picture: $dir/frame.png ($origin, $(cat "$dir/size"), colour bars found)"
	say "  all of it took $(duration $((SECONDS - start)))"
}

# The jobs of a test run; a "-4" behind a name is the number of CPUs, else there are two.
TEST_JOBS=(inventory kunit kunit-4 selftests stress-4 main-job interop)
# What more there is to be tested of modules.
MODULE_JOBS=(modules)
# What is tested on the other core, and on the forms that differ for the samples only.
DRIVER_JOBS=(samples interop)

# test_job JOB: the logs and cases of one guest of $VARIANT.
test_job() {
	local machine=$MACHINE job=$1 dir=$RESULTS/$VARIANT/$1 options=()
	choose_accelerator
	case $job in
	# of the kernel crate's documentation tests (some 300) only our own
	kunit*) options=(--append "kunit.enable=1 kunit.filter_glob=rust_doctests_kernel.*_dma_buf_*") ;;
	selftests | selftests-32) options=(--gpu) ;;
	interop) options=(--display) ;;
	modules) [ -n "$FULL" ] || [ "$machine" != vexpress-a9 ] || options=(--append dmabuf.rounds=40) ;;
	# devices that the board has and QEMU has not would be complained of while the job listens
	stress*) options=(--append deferred_probe_timeout=-1) ;;
	esac
	case $job in *-4) options+=(--cpus 4) ;; esac
	guest_job "$machine" "${job%-4}" "$dir" 4500 "${options[@]}" >"$RESULTS/$VARIANT-$job.txt" 2>&1 || true
	[ "$job" != main-job ] || check_picture "$VARIANT" "$dir"
	[ "$job" != inventory ] || check_inventory "$dir/inventory.txt"
	python3 "$HERE/report.py" run "$VARIANT" "$dir"
}

check_picture() {
	local note
	if note=$(main_job_picture "$2" "$2/frame.png" 2>&1); then
		case_is pass "$1: main job: the picture shows the camera's colour bars"
	else
		case_is fail "$1: main job: the picture shows the camera's colour bars" "$note"
	fi
}

# The expectation is what a kernel with the C files shows; "make test CORE=c" compares that kernel with it, too.
check_inventory() {
	local name="$VARIANT: trace events, debugfs, parameters and devices are those of the C files" dir
	dir=$(dirname "$1")
	if grep -v '^# ' "$HERE/parity/inventory-$MACHINE.txt" | diff -u - "$1" >"$dir/inventory.diff" 2>&1; then
		case_is pass "$name"
	else
		head -n 20 "$dir/inventory.diff" | sed 's/^/      /'
		case_is fail "$name" "see $dir/inventory.diff"
	fi
}

# case_is STATUS NAME [NOTE]: a test case of the host's own.
case_is() { python3 "$HERE/report.py" case "$1" "$2" "$RESULTS/host.cases" "${3:-}"; }

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
	local forms=(arm64/rust/y arm64/rust/m vexpress-a9/rust/m) matrix=(vexpress-a9/rust/y arm64/c/y arm64/c-heaps/y vexpress-a9/c/y)
	# only if it is asked for
	if [ "$MACHINE" = x86_64 ]; then
		forms=(x86_64/rust/y x86_64/rust/m) matrix=(x86_64/c/y x86_64/c-heaps/y)
	fi
	if [ -n "$MACHINE" ] && [ -n "$LINK" ]; then
		forms=("$MACHINE/$CORE/$LINK")
	elif [ "$CORE" = c ]; then
		forms=(arm64/c/y vexpress-a9/c/y)
		[ "$MACHINE" != x86_64 ] || forms=(x86_64/c/y)
	fi
	mapfile -t forms < <(chosen_forms "${forms[@]}")
	mapfile -t matrix < <(chosen_forms "${matrix[@]}" | grep -vxF "$(printf '%s\n' "${forms[@]}")")
	begin_tests test "every test on ${forms[*]}${matrix[*]:+, samples and interop on ${matrix[*]}}"
	test_forms "${forms[@]}" + "${matrix[@]}"
	end_tests
}

# What "make test" does, on all forms, and what takes too long for it.
run_full_tests() {
	[ "$CORE" = rust ] || fail "reading the knobs" "test-full is about the Rust core" "use CORE=rust, or make test CORE=c"
	FULL=1
	compat_packages
	begin_tests test-full "everything"
	test_forms {arm64,vexpress-a9,x86_64}/rust/{y,m} + {arm64,x86_64}/c/y {arm64,x86_64}/c-heaps/y vexpress-a9/c/y
	lock_cache
	check_combinations
	check_users arm64 vexpress-a9
	bpf_test
	end_tests
}

# Everything that runs in a guest, on a kernel that watches itself. Its address sanitizer does not know Rust on arm.
run_debug_tests() {
	choose MACHINE "${MACHINE:=arm64}" arm64 x86_64
	DEBUG_KERNEL=1
	begin_tests test-debug "every test on a debug kernel of $MACHINE"
	test_forms "$MACHINE/$CORE/${LINK:-y}"
	end_tests
}

# begin_tests DIR TITLE
begin_tests() {
	RESULTS=$BUILD/$1
	BEGIN=$SECONDS
	say "Rust DMA-BUF: $2, core $CORE"
	rm -rf "$RESULTS"
	mkdir -p "$RESULTS"
	: >"$RESULTS/host.cases" # not every command has cases of the host's own
	prepare
}

# test_forms MACHINE/CORE/LINK... [+ MACHINE/CORE/LINK...]: build each, look at the sources, run the jobs of each. Those
# behind the + are there for the sample drivers and the interop matrix alone.
test_forms() {
	local form job jobs only=''
	for form; do
		if [ "$form" = + ]; then only=1 && continue; fi
		IFS=/ read -r MACHINE CORE LINK <<<"$form"
		build_machine "$MACHINE" "$LINK"
		if [ -n "$only" ]; then
			gate_linked
			continue
		fi
		gate_machine
		[ -n "$DEBUG_KERNEL" ] || gate_strict
		# once; the first kernel is the one with everything built in, if that is among them
		[ -n "$DEBUG_KERNEL" ] || [ "$form" != "$1" ] || gate_compile
		[ -n "$DEBUG_KERNEL" ] || [ "$form" != arm64/rust/y ] || gate_rustdoc
	done
	[ -n "$DEBUG_KERNEL" ] || gate_sources
	unlock_cache
	jobs=("${TEST_JOBS[@]}")
	for form; do
		if [ "$form" = + ]; then jobs=("${DRIVER_JOBS[@]}") && continue; fi
		IFS=/ read -r MACHINE CORE LINK <<<"$form"
		set_machine
		say "  Boot $TITLE for each job (${jobs[*]}) ..."
		for job in "${jobs[@]}"; do
			test_job "$job"
		done
		! set_compat || test_job selftests-32
		[ "$LINK" != m ] || for job in "${MODULE_JOBS[@]}"; do test_job "$job"; done
	done
}

end_tests() {
	local status=0 matrices=("$RESULTS"/*/interop/data.log)
	unlock_cache
	[ ! -e "${matrices[0]}" ] || python3 "$HERE/report.py" matrix "$RESULTS/host.cases" "${matrices[@]}"
	say "logs: $RESULTS, $LOGS; all of it took $(duration $((SECONDS - BEGIN)))"
	python3 "$HERE/report.py" total "$RESULTS"/host.cases "$RESULTS"/*/*/cases || status=1
	return "$status"
}
