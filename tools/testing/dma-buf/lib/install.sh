# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# make install and make uninstall: the overlay and its hooks in somebody's own kernel tree.

# into_tree install|uninstall DIR
into_tree() { python3 "$HERE/lib/install.py" "$1" --checkout "$TOP" "$2"; }

run_install() {
	[ -n "$KDIR" ] || fail "looking at KDIR" "$1 wants to know where" "make $1 KDIR=/path/to/linux"
	need_packages python3 git patch
	into_tree "$1" "$KDIR"
}

# What the hooks touch, as a tree of its own; what is in it afterwards must be what was in it before.
install_tree() {
	local name
	mkdir -p "$1"/{rust,drivers/dma-buf}
	{ echo Makefile; sed -n 's|^--- a/||p' "$TOP"/patches/*.patch; } | sort -u | while read -r name; do
		mkdir -p "$1/$(dirname "$name")"
		[ ! -e "$PRISTINE/$name" ] || cp "$PRISTINE/$name" "$1/$name"
	done
}

# refused WORD DIR COMMAND...: it fails, says WORD, and changes nothing in DIR.
refused() {
	local word=$1 dir=$2
	shift 2
	cp -a "$dir" "$dir.before"
	! "$@" >"$dir.said" 2>&1 || { echo "not refused: $*"; return 1; }
	grep -q -- "$word" "$dir.said" || { echo "$* does not say $word:"; cat "$dir.said"; return 1; }
	diff -r "$dir.before" "$dir" || return
	rm -r "$dir.before"
}

gate_install() {
	local dir
	dir=$(mktemp -d "$CACHE/tmp.XXXXXX")
	try_install "$dir" && rm -r "$dir"
}

try_install() (
	cd "$1" || exit
	install_tree was || exit
	cp -a was tree || exit
	into_tree install tree || exit
	cmp tree/drivers/dma-buf/rust/Kconfig "$TOP/drivers/dma-buf/rust/Kconfig" || exit
	grep -q dma_buf tree/rust/kernel/lib.rs || exit
	# again is as once
	cp -a tree once || exit
	into_tree install tree || exit
	diff -r once tree || exit
	# the owner's work is not lost, in our files or in the kernel's
	echo '// mine' >>tree/drivers/dma-buf/rust/core/module.rs || exit
	refused core/module.rs tree into_tree uninstall tree || exit
	refused core/module.rs tree into_tree install tree || exit
	cp "$TOP/drivers/dma-buf/rust/core/module.rs" tree/drivers/dma-buf/rust/core/ || exit
	echo '# mine' >>tree/drivers/Makefile || exit
	into_tree uninstall tree || exit
	[ "$(tail -n 1 tree/drivers/Makefile)" = '# mine' ] || exit
	cp was/drivers/Makefile tree/drivers/ || exit
	diff -r was tree || exit
	# what does not fit is named, and nothing is begun
	sed -i s/base.regmap/base.map/ tree/drivers/base/Kconfig || exit
	refused 'patches/0001.*drivers/base/Kconfig' tree into_tree install tree || exit
	cp was/drivers/base/Kconfig tree/drivers/base/ || exit
	mkdir tree/rust/kernel/dma_buf || exit
	echo '// theirs' >tree/rust/kernel/dma_buf/mod.rs || exit
	refused rust/kernel/dma_buf/mod.rs tree into_tree install tree || exit
	refused 'nothing was installed' tree into_tree uninstall tree || exit
	refused 'no kernel tree' was into_tree install was/drivers || exit
)
