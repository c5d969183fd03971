# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# make check-users: drivers of the kernel that use dma-bufs, built as modules, resolved against the Rust core, and loaded.

# The kernel of check-users, for set_machine: none of the tests' options, all of the users'.
set_users_kernel() {
	FRAGMENTS=("$MACHINE" base dma-buf users)
	[ "$MACHINE" != arm64 ] || FRAGMENTS+=(users-arm64)
	FRAGMENTS+=(core-rust link-m)
	VARIANT+=-users
	TITLE+=", its users"
	BUILD_TIME="10 to 20 min when cold"
}
