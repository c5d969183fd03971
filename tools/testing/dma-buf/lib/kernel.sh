# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Configure and build one kernel: MACHINE, CORE and LINK say which.

set_machine() {
	case $MACHINE in
	arm64) ARCH=arm64 DEBARCH=arm64 CROSS=$(cross_of aarch64) IMAGE=arch/arm64/boot/Image ;;
	# QEMU starts it without a boot sector
	x86_64) ARCH=x86_64 DEBARCH=amd64 CROSS=$(cross_of x86_64) IMAGE=vmlinux ;;
	vexpress-a9) ARCH=arm DEBARCH=armhf CROSS=arm-linux-gnueabihf- IMAGE=arch/arm/boot/zImage ;;
	esac
	VARIANT=$MACHINE-$CORE
	TITLE="$MACHINE, core $CORE"
	if [ "$LINK" = m ]; then
		VARIANT+=-m
		TITLE+=" as modules"
	fi
	local name=$VARIANT names=(base dma-buf "core-$CORE" "link-$LINK")
	if [ "$KIND" != run ]; then
		name+=-$KIND
		TITLE+=", $KIND"
	fi
	BUILD_TIME="3 to 10 min when cold"
	case $KIND in
	run)
		names+=(camera display)
		[ "$LINK" = m ] || names+=(run)
		;;
	test | debug)
		names+=(camera display tests tests-drm tracing samples)
		[ "$LINK" = m ] || names+=(samples-drm)
		[ "$LINK" = m ] || [ -n "$DRIVERS_ONLY" ] || names+=(doctests)
		[ "$KIND" = test ] || names+=(debug groups)
		[ "$KIND/$MACHINE" != debug/arm64 ] || names+=(iommu)
		;;
	bench) names+=(tracing bench) ;;
	fuzz) names+=(camera tests-drm debug groups fuzz) ;;
	esac
	[ -z "$WATCH" ] || names+=(watch)
	# C has none to compare with
	if [ -n "$POOL" ] && [ "$CORE" = rust ]; then
		names+=(pool)
		[ "$KIND" != test ] || names+=(groups)
		name+=-pool VARIANT+=-pool
		TITLE+=", pool"
	fi
	set_fragments "${names[@]}"
	# An object directory belongs to one tree and one set of compilers; what changes inside these, kbuild follows.
	OBJ=$CACHE/obj/$(basename "$TREE")-$TOOLCHAIN_KEY/$name
	OUT=$BUILD/$name
}

# set_fragments NAME...: what the configuration is made of, over tinyconfig: the machine's fragment, and of each name the one for all
# machines and the one for this machine, of which one may be missing.
set_fragments() {
	local name file found
	FRAGMENTS=("$HERE/configs/$MACHINE.config")
	for name; do
		found=
		for file in "$HERE/configs/$name.config" "$HERE/configs/$name-$MACHINE.config"; do
			[ -e "$file" ] || continue
			FRAGMENTS+=("$file")
			found=1
		done
		[ -n "$found" ] || fail "choosing the configuration" "there is no fragment $name" "see tools/testing/dma-buf/configs"
	done
}

# set_variation NAME TITLE BUILD-TIME: what set_machine has described, with options that are in every object: there is no other
# kernel that it could start from.
set_variation() {
	OBJ+=-$1 VARIANT+=-$1 OUT=$BUILD/$VARIANT
	TITLE+=", $2"
	BUILD_TIME=$3
	# it exists, so that seed_objects leaves it alone
	mkdir -p "$OBJ"
}

kmake() {
	# -L: a link that now points elsewhere is as new as the link, not as old as the file
	make -L -C "$TREE" O="$OBJ" ARCH="$ARCH" "${KMAKE_TOOLS[@]}" "$@"
}

# Everything the configuration is made from, so that a change of any of it configures again.
config_key() {
	{
		cat "${FRAGMENTS[@]}" "$HERE/lib/kernel.sh"
		own_key
		find "$TOP/drivers" "$TOP/rust" "$TOP/samples" "$TOP/patches" \( -name 'Kconfig*' -o -name '*.patch' \) -print0 2>/dev/null |
			sort -z | xargs -0r cat || true # a directory that is not there yet holds no options
	} | hash_of
}

