# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Combinations of options that no other kernel of ours has: each must link, and boot with its modules inserted. Lines "# Boot with:" and
# "# Run:" add words to the kernel's command line, and a program of our kselftests.

# set_combination FRAGMENT: a kernel of little more than what the fragment says.
set_combination() {
	MACHINE=arm64 CORE=rust LINK=y
	! grep -q '^CONFIG_DMABUF_CORE=m' "$1" || LINK=m
	set_machine
	set_fragments base "combinations/$(basename "$1" .config)"
	OBJ=$(dirname "$OBJ")/arm64-combinations
	VARIANT=combination-$(basename "$1" .config)
	TITLE=${VARIANT/-/ }
	BUILD_TIME="1 to 4 min"
	OUT=$BUILD/$VARIANT
	# what the guest must find
	! grep -q '^CONFIG_DMABUF_CORE_C=y' "$1" || CORE=c
	! grep -q '^# CONFIG_DMABUF_CORE is not set' "$1" || CORE=none
}

check_combinations() {
	# they are about what they say, not about what the user has chosen
	local only=${TEST:-*} fragment OPTIONS=() FRAGMENT='' TEST BOOT_WITH
	for fragment in "$HERE"/configs/combinations/$only.config; do
		set_combination "$fragment"
		BOOT_WITH=$(sed -n 's/^# Boot with: //p' "$fragment")
		TEST=$(sed -n 's/^# Run: //p' "$fragment")
		make_kernel
		if [ -n "$TEST" ]; then build_guest; else pack_bare_guest; fi
		tested_job boot
	done
}

run_check_combinations() {
	begin_tests check-combinations "combinations of options"
	check_combinations
	end_tests
}
