#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The front door behind the Makefile: front.sh COMMAND, knobs in the environment.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in common knobs page packages toolchain source kernel userspace compat accelerator jobs tests check bench gates shape models install patches parity compile rustdoc combinations users bpf dmabuf_top variants knob_gates tries fuzz plants suites; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done

read_knobs "${1:-help}"
# What is set for us would mean something to kbuild, to kselftest (KDIR does) and to the compilers, and so would what the user has
# set for other builds: as variables of the environment, or in make's own.
export -n LINUX T ACCEPT
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES O M MO V W C ARCH SUBARCH CROSS_COMPILE CC HOSTCC CLANG LD LLVM OUTPUT CFLAGS CPPFLAGS \
	LDFLAGS LDLIBS KCFLAGS KAFLAGS KCPPFLAGS KRUSTFLAGS RUSTFLAGS HOSTCFLAGS HOSTLDFLAGS HOSTRUSTFLAGS RUSTUP_TOOLCHAIN INSTALL_MOD_PATH
for name in $(compgen -e KBUILD_ || true); do unset "$name"; done

LINUX=${LINUX:-7.3}
ASKED_CORE=${CORE:-} # test: both cores
CORE=${CORE:-rust}
TEST=${T:-} # check: one program, suite or gate; test-full, check-series, check-combinations: what of them
KIND=run # what a kernel is for: the main job (run), all tests (test), these on a kernel that watches itself (debug), bench
DRIVERS_ONLY= # set where a kernel is there for the sample drivers and the interop matrix alone
POOL= # set where a kernel has the pool of the system heap, which is not in C
FULL= # test-full sets it
QUIET= # check sets it: what passes is not listed

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
	[ -z "$DEBUG_KERNEL" ] || KIND=debug
	say "Rust DMA-BUF: build for ${MACHINE:=vexpress-a9}, core $CORE, link ${LINK:=y}"
	prepare
	build_machine "$MACHINE" "$LINK"
	unlock_cache
	say "kernel and initramfs are in $OUT"
}

clean() {
	# choices are no product: they stay, as with the kernel's make clean
	[ ! -d "$BUILD" ] || find "$BUILD" -mindepth 1 -maxdepth 1 ! -path "$REMEMBERED_IN" -exec rm -rf {} +
	rmdir "$BUILD" 2>/dev/null || ! [ -e "$REMEMBERED_IN" ] || say "kept your choices: $REMEMBERED_IN"
	say "removed what was in $BUILD; the cache shared by all clones stays: $CACHE ($(du -sh "$CACHE" 2>/dev/null | cut -f1 || echo empty))"
	say "to drop that as well: rm -rf '$CACHE'"
}

help() {
	cat <<-END
		make run     build, boot, carry frames from a camera to a display; picture in build/run/frame.png
		make check   for who changes the code: gates, KUnit and selftests on one machine; T=NAME: one program, suite or gate
		make test    build and boot two machines, run every test and gate
		make test-full    the same in every form, and what takes too long for it: check-users, check-combinations, BPF (T="NAME...": parts)
		make test-debug   the same guests on an arm64 kernel with lockdep, KASAN, kmemleak and the like: 31 min, cold 43 min
		make check-users  build the drivers of the kernel that use dma-bufs as modules, load those that need no hardware
		make check-combinations   build and boot kernels with combinations of options that no other has (T=NAME: that)
		make bench   what each operation costs in C and in Rust, in guest instructions, and the size of the code
		make rustdoc   the documentation of the kernel crate, kernel::dma_buf in it, as HTML
		make unsafe  how much of our Rust is unsafe, by folder, beside other Rust of the kernel
		make install KDIR=/path/to/linux   put it into your own tree; it is all or nothing, and says what it does
		make uninstall KDIR=/path/to/linux   take it out again
		make patches   what is here, as a series for git am, in build/patches: cover letter, steps, a sign-off to be filled in
		make check-series   apply it to the pristine tree, build each step (T="NAME...": these), boot what was built last
		make fuzz SECONDS=600   random programs of system calls, led by coverage, on debug kernels of both cores; SEED=1: the same again
		make soak SECONDS=3600   the system heap's pool on a debug kernel of 4 CPUs, beside somebody who eats the memory
		make models  tests of what runs without a lock, by herd7 and spin; ACCEPT=1: the functions they stand for were looked at
		make build   build kernel and guest only
		make menuconfig   the knobs below and the options of DMA-BUF on one page; build/config keeps what is chosen
		make clean   remove what is in build/ but build/config (not the cache in $CACHE)

		MACHINE=vexpress-a9|arm64|x86_64   the machine QEMU emulates (default: vexpress-a9; make test: it and arm64)
		CORE=rust|c                 who implements dma-buf (default: rust; make test: both have the interop matrix)
		LINK=y|m                    dma-buf built in, or as modules that the guest inserts (default: y; make test: both)
		DEBUG_KERNEL=y              a kernel with lockdep, KASAN, kmemleak and the like, not of vexpress-a9 (make test: does what test-debug does)
		WATCH=y                     run: dmabuf-top looks on in the guest, of the host's own kind; its screen in build/run/dmabuf-top.png
		FRAGMENT=/path/to/file      kernel options of your own, laid over all others
		KERNEL=$LINUX.x               of Debian's sources this version (default: those in the cache, else the newest)
		KDIR=/path/to/linux         build from your own Linux $LINUX tree, which is not modified
		OP=name                     bench: where the instructions of this operation go, function by function
		ONLY=group                  bench: only user, module, jobs, growth, memory, contention, code or pool
		BASE=/path/to/file          bench: compare with this results.json of an earlier one
		JOBS=N                      parallel compilers (default: number of processors)

		What is set now, and where (the command line counts more than build/config; MACHINE= on it: the default):
	END
	show_knobs
}

# one command read to its end, so that editing this file does not confuse a run of it
main() {
	check_knobs "${1:-help}"
	case ${1:-help} in
	build) build ;;
	run) run ;;
	# on that kernel there is nothing else to be done
	test) if [ -n "$DEBUG_KERNEL" ]; then run_debug_tests; else run_tests; fi ;;
	check) run_check ;;
	test-full) run_full_tests ;;
	test-debug) run_debug_tests ;;
	check-users) run_check_users ;;
	check-combinations) run_check_combinations ;;
	bench) bench ;;
	fuzz) fuzz ;;
	soak) soak ;;
	rustdoc) rustdoc ;;
	unsafe) unsafe ;;
	models) models ;;
	install | uninstall) run_install "$1" ;;
	patches) run_patches ;;
	check-series) run_check_series ;;
	menuconfig) menuconfig ;;
	clean) clean ;;
	help) help ;;
	*) choose command "$1" build run check test test-full test-debug check-users check-combinations check-series bench rustdoc unsafe models fuzz soak patches install uninstall menuconfig clean help ;;
	esac
}
main "$@"
exit
