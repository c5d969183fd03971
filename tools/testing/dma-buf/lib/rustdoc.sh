# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# make rustdoc: the documentation of the kernel crate, ours with it, for one machine; a gate of "make test", too.

build_rustdoc() {
	RUSTDOC_STAGE="Build the documentation of the kernel crate ($TITLE)"
	stage "$RUSTDOC_STAGE" "about 30 s; some min more if the crate is not built yet" "mend the first error in the log" \
		kmake "-j$JOBS" rustdoc
}

# Warnings about our files, broken links among them, and links to files that the tree has not got.
rustdoc_warnings() {
	local log
	log=$(log_of "$RUSTDOC_STAGE")
	grep -q 'RUSTDOC .*rust/kernel/lib.rs' "$log" || { echo "$log: the kernel crate was not documented"; return 1; }
	! grep -E 'srctree/ link to .* does not exist' "$log" && warnings_of "$log" '*.rs'
}

gate_rustdoc() {
	build_rustdoc
	gate "rustdoc: no warning in our Rust, no broken link" rustdoc rustdoc_warnings
}

rustdoc() {
	local page
	[ -z "$DEBUG_KERNEL" ] || KIND=debug
	say "Rust DMA-BUF: documentation of the kernel crate for ${MACHINE:=vexpress-a9}, core $CORE, link ${LINK:=y}"
	prepare
	set_machine
	configure_kernel
	build_rustdoc
	unlock_cache
	rustdoc_warnings || fail "$RUSTDOC_STAGE" "rustdoc has something to say about our files" \
		"mend what is listed above" "$(log_of "$RUSTDOC_STAGE")"
	ln -sfn "$OBJ/Documentation/output/rust/rustdoc" "$BUILD/rustdoc"
	page=$BUILD/rustdoc/kernel/dma_buf/index.html
	[ -e "$page" ] || fail "$RUSTDOC_STAGE" "there is no $page" "see the log" "$(log_of "$RUSTDOC_STAGE")"
	say "kernel::dma_buf: $page"
}
