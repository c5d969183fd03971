# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The job bpf of make test-full: BPF programs walk the buffers of a kernel that has BPF and type information of itself.

set_bpf() {
	MACHINE=arm64 CORE=rust LINK=y
	set_machine
	FRAGMENTS+=("$HERE/configs/bpf.config")
	# with debug information
	set_variation bpf "with BPF" "8 to 15 min when cold"
}

bpf_test() {
	# makes the type information
	need_packages pahole
	set_bpf
	make_kernel
	build_guest
	tested_job bpf
}
