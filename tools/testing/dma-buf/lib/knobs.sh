# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The knobs: what is given on the command line (or in the environment), else what build/config remembers, else a default.
# The page that edits build/config is Kconfig at the top.

KNOBS=(MACHINE CORE LINK DEBUG_KERNEL WATCH KERNEL KDIR FRAGMENT OP ONLY BASE JOBS) # those of the Makefile
KNOWN_MACHINES=(vexpress-a9 arm64 x86_64)
KNOWN_CORES=(rust c)
KNOWN_LINKS=(y m)
DEBUG_MACHINES=(arm64 x86_64) # whose address sanitizer knows Rust
REMEMBERED_IN=$BUILD/config

declare -A ORIGIN REMEMBERED # by knob
OPTIONS=() # what build/config says of the kernel's options: CONFIG_NAME=value
LEFT_OUT=() # what of it is not for this command

bad_config() {
	fail "reading the knobs" "$REMEMBERED_IN: $1" "mend the line, or make menuconfig, or remove the file: it holds nothing but your choices"
}

# known_values KNOB: of a knob that is a choice.
known_values() {
	case $1 in
	MACHINE) echo "${KNOWN_MACHINES[@]}" ;;
	CORE) echo "${KNOWN_CORES[@]}" ;;
	LINK) echo "${KNOWN_LINKS[@]}" ;;
	esac
}

# symbol_of KNOB [VALUE]: as Kconfig calls it.
symbol_of() {
	local symbol=KNOB_$1${2:+_$2}
	symbol=${symbol^^}
	echo "${symbol//-/_}"
}

