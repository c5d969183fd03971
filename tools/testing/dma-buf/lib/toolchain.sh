# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Compilers: the distribution's own, by full path, whatever else PATH offers (a rustup, say).

BINDGEN_MINIMUM=0.71.1

set_toolchain() {
	case $CODENAME in
	bookworm)
		LLVM_SUFFIX=-22
		BINDGEN=$CACHE/bindgen/bin/bindgen
		BINDGEN_MINIMUM=0.72.1 # older ones do not understand libclang-22
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
		"LLVM=${LLVM_SUFFIX:-1}" "RUSTC=$CACHE/bin/rustc" HOSTRUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc
		RUSTFMT=/usr/bin/rustfmt CLIPPY_DRIVER=/usr/bin/clippy-driver "BINDGEN=$BINDGEN" "RUST_LIB_SRC=$RUST_LIB_SRC"
	)
}

# Debian 12 has a bindgen that is too old, and that of Debian 13 does not understand its libclang-22. That of the suite after it does,
# and runs on the C library it was built for; libclang and all else are the machine's. Compiling one takes 4 min of processor time.
download_bindgen() {
	local arch package
	arch=$(dpkg --print-architecture)
	private_apt tools forky "$arch"
	for package in bindgen libc6; do
		[ -n "$(newest "$CACHE/deb/${package}_*_$arch.deb")" ] || download_package "$CACHE/deb" "$package"
	done
	unpack_to "$CACHE/bindgen" unpack_bindgen "$(newest "$CACHE/deb/bindgen_*_$arch.deb")" "$(newest "$CACHE/deb/libc6_*_$arch.deb")"
}

# unpack_bindgen BINDGEN LIBC DIR
unpack_bindgen() {
	local dir=$3 loader
	dpkg-deb -x "$1" "$dir"
	dpkg-deb -x "$2" "$dir"
	loader=$(cd "$dir" && find usr/lib -name 'ld-linux-*.so.*' | head -n 1)
	mkdir "$dir/bin"
	cat >"$dir/bin/bindgen" <<-END
		#!/bin/sh
		here=\${0%/*}/..
		exec "\$here/$loader" --library-path "\$here/${loader%/*}:/${loader%/*}" "\$here/usr/bin/bindgen" "\$@"
	END
	chmod +x "$dir/bin/bindgen"
}

fetch_tools() {
	# in the cache, because a clone's own would have another name in the commands that kbuild compares
	if ! cmp -s "$HERE/lib/rustc" "$CACHE/bin/rustc"; then
		mkdir -p "$CACHE/bin"
		cp "$HERE/lib/rustc" "$CACHE/bin/rustc"
	fi
	[ "$BINDGEN" != /usr/bin/bindgen ] && ! "$BINDGEN" --version >/dev/null 2>&1 || return 0
	stage "Get bindgen" "4 MB, 10 s" "check that apt works on this machine, or: cargo install bindgen-cli --locked --root '$CACHE/bindgen'" \
		download_bindgen
}

# cross_of ARCH: what stands before the names of the compiler for that architecture; nothing where it is the host's own.
cross_of() { [ "$(uname -m)" = "$1" ] || echo "$1-linux-gnu-"; }

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

check_toolchain() {
	local tool version
	for tool in "clang$LLVM_SUFFIX" "ld.lld$LLVM_SUFFIX" "llvm-nm$LLVM_SUFFIX" /usr/bin/rustc /usr/bin/rustfmt \
		/usr/bin/clippy-driver flex bison bc cpio depmod perl python3 patch "$(cross_of aarch64)gcc" \
		"$(cross_of x86_64)gcc" arm-linux-gnueabihf-gcc qemu-system-arm qemu-system-aarch64 qemu-system-x86_64 shellcheck; do
		command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null ||
			fail "looking for tools" "$tool is not on this machine" \
				"install the package that holds it; on Debian 12: apt-get install -y --no-install-recommends $(wanted_packages | tr '\n' ' ')"
	done
	[ -d "$RUST_LIB_SRC" ] || fail "looking for tools" "the Rust library sources are not in $RUST_LIB_SRC" \
		"install rust-web-src (Debian 12) or rust-src (Debian 13)"
	"$BINDGEN" --version >/dev/null 2>&1 || fail "looking for tools" "$BINDGEN does not run" \
		"install bindgen $BINDGEN_MINIMUM or newer, or on Debian 12 remove $CACHE/bindgen and run the same command again"
	version=$("$BINDGEN" --version | tr -dc '0-9.')
	at_least "$BINDGEN_MINIMUM" "$version" || fail "looking for tools" \
		"$BINDGEN is version $version, the kernel needs $BINDGEN_MINIMUM" "remove it and run the same command again"
	TOOLCHAIN_KEY=$({
		"clang$LLVM_SUFFIX" --version | head -n 1
		/usr/bin/rustc --version
		"$BINDGEN" --version
	} | hash_of)
}
