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
	echo "symbols of rust/kernel.o"
	"llvm-nm$LLVM_SUFFIX" -S --defined-only rust/kernel.o
}

bench() {
	local run start=$SECONDS
	BENCH_KERNEL=1
	RESULTS=$BUILD/bench
	choose MACHINE "${MACHINE:=arm64}" arm64
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
	say "  Boot each kernel twice, with one CPU that counts its instructions: about 2 min ..."
	for CORE in c rust; do
		set_machine
		for run in 1 2; do
			bench_guest "$RESULTS/$CORE-$run"
		done
	done
	python3 "$HERE/bench.py" "$RESULTS" "$BUILD/$MACHINE"-{c,rust}-bench/text | tee "$RESULTS/table.txt"
	say "logs: $RESULTS; all of it took $(duration $((SECONDS - start)))"
}

bench_guest() {
	guest_job "$MACHINE" bench "$1" 600 --cpus 1 --count-instructions ||
		fail "counting instructions" "the guest's run was not clean" "read the log" "$1/console.log"
	grep -qx '# end 0' "$1/data.log" ||
		fail "counting instructions" "an operation failed" "the last line of the log names it" "$1/data.log"
}
