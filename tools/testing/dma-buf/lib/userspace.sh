# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The guest's user space: busybox, kernel modules, the test programs, our init; packed as an initramfs.

UPSTREAM_SELFTESTS=(dmabuf-heaps sync drivers/dma-buf)
OUR_SELFTESTS=dma-buf-rust

# The programs are the same for all kernels of a machine, and kept; $OBJ/guest-programs is a link to them.
build_programs() {
	local out dir samples=(all) key flags
	out=$(dirname "$OBJ")/programs-$MACHINE
	if [ "$KIND" = run ]; then out+=-run samples=(camera_to_display); fi
	out+=${WATCH:+-watch}
	# make sees what changes in the sources; when something else has changed, it is all made again
	key=$({
		"${CROSS}gcc" --version
		echo "$TREE"
		cat "$HERE/lib/userspace.sh" "$TREE"/samples/dma-buf/Makefile "$TREE"/tools/testing/selftests/{lib.mk,$OUR_SELFTESTS/Makefile}
	} | hash_of)
	if [ "$(cat "$out/key" 2>/dev/null)" != "$key" ]; then rm -rf "$out"; fi
	mkdir -p "$out/samples"
	echo "$key" >"$out/key"
	rm -rf "$OBJ/guest-programs"
	ln -s "$out" "$OBJ/guest-programs"
	build_samples "$out/samples" "${samples[@]}"
	[ -z "$WATCH" ] || build_top "$out" record
	[ "$KIND" != run ] || return 0
	for dir in "${UPSTREAM_SELFTESTS[@]}" $OUR_SELFTESTS; do
		mkdir -p "$out/$dir"
		flags=()
		[ "$dir" != $OUR_SELFTESTS ] || flags=(USERCFLAGS=-Werror)
		drop_stale "$out/$dir" "$TREE/tools/testing/selftests/$dir"
		# the guest has no C library: everything static; a kernel whose headers are this kernel's
		make "-j$JOBS" -C "$TREE/tools/testing/selftests/$dir" OUTPUT="$out/$dir" ARCH="$ARCH" \
			CC="${CROSS}gcc -static" KHDR_INCLUDES="-isystem $OBJ/usr/include" \
			"${flags[@]}"
	done
}

# build_samples DIR TARGET...
build_samples() {
	local out=$1
	shift
	mkdir -p "$out"
	# kernel headers are not installed for "make run": those that come with the compiler will do
	make "-j$JOBS" -C "$TREE/samples/dma-buf" CROSS_COMPILE="$CROSS" HEADERS="$OBJ/usr/include" \
		LIBDRM="$CACHE/libdrm-$DEBARCH/usr" OUTPUT="$out" "$@"
}

# drop_stale DIR SOURCES: programs whose source is gone would still be packed.
drop_stale() {
	local file
	for file in "$1"/*; do
		if [ -f "$file" ] && [ -x "$file" ] && [ ! -e "$2/$(basename "$file").c" ]; then rm "$file"; fi
	done
}

# Modules a test of ours loads; each lies beside the programs, where they look for it.
build_test_modules() {
	local dir
	for dir in "$TREE/tools/testing/selftests/$OUR_SELFTESTS"/*/Kbuild; do
		[ -e "$dir" ] || continue
		dir=$(dirname "$dir")
		mkdir -p "$OBJ/guest-modules/$(basename "$dir")"
		kmake M="$dir" MO="$OBJ/guest-modules/$(basename "$dir")" modules
		"llvm-strip$LLVM_SUFFIX" --strip-debug "$OBJ/guest-modules/$(basename "$dir")"/*.ko
	done
}

# cpio_of DIR: an archive for an initramfs. The kernel unpacks several, one behind the other.
cpio_of() { (cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H newc -R 0:0); }

# guest_with FILES NAME: a copy of the guest that is set, with the files of this directory, too; it is what is booted from here on.
guest_with() {
	local base=$OUT
	OUT=$RESULTS/$2.guest
	rm -rf "$OUT"
	mkdir -p "$OUT"
	cp "$base/kernel" "$OUT/"
	{
		cat "$base/initramfs.cpio"
		cpio_of "$1"
	} >"$OUT/initramfs.cpio"
}

pack_initramfs() {
	local root=$OBJ/initramfs program
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,proc,sys,tmp,jobs}
	# Debian 13 has it in /usr
	cp "$(find "$CACHE/busybox-$DEBARCH" -path '*/bin/busybox' -type f)" "$root/bin/"
	cp "$HERE"/guest/init "$root/init"
	cp "$HERE"/guest/*.sh "$root/jobs/"
	find "$OBJ/guest-programs/" -type f -perm -u+x ! -name '*.o' -exec cp -t "$root/bin" {} +
	"${CROSS}strip" "$root"/bin/*
	[ ! -e "$OBJ/modules.order" ] || kmake INSTALL_MOD_PATH="$root" INSTALL_MOD_STRIP=1 modules_install
	rm -f "$root"/lib/modules/*/build
	pack_programs_32 "$root"
	[ ! -d "$OBJ/guest-modules" ] || find "$OBJ/guest-modules" -name '*.ko' -exec cp -t "$root/bin" {} +
	# our tests in the order their Makefile gives them
	make -s --no-print-directory -C "$TREE/tools/testing/selftests/$OUR_SELFTESTS" OUTPUT=/bin CC="${CROSS}gcc" emit_tests |
		sed 's/.*://' >"$root/jobs/our-tests"
	mkdir -p "$OUT"
	cpio_of "$root" >"$OUT/initramfs.cpio"
	# copies: another clone may build over the cache while a guest of ours runs
	cp "$OBJ/$IMAGE" "$OUT/kernel"
	cp "$OBJ/System.map" "$OBJ/.config" "$OUT/"
	[ ! -e "$OBJ/board.dtb" ] || cp "$OBJ/board.dtb" "$OUT/"
}

build_userspace() {
	build_programs
	build_programs_32
	rm -rf "$OBJ/guest-modules"
	[ "$KIND" = run ] || build_test_modules
	pack_initramfs
}

# For jobs that only load the kernel's modules: none of our programs.
pack_bare_guest() {
	rm -rf "$OBJ"/guest-{programs,modules}
	mkdir -p "$OBJ"/guest-{programs,modules}
	stage "Pack the guest ($TITLE)" "a few s" "read the log" pack_initramfs
}

build_guest() {
	stage "Build the guest's programs ($TITLE)" "under 1 min${WATCH:+, 1 to 3 min more for a cold dmabuf-top}" \
		"mend the first error in the log and run the same command again" build_userspace
}
