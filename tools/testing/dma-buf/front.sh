#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The front door behind the Makefile: front.sh COMMAND, knobs in the environment.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in common packages toolchain source kernel userspace compat accelerator jobs tests check bench gates parity compile rustdoc combinations users bpf; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done

# What is set here is for us: as variables of the environment, or in make's own, it would mean something to kbuild, to kselftest
# (KDIR does) and to the compilers. So would what the user has set for other builds.
export -n KERNEL MACHINE CORE LINK KDIR JOBS OP T
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES O M MO V W C ARCH SUBARCH CROSS_COMPILE CC HOSTCC CLANG LD LLVM OUTPUT CFLAGS CPPFLAGS \
	LDFLAGS LDLIBS KCFLAGS KAFLAGS KCPPFLAGS KRUSTFLAGS RUSTFLAGS HOSTCFLAGS HOSTLDFLAGS HOSTRUSTFLAGS RUSTUP_TOOLCHAIN INSTALL_MOD_PATH
for name in $(compgen -e KBUILD_ || true); do unset "$name"; done

KERNEL=${KERNEL:-7.3}
ASKED_CORE=${CORE:-} # test: both cores
CORE=${CORE:-rust}
LINK=${LINK:-} # test: both forms
MACHINE=${MACHINE:-}
KIND=run # what a kernel is for: the main job (run), all tests (test), these on a kernel that watches itself (debug), bench
DRIVERS_ONLY= # set where a kernel is there for the sample drivers and the interop matrix alone
FULL= # test-full sets it
TEST=${T:-} # check: one program, suite or gate
QUIET= # check sets it: what passes is not listed
OP=${OP:-} # bench: all operations

check_knobs() {
	choose CORE "$CORE" rust c
	[ -z "$MACHINE" ] || choose MACHINE "$MACHINE" vexpress-a9 arm64 x86_64
	[ -z "$LINK" ] || choose LINK "$LINK" y m
	[ "$CORE$LINK" != cm ] || fail "reading the knobs" "the C core cannot be built as modules" "use CORE=rust LINK=m or CORE=c LINK=y"
	check_kdir
}

prepare() {
	check_packages
	mkdir -p "$CACHE" "$BUILD" "$LOGS"
	lock_cache
	set_toolchain
	together fetch_source fetch_tools fetch_guest
	check_toolchain
	set_source
	lay_tree
}

build_machine() {
	MACHINE=$1 LINK=${2:-y}
	build_kernel
	build_guest
}

build() {
	say "Rust DMA-BUF: build for ${MACHINE:=vexpress-a9}, core $CORE, link ${LINK:=y}"
	prepare
	build_machine "$MACHINE" "$LINK"
	unlock_cache
	say "kernel and initramfs are in $OUT"
}

clean() {
	rm -rf "$BUILD"
	say "removed $BUILD; the cache shared by all clones stays: $CACHE ($(du -sh "$CACHE" 2>/dev/null | cut -f1 || echo empty))"
	say "to drop that as well: rm -rf '$CACHE'"
}

help() {
	cat <<-END
		make run     build, boot, carry frames from a camera to a display; picture in build/run/frame.png
		make test    build and boot both machines, run every test and gate
		make test-full    the same in every form, and what takes too long for it: check-users, check-combinations, BPF
		make test-debug   the same guests on an arm64 kernel with lockdep, KASAN, kmemleak and the like: 26 min, cold 35 min
		make check-users  build the drivers of the kernel that use dma-bufs as modules, load those that need no hardware
		make check-combinations   build and boot kernels with combinations of options that no other has
		make bench   what each operation costs in C and in Rust, in guest instructions, and the size of the code
		make rustdoc   the documentation of the kernel crate, kernel::dma_buf in it, as HTML
		make build   build kernel and guest only
		make clean   remove build/ (not the cache in $CACHE)

		MACHINE=vexpress-a9|arm64|x86_64   the machine QEMU emulates (default: vexpress-a9; make test: vexpress-a9 and arm64)
		CORE=rust|c                 who implements dma-buf (default: rust; make test: both have the interop matrix)
		LINK=y|m                    dma-buf built in, or as modules that the guest inserts (default: y; make test: both)
		KDIR=/path/to/linux         build from your own Linux $KERNEL tree, which is not modified
		OP=name                     bench: where the instructions of this operation go, function by function
		JOBS=N                      parallel compilers (default: number of processors)
	END
}

# one command read to its end, so that editing this file does not confuse a run of it
main() {
	check_knobs
	case ${1:-help} in
	build) build ;;
	run) run ;;
	check) run_check ;;
	test) run_tests ;;
	test-full) run_full_tests ;;
	test-debug) run_debug_tests ;;
	check-users) run_check_users ;;
	check-combinations) run_check_combinations ;;
	bench) bench ;;
	rustdoc) rustdoc ;;
	clean) clean ;;
	help) help ;;
	*) choose command "$1" build run check test test-full test-debug check-users check-combinations bench rustdoc clean help ;;
	esac
}
main "$@"
exit
