# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# make fuzz: programs of system calls, led by the blocks of drivers/dma-buf that they reach, on kernels that watch themselves; the
# same programs on the C core, whose results must be the same. Documentation/driver-api/dma-buf-rust-fuzz.rst tells of it.

FUZZ_CORPUS=$HERE/configs/fuzz-corpus.txt
FUZZ_DUELS=$HERE/configs/fuzz-duels.txt
FUZZ_DIFFERENCES=$HERE/configs/fuzz-differences.txt
FUZZ_UNREACHED=$HERE/configs/fuzz-unreached.txt
FUZZ_LEAST=95

# What is reached is counted in drivers/dma-buf, and with this in the crate of the kernel: of that, in what is ours and not inlined.
FUZZ_CRATE=(KCOV_INSTRUMENT_kernel.o=y KRUSTFLAGS=-Cdebuginfo=line-tables-only)

# fuzz_kernel CORE: one that watches itself, and counts what is reached.
fuzz_kernel() {
	local KMAKE_TOOLS=("${KMAKE_TOOLS[@]}" "${FUZZ_CRATE[@]}")
	# shellcheck disable=SC2034 # of the kernel that is built
	KIND=fuzz MACHINE=arm64 LINK=y CORE=$1
	build_machine "$MACHINE" "$LINK"
	choose_accelerator
	stage "List the blocks of drivers/dma-buf ($TITLE)" "1 min" "read the log" list_blocks
}

list_blocks() {
	python3 "$HERE/fuzz.py" blocks --objdump "llvm-objdump$LLVM_SUFFIX" --symbolizer "llvm-symbolizer$LLVM_SUFFIX" \
		--nm "llvm-nm$LLVM_SUFFIX" --crate "$OBJ/rust/kernel.o" "$OBJ/vmlinux" "$OUT/blocks"
}

# fuzz_guest CORE NAME MODE PROGRAMS: boot it, with this file of programs; what it says is in $RESULTS/fuzz-NAME.
fuzz_guest() {
	# shellcheck disable=SC2034 # of the guest that is booted
	local KIND=fuzz MACHINE=arm64 LINK=y CORE=$1 name=$2 mode=$3 programs=$4 more=() files=$RESULTS/fuzz-$2.files words=dmabuf.fuzz=$3
	set_machine
	mkdir -p "$files/jobs"
	cp "$programs" "$files/jobs/fuzz-corpus"
	cp "$programs" "$files/jobs/fuzz-programs"
	cp "$FUZZ_DUELS" "$files/jobs/fuzz-duels"
	guest_with "$files" "fuzz-$name"
	# a program takes less than that, and the C core may not come back from one
	[ "$mode" != replay ] || more=(--quiet 40)
	# heaps charge where nothing is compared
	[[ $mode != race,* ]] || words+=" dma_heap.mem_accounting=1"
	guest_job "$MACHINE" fuzz "$RESULTS/fuzz-$name" 8000 --gpu "${more[@]}" --append "$words" 2>"$RESULTS/fuzz-$name.txt" || true
	rm -rf "$OUT" "$files"
}

# fuzz_judge NAME TITLE: reports, leaks and hangs of a guest, and whether the fuzzer came to its end. Where nothing has failed halfway
# it has not looked at what happens then.
fuzz_judge() {
	local log=$RESULTS/fuzz-$1/data.log note
	if [ -s "$RESULTS/fuzz-$1/problems.txt" ] || ! grep -qx '# end 0' "$log" 2>/dev/null; then
		note=$({ grep -h -m 3 -e '^left ' -e 'cannot go on' "$log"; head -n 3 "$RESULTS/fuzz-$1/problems.txt"; } 2>/dev/null | tr '\n' ';')
		case_is fail "fuzz: $2" "${note:-it ended early}; see $RESULTS/fuzz-$1; the last program: $(grep '^p ' "$log" | tail -n 1 | cut -c1-300)"
		return 1
	fi
	if ! grep -q '^= faults [1-9]' "$log"; then
		case_is fail "fuzz: $2" "no call failed halfway; $(grep -m 1 '^= no faults' "$log")"
		return 1
	fi
	case_is pass "fuzz: $2"
}

