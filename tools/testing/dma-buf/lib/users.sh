# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# make check-users: drivers all over the kernel that use dma-bufs, built as modules, resolved by modpost against the
# Rust core in its loadable form, and loaded where they need no hardware for it.

# set_users MACHINE: a kernel with little but users of dma-bufs.
set_users() {
	MACHINE=$1 CORE=rust LINK=m
	set_machine
	set_fragments base dma-buf users core-rust link-m
	set_variation users "with its users" "10 to 30 min when cold"
}

# Modpost has found every symbol, or there would be no modules; what remains to be seen is that the users are there.
users_resolved() {
	python3 "$HERE/parity/users.py" --build "$OBJ" --list "$HERE/configs/users.txt" --machine "$MACHINE" --nm "llvm-nm$LLVM_SUFFIX"
}

no_modpost_warning() {
	local log
	log=$(log_of "Build the kernel ($TITLE)")
	[ -s "$log" ] || { echo "no log $log"; return 1; }
	! grep -E '^(WARNING|ERROR): modpost:' "$log"
}

# check_users MACHINE...
check_users() {
	local machine
	for machine; do
		set_users "$machine"
		make_kernel
		gate "$VARIANT: every user is built and resolved against our modules" "users-$VARIANT" users_resolved
		gate "$VARIANT: modpost has no complaint" "modpost-$VARIANT" no_modpost_warning
		pack_bare_guest
		tested_job users
	done
}

run_check_users() {
	[ "$CORE${LINK:-m}" = rustm ] || fail "reading the knobs" "check-users is about the Rust core as modules" "leave CORE and LINK out"
	# a PC has others (i915, xe, ivpu, vmwgfx), which nobody has listed yet
	[ -z "$MACHINE" ] || choose MACHINE "$MACHINE" arm64 vexpress-a9
	local machines=(arm64 vexpress-a9)
	[ -z "$MACHINE" ] || machines=("$MACHINE")
	begin_tests check-users "drivers that use dma-bufs, on ${machines[*]}"
	check_users "${machines[@]}"
	end_tests
}
