# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# make patches: the overlay and its hooks as a series for the kernel that is built; and what shows that it holds.

# series WHAT [OPTION...]
series() {
	python3 "$HERE/lib/patches.py" "$1" --map "$HERE/configs/series.txt" --checkout "$TOP" --pristine "$PRISTINE" "${@:2}"
}

run_patches() {
	local out=$BUILD/patches
	say "Rust DMA-BUF: a series for git am"
	reader_packages
	mkdir -p "$CACHE" "$BUILD" "$LOGS"
	lock_cache
	check_kdir
	fetch_source
	set_source
	unlock_cache
	series write --out "$out"
	say "$(find "$out" -name '[0-9]*.patch' | wc -l) files in $out: a cover letter to be read first, patches, and a sign-off in trailers"
}

# Applied to the pristine files, it is the tree that kbuild runs in; each of our files is in one step.
gate_patches() {
	local out
	out=$(mktemp -d "$CACHE/tmp.XXXXXX")
	series write --out "$out" && series check --out "$out" --tree "$TREE" && rm -r "$out"
}

# Each patch as a reader of the list would look at it. Signing is for whoever sends it; all that is new is in MAINTAINERS at the end, and
# what exports.c exports is Rust.
checkpatch_series() {
	local patch fine
	while read -r patch; do
		fine=FILE_PATH_CHANGES,EXPORT_SYMBOL,CAMELCASE
		# the form of all of them, as in gate_checkpatch
		! grep -q '^+++ b/include/trace/events/' "$patch" || fine+=,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
		# this Kconfig names another, that is called as itself and more
		! grep -q '^+source "samples/rust/Kconfig\.' "$patch" || fine+=,EMBEDDED_FILENAME
		printf '%s\n' "$fine" "$patch"
	done < <(find "$1" -name '[0-9]*.patch' ! -name '0000-*' | sort) | (cd "$TREE" && xargs -r -P "$JOBS" -n 2 perl scripts/checkpatch.pl \
		--strict --terse --show-types --no-summary --no-signoff --ignore)
}

# The pristine tree, as links that git apply replaces.
begin_series() {
	rm -rf "$TREE" "$BUILD/patches"
	series write --out "$BUILD/patches" && cp -al "$PRISTINE" "$TREE"
}

# set_step NUMBER NAME: a kernel of little more than what the steps so far bring.
set_step() {
	# what a choice that is not there yet would give
	CORE=c
	series options --step "$2" >"$LOGS/step.config" || return
	! grep -q '^CONFIG_DMABUF_CORE_RUST=y' "$LOGS/step.config" || CORE=rust
	set_machine
	FRAGMENTS=("$HERE/configs/$MACHINE.config" "$HERE/configs/base.config" "$LOGS/step.config")
	OBJ=$(dirname "$OBJ")/$MACHINE-series
	VARIANT=series TITLE="step $1, $2"
	OUT=$BUILD/$VARIANT
	mkdir -p "$OBJ"
}

# apply_step NUMBER
apply_step() {
	(cd "$TREE" && GIT_CEILING_DIRECTORIES=$(dirname "$TREE") git apply "$BUILD"/patches/"$(printf %04d "$1")"-*.patch)
}

# Each step of the series, or each of those that T= names, builds on what was before it, with no warning in our Rust, and the last one
# boots: no link leads to this checkout. What a step has for those after it is unused until then.
check_series() {
	local step number=0 log OPTIONS=() FRAGMENT='' laid=$TREE
	local KMAKE_TOOLS=("${KMAKE_TOOLS[@]}" KRUSTFLAGS=-Aunused)
	MACHINE=x86_64 LINK=y TREE=$CACHE/tree/series
	stage "Begin the series with the pristine tree" "some s" "read the log" begin_series
	while read -r step; do
		number=$((number + 1))
		stage "Apply step $number, $step" "1 s" "see configs/series.txt" apply_step "$number"
		[ -z "$TEST" ] || [[ " $TEST " == *" $step "* ]] || continue
		# only what is built: the last of these is booted
		set_step "$number" "$step"
		stage "Configure $TITLE" "20 s" "an option that does not come true: what it depends on comes with which step?" configure
		stage "Build $TITLE" "1 to 4 min" "what is missing comes with which step? see configs/series.txt" compile
		log=$(log_of "Build $TITLE")
		case_is "$(if warnings_of "$log" '*.rs' >>"$LOGS/series-warnings.log"; then echo pass; else echo fail; fi)" \
			"series: $TITLE: builds, with no warning in our Rust but of what is unused yet" "see $log"
	done < <(series steps)
	pack_bare_guest
	TEST='' tested_job boot
	rm -rf "$TREE"
	TREE=$laid
}

run_check_series() {
	local step steps
	MACHINE=x86_64 # its guest is fetched
	begin_tests check-series "the series, step by step"
	steps=$(series steps | xargs)
	for step in $TEST; do
		[[ " $steps " == *" $step "* ]] || fail "looking for T=$step" "no step of the series is called so" "steps: $steps"
	done
	check_series
	gate "checkpatch --strict: each patch of the series" checkpatch-series checkpatch_series "$BUILD/patches"
	end_tests
}
