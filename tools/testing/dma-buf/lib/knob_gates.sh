# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Gates on the knobs and the page that sets them: what build/config says must arrive, and nothing else.

# page_of TEXT...: a build/config of these lines, in $PAGE/gate.
page_of() { printf '%s\n' "$@" >"$PAGE/gate"; }

# Each gate may be the one that is asked for.
build_conf() { lay_page && page_make -s build_config; }

page_questions() {
	page_of ''
	page_conf "$PAGE/scripts/kconfig/conf" "$PAGE/gate" --listnewconfig | grep '^CONFIG_'
}

# The kernel's own conf has nothing to say about the page, and all our questions are there.
page_parses() {
	build_conf || return
	KCONFIG_WERROR=1 page_questions 2>"$PAGE/complaints" || { cat "$PAGE/complaints"; return 1; }
	! grep . "$PAGE/complaints"
}

# Makefile, page, make help and README have the same knobs, and the page the values that check_knobs lets pass.
same_knobs() {
	local knob value bad=0
	mkdir -p "$PAGE"
	help >"$PAGE/help"
	for knob in "${KNOBS[@]}"; do
		if [ -n "$(known_values "$knob")" ]; then
			for value in default $(known_values "$knob"); do symbol_of "$knob" "$value"; done
		else
			symbol_of "$knob"
		fi
	done | sort >"$PAGE/knobs"
	echo "knobs.sh and Kconfig:"
	sed -n 's/^config \(KNOB_.*\)/\1/p' "$TOP/Kconfig" | sort | diff "$PAGE/knobs" - || bad=1
	echo "knobs.sh and Makefile:"
	diff <(printf '%s\n' "${KNOBS[@]}" | sort) <(sed -n 's/^KNOBS := //p' "$TOP/Makefile" | tr ' ' '\n' | sort) || bad=1
	for knob in "${KNOBS[@]}"; do
		grep -q "^$knob=" "$PAGE/help" || { echo "make help does not explain $knob"; bad=1; }
		grep -q "^| .$knob=" "$TOP/README.md" || { echo "README.md does not explain $knob"; bad=1; }
		for value in $(known_values "$knob"); do
			grep -q "^$knob=[^ ]*\<$value\>" "$PAGE/help" || { echo "make help does not know $knob=$value"; bad=1; }
		done
	done
	return "$bad"
}

# What the page has set at first is what the front door's own fragments set.
page_defaults() (
	local line symbol ours bad=0
	MACHINE=arm64 CORE=rust LINK=y KIND='test' DRIVERS_ONLY=''
	build_conf || return
	page_questions >"$PAGE/questions"
	set_machine
	while read -r line; do
		symbol=${line%%=*} ours=n
		# shellcheck disable=SC2153 # set by set_machine
		! grep -qE "^$symbol=[ym]\$" "${FRAGMENTS[@]}" || ours=y
		[ "$line" = "$symbol=$ours" ] || { echo "the page has $line, the front door $ours"; bad=1; }
	done < <(grep -v '^CONFIG_KNOB_' "$PAGE/questions")
	for symbol in CONFIG_UDMABUF CONFIG_DMABUF_HEAPS_SYSTEM CONFIG_DMABUF_RUST_KUNIT_TEST; do
		grep -q "^$symbol=" "$PAGE/questions" || { echo "$symbol is not on the page"; bad=1; }
	done
	return "$bad"
)

# fragment_is EXPECTED LINE...: what the page makes of these lines of build/config.
fragment_is() {
	local expected=$1 got
	shift
	page_of "$@"
	got=$(options_fragment "$PAGE/scripts/kconfig/conf" "$PAGE/gate" 2>"$PAGE/complaints") || got="error: $(cat "$PAGE/complaints")"
	# shellcheck disable=SC2053 # a pattern
	[[ $got = $expected ]] || { printf 'build/config:\n%s\ngives:\n%s\ninstead of:\n%s\n\n' "$*" "$got" "$expected"; return 1; }
}

