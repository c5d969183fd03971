# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the operations cost in C and in Rust: two kernels that differ in nothing else, counted in guest instructions.

BENCH_OPERATIONS=$HERE/configs/bench-operations.txt
BENCH_GROUPS=(user module jobs growth memory contention code pool)

build_bench_guest() {
	local modules=$TREE/tools/testing/selftests/$OUR_SELFTESTS/test_modules
	rm -rf "$OBJ"/guest-programs
	mkdir -p "$OBJ"/guest-{programs,modules/test_modules}
	make -C "$TREE/tools/testing/selftests/$OUR_SELFTESTS" OUTPUT="$OBJ/guest-programs" ARCH="$ARCH" \
		CC="${CROSS}gcc -static" KHDR_INCLUDES="-isystem $OBJ/usr/include" USERCFLAGS=-Werror "$OBJ/guest-programs/bench"
	kmake M="$modules" MO="$OBJ/guest-modules/test_modules" bench_calls.ko
	"llvm-strip$LLVM_SUFFIX" --strip-debug "$OBJ/guest-modules/test_modules/bench_calls.ko"
	pack_initramfs
	# other clones may build over the cache meanwhile
	ln -f "$OBJ/vmlinux" "$OUT/" 2>/dev/null || cp "$OBJ/vmlinux" "$OUT/"
	bench_code >"$OUT/code"
	bench_functions >"$OUT/functions"
}

# crate_symbols ARG...: llvm-nm of the kernel crate, less what is not ours.
crate_symbols() { "llvm-nm$LLVM_SUFFIX" --defined-only "$@" rust/kernel.o | python3 "$HERE/lib/ours.py" "llvm-cxxfilt$LLVM_SUFFIX"; }

# The sizes of what is linked, for bench.py.
bench_code() {
	cd "$OBJ" || return
	"llvm-ar$LLVM_SUFFIX" t vmlinux.a | grep '^drivers/dma-buf/' | xargs "llvm-size$LLVM_SUFFIX" -A
	crate_symbols -S | sed 's/^/nm /' | "llvm-cxxfilt$LLVM_SUFFIX"
	"llvm-ar$LLVM_SUFFIX" t vmlinux.a | grep '^drivers/dma-buf/' | xargs "llvm-nm$LLVM_SUFFIX" -A -S -C --defined-only | sed 's/^/sym /'
}

# Our functions, for contention.py.
bench_functions() {
	cd "$OBJ" || return
	{
		"llvm-ar$LLVM_SUFFIX" t vmlinux.a | grep '^drivers/dma-buf/' | xargs "llvm-nm$LLVM_SUFFIX" --defined-only
		crate_symbols
	} | awk 'NF == 3 && $2 ~ /^[tTwW]$/ && $3 !~ /^\$/ { print $3 }' | sort -u
}

# bench_group OPERATION: that it belongs to, if it is one that can be looked into.
bench_group() {
	awk -v op="$1" '/^(user|module|jobs) / && $2 == op { print $1; exit }' "$BENCH_OPERATIONS"
}

check_bench_knobs() {
	[ -z "$ONLY" ] || choose ONLY "$ONLY" "${BENCH_GROUPS[@]}"
	[ -z "$OP" ] || [ -n "$(bench_group "$OP")" ] ||
		fail "reading the knobs" "OP=$OP is no operation" "see $BENCH_OPERATIONS"
	[ -z "$BASE" ] || [ -f "$BASE" ] ||
		fail "reading the knobs" "BASE=$BASE is no file" "give a results.json of an earlier make bench"
	# it may be what the results of this one take the place of
	[ -z "$BASE" ] || BASE_JSON=$(cat "$BASE")
}

