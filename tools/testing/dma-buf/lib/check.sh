# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# "make check": the inner loop of who changes the code. One machine, one form: gates, KUnit and selftests, side by side.

# Which job a program or suite belongs to; none for a gate.
job_of() {
	case $1 in
	dmabuf-heap | udmabuf) echo selftests ;;
	sync_test) echo sync ;;
	rust_dma_* | rust_doctests_kernel | dma-buf-*) echo kunit ;;
	*) [ ! -e "$TOP/tools/testing/selftests/$OUR_SELFTESTS/$1.c" ] || echo selftests ;;
	esac
}

# What is only there with the pool of the system heap: T=pool is all that a kernel with it has for us.
needs_pool() { [[ $1 = @(pool|heap_pool|rust_dma_heap_pool) ]] || needs_groups "$1"; }

# What wants groups with limits of memory, which that kernel has too, and buffers that count.
needs_groups() { [[ $1 = @(heap_charge|hostile_memory) ]]; }

check_gates() {
	# what the sources, C drivers and compilers of documents see is the same with it
	if [ -n "$POOL" ]; then gate_strict && return; fi
	gate_sources
	gate_machine
	gate_strict
	gate_compile
}

# The machine that is fastest here: the host's own, with a native compiler and perhaps KVM.
machine_of_host() { if [ "$(uname -m)" = aarch64 ]; then echo arm64; else echo x86_64; fi; }

# T=GATE of one that looks at sources only, so that nothing has to be built.
only_sources() { [ -n "$TEST" ] && [[ " $(gates_in gate_sources gate_shape gate_knobs gate_dmabuf_top gate_fuzz) " == *" $TEST "* ]]; }

# check_alone TEXT TEST: what brings its own kernels.
check_alone() {
	begin_tests check "$1"
	TEST=
	"$2"
	end_tests
}

run_check() {
	local jobs=(selftests sync kunit)
	: "${MACHINE:=$(machine_of_host)}" "${LINK:=y}"
	if needs_pool "$TEST"; then POOL=1; fi
	if [ "$TEST" = pool ]; then jobs=(selftests kunit) TEST=; fi
	case $TEST in
	suites)
		check_alone "suites of others on arm64, both cores" suites_test
		return
		;;
	tries)
		check_alone "every command and knob, in a clone" try_everything
		return
		;;
	plants)
		check_alone "bugs that are planted, for make fuzz to find" find_plants
		return
		;;
	esac
	if [ -n "$TEST" ]; then
		mapfile -t jobs < <(job_of "$TEST")
		[ ${#jobs[@]} -gt 0 ] || [[ " $(gate_names) " == *" $TEST "* ]] || fail "looking for T=$TEST" \
			"no program, KUnit suite or gate is called so" \
			"programs: tools/testing/selftests/$OUR_SELFTESTS; suites: drivers/dma-buf/rust/kunit; gates: $(gate_names); or pool, suites, tries, plants"
	fi
	begin_tests check "${TEST:-gates, KUnit and selftests} on $MACHINE, link $LINK${POOL:+, with the pool}"
	QUIET=1
	if only_sources; then
		set_machine # gates ask for its name
		gate_sources
		end_tests
		return
	fi
	build_machine "$MACHINE" "$LINK"
	if [ ${#jobs[@]} -eq 0 ]; then
		check_gates
	else
		choose_accelerator
		queue_jobs "$MACHINE/$CORE/$LINK" "${jobs[@]}"
		if [ -n "$TEST" ]; then run_queue; else together run_queue check_gates; fi
	fi
	end_tests
}
