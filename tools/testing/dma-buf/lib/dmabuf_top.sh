# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# tools/dma-buf/dmabuf-top: its gate on the host, and a guest in which it is compared with what there is.

# What the distribution calls its cargo, which fits its rustc.
cargo_package() { if [ "$CODENAME" = bookworm ]; then echo cargo-web; else echo cargo; fi; }

# The distribution's own, whatever else PATH offers; the crates are those of Cargo.lock.
tool_cargo() {
	(cd "$TOP/tools/dma-buf/dmabuf-top" && PATH=/usr/bin:$PATH CARGO_TARGET_DIR=$CACHE/dmabuf-top /usr/bin/cargo "$@")
}

check_tool() {
	tool_cargo fmt --check &&
		tool_cargo clippy --locked --quiet --all-targets -- --deny warnings &&
		tool_cargo test --locked --quiet
}

# Not in make test: from an empty cache it takes 3.5 min of processor time.
gate_dmabuf_top() {
	[ -n "$FULL$TEST" ] && gate_asked dmabuf-top || return 0
	if [ ! -x /usr/bin/cargo ] && [ "$(id -u)" -ne 0 ]; then
		case_is skip "gate: dmabuf-top: rustfmt, clippy, tests" "there is no /usr/bin/cargo, and this is not root"
		return
	fi
	need_packages "$(cargo_package)"
	gate "dmabuf-top: rustfmt, clippy, tests" dmabuf-top check_tool
}

# Static programs with the host's own standard library: for guests that are of its kind.
build_guest_tool() {
	local target dir out
	target=$(uname -m)-unknown-linux-gnu
	dir=$TOP/tools/dma-buf/dmabuf-top/guest
	out=$(dirname "$OBJ")/tool-$MACHINE
	RUSTFLAGS='-C target-feature=+crt-static' tool_cargo build --locked --release --bin dmabuf-top --target "$target"
	mkdir -p "$out"
	cp "$CACHE/dmabuf-top/$target/release/dmabuf-top" "$out/"
	"${CROSS}gcc" -static -O2 -Wall -Werror "$dir/truth.c" -o "$out/truth"
	"${CROSS}gcc" -static -O2 -Wall -Werror "$dir/plain.c" -o "$out/plain"
	# all else is not wanted
	rm -rf "$OBJ/guest-programs" "$OBJ/guest-modules" "$OBJ/guest-programs-32"
	ln -s "$out" "$OBJ/guest-programs"
	pack_initramfs
}

# A part of make test-full.
dmabuf_top_test() {
	MACHINE=$(machine_of_host) CORE=rust LINK=y
	need_packages "$(cargo_package)"
	set_machine
	build_kernel
	stage "Build dmabuf-top for a guest ($TITLE)" "1 to 3 min when cold" \
		"mend the first error in the log; cargo fetches the crates of tools/dma-buf/dmabuf-top/Cargo.lock" build_guest_tool
	choose_accelerator
	tested_job dmabuf-top
}