page_fragments() {
	local bad=0
	build_conf || return
	fragment_is '' '' || bad=1
	fragment_is '' CONFIG_KNOB_MACHINE_ARM64=y CONFIG_KNOB_LINK_M=y CONFIG_UDMABUF=y || bad=1
	fragment_is '# CONFIG_UDMABUF is not set' '# CONFIG_UDMABUF is not set' || bad=1
	fragment_is 'CONFIG_DMABUF_DEBUG=y' CONFIG_DMABUF_DEBUG=y || bad=1
	# with what depends on it
	fragment_is "# CONFIG_DMABUF_HEAPS_SYSTEM is not set
# CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED is not set" CONFIG_DMABUF_HEAPS_SYSTEM=n || bad=1
	fragment_is "error: $PAGE/gate:*unknown symbol: NO_SUCH*" '# CONFIG_NO_SUCH is not set' || bad=1
	fragment_is 'error: *CONFIG_DMABUF_HEAPS_CMA=y*is not set*' CONFIG_DMABUF_HEAPS=n CONFIG_DMABUF_HEAPS_CMA=y || bad=1
	fragment_is 'error: *SYNC_FILE is not set*SYNC_FILE=y*' '# CONFIG_SYNC_FILE is not set' || bad=1
	return "$bad"
}

# Page and the user's own fragment reach a kernel's configuration, the latter last. Nothing is compiled.
option_arrives() (
	local line before key bad=0
	MACHINE=arm64 CORE=rust LINK=y KIND='test' DRIVERS_ONLY='' OPTIONS=() FRAGMENT='' REMEMBERED_IN=$PAGE/gate
	set_machine
	OBJ=$(dirname "$OBJ")/knobs
	mkdir -p "$OBJ" "$PAGE"
	before=$(config_key)
	page_of '# CONFIG_UDMABUF is not set' CONFIG_DMABUF_DEBUG=y
	read_config
	FRAGMENT=$PAGE/gate.config
	printf '%s\n' '# CONFIG_DMABUF_DEBUG is not set' '# CONFIG_PRINTK_TIME is not set' >"$FRAGMENT"
	key=$(config_key)
	[ "$key" != "$before" ] || { echo "config_key does not see the options"; bad=1; }
	configure
	# a gate does not stop at the first error
	lines_came_true "${FRAGMENTS[@]}" "$OBJ/.config" || bad=1
	[ "$(cat "$OBJ/.config-key")" = "$key" ] || { echo "the kernel would be configured again each time"; bad=1; }
	for line in '# CONFIG_UDMABUF is not set' '# CONFIG_DMABUF_DEBUG is not set' '# CONFIG_PRINTK_TIME is not set' CONFIG_DMABUF_HEAPS=y; do
		grep -qxF "$line" "$OBJ/.config" || { echo "the kernel's configuration has not got: $line"; bad=1; }
	done
	return "$bad"
)

# knobs_are EXPECTED COMMAND FILE [KNOB=VALUE...]: what becomes of the words of FILE, as lines of build/config, and of the command line.
# Nothing of ours is left of the knobs afterwards: a subshell.
knobs_are() (
	local expected=$1 command=$2 file=$3 knob got='' complaint
	shift 3
	unset "${KNOBS[@]}"
	REMEMBERED_IN=$PAGE/gate
	# shellcheck disable=SC2086 # words
	page_of $file
	for knob; do export "${knob?}"; done
	if complaint=$( (read_knobs "$command") 2>&1); then
		read_knobs "$command"
		for knob in "${KNOBS[@]}"; do got+=${!knob:+$knob=${!knob} }; done
	elif [[ $complaint = *"$REMEMBERED_IN"* ]]; then
		got="error "
	fi
	[ "${got% }" = "$expected" ] || { echo "make $command $* with $file gives: $got instead of: $expected"; return 1; }
)