# allnoconfig with all that is said: what nobody asks for is off, and conf, which asks the compilers some hundred times, runs once.
configure() {
	local key
	rm -f "$OBJ/.config"
	key=$(config_key) # of what set_machine has described: own_fragments adds to it
	own_fragments
	# the last word on an option counts; said once, Kconfig has nothing to warn about
	awk '/^CONFIG_[A-Za-z0-9_]+=n$/ { $0 = "# " substr($0, 1, length($0) - 2) " is not set" }
		match($0, /^(# )?CONFIG_[A-Za-z0-9_]+/) {
			s = substr($0, RSTART, RLENGTH); sub(/^# /, "", s)
			delete line[last[s]]
			line[last[s] = NR] = $0
		}
		END { for (i = 1; i <= NR; i++) if (i in line) print line[i] }' \
		"$TREE/kernel/configs/tiny-base.config" "$TREE/kernel/configs/tiny.config" "${FRAGMENTS[@]}" >"$OBJ/asked.config"
	kmake KCONFIG_ALLCONFIG="$OBJ/asked.config" allnoconfig
	# RUST_IS_AVAILABLE depends on the tools: let kbuild say why when they do not do
	lines_came_true "${FRAGMENTS[@]}" "$OBJ/.config" || { kmake rustavailable; return 1; }
	echo "$key" >"$OBJ/.config-key"
}

# lines_came_true FRAGMENT... CONFIG: each line of a fragment must have; a later fragment overrules an earlier one.
lines_came_true() {
	awk '
		function symbol(line) { match(line, /CONFIG_[A-Za-z0-9_]+/); return substr(line, RSTART, RLENGTH) }
		/^CONFIG_[A-Za-z0-9_]+=n$/ { $0 = "# " symbol($0) " is not set" }
		!/^CONFIG_/ && !/^# CONFIG_[A-Za-z0-9_]+ is not set$/ { next }
		FILENAME == ARGV[ARGC - 1] { have[symbol($0)] = $0; next }
		{ want[symbol($0)] = $0; from[symbol($0)] = FILENAME }
		END {
			for (s in want) {
				got = s in have ? have[s] : "# " s " is not set"
				if (got != want[s]) { print from[s] ": asks for \"" want[s] "\", the kernel has \"" got "\""; bad = 1 }
			}
			exit bad
		}' "$@"
}

# The other core's objects differ from ours in drivers/dma-buf and the Rust crates only, those of the other form in these and
# in the drivers that use DMA-BUF: start from a copy.
seed_objects() {
	local sibling other suffix=''
	[ "$KIND" = run ] || suffix=-$KIND
	case $CORE in c) other=rust ;; *) other=c ;; esac
	for sibling in "$MACHINE-$CORE$suffix" "$MACHINE-$CORE-m$suffix" "$MACHINE-$other$suffix"; do
		sibling=$(dirname "$OBJ")/$sibling
		[ ! -e "$OBJ" ] || return 0
		[ -e "$sibling/.complete" ] || continue
		stage "Start from the objects of $(basename "$sibling")" "a few s" "free some disk space" copy_objects "$sibling"
	done
}

copy_objects() {
	rm -rf "$OBJ.part"
	cp -a --reflink=auto "$1" "$OBJ.part"
	rm -f "$OBJ.part"/{.complete,.config-key,.config}
	# The commands of objtool name the folder. Built once more it would be newer than all objects, and these would be built again.
	find "$OBJ.part" -path "$OBJ.part/tools/*" -name '.*.cmd' -exec sed -i "s|$(realpath "$1")/|$(realpath -m "$OBJ")/|g" {} +
	# Which samples there are is another matter in each form, and gate_strict goes by the commands that are there.
	find "$OBJ.part/samples" -name '.*.cmd' -delete
	mv "$OBJ.part" "$OBJ"
}

compile() {
	rm -f "$OBJ/.complete"
	# warnings take a tenth of the time; those about our files are looked for by gate_strict
	local goals=("$(basename "$IMAGE")" KCFLAGS=-w)
	if [ "$KIND" = run ]; then
		[ "$LINK" = y ] || goals+=(modules)
		# cross compilers have those of DRM, Debian's package for the machine itself has not
		[ -n "$CROSS" ] || goals+=(headers)
	else
		goals+=(modules headers)
	fi
	kmake "-j$JOBS" "${goals[@]}"
	if [ "$MACHINE" = vexpress-a9 ]; then device_tree; fi
	touch "$OBJ/.complete"
}

device_tree() {
	"${CROSS}cpp" -nostdinc -undef -D__DTS__ -x assembler-with-cpp -I "$TREE/arch/arm/boot/dts/arm" -I "$TREE/arch/arm/boot/dts" \
		-I "$TREE/include" -I "$TREE/scripts/dtc/include-prefixes" "$HERE/configs/vexpress-a9.dts" "$OBJ/board.dts"
	# the board files of upstream have warnings that are not ours to fix
	"$OBJ/scripts/dtc/dtc" -q -I dts -O dtb -o "$OBJ/board.dtb" "$OBJ/board.dts"
}

build_kernel() {
	set_machine
	make_kernel
}

# What set_machine, or a variation of it, has described.
configure_kernel() {
	[ -e "$OBJ/.complete" ] || need_space "$CACHE" 5
	seed_objects
	mkdir -p "$OBJ"
	if [ "$(cat "$OBJ/.config-key" 2>/dev/null)" != "$(config_key)" ]; then
		stage "Configure the kernel ($TITLE)" "10 s" \
			"a line a fragment asks for and does not get: mend it; with what FRAGMENT turns off, all that needs it must be turned off" configure
	elif [ -e "$OBJ/.complete" ]; then
		BUILD_TIME="seconds when little changed"
	fi
}

make_kernel() {
	configure_kernel
	stage "Build the kernel ($TITLE)" "$BUILD_TIME" \
		"mend the first error in the log and run the same command again: it goes on where it stopped" compile
}