fuzz_sum() { sed -n "s/^= $2 //p" "$RESULTS/fuzz-$1/data.log" | tail -n 1; }

# Programs whose results differ are run once more on both: a difference that stays is one.
fuzz_compare() {
	local name="fuzz: the C core gives the same results, or others that Documentation explains" core
	if ! python3 "$HERE/fuzz.py" compare "$FUZZ_DIFFERENCES" "$RESULTS"/fuzz-{guided,c-0,c-1}/data.log >"$RESULTS/fuzz-differ.txt" 2>"$RESULTS/fuzz-compare.txt"; then
		cp "$RESULTS/fuzz-differ.txt" "$RESULTS/fuzz-differ-once.txt"
		for core in rust c; do fuzz_guest "$core" "again-$core" replay "$RESULTS/fuzz-differ.txt"; done
		if ! python3 "$HERE/fuzz.py" compare "$FUZZ_DIFFERENCES" "$RESULTS"/fuzz-again-{rust,c}/data.log >"$RESULTS/fuzz-differ.txt" 2>&1; then
			sed 's/^/    /' "$RESULTS/fuzz-compare.txt"
			case_is fail "$name" "$(head -n 2 "$RESULTS/fuzz-differ.txt" | cut -c1-200 | tr '\n' ' '); see $RESULTS/fuzz-differ.txt"
			return
		fi
	fi
	sed 's/^/    /' "$RESULTS/fuzz-compare.txt"
	case_is pass "$name"
}

fuzz_guided() { fuzz_guest rust guided "guided,$FUZZ_FOR" "$FUZZ_CORPUS"; }
fuzz_race() { fuzz_guest rust race "race,$FUZZ_FOR" "$FUZZ_CORPUS"; }
# The programs that one of the C guests has a share of
fuzz_part() {
	local programs=$RESULTS/fuzz-programs-$1.txt log=$RESULTS/fuzz-c-$1/data.log come_to guest
	python3 "$HERE/fuzz.py" programs "$RESULTS/fuzz-guided/data.log" "$1" >"$programs"
	fuzz_guest c "c-$1" replay "$programs"
	# what is behind a program that a guest has not come back from
	for guest in 1 2 3; do
		come_to=$(grep -c '^p ' "$log" 2>/dev/null) || return 0
		[ "$come_to" -lt "$(wc -l <"$programs")" ] || return 0
		tail -n "+$((come_to + 1))" "$programs" >"$RESULTS/fuzz-behind-$1.txt"
		fuzz_guest c "c-$1-behind-$guest" replay "$RESULTS/fuzz-behind-$1.txt"
		awk -v from="$come_to" '/^p / { $2 += from } /^[pr] /' "$RESULTS/fuzz-c-$1-behind-$guest/data.log" >>"$log"
	done
}
fuzz_part_0() { fuzz_part 0; }
fuzz_part_1() { fuzz_part 1; }

# What has been reached, and whether that is what is asked for.
fuzz_coverage() {
	local all=$RESULTS/fuzz-coverage.txt status=pass
	python3 "$HERE/fuzz.py" coverage "$BUILD/arm64-rust-fuzz/blocks" "$FUZZ_UNREACHED" "$BUILD/fuzz-known" \
		"$RESULTS"/fuzz-{guided,race}/data.log >"$all" 2>"$RESULTS/fuzz-coverage-error.txt" || status=fail
	[ "$(sed -n 's/^blocks .* (\([0-9]*\)\..*/\1/p' "$all")0" -ge "${FUZZ_LEAST}0" ] || status=fail
	case_is "$status" "fuzz: $FUZZ_LEAST of a hundred blocks that can be reached have been" "$(cat "$RESULTS/fuzz-coverage-error.txt"; head -n 1 "$all")"
}

