# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The shape of our sources: how much of them is unsafe (make unsafe prints it), who uses whom, and how long they are.

# The Rust crates of ours, as circles.py wants them.
OUR_CRATES=(
	drivers/dma-buf/rust/core/dma_buf_core.rs
	drivers/dma-buf/rust/heap/dma_heap_core.rs
	drivers/dma-buf/rust/heaps/{cma,system}_heap.rs
	drivers/dma-buf/rust/sw_sync/sw_sync_core.rs
	drivers/dma-buf/rust/udmabuf/udmabuf_core.rs
	drivers/dma-buf/rust/kunit/dmabuf_rust_kunit.rs
	rust/kernel/dma_buf/mod.rs=dma_buf
	rust/kernel/drm/gem/dumb.rs=drm::gem::dumb
	samples/rust/rust_gpu_sketch/rust_gpu_sketch.rs
)

unsafe_table() { python3 "$HERE/lib/unsafe.py" --kept "$HERE/configs/unsafe.txt" --models "$PRISTINE" "$TOP"; }

unsafe() {
	say "Rust DMA-BUF: unsafe in a thousand lines, ours and others'"
	reader_packages
	mkdir -p "$CACHE" "$BUILD" "$LOGS"
	lock_cache
	fetch_source
	set_source
	unlock_cache
	unsafe_table
}

no_circles() { (cd "$TOP" && python3 "$HERE/lib/circles.py" "${OUR_CRATES[@]}"); }

# Tables may be as long as what they list, as rust/helpers is one.
short_files() {
	local long
	long=$(cd "$TOP" && our_files '*.rs' 'drivers/*.[ch]' 'samples/*.[ch]' '*.sh' '*.py' | xargs wc -l | awk '$1 > 400 && $2 != "total" { print $2 ": " $1 " lines" }')
	[ -z "$long" ] || { printf '%s\n' "$long"; return 1; }
}

# kCFI compares the type of a call with that of the function: a reference is not what C has there (see core/table.rs).
c_types_of_callbacks() {
	local found
	found=$(cd "$TOP" && our_files '*.rs' | xargs grep -PzoH 'extern "C" fn\([^)]*&[^)]*\)' -- | tr '\0' '\n')
	[ -z "$found" ] || { printf '%s\n' "$found"; return 1; }
}

gate_shape() {
	gate "no more unsafe than configs/unsafe.txt keeps" unsafe unsafe_table
	gate "no circle among the files of a crate" circles no_circles
	gate "no file over 400 lines" length short_files
	gate "functions are called with the types of C" callbacks c_types_of_callbacks
	gate "each access without a lock has a model" models models_gate
}
