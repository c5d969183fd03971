# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The gates: checks of our sources on the host. Each is a test case, with a log in build/logs.

# Our files whose path matches; what git ignores is not ours.
our_files() { git -c safe.directory='*' -C "$TOP" ls-files -co --exclude-standard -- "$@"; }

# gate_asked LOG: T=... may ask for one gate, by the name of its log without that of the kernel.
gate_asked() { [ -z "$TEST" ] || [ "$TEST" = "${1%"-$VARIANT"}" ]; }

names_of_gates() { sed -nE 's/.*gate(_cases)? "[^"]*" "?([a-z0-9-]+[a-z0-9]).*/\2/p' | sort -u | tr '\n' ' '; }
gate_names() { cat "$HERE"/lib/*.sh | names_of_gates; }
gates_in() { declare -f "$@" | names_of_gates; }

# gate NAME LOG COMMAND...: pass when COMMAND succeeds.
gate() {
	local name=$1 log=$LOGS/gate-$2.log
	gate_asked "$2" || return 0
	shift 2
	if "$@" >"$log" 2>&1; then
		case_is pass "gate: $name"
	else
		tail -n 20 "$log" | sed 's/^/      /'
		case_is fail "gate: $name" "see $log"
	fi
}

gate_linked() { gate "$VARIANT: the linked objects are those of core $CORE" "links-$VARIANT" linked_objects; }

# What the build of one machine shows: right objects, no warning of a cross compiler.
gate_machine() {
	# for other gates: not only if it is asked for
	TEST='' gate "$VARIANT: kbuild says how to compile a module" "probe-$VARIANT" compile_probes
	gate_linked
	gate "$VARIANT: the kernel crate calls nothing of DMA-BUF, which may be a module" "crate-$VARIANT" crate_calls_nothing
	gate_parity
	gate "$VARIANT: no warning in our user-space programs" "programs-$VARIANT" \
		warnings_of "$(log_of "Build the guest's programs ($TITLE)")" '*.c' '*.h'
}

# Which of the C objects on our list the kernel or a module of it holds.
linked_objects() {
	local object bad=0 linked=$OBJ/linked-objects
	list_linked_objects || return
	while read -r object; do
		case $CORE:$object in
		*:'#'* | *:) continue ;;
		rust:* | c-heaps:*/heaps/*)
			grep -qxF "$object" "$linked" || continue
			echo "$object is linked, though its Rust counterpart should be"
			;;
		*)
			! grep -qxF "$object" "$linked" || continue
			echo "$object is not linked: is the list in configs/replaced-objects.txt right?"
			;;
		esac
		bad=1
	done <"$HERE/configs/replaced-objects.txt"
	return "$bad"
}

# What calls DMA-BUF is inlined, and so in who uses it. With DRM in the kernel DMA-BUF is, too: the crate has more then, which may
# call it, and for other crates the drop of references that this more has.
crate_calls_nothing() {
	local calls may=()
	! grep -qx CONFIG_DRM=y "$OBJ/.config" || may=(-e 'kernel::drm::' -e '^<<kernel::sync::aref::ARef<[^ ]*> as core::ops::drop::Drop>::drop>: ')
	calls=$("llvm-objdump$LLVM_SUFFIX" -dr --no-show-raw-insn "$OBJ/rust/kernel.o" |
		awk '/^[0-9a-f]+ </ { by = $2 } /R_[A-Z0-9_]+[ \t]+(dma_(buf|fence|resv|heap)|sync_file)_/ { print by, $NF }' |
		"llvm-cxxfilt$LLVM_SUFFIX") || return
	! grep -v "${may[@]}" -e '^$' <<<"$calls"
}

gate_rustfmt() {
	local files
	mapfile -t files < <(our_files '*.rs')
	(cd "$TOP" && /usr/bin/rustfmt --check --color never --edition 2021 --config-path "$TREE/.rustfmt.toml" "${files[@]}")
}

# A file that has passed is not read again until it or the rules are others: all of them are 2.5 min of processor time.
gate_checkpatch() {
	local file ignore rules stamp passed=$CACHE/checkpatch
	cd "$TREE" || return 1
	mkdir -p "$passed"
	find "$passed" -type f -mtime +30 -delete
	rules=$(cat scripts/checkpatch.pl scripts/spelling.txt scripts/const_structs.checkpatch | hash_of)
	# shellcheck disable=SC2016 # the inner shell expands them
	while read -r file; do
		case $file in
		# the functions these export are Rust, in another file by design
		*/exports.c | */core/helpers.c) ignore=EXPORT_SYMBOL ;;
		# the form of all of them
		include/trace/events/*.h) ignore=OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT ;;
		# the names are libdrm's
		samples/dma-buf/drm_dumb.c) ignore=CAMELCASE ;;
		*) ignore=NONE ;;
		esac
		stamp=$passed/$({ echo "$rules $ignore $file"; cat "$file"; } | hash_of)
		[ -e "$stamp" ] || printf '%s\n' "$ignore" "$file" "$stamp"
	done < <(our_files rust drivers samples include tools/testing/selftests | grep -E '\.(rs|c|h|dts|S)$|/(Makefile|Kconfig|Kbuild)[^/]*$') |
		xargs -r -d '\n' -P "$JOBS" -n 3 sh -c \
			'perl scripts/checkpatch.pl --strict --terse --show-types --no-summary --ignore "$1" -f "$2" && : >"$3"' sh
}

gate_shellcheck() {
	local scripts
	mapfile -t scripts < <(cd "$TOP" && our_files | xargs grep -lE '^#!/bin/((busybox )?sh|bash)' -- && our_files '*.sh')
	(cd "$TOP" && shellcheck "${scripts[@]}")
}

gate_python() {
	local files
	mapfile -t files < <(our_files '*.py')
	cd "$TOP" || return 1
	python3 -c 'import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name, encoding="utf-8").read(), name)' "${files[@]}"
}

# Every file says its licence, but those with a format that has no place for it.
gate_licence() {
	local bad
	cd "$TOP" || return 1
	bad=$(our_files ':!patches/*.patch' ':!LICENSE' ':!*.png' ':!Documentation/ABI' | xargs grep -L 'SPDX-License-Identifier: GPL-2.0' -- || true)
	[ -z "$bad" ] || { printf 'no SPDX line: %s\n' "$bad"; return 1; }
}

# Clippy and W=1, for our objects alone.
strict_build() {
	local files
	kmake M="$OBJ/probe-source" MO="$OBJ/probe-strict" W=1 probe_c.o || return
	mapfile -t files < <(our_files rust drivers samples/rust tools/testing/selftests | grep -E '\.(rs|c)$')
	python3 "$HERE/lib/strict.py" --build "$OBJ" --plain "$OBJ/probe/.probe_c.o.cmd" --strict "$OBJ/probe-strict/.probe_c.o.cmd" \
		--clippy /usr/bin/clippy-driver --conf "$TREE" --jobs "$JOBS" "${files[@]}"
}

# warnings_of LOG KIND: compiler messages that point into our files.
warnings_of() {
	local file found=0
	while read -r file; do
		if grep -nE "(-->.*|^)([^ ]*/)?${file//./\\.}:[0-9]+" "$1"; then found=1; fi
	done < <(our_files "${@:2}")
	return "$found"
}

