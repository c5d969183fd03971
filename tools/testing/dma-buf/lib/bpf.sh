# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The job bpf of make test-full: BPF programs walk the buffers of a kernel that has BPF and type information of itself.

set_bpf() {
	MACHINE=arm64 CORE=rust LINK=y
	set_machine
	FRAGMENTS+=("$HERE/configs/bpf.config")
	OBJ+=-bpf VARIANT+=-bpf OUT=$BUILD/$VARIANT
	TITLE+=", with BPF"
	BUILD_TIME="8 to 15 min when cold"
	# it exists: debug information is in every object, so that no other kernel has any that this one could start from
	mkdir -p "$OBJ"
}

bpf_test() {
	# makes the type information
	need_packages pahole
	set_bpf
	make_kernel
	build_guest
	tested_job bpf
}
