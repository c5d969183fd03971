# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the operations cost in C and in Rust: two kernels that differ in nothing else, counted in guest instructions.

build_bench_guest() {
	rm -rf "$OBJ"/guest-{programs,modules}
	mkdir -p "$OBJ"/guest-{programs,modules}
	make -C "$TREE/tools/testing/selftests/$OUR_SELFTESTS" OUTPUT="$OBJ/guest-programs" ARCH="$ARCH" \
		CC="${CROSS}gcc -static" KHDR_INCLUDES="-isystem $OBJ/usr/include" "$OBJ/guest-programs/bench"
	pack_initramfs
	bench_text >"$OUT/text"
}

# The sizes of what is linked, for bench.py.
bench_text() {
	cd "$OBJ" || return
	"llvm-ar$LLVM_SUFFIX" t vmlinux.a | grep '^drivers/dma-buf/' | xargs "llvm-size$LLVM_SUFFIX" -A
}

bench() {
	local start=$SECONDS
	KIND=bench
	RESULTS=$BUILD/bench
	choose MACHINE "${MACHINE:=arm64}" arm64 x86_64
	choose LINK "${LINK:=y}" y
	say "Rust DMA-BUF: what operations cost on $MACHINE, in C and in Rust"
	rm -rf "$RESULTS"
	prepare
	for CORE in c rust; do
		build_kernel
		stage "Build the guest's program ($MACHINE, core $CORE)" "10 s" \
			"mend the first error in the log and run the same command again" build_bench_guest
	done
	unlock_cache
	if [ -z "$OP" ]; then
		bench_all
	else
		bench_profile
	fi
	say "logs: $RESULTS"
	all_of_it_took "$start"
}

bench_all() {
	local run
	say "  Boot each kernel twice, with one CPU that counts its instructions: half a minute ..."
	for CORE in c rust; do
		set_machine
		for run in 1 2; do
			guest_job "$MACHINE" bench "$RESULTS/$CORE-$run" 600 --cpus 1 --count-instructions || bench_failed "$RESULTS/$CORE-$run"
			grep -qx '# end 0' "$RESULTS/$CORE-$run/data.log" || bench_failed "$RESULTS/$CORE-$run"
		done
	done
	python3 "$HERE/bench.py" "$RESULTS" "$BUILD/$MACHINE"-{c,rust}-bench/text | tee "$RESULTS/table.txt"
}

# The difference of one operation, function by function.
bench_profile() {
	say "  Boot each kernel and trace $OP instruction by instruction: a minute or two ..."
	for CORE in c rust; do
		set_machine
		python3 "$HERE/profile.py" count "$MACHINE" "$CORE" "$OUT" "$RESULTS/$CORE-$OP" "$OP" || bench_failed "$RESULTS/$CORE-$OP"
	done
	python3 "$HERE/profile.py" compare "$RESULTS"/{c,rust}-"$OP"/profile "llvm-cxxfilt$LLVM_SUFFIX" | tee "$RESULTS/profile-$OP.txt"
}

bench_failed() {
	fail "counting instructions" "an operation failed, or the kernel had something to say" "the last line of the log may name it" "$1/data.log"
}
