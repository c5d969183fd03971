# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Gates that compile pieces of code as the modules of the kernel that was just built: misuse of the safe API, which must
# fail to compile (compile_fail.py), and the code blocks of the documentation, which must not (rst_blocks.py).

# Let kbuild say how: it compiles an empty Rust and an empty C module, and keeps the commands.
compile_probes() {
	local source=$OBJ/probe-source
	mkdir -p "$source" "$OBJ/probe"
	printf '//! Nothing.\n' >"$source/probe_rust.rs"
	: >"$source/probe_c.c"
	printf 'obj-m := probe_rust.o probe_c.o\n' >"$source/Kbuild"
	kmake M="$source" MO="$OBJ/probe" probe_rust.o probe_c.o
}

# gate_cases NAME LOG COMMAND...: COMMAND prints a line for each case, its status, name and note with tabs between them.
gate_cases() {
	local title="gate: $1" log=$LOGS/gate-$2.log cases=$LOGS/gate-$2.cases status name note
	gate_asked "$2" || return 0
	shift 2
	if ! "$@" >"$cases" 2>"$log" || [ ! -s "$cases" ]; then
		case_is fail "$title" "see $log"
	fi
	while IFS=$'\t' read -r status name note; do
		[ "$status" != fail ] || note+=" (see $log)"
		case_is "$status" "$title: $name" "$note"
	done <"$cases"
}

misuse() {
	python3 "$HERE/lib/compile_fail.py" --probe "$OBJ/probe" --out "$OBJ/misuse" --jobs "$JOBS" --config "$OBJ/.config" \
		"$HERE"/compile-fail/*.rs
}

code_blocks() {
	python3 "$HERE/lib/rst_blocks.py" --probe "$OBJ/probe" --out "$OBJ/code-blocks" --jobs "$JOBS" --config "$OBJ/.config" \
		--cc "${CROSS}gcc" --include "$OBJ/usr/include" --include "$TOP/samples/dma-buf" \
		"$TOP"/Documentation/driver-api/dma-buf-rust*.rst
}

gate_compile() {
	gate_cases "misuse does not compile" misuse misuse
	gate_cases "documentation" code-blocks code_blocks
}