# remember WHERE SYMBOL VALUE: one line of build/config.
remember() {
	local where=$1 symbol=$2 value=$3 knob known
	for knob in "${KNOBS[@]}"; do
		for known in $(known_values "$knob"); do
			[ "$symbol" = "$(symbol_of "$knob" "$known")" ] || continue
			case $value in
			n) return ;;
			y) ;;
			*) bad_config "$where: CONFIG_$symbol is y or n" ;;
			esac
			[ -z "${REMEMBERED[$knob]:-}" ] || bad_config "$where: $knob is ${REMEMBERED[$knob]} and $known at once"
			REMEMBERED[$knob]=$known
			return
		done
		if [ "$symbol" = "$(symbol_of "$knob" default)" ] && [ -n "$(known_values "$knob")" ]; then
			# said at the end: a choice has one value
			[ "$value" != y ] || DEFAULTS+=("$knob")
			return
		fi
		if [ "$symbol" != "$(symbol_of "$knob")" ] || [ -n "$(known_values "$knob")" ]; then continue; fi
		case $knob in
		DEBUG_KERNEL | WATCH) [[ $value = [yn] ]] || bad_config "$where: CONFIG_$symbol is y or n" ;;
		JOBS) [[ $value =~ ^[0-9]{1,4}$ ]] || bad_config "$where: CONFIG_$symbol is a number" ;;
		*)
			[[ $value = \"*\" && $value != '"' ]] || bad_config "$where: CONFIG_$symbol is a text in quotes"
			value=$(sed 's/^"//; s/"$//; s/\\\(.\)/\1/g' <<<"$value")
			;;
		esac
		case $knob=$value in
		DEBUG_KERNEL=n | WATCH=n | JOBS=0) value='' ;;
		# no shell has seen these
		KDIR=\~/* | FRAGMENT=\~/* | BASE=\~/*) value=$HOME/${value#\~/} ;;
		esac
		REMEMBERED[$knob]=$value
		return
	done
	bad_config "$where: there is no CONFIG_$symbol"
}

read_config() {
	local line number=0 symbol value knob DEFAULTS=()
	REMEMBERED=() OPTIONS=()
	[ -e "$REMEMBERED_IN" ] || return 0
	while IFS= read -r line || [ -n "$line" ]; do
		number=$((number + 1))
		if [[ $line =~ ^CONFIG_([A-Za-z0-9_]+)=(.*)$ ]]; then
			symbol=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
		elif [[ $line =~ ^#\ CONFIG_([A-Za-z0-9_]+)\ is\ not\ set$ ]]; then
			symbol=${BASH_REMATCH[1]} value=n
		elif [[ $line =~ ^(#.*)?$ ]]; then
			continue
		else
			bad_config "line $number is neither CONFIG_NAME=value nor a comment: $line"
		fi
		case $symbol in
		KNOB_*) remember "line $number" "$symbol" "$value" ;;
		*) OPTIONS+=("CONFIG_$symbol=$value") ;;
		esac
	done <"$REMEMBERED_IN"
	for knob in "${DEFAULTS[@]}"; do
		[ -z "${REMEMBERED[$knob]:-}" ] ||
			bad_config "$knob is ${REMEMBERED[$knob]} and the command's own at once (CONFIG_$(symbol_of "$knob" default)=y)"
	done
	[ "${REMEMBERED[CORE]:-}${REMEMBERED[LINK]:-}" != cm ] || bad_config "the C core (CORE=c) cannot be built as modules (LINK=m)"
	[ -z "${REMEMBERED[DEBUG_KERNEL]:-}" ] || [ -z "${REMEMBERED[MACHINE]:-}" ] || debug_machine "${REMEMBERED[MACHINE]}" ||
		bad_config "there is no debugging kernel (DEBUG_KERNEL) of ${REMEMBERED[MACHINE]}"
}

debug_machine() { [[ " ${DEBUG_MACHINES[*]} " = *" $1 "* ]]; }

# fits COMMAND KNOB VALUE: whether the knob says something to the command.
fits() {
	case $1:$2=$3 in
	help:* | *:JOBS=* | *:KDIR=* | *:KERNEL=* | run:WATCH=* | bench:OP=* | bench:ONLY=* | bench:BASE=*) ;;
	*:WATCH=* | *:OP=* | *:ONLY=* | *:BASE=* | menuconfig:*) return 1 ;;
	# they are about fragments of their own
	check-combinations:* | check-series:* | fuzz:* | soak:*) return 1 ;;
	*:FRAGMENT=* | *:options=*) ;;
	# these are made of what they compare or need
	test-full:CORE=rust | test-debug:DEBUG_KERNEL=* | test-debug:CORE=* | test-debug:LINK=*) ;;
	test-debug:MACHINE=*) debug_machine "$3" ;;
	check-users:MACHINE=arm64 | check-users:MACHINE=vexpress-a9 | check-users:CORE=rust | check-users:LINK=m | bench:MACHINE=arm64 | bench:MACHINE=x86_64 | bench:LINK=y) ;;
	test-full:* | check-users:* | bench:* | check:DEBUG_KERNEL=*) return 1 ;;
	esac
}

# What is given counts more than what is remembered: the latter gives way where the two do not go together.
gives_way() {
	case $1=$2 in
	LINK=m) [ "${CORE:-}" = c ] ;;
	CORE=c) [ "${LINK:-}" = m ] ;;
	MACHINE=*) { [ "${DEBUG_KERNEL:-}" = y ] && ! debug_machine "$2"; } || { [ "${WATCH:-}" = y ] && [ "$2" != "$(machine_of_host)" ]; } ;;
	WATCH=*) [ -n "${MACHINE:-}" ] && [ "$MACHINE" != "$(machine_of_host)" ] ;;
	DEBUG_KERNEL=*) [ -n "${MACHINE:-}" ] && ! debug_machine "$MACHINE" ;;
	*) false ;;
	esac
}

# read_knobs COMMAND: sets each knob, perhaps to nothing, and ORIGIN to where it comes from.
read_knobs() {
	local command=$1 knob value broken=''
	local -A taken=()
	# these are there to repair or remove what is remembered, whatever it is
	case $command in menuconfig | clean) (read_config) 2>/dev/null || broken=1 ;; esac
	if [ -n "$broken" ]; then REMEMBERED=() OPTIONS=(); else read_config; fi
	LEFT_OUT=() ORIGIN=()
	for knob in "${KNOBS[@]}"; do
		value=${REMEMBERED[$knob]:-}
		# given with nothing in it, too: "make test MACHINE=" takes what make test takes of itself
		if [ -n "${!knob+given}" ]; then
			ORIGIN[$knob]="command line"
		elif [ -z "$value" ]; then
			ORIGIN[$knob]=default taken[$knob]=''
		elif fits "$command" "$knob" "$value" && ! gives_way "$knob" "$value"; then
			ORIGIN[$knob]=build/config taken[$knob]=$value
		else
			ORIGIN[$knob]=default taken[$knob]=''
			LEFT_OUT+=("$knob=$value")
		fi
	done
	# not before all are looked at: what is remembered does not give way to itself
	for knob in "${!taken[@]}"; do declare -g "$knob=${taken[$knob]}"; done
	# they are for us: kbuild and kselftest have variables of the same names
	export -n "${KNOBS[@]}"
	if [ "${#OPTIONS[@]}" -gt 0 ] && ! fits "$command" options ''; then
		LEFT_OUT+=("${OPTIONS[@]}")
		OPTIONS=()
	fi
}

# One line at the start of a command, if there is anything to be said.
say_remembered() {
	local knob used=()
	for knob in "${KNOBS[@]}"; do
		[ "${ORIGIN[$knob]}" != build/config ] || used+=("$knob=${!knob}")
	done
	used+=("${OPTIONS[@]}")
	[ "${#used[@]}${#LEFT_OUT[@]}" != 00 ] || return 0
	[ "${#used[@]}" -gt 0 ] || used=(nothing)
	say "build/config says: ${used[*]}${LEFT_OUT:+ (left out here: ${LEFT_OUT[*]})}"
}

# check_knobs COMMAND
check_knobs() {
	local command=$1 knob
	JOBS=${JOBS:-$(nproc)}
	case $command in help | clean) return ;; menuconfig) ;; *) say_remembered ;; esac
	[ -z "$CORE" ] || choose CORE "$CORE" "${KNOWN_CORES[@]}"
	[ -z "$MACHINE" ] || choose MACHINE "$MACHINE" "${KNOWN_MACHINES[@]}"
	[ -z "$LINK" ] || choose LINK "$LINK" "${KNOWN_LINKS[@]}"
	[ -z "$DEBUG_KERNEL" ] || choose DEBUG_KERNEL "$DEBUG_KERNEL" y n
	[ "$DEBUG_KERNEL" != n ] || DEBUG_KERNEL=
	[ -z "$WATCH" ] || choose WATCH "$WATCH" y n
	if [ "$WATCH" = n ] || ! fits "$command" WATCH y; then WATCH=; fi
	[ -z "$WATCH" ] || [ "${MACHINE:=$(machine_of_host)}" = "$(machine_of_host)" ] ||
		fail "reading the knobs" "dmabuf-top (WATCH) is built for guests of the host's own kind, not $MACHINE" "use MACHINE=$(machine_of_host)"
	[ "$CORE$LINK" != cm ] || fail "reading the knobs" "the C core cannot be built as modules" "use CORE=rust LINK=m or CORE=c LINK=y"
	[[ $JOBS =~ ^[1-9][0-9]*$ ]] || fail "reading the knobs" "JOBS=$JOBS is not a number" "use JOBS=N with N > 0, or leave it out"
	for knob in DEBUG_KERNEL FRAGMENT; do
		[ -z "${!knob}" ] || fits "$command" "$knob" "${!knob}" ||
			fail "reading the knobs" "make $command says itself what its kernels are made of" "leave $knob out"
	done
	[ -z "$DEBUG_KERNEL" ] || debug_machine "${MACHINE:=${DEBUG_MACHINES[0]}}" ||
		fail "reading the knobs" "there is no debugging kernel (DEBUG_KERNEL) of $MACHINE" "use one of: ${DEBUG_MACHINES[*]/#/MACHINE=}"
	[ "$KERNEL" != "$LINUX" ] || KERNEL=
	[ -z "$KERNEL" ] || [[ $KERNEL =~ ^"$LINUX"\.[0-9]+$ ]] ||
		fail "reading the knobs" "KERNEL=$KERNEL: this project is for Linux $LINUX" "use KERNEL=$LINUX.x, or leave it out"
	check_fragment
	# it may be of any version and state: what fits is installed
	[[ $command = *install ]] || check_kdir
}

check_fragment() {
	local next="give the path of a file with lines like CONFIG_NAME=y" line
	[ -n "$FRAGMENT" ] || return 0
	[ -f "$FRAGMENT" ] || fail "reading the knobs" "FRAGMENT=$FRAGMENT is no file (${ORIGIN[FRAGMENT]})" "$next"
	! line=$(grep -nvE -m 1 '^(#.*|CONFIG_[A-Za-z0-9_]+=.*)?$' "$FRAGMENT") ||
		fail "reading the knobs" "FRAGMENT=$FRAGMENT: line $line" "$next"
	FRAGMENT=$(realpath "$FRAGMENT")
}

# For make help: each knob, its value and where that comes from.
show_knobs() {
	local knob value option
	for knob in "${KNOBS[@]}"; do
		value=${!knob}
		case $knob in
		MACHINE | LINK) value=${value:-of the command} ;;
		CORE) value=${value:-rust} ;;
		esac
		printf '  %-12s  %-24s  %s\n' "$knob" "${value:-none}" "${ORIGIN[$knob]}"
	done
	for option in "${OPTIONS[@]}"; do printf '  %-38s  build/config\n' "$option"; done
}