bench() {
	local start=$SECONDS
	KIND=bench
	RESULTS=$BUILD/bench
	choose MACHINE "${MACHINE:=arm64}" arm64 x86_64
	choose LINK "${LINK:=y}" y
	check_bench_knobs
	say "Rust DMA-BUF: what operations cost on $MACHINE, in C and in Rust"
	need_packages python3-matplotlib
	rm -rf "$RESULTS"
	prepare
	# a Rust kernel that has one
	[ "$ONLY" != pool ] || POOL=1
	for CORE in c rust; do
		build_kernel
		stage "Build the guest's program ($MACHINE, core $CORE)" "1 min" \
			"mend the first error in the log and run the same command again" build_bench_guest
	done
	unlock_cache
	mkdir -p "$RESULTS"
	if [ -z "$OP" ]; then
		bench_all
	else
		bench_profile
	fi
	say "logs: $RESULTS"
	all_of_it_took "$start"
}

# Both kernels side by side: what a guest counts does not depend on what else the host does.
bench_all() {
	local run only=(${ONLY:+--only "$ONLY"}) tables=()
	if [[ $ONLY != @(code|contention) ]]; then
		for run in 1 2; do
			say "  Boot both kernels with one CPU that counts its instructions, $run of 2: 5 min, less with ONLY= ..."
			RUN=$run
			together bench_c bench_rust
		done
	fi
	if [[ $ONLY = @(|contention) ]]; then
		say "  Boot both kernels and trace the operations instruction by instruction: 5 min ..."
		together contention_c contention_rust
		tables+=(--inside "$RESULTS"/inside-{c,rust}/inside.json)
	fi
	[[ $ONLY != @(|code) ]] || tables+=(--code "$BUILD/$MACHINE"-{c,rust}-bench/code)
	[ -z "$BASE" ] || printf '%s\n' "$BASE_JSON" >"$RESULTS/base.json"
	python3 "$HERE/bench.py" "$RESULTS" "$BENCH_OPERATIONS" "$BUILD/$MACHINE-rust-bench${POOL:+-pool}/.config" "${only[@]}" \
		${BASE:+--base "$RESULTS/base.json"} "${tables[@]}" | tee "$RESULTS/table.txt" ||
		fail "putting the results together" "bench.py does not understand them" "read what it says" "$RESULTS/table.txt"
	# the python of the package
	if /usr/bin/python3 -c 'import matplotlib' 2>/dev/null; then
		/usr/bin/python3 "$HERE/bench_plot.py" "$RESULTS/results.json" "$RESULTS"
		say "plot: $RESULTS/ratio.svg, ratio.png"
	else
		say "no plot: python3-matplotlib is not there"
	fi
}

bench_c() { bench_run c; }
bench_rust() { bench_run rust; }

# bench_run CORE
bench_run() {
	local dir=$RESULTS/$1-$RUN only=(${ONLY:+--only "$ONLY"})
	CORE=$1
	set_machine
	guest_job "$MACHINE" bench "$dir" 6000 --cpus 1 --count-instructions "${only[@]}" || bench_failed "$dir"
	grep -q '^# end' "$dir/data.log" || bench_failed "$dir"
	! grep -q '^# end [^0]' "$dir/data.log" || bench_failed "$dir"
	say "      core $1, $RUN of 2: $(awk '{ t += $1 } END { printf "%d s", t }' "$dir/times.txt")"
}

contention_c() { contention_run c; }
contention_rust() { contention_run rust; }

# contention_run CORE
contention_run() {
	local dir=$RESULTS/inside-$1
	CORE=$1
	set_machine
	python3 "$HERE/contention.py" "$MACHINE" "$CORE" "$OUT" "$dir" "llvm-objdump$LLVM_SUFFIX" user module jobs || bench_failed "$dir"
}

# The difference of one operation, function by function.
bench_profile() {
	say "  Boot each kernel and trace $OP instruction by instruction: a minute or two ..."
	for CORE in c rust; do
		set_machine
		python3 "$HERE/profile.py" count "$MACHINE" "$CORE" "$OUT" "$RESULTS/$CORE-$OP" "$(bench_group "$OP")" "$OP" || bench_failed "$RESULTS/$CORE-$OP"
	done
	python3 "$HERE/profile.py" compare "$RESULTS"/{c,rust}-"$OP"/profile "llvm-cxxfilt$LLVM_SUFFIX" | tee "$RESULTS/profile-$OP.txt"
}

bench_failed() {
	fail "counting instructions" "an operation failed, or the kernel had something to say" "the last line of the log may name it" "$1/data.log"
}
