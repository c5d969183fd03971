# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Compilers: the distribution's own, by full path, whatever else PATH offers (a rustup, say).

BINDGEN_MINIMUM=0.71.1

set_toolchain() {
	case $CODENAME in
	bookworm)
		LLVM_SUFFIX=-22
		BINDGEN=$CACHE/bindgen/bin/bindgen
		export LIBCLANG_PATH=/usr/lib/llvm-22/lib
		;;
	*)
		LLVM_SUFFIX=
		BINDGEN=/usr/bin/bindgen
		;;
	esac
	RUST_LIB_SRC=/usr/lib/rustlib/src/rust/library
	if [ ! -d "$RUST_LIB_SRC" ]; then
		RUST_LIB_SRC=$(find /usr/src -maxdepth 2 -path '/usr/src/rustc-*/library' 2>/dev/null | sort -V | tail -n 1)
	fi
	KMAKE_TOOLS=(
		"LLVM=${LLVM_SUFFIX:-1}" RUSTC=/usr/bin/rustc HOSTRUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc
		RUSTFMT=/usr/bin/rustfmt CLIPPY_DRIVER=/usr/bin/clippy-driver "BINDGEN=$BINDGEN" "RUST_LIB_SRC=$RUST_LIB_SRC"
	)
}

install_bindgen() {
	# --root is filled by cargo only when the build is complete
	RUSTC=/usr/bin/rustc RUSTUP_TOOLCHAIN='' CARGO_TARGET_DIR=$CACHE/bindgen-build \
		"$(cargo_path)" install bindgen-cli --locked --root "$CACHE/bindgen"
	rm -rf "$CACHE/bindgen-build"
}

# cross_of ARCH: what stands before the names of the compiler for that architecture; nothing where it is the host's own.
cross_of() { [ "$(uname -m)" = "$1" ] || echo "$1-linux-gnu-"; }

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

check_toolchain() {
	local tool version
	set_toolchain
	for tool in "clang$LLVM_SUFFIX" "ld.lld$LLVM_SUFFIX" "llvm-nm$LLVM_SUFFIX" /usr/bin/rustc /usr/bin/rustfmt \
		/usr/bin/clippy-driver flex bison bc cpio depmod perl python3 patch "$(cross_of aarch64)gcc" \
		"$(cross_of x86_64)gcc" arm-linux-gnueabihf-gcc qemu-system-arm qemu-system-aarch64 qemu-system-x86_64 shellcheck; do
		command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null ||
			fail "looking for tools" "$tool is not on this machine" \
				"install the package that holds it; on Debian 12: apt-get install -y --no-install-recommends $(wanted_packages | tr '\n' ' ')"
	done
	[ -d "$RUST_LIB_SRC" ] || fail "looking for tools" "the Rust library sources are not in $RUST_LIB_SRC" \
		"install rust-web-src (Debian 12) or rust-src (Debian 13)"
	if ! "$BINDGEN" --version >/dev/null 2>&1; then
		[ "$BINDGEN" != /usr/bin/bindgen ] || fail "looking for tools" "bindgen is not on this machine" \
			"install bindgen $BINDGEN_MINIMUM or newer as /usr/bin/bindgen"
		stage "Build bindgen" "2 to 3 min, once" \
			"cargo must reach its registry: check the network, then run the same command again" install_bindgen
	fi
	version=$("$BINDGEN" --version | tr -dc '0-9.')
	at_least "$BINDGEN_MINIMUM" "$version" || fail "looking for tools" \
		"$BINDGEN is version $version, the kernel needs $BINDGEN_MINIMUM" "remove it and run the same command again"
	TOOLCHAIN_KEY=$({
		"clang$LLVM_SUFFIX" --version | head -n 1
		/usr/bin/rustc --version
		"$BINDGEN" --version
	} | hash_of)
}
