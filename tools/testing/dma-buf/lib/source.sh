# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The kernel source and what the guests need of the distribution: fetched with apt from the mirror this machine
# already uses, through a private configuration, so that the machine's own apt stays as it is.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

mirror_of_this_machine() {
	# apt itself resolves both forms of its configuration, .list and .sources
	# shellcheck disable=SC2016 # apt fills these in
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v release="^($CODENAME|stable|oldstable)$" '$2 ~ release && $3 == "main" { print $1; exit }'
}

# private_apt NAME SUITES ARCH...: leaves an APT_CONFIG for these suites and architectures.
private_apt() {
	local dir=$CACHE/apt/$1 suites=$2 mirror each arch
	shift 2
	mirror=$(mirror_of_this_machine)
	if [ -z "$mirror" ]; then
		echo "apt on this machine has no source for '$CODENAME main'" >&2
		return 1
	fi
	mkdir -p "$dir"/{state/lists/partial,cache/archives/partial}
	touch "$dir/state/status"
	for each in $suites; do
		echo "deb [arch=$(IFS=,; echo "$*") signed-by=$KEYRING] $mirror $each main"
	done >"$dir/sources.list"
	{
		echo "Dir::State \"$dir/state\";"
		echo "Dir::State::lists \"$dir/state/lists\";"
		echo "Dir::State::status \"$dir/state/status\";"
		echo "Dir::Cache \"$dir/cache\";"
		echo "Dir::Etc::sourcelist \"$dir/sources.list\";"
		echo 'Dir::Etc::sourceparts "/dev/null";'
		echo 'Dir::Etc::preferencesparts "/dev/null";'
		echo 'APT::Sandbox::User "root";'
		echo 'Acquire::Languages "none";'
		echo "APT::Architecture \"$1\";"
		echo 'APT::Architectures {'
		for arch; do echo "	\"$arch\";"; done
		echo '};'
	} >"$dir/apt.conf"
	export APT_CONFIG=$dir/apt.conf
}

