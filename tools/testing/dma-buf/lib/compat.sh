# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# 32-bit user space on the 64-bit kernels: our kselftests built for it, for a job of make test-full.

# set_compat: whether this form has that job, and with what its programs are built.
set_compat() {
	[ -n "$FULL" ] && [ "$CORE/$LINK" = rust/y ] || return 1
	case $MACHINE in
	arm64) ARCH32=arm CROSS32=arm-linux-gnueabihf- ;;
	x86_64) ARCH32=i386 CROSS32=i686-linux-gnu- ;;
	*) return 1 ;;
	esac
}

# Debian's 32-bit variant of the native compiler would not be there on all hosts.
compat_packages() { need_packages gcc-i686-linux-gnu libc6-dev-i386-cross; }

build_programs_32() {
	local out=$OBJ/guest-programs-32
	set_compat || { rm -rf "$out" && return; }
	mkdir -p "$out"
	drop_stale "$out" "$TREE/tools/testing/selftests/$OUR_SELFTESTS"
	# an architecture's headers are its own
	make -C "$TREE" O="$OBJ/headers-32" ARCH="$ARCH32" "${KMAKE_TOOLS[@]}" headers
	make "-j$JOBS" -C "$TREE/tools/testing/selftests/$OUR_SELFTESTS" OUTPUT="$out" ARCH="$ARCH32" \
		CC="${CROSS32}gcc -static" KHDR_INCLUDES="-isystem $OBJ/headers-32/usr/include"
}

# pack_programs_32 ROOT: beside them what they look for there, which is the same for all programs.
pack_programs_32() {
	local dir=$1/bin/32 file
	[ -d "$OBJ/guest-programs-32" ] || return 0
	mkdir -p "$dir"
	find "$OBJ/guest-programs-32" -type f -perm -u+x ! -name '*.o' -exec cp -t "$dir" {} +
	"${CROSS32}strip" "$dir"/*
	for file in "$1"/bin/*; do
		[ -d "$file" ] || [ -e "$dir/$(basename "$file")" ] || ln -s "../$(basename "$file")" "$dir/"
	done
}
