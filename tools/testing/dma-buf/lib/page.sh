# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# make menuconfig: the page with the knobs (Kconfig at the top), in the kernel's own tool; and what it says of the kernel's
# options, as a fragment of a configuration.

PAGE=$BUILD/menuconfig # where the kernel's tool is built and looks for files

# The page asks itself which implementation to take, and with more answers (CORE): the kernel's choice must not be there to
# contradict it. Kconfig cannot take a question back, but looks for the files it sources here before it does in the tree.
lay_page() {
	local ours=drivers/dma-buf/rust/Kconfig new=$PAGE/Kconfig.$BASHPID
	mkdir -p "$PAGE/$(dirname $ours)"
	grep -q '^choice$' "$TREE/$ours" || { echo "$TREE/$ours: where is the choice?"; return 1; }
	# at once: several kernels may be configured at the same time
	sed '/^choice$/,/^endchoice$/d' "$TREE/$ours" >"$new"
	mv "$new" "$PAGE/$ours"
}

# page_conf CONF CONFIG OPTION...: the kernel's conf on our page.
page_conf() {
	local conf=$1 config=$2
	shift 2
	(cd "$PAGE" && srctree=$TREE KCONFIG_CONFIG=$config KCONFIG_OVERWRITECONFIG=1 "$conf" -s "$@" "$TOP/Kconfig")
}

# options_fragment CONF CONFIG: what the page with these choices says of the kernel's options beyond what it says with none.
options_fragment() (
	conf=$1 config=$2
	page=$(mktemp -d "$PAGE/tmp.XXXXXX") || exit
	trap 'rm -rf "$page"' EXIT
	cp "$config" "$page/chosen" || exit
	# a line that is not understood, or does not come true, is an error
	KCONFIG_WARN_UNKNOWN_SYMBOLS=1 KCONFIG_WERROR=1 page_conf "$conf" "$page/chosen" --olddefconfig >"$page/said" 2>&1 ||
		{ sed "s|^$page/chosen|$config|" "$page/said" >&2; exit 1; }
	lines_came_true "$config" "$page/chosen" >&2 || exit
	page_conf "$conf" "$page/default" --alldefconfig >&2 || exit
	awk '
		match($0, /^CONFIG_[A-Za-z0-9_]+=/) && !/^CONFIG_KNOB_/ {
			symbol = substr($0, 1, RLENGTH - 1)
			if (FILENAME == ARGV[1]) chosen[symbol] = $0
			else usual[symbol] = $0
		}
		END {
			for (symbol in chosen) if (chosen[symbol] != usual[symbol]) print chosen[symbol]
			for (symbol in usual) if (!(symbol in chosen)) print "# " symbol " is not set"
		}' "$page/chosen" "$page/default" | LC_ALL=C sort
)

# For configure: what is laid over the configuration last.
own_fragments() {
	local options=$OBJ/options-of-build-config.config
	# shellcheck disable=SC2153 # set by knobs.sh
	if [ "${#OPTIONS[@]}" -gt 0 ]; then
		lay_page
		kmake build_config
		options_fragment "$OBJ/scripts/kconfig/conf" "$REMEMBERED_IN" >"$options"
		FRAGMENTS+=("$options")
	fi
	[ -z "$FRAGMENT" ] || FRAGMENTS+=("$FRAGMENT")
}

# For config_key: what own_fragments is made from.
own_key() {
	[ "${#OPTIONS[@]}" -eq 0 ] || cat "$REMEMBERED_IN" "$TOP/Kconfig" "$HERE/lib/page.sh"
	[ -z "$FRAGMENT" ] || cat "$FRAGMENT"
}

page_make() { make -C "$TREE" O="$PAGE" KBUILD_KCONFIG="$TOP/Kconfig" KCONFIG_CONFIG="$PAGE/config" --no-print-directory "$@"; }

build_page() {
	lay_page
	page_make build_config build_menuconfig
}

# build/config gets what differs from the defaults, so that these may change.
keep_choices() {
	page_conf "$PAGE/scripts/kconfig/conf" "$PAGE/config" --savedefconfig="$PAGE/choices"
	{
		echo "# What make menuconfig keeps: the knobs and options that are not at their defaults."
		cat "$PAGE/choices"
	} >"$REMEMBERED_IN.new"
	mv "$REMEMBERED_IN.new" "$REMEMBERED_IN"
}

menuconfig() {
	local status=0 knob
	if ! [ -t 0 ] || ! [ -t 1 ]; then
		fail "make menuconfig" "there is no terminal to show the menu on" \
			"start it in a terminal, or write lines like CONFIG_KNOB_MACHINE_ARM64=y into $REMEMBERED_IN: $TOP/Kconfig names them"
	fi
	say "Rust DMA-BUF: the knobs, kept in $REMEMBERED_IN"
	# little of what the other commands need; these fetch the rest when it is their turn
	need_packages make gcc libc6-dev flex bison xz-utils patch python3 git ca-certificates libncurses-dev
	mkdir -p "$CACHE" "$BUILD"
	lock_cache
	fetch_source
	set_source
	lay_tree
	stage "Build the menu" "a few s" "if it is about ncurses: install libncurses-dev or what it is called here" build_page
	unlock_cache
	# a file with all in it, or the menu would look for one in /boot, or think that something was changed
	cat "$REMEMBERED_IN" >"$PAGE/config" 2>/dev/null || true
	page_conf "$PAGE/scripts/kconfig/conf" "$PAGE/config" --olddefconfig
	# an interrupt is for the menu, which asks what to do with the changes
	trap '' INT
	page_make -s menuconfig || status=$?
	trap - INT
	[ "$status" -eq 0 ] || fail "make menuconfig" "the kernel's tool could not show the menu" \
		"see what it said above; it wants a terminal of at least 80 columns and 19 lines, and TERM to name its kind"
	keep_choices
	for knob in "${KNOBS[@]}"; do [ "${ORIGIN[$knob]}" = "command line" ] || unset "$knob"; done
	read_knobs help
	JOBS=${JOBS:-$(nproc)}
	say "Set now:"
	show_knobs
}