knob_order() {
	local bad=0 k=CONFIG_KNOB_ wrong
	mkdir -p "$PAGE"
	knobs_are '' run '' || bad=1
	knobs_are 'MACHINE=arm64 JOBS=3' run "${k}MACHINE_ARM64=y ${k}JOBS=3" || bad=1
	knobs_are 'MACHINE=vexpress-a9' run "${k}MACHINE_ARM64=y" MACHINE=vexpress-a9 || bad=1
	knobs_are '' test "${k}MACHINE_ARM64=y" MACHINE= || bad=1
	knobs_are 'KDIR=/a"b' run "${k}KDIR=\"/a\\\"b\"" || bad=1
	knobs_are "FRAGMENT=$HOME/x" run "${k}FRAGMENT=\"~/x\"" || bad=1
	# what says nothing to the command
	knobs_are 'MACHINE=arm64' bench "${k}MACHINE_ARM64=y ${k}LINK_M=y ${k}DEBUG_KERNEL=y" || bad=1
	knobs_are 'LINK=m' test-debug "${k}MACHINE_VEXPRESS_A9=y ${k}LINK_M=y" || bad=1
	knobs_are 'LINK=m' check-users "${k}CORE_RUST=n ${k}LINK_M=y ${k}OP=\"merge\"" || bad=1
	knobs_are '' check-combinations "${k}MACHINE_ARM64=y ${k}FRAGMENT=\"/x\"" || bad=1
	knobs_are '' check-series "${k}MACHINE_ARM64=y ${k}FRAGMENT=\"/x\"" || bad=1
	knobs_are 'LINK=m' check "${k}LINK_M=y ${k}DEBUG_KERNEL=y" || bad=1
	knobs_are 'OP=merge' bench "${k}OP=\"merge\"" || bad=1
	knobs_are "ONLY=module BASE=$HOME/x" bench "${k}ONLY=\"module\" ${k}BASE=\"~/x\"" || bad=1
	knobs_are '' run "${k}ONLY=\"module\"" || bad=1
	knobs_are 'KERNEL=7.3.4' check "${k}KERNEL=\"7.3.4\"" || bad=1
	knobs_are 'WATCH=y' run "${k}WATCH=y" || bad=1
	knobs_are '' test "${k}WATCH=y" || bad=1
	knobs_are 'WATCH=y' run "${k}MACHINE_VEXPRESS_A9=y" WATCH=y || bad=1
	knobs_are 'MACHINE=vexpress-a9' run "${k}WATCH=y" MACHINE=vexpress-a9 || bad=1
	# what does not go together with the command line
	knobs_are 'LINK=m' run "${k}CORE_C=y" LINK=m || bad=1
	knobs_are 'CORE=c' run "${k}LINK_M=y" CORE=c || bad=1
	knobs_are 'MACHINE=vexpress-a9' run "${k}DEBUG_KERNEL=y" MACHINE=vexpress-a9 || bad=1
	# what does not go together, or is none of ours
	for wrong in MACHINE_FOO=y FOO=y "MACHINE_ARM64=y ${k}MACHINE_VEXPRESS_A9=y" "MACHINE_ARM64=y ${k}MACHINE_DEFAULT=y" MACHINE_ARM64=m \
		"CORE_C=y ${k}LINK_M=y" "MACHINE_VEXPRESS_A9=y ${k}DEBUG_KERNEL=y" JOBS=many KDIR=/x DEBUG_KERNEL=m WATCH=m KERNEL=7.3.4 'JOBS=1 nonsense'; do
		knobs_are error run "$k$wrong" || bad=1
	done
	knobs_are '' menuconfig "${k}FOO=y" || bad=1
	return "$bad"
}

# source_is EXPECTED KERNEL: of what is in the cache, and, where that has not got it, of what is offered.
source_is() {
	local got
	KERNEL=$2
	got=$(source_package)
	got=${got:-$(wanted_source "$CACHE/offered")} || got=none
	[ "$(basename "$got")" = "$1" ] || { echo "KERNEL=$2 takes $got instead of $1"; return 1; }
}

# Nothing is fetched.
kernel_versions() (
	local name bad=0
	CACHE=$PAGE/versions
	rm -rf "$CACHE"
	mkdir -p "$CACHE/deb"
	name=linux-source-$LINUX
	apt-cache() {
		# shellcheck disable=SC2317 # offered_sources calls it
		printf ' %s | %s | http://mirror/debian %s/main amd64 Packages\n' "$name" "$LINUX.7-1" sid "$name" "$LINUX.4-1~bpo13+1" trixie-backports
	}
	offered_sources >"$CACHE/offered"
	source_is "$name" '' || bad=1
	source_is "$name=$LINUX.4-1~bpo13+1" "$LINUX.4" || bad=1
	source_is "$name=$LINUX.7-1" "$LINUX.7" || bad=1
	source_is none "$LINUX.5" || bad=1
	touch "$CACHE/deb/${name}_$LINUX."{4-1~bpo13+1,12-1,40-1}_all.deb
	source_is "${name}_$LINUX.40-1_all.deb" '' || bad=1
	source_is "${name}_$LINUX.4-1~bpo13+1_all.deb" "$LINUX.4" || bad=1
	source_is "$name=$LINUX.7-1" "$LINUX.7" || bad=1
	source_is none "$LINUX.1" || bad=1
	return "$bad"
)

gate_knobs() {
	gate "knobs: the kernel's own tool reads the page" page page_parses
	gate "knobs: Makefile, page, help and README have the same" knobs same_knobs
	gate "knobs: what the page sets at first is what the front door sets" page-defaults page_defaults
	gate "knobs: changed options become a fragment, and nothing else does" page-fragments page_fragments
	gate "knobs: options and the user's own fragment arrive in a kernel" page-arrives option_arrives
	gate "knobs: KERNEL= takes the version that is asked for, and no other" kernel-versions kernel_versions
	gate "knobs: the command line counts more than build/config" knob-order knob_order
}
