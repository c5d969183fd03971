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

# What is needed where a guest has it; pictures of its screen are drawn on the host.
top_packages() { need_packages "$(cargo_package)" python3-pyte python3-pil fonts-dejavu-core; }

# build_top DIR PROGRAM...: dmabuf-top and programs of its guest/, static, with the host's own standard library: for guests that are of
# its kind.
build_top() {
	local out=$1 target program
	shift
	target=$(uname -m)-unknown-linux-gnu
	RUSTFLAGS='-C target-feature=+crt-static' tool_cargo build --locked --release --bin dmabuf-top --target "$target"
	mkdir -p "$out"
	cp "$CACHE/dmabuf-top/$target/release/dmabuf-top" "$out/"
	for program; do
		"${CROSS}gcc" -static -O2 -Wall -Werror "$TOP/tools/dma-buf/dmabuf-top/guest/$program.c" -o "$out/$program"
	done
}

build_top_guest() {
	local out
	out=$(dirname "$OBJ")/tool-$MACHINE
	build_top "$out" truth plain record
	build_samples "$out/samples" camera_to_display
	# all else is not wanted
	rm -rf "$OBJ/guest-programs" "$OBJ/guest-modules" "$OBJ/guest-programs-32"
	ln -s "$out" "$OBJ/guest-programs"
	pack_initramfs
}

# screens_picture DIR: what was on its screen beside the main job, as $DIR/dmabuf-top.png, if it names exporter and holder of the buffers
# and the devices of camera and display.
screens_picture() {
	# the one for which the distribution has pyte
	/usr/bin/python3 "$HERE/screens.py" "$1/dmabuf-top.png" "$1"/{buffers,devices,tree}.screen -- \
		default_cma_region camera_to_displ vivid vkms "attached devices"
}

# A part of make test-full.
dmabuf_top_test() {
	MACHINE=$(machine_of_host) CORE=rust LINK=y WATCH=y
	top_packages
	set_machine
	build_kernel
	stage "Build dmabuf-top for a guest ($TITLE)" "1 to 3 min when cold" \
		"mend the first error in the log; cargo fetches the crates of tools/dma-buf/dmabuf-top/Cargo.lock" build_top_guest
	choose_accelerator
	tested_job dmabuf-top
	WATCH=
}

check_screens() {
	local note
	if note=$(screens_picture "$2" 2>&1); then
		case_is pass "$1: main job: the screen of dmabuf-top names heap, holder, camera and display"
	else
		case_is fail "$1: main job: the screen of dmabuf-top names heap, holder, camera and display" "$note"
	fi
}