# fuzz_run SECONDS SEED: the kernels are there.
fuzz_run() {
	local seconds=$1 seed=$2 start=$SECONDS programs new part
	say "  Fuzz for $(duration "$seconds"), seed $seed: one guest led by coverage, one with threads and faults ..."
	FUZZ_FOR=$seconds,$seed
	together fuzz_guided fuzz_race
	fuzz_judge guided "Rust core: no report, no leak, no hang" || true
	fuzz_judge race "Rust core, threads and faults: no report, no leak, no hang" || true
	say "  The same programs on the C core, in two guests ..."
	together fuzz_part_0 fuzz_part_1
	# what it has found in C is said, and is not ours
	for part in 0 1; do
		[ ! -s "$RESULTS/fuzz-c-$part/problems.txt" ] || sed 's/^/    C core: /' "$RESULTS/fuzz-c-$part/problems.txt" | head -n 5
	done
	fuzz_compare
	fuzz_coverage
	python3 "$HERE/fuzz.py" kept "$RESULTS/fuzz-guided/data.log" >"$RESULTS/fuzz-corpus.txt"
	new=$(grep -vxFf <(grep -v '^#' "$FUZZ_CORPUS") -c "$RESULTS/fuzz-corpus.txt" || true)
	programs=$(fuzz_sum guided programs)
	say "  programs: ${programs:-?} ($((${programs:-0} / seconds)) a second), with threads $(fuzz_sum race programs); calls failed halfway $(fuzz_sum guided faults) and $(fuzz_sum race faults) times"
	say "  drivers/dma-buf, Rust: $(head -n 1 "$RESULTS/fuzz-coverage.txt"); $(sed -n 2p "$RESULTS/fuzz-coverage.txt")"
	say "  by function, new ones, and those never reached: $RESULTS/fuzz-coverage.txt"
	say "  corpus: $(wc -l <"$RESULTS/fuzz-corpus.txt") programs, $new of them new: $RESULTS/fuzz-corpus.txt (ACCEPT=1 keeps it)"
	if [ -n "${ACCEPT:-}" ] && grep -q . "$RESULTS/fuzz-corpus.txt"; then
		{
			grep '^#' "$FUZZ_CORPUS"
			cat "$RESULTS/fuzz-corpus.txt"
		} >"$RESULTS/fuzz-accepted" && mv "$RESULTS/fuzz-accepted" "$FUZZ_CORPUS"
	fi
	say "  fuzzed in $(duration $((SECONDS - start)))"
}

fuzz() {
	local core seconds=${FUZZ_SECONDS:-600} seed=${FUZZ_SEED:-}
	choose MACHINE "${MACHINE:=arm64}" arm64
	[[ $seconds =~ ^[1-9][0-9]{0,6}$ ]] || fail "reading the knobs" "SECONDS=$seconds is no number of seconds" "use make fuzz SECONDS=600"
	[ -n "$seed" ] || seed=$(date +%s)
	[[ $seed =~ ^[0-9]{1,18}$ ]] || fail "reading the knobs" "SEED=$seed is no number" "use make fuzz SEED=1"
	begin_tests fuzz "fuzzing both cores"
	for core in rust c; do fuzz_kernel "$core"; done
	unlock_cache
	fuzz_run "$seconds" "$seed"
	CORE=rust
	end_tests
}

# The slice of make test-full: the same programs each time, as far as the machine comes.
fuzz_slice() {
	local core
	for core in rust c; do fuzz_kernel "$core"; done
	ACCEPT='' fuzz_run 120 1
	KIND='test' CORE=rust
}