# download_package TARGET-DIR PACKAGE: the .deb appears in TARGET-DIR only when it is complete.
download_package() {
	local part try
	part=$(mktemp -d "$CACHE/tmp.XXXXXX")
	for try in 1 2 3; do
		apt-get update || true
		if apt-cache show "$2" >/dev/null 2>&1 && (cd "$part" && apt-get download "$2"); then
			mkdir -p "$1"
			mv "$part"/*.deb "$1/"
			rmdir "$part"
			return
		fi
		echo "attempt $try did not get $2" >&2
		sleep $((try * 5))
	done
	rm -rf "$part"
	return 1
}

# One version may be in any of the suites that have kernels of this kind; where nobody asks for one, it is what Debian 13 gets.
source_apt() { private_apt "source${KERNEL:+-any}" "trixie-backports${KERNEL:+ forky sid}" amd64; }

# The versions that these suites have, a line each.
offered_sources() { apt-cache madison "linux-source-$LINUX" | awk -F ' *[|] *' '{ print $2 }' | sort -Vu; }

ask_for_sources() {
	source_apt
	# what could not be read is not what Debian has not got; but it need not be all suites
	apt-get -o Acquire::Retries=5 -o APT::Update::Error-Mode=any update || apt-cache policy | grep 'n=trixie-backports'
	offered_sources >"$CACHE/apt/offered-sources"
}

# wanted_source FILE: the package's name, and the version that is asked for, of what is offered.
wanted_source() {
	awk -v wanted="$KERNEL" -v name="linux-source-$LINUX" '
		wanted == "" { found = name }
		wanted != "" && index($1 "-", wanted "-") == 1 { found = name "=" $1 }
		END { print found; exit found == "" }' "$1"
}

download_source() {
	source_apt
	download_package "$CACHE/deb" "$1"
}

newest() { { compgen -G "$1" || true; } | sort -V | tail -n 1; }

# unpack_to DIR COMMAND...: COMMAND gets a temporary directory as its last word; DIR appears when it succeeded.
unpack_to() {
	local dir=$1 part
	shift
	mkdir -p "$(dirname "$dir")"
	part=$(mktemp -d "$CACHE/tmp.XXXXXX")
	"$@" "$part"
	rm -rf "$dir"
	mv "$part" "$dir"
}

unpack_source() {
	dpkg-deb --fsys-tarfile "$1" | tar -xO "./usr/src/linux-source-$LINUX.tar.xz" |
		tar -xJ --strip-components=1 -C "$2"
}

version_of_tree() {
	awk '$2 == "=" && /^(VERSION|PATCHLEVEL|SUBLEVEL) / { v = v (v == "" ? "" : ".") $3 } /^NAME/ { exit } END { print v }' \
		"$1/Makefile" 2>/dev/null || true
}

# The user's own tree, if one was given: looked at before anything is downloaded or waited for.
check_kdir() {
	local version
	[ -n "${KDIR:-}" ] || return 0
	PRISTINE=$(realpath -e "$KDIR" 2>/dev/null) || fail "looking at KDIR" "$KDIR does not exist" "give the path of a Linux ${KERNEL:-$LINUX} tree"
	version=$(version_of_tree "$PRISTINE")
	case $version in
	"${KERNEL:-$LINUX}" | "${KERNEL:-$LINUX}".*) ;;
	"") fail "looking at KDIR" "$KDIR is not a kernel source tree" "give the path of a Linux ${KERNEL:-$LINUX} tree" ;;
	*) fail "looking at KDIR" "$KDIR is Linux $version, ${KERNEL:+KERNEL=$KERNEL is asked for and }this project is for $LINUX" "give a ${KERNEL:-$LINUX} tree, or leave KDIR out to have one fetched" ;;
	esac
	# git knows products from sources; without it, old products would be taken for sources
	if [ ! -e "$PRISTINE/.git" ] && { [ -e "$PRISTINE/.config" ] || [ -e "$PRISTINE/include/config" ]; }; then
		fail "looking at KDIR" "$KDIR has been built in and is no git checkout" \
			"make mrproper there, or unpack a second copy and give that"
	fi
	[ ! -e "$PRISTINE/.rust-dma-buf-install.json" ] ||
		fail "looking at KDIR" "$KDIR has been installed into, and this lays the same over it" "make uninstall KDIR=$KDIR"
	LINKS=symbolic
	TREE=$CACHE/tree/kdir-$version-$(hash_of <<<"$PRISTINE")
}

# In front of the Debian revision; without KERNEL= also in front of what comes behind 7.3.
source_package() { newest "$CACHE/deb/linux-source-${LINUX}_${KERNEL:-$LINUX}[-.]*.deb"; }

# Sets PRISTINE (a tree nobody writes to), LINKS (how to lay links over it) and TREE (where kbuild runs).
set_source() {
	local version
	[ -z "${KDIR:-}" ] || return 0
	version=$(basename "$(source_package)" | cut -d_ -f2)
	PRISTINE=$CACHE/source/linux-$version
	LINKS=hard
	TREE=$CACHE/tree/linux-$version
}

fetch_source() {
	local offered wanted
	[ -z "${KDIR:-}" ] || return 0
	if [ -z "$(source_package)" ]; then
		need_space "$CACHE" 10
		stage "Look which sources of Linux $LINUX there are" "5 s" "check that apt works on this machine: apt-get update" ask_for_sources
		offered=$(cut -d - -f 1 "$CACHE/apt/offered-sources" | sort -Vu | xargs)
		wanted=$(wanted_source "$CACHE/apt/offered-sources") || fail "looking for Linux ${KERNEL:-$LINUX}" \
			"Debian has not got it; of $LINUX it has: ${offered:-none any more}" \
			"${offered:+use KERNEL= with one of these, or }give a $LINUX tree of your own, KDIR=/path/to/linux"
		stage "Get the source package of Linux ${KERNEL:-$LINUX}" "160 MB, about 1 min" "see what apt says in the log" download_source "$wanted"
	fi
	set_source
	[ ! -d "$PRISTINE" ] || return 0
	need_space "$CACHE" 10
	stage "Unpack the Linux source ($(basename "$PRISTINE"))" "about 30 s" "remove $(source_package) and run the same command again" \
		unpack_to "$PRISTINE" unpack_source "$(source_package)"
}

# Lay overlay and patches over the source.
lay_tree() {
	stage "Lay the overlay over the source" "a few s" \
		"when a patch does not apply: it must be made for Linux $LINUX; see patches/" \
		python3 "$HERE/lib/tree.py" --pristine "$PRISTINE" --links "$LINKS" --checkout "$TOP" --tree "$TREE"
}

# The Debian architectures of the guests that this command may boot.
guest_architectures() {
	case $MACHINE in
	arm64) echo arm64 ;;
	vexpress-a9) echo armhf ;;
	x86_64) echo amd64 ;;
	*) echo arm64 armhf ${FULL:+amd64} ;;
	esac
}

# What a guest has of the distribution, as PACKAGE:NAME; it is unpacked in $CACHE/NAME-ARCHITECTURE.
guest_packages() {
	echo busybox-static:busybox
	# a test's program is of those that use libdrm
	[ "$KIND" = run ] || [ "$KIND" = bench ] || echo libdrm-dev:libdrm
}

download_guest() {
	local arch=$1 pair package
	private_apt "guest-$arch" "$CODENAME" "$arch"
	shift
	for pair; do
		package=${pair%:*}
		[ -n "$(newest "$CACHE/deb/${package}_*_$arch.deb")" ] || download_package "$CACHE/deb" "$package"
		unpack_to "$CACHE/${pair#*:}-$arch" dpkg-deb -x "$(newest "$CACHE/deb/${package}_*_$arch.deb")"
	done
}

fetch_guest() {
	local arch pair missing
	for arch in $(guest_architectures); do
		missing=()
		for pair in $(guest_packages); do
			[ -d "$CACHE/${pair#*:}-$arch/usr" ] || missing+=("$pair")
		done
		[ ${#missing[@]} -eq 0 ] ||
			stage "Get ${missing[*]#*:} for $arch guests" "1 to 2 MB, 10 s" \
				"check that apt works on this machine: apt-get update" download_guest "$arch" "${missing[@]}"
	done
}
