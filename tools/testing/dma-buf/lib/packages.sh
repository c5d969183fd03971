# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The Debian packages the project needs: which are missing, and how they get installed.

CODENAME=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-unknown}")

wanted_packages() {
	echo make gcc libc6-dev flex bison bc libelf-dev libssl-dev kmod cpio xz-utils patch perl python3 git \
		ca-certificates shellcheck qemu-system-arm qemu-system-x86 gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
	# for the guests' programs; the host's own compiler is there already
	[ "$(uname -m)" = aarch64 ] || echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross
	[ "$(uname -m)" = x86_64 ] || echo gcc-x86-64-linux-gnu libc6-dev-amd64-cross
	case $CODENAME in
	bookworm)
		echo clang-22 lld-22 llvm-22 libclang-22-dev rustc-web rust-web-src rust-web-clippy rustfmt-web
		;;
	*)
		echo clang lld llvm libclang-dev rustc rust-src rust-clippy rustfmt bindgen
		;;
	esac
}

missing_packages() {
	local package
	for package; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
	done
}

install_packages() {
	export DEBIAN_FRONTEND=noninteractive
	apt-get -o Acquire::Retries=5 update
	apt-get -o Acquire::Retries=5 install -y --no-install-recommends "$@"
}

check_packages() {
	local wanted
	mapfile -t wanted < <(wanted_packages | tr ' ' '\n')
	need_packages "${wanted[@]}"
}

# For commands that read sources, and compile nothing.
reader_packages() { need_packages python3 git patch xz-utils ca-certificates "$@"; }

# need_packages PACKAGE...
need_packages() {
	local missing
	case $CODENAME in
	bookworm | trixie) ;;
	*)
		say "  this is not Debian 12 or 13: packages are not checked, tools are looked up by name"
		return
		;;
	esac
	mapfile -t missing < <(missing_packages "$@")
	[ "${#missing[@]}" -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		fail "checking packages" "${#missing[@]} packages are missing and this is not root" \
			"run: apt-get install -y --no-install-recommends ${missing[*]}"
	fi
	say "  missing packages: ${missing[*]}"
	stage "Install ${#missing[@]} packages" "1 to 4 min" \
		"see what apt says; the package sources of this machine must be those of Debian 12 or 13" \
		install_packages "${missing[@]}"
}