# A comparison that finds nothing proves nothing: one wrong errno, and one result that is missing, must be found.
fuzz_comparison_finds() {
	local dir=$BUILD/fuzz-comparison bad=0
	mkdir -p "$dir"
	printf '%s\n' 'p 0 seek:01 poll' 'r seek=0;poll=1,5' 'p 1 merge' 'r merge++=fd' >"$dir/same"
	sed 's/seek=0/seek=-22/' "$dir/same" >"$dir/errno"
	sed 's/poll=1,5/poll=1,4/' "$dir/same" >"$dir/bits"
	sed '$d' "$dir/same" >"$dir/short"
	: >"$dir/none"
	echo 'seek=-22  seek=0  a-page' >"$dir/listed"
	# behind what is listed: something else, and what may come of it
	sed 's/seek=0/seek=-12/' "$dir/same" >"$dir/fails"
	sed 's/seek=0/seek=-22/; s/poll=1,5/poll=1,4/' "$dir/same" >"$dir/behind"
	echo 'seek=-22  seek=-12  a-page' >"$dir/fails-listed"
	fuzz_finds 0 '' same same none || bad=1
	fuzz_finds 1 'seek=-22' errno same none || bad=1
	fuzz_finds 1 'poll=1,4' bits same none || bad=1
	fuzz_finds 1 'did not end' same short none || bad=1
	fuzz_finds 0 '' errno same listed || bad=1
	fuzz_finds 0 '' errno fails fails-listed || bad=1
	fuzz_finds 1 'poll=1,4' behind fails fails-listed || bad=1
	fuzz_finds 0 '' behind same listed || bad=1
	# in two parts, of which each has programs 0, 1, ...
	printf '%s\n' 'p 0 seek:01 poll' 'r seek=0;poll=1,5' >"$dir/first"
	printf '%s\n' 'p 0 merge' 'r merge++=fd' >"$dir/second"
	sed 's/=fd/=-9/' "$dir/second" >"$dir/second-errno"
	fuzz_finds 0 '' same first none second || bad=1
	fuzz_finds 1 'merge++=-9' same first none second-errno || bad=1
	fuzz_finds 1 'has 0 programs of 1' same first none none || bad=1
	# the list does not hold the other way round
	fuzz_finds 1 'seek=-22' same errno listed || bad=1
	return "$bad"
}

# fuzz_finds STATUS TEXT RUST C LISTED [C]: what a comparison of these says.
fuzz_finds() {
	local dir=$BUILD/fuzz-comparison status=0
	python3 "$HERE/fuzz.py" compare "$dir/$5" "$dir/$3" "$dir/$4" ${6:+"$dir/$6"} >"$dir/out" 2>&1 || status=$?
	[ "$status" = "$1" ] && grep -qF -- "$2" "$dir/out" && return
	echo "$3 and $4 with the list $5: status $status, and not: $2"
	return 1
}

# Each explanation is a place in Documentation.
fuzz_differences_explained() {
	local line bad=0
	while read -r line; do
		grep -rqF "_$line:" "$TOP/Documentation" || { echo "no .. _$line: in Documentation"; bad=1; }
	done < <(grep -v '^#' "$FUZZ_DIFFERENCES" | awk 'NF { print $NF }' | sort -u)
	return "$bad"
}

# What the fuzzer has found by hand can be found again.
fuzz_plants_apply() {
	local plant bad=0
	for plant in "$HERE"/plants/*.patch; do
		patch -p1 --dry-run --force --fuzz=0 -d "$TOP" <"$plant" || bad=1
		[ "$(grep -cE '^(Fails|Says): .' "$plant")" = 2 ] || { echo "$plant: does not say what fails, and how"; bad=1; }
	done
	return "$bad"
}

# A reason that names a line of ours goes with it.
fuzz_reasons_fit() { python3 "$HERE/fuzz.py" reasons "$FUZZ_UNREACHED"; }

gate_fuzz() {
	gate "fuzz: a comparison finds what is planted" fuzz-comparison fuzz_comparison_finds
	gate "fuzz: what can be planted in the core still fits" fuzz-plants fuzz_plants_apply
	gate "fuzz: the lines that cannot be reached are there" fuzz-reasons fuzz_reasons_fit
	gate "fuzz: Documentation explains each difference that is let pass" fuzz-differences fuzz_differences_explained
}