gate_strict() {
	local log=$LOGS/gate-strict-$VARIANT.log status=0
	gate_asked compiled || gate_asked clippy || gate_asked w1 || return 0
	strict_build >"$log" 2>&1 || status=$?
	gate "$VARIANT: clippy and W=1 compile our sources" "compiled-$VARIANT" compiled "$log" "$status"
	gate "$VARIANT: clippy: no warning in our Rust" "clippy-$VARIANT" warnings_of "$log" '*.rs'
	gate "$VARIANT: W=1: no warning in our C" "w1-$VARIANT" warnings_of "$log" '*.c' '*.h'
}

# compiled LOG STATUS
compiled() {
	tail -n 20 "$1"
	return "$2"
}

gate_sources() {
	gate "rustfmt" rustfmt gate_rustfmt
	gate "checkpatch --strict" checkpatch gate_checkpatch
	gate "shellcheck" shellcheck gate_shellcheck
	gate "python scripts parse" python gate_python
	gate "licence lines" licence gate_licence
	gate "no header of the kernel is changed" headers same_headers
	gate "each exported symbol has a header for C, and is in the table" exported exported_table
	gate "make install and make uninstall" install gate_install
	gate "make patches: the series is the laid tree, and each file is in one step" patches gate_patches
	gate_shape
	gate_knobs
	gate_dmabuf_top
	gate_fuzz
}
