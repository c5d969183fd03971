# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What C drivers see of us is what they see of the C files: gates on the build of one machine, in gate_machine.

# linked-objects in the object directory: every object of the kernel image and of the modules of drivers/dma-buf.
list_linked_objects() (
	cd "$OBJ" || exit # members are named from here
	{
		"llvm-ar$LLVM_SUFFIX" t vmlinux.a
		sed -n 's|^\(drivers/dma-buf/.*\)\.o$|\1.mod|p' modules.order | xargs -r cat
	} >linked-objects
	grep -q '^drivers/dma-buf/' linked-objects || { echo "no object of drivers/dma-buf is linked at all"; return 1; }
)

# The headers of include/ are the contract: no patch of ours changes one, and none of our files takes the place of one.
same_headers() {
	local file bad=0 files
	mapfile -t files < <(sed -n 's|^+++ b/\([^\t]*\).*|\1|p' "$TOP"/patches/*.patch && our_files '*.h')
	[ ${#files[@]} -gt 0 ] || { echo "no files found: was the right place looked at?"; return 1; }
	for file in "${files[@]}"; do
		case $file in
		include/*.h) [ ! -e "$PRISTINE/$file" ] || { echo "$file: a header of the kernel, changed by us"; bad=1; } ;;
		esac
	done
	return "$bad"
}

same_symbols() {
	list_linked_objects &&
		python3 "$HERE/parity/symbols.py" --sources "$PRISTINE/drivers/dma-buf" --build "$OBJ" --objects "$OBJ/linked-objects" \
			--document "$TOP/Documentation/driver-api/dma-buf-rust.rst" \
			--from-c "$TOP/Documentation/driver-api/dma-buf-rust-from-c.rst" --nm "llvm-nm$LLVM_SUFFIX"
}

same_parameters() {
	python3 "$HERE/parity/params.py" --sources "$PRISTINE/drivers/dma-buf" --build "$OBJ" --objcopy "llvm-objcopy$LLVM_SUFFIX"
}

# Rust, shims without decisions, and tests: nothing else of drivers/dma-buf is linked.
only_rust() {
	list_linked_objects && python3 "$HERE/parity/shims.py" --tree "$TREE" --objects "$OBJ/linked-objects"
}

# The structures that our Rust code names, as rustc and the C compiler of this kernel see them.
same_layout() {
	local source=$OBJ/layout-source out=$OBJ/layout sources
	mapfile -t sources < <(our_files 'drivers/dma-buf/rust/*.rs' 'rust/kernel/*.rs')
	rm -rf "$source" "$out"
	mkdir -p "$out"
	python3 "$HERE/parity/layout.py" write --bindings "$OBJ/rust/bindings/bindings_generated.rs" --out "$source" \
		"${sources[@]/#/$TOP/}" || return
	kmake M="$source" MO="$out" layout_rust.o layout_c.o || return
	python3 "$HERE/parity/layout.py" compare --nm "llvm-nm$LLVM_SUFFIX" "$out/layout_rust.o" "$out/layout_c.o"
}

# Each exported symbol has a header that C drivers can include, and the table of them is what the code says. ACCEPT=1 writes it.
exported_table() {
	local what=check
	[ -z "${ACCEPT:-}" ] || what="write"
	python3 "$HERE/lib/exported.py" "$what" --checkout "$TOP" --pristine "$PRISTINE" \
		--said "$HERE/configs/exported.txt" "$TOP/Documentation/driver-api/dma-buf-rust-symbols.rst"
}

gate_parity() {
	gate "$VARIANT: exported symbols, namespaces and licences are those of the C files, each with its Rust form told" "symbols-$VARIANT" same_symbols
	gate "$VARIANT: module parameters and their types are those of the C files" "parameters-$VARIANT" same_parameters
	gate "$VARIANT: Rust and C agree on the layout of structures" "layout-$VARIANT" same_layout
	if [ "$CORE" = rust ]; then
		gate "$VARIANT: of drivers/dma-buf nothing but Rust, shims without decisions and tests is linked" "shims-$VARIANT" only_rust
	fi
}
