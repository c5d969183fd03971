# SPDX-License-Identifier: GPL-2.0
# Included at the end of drivers/dma-buf/Makefile: swaps the C objects that have
# a Rust counterpart for the counterparts. Remove the C files and this list is
# all that goes with them.

# Where CONFIG_KCOV does not instrument the whole kernel: this directory and those below it.
export KCOV_INSTRUMENT := y

# The tests are for both implementations.
obj-$(CONFIG_DMABUF_RUST_KUNIT_TEST) += rust/kunit/

ifdef CONFIG_DMABUF_CORE_RUST
dmabuf-replaced-by-rust := dma-heap.o
dmabuf-replaced-by-rust += heaps/
dmabuf-replaced-by-rust += dma-fence.o dma-fence-array.o dma-fence-chain.o dma-fence-unwrap.o
dmabuf-replaced-by-rust += dma-resv.o
dmabuf-replaced-by-rust += sync_file.o
dmabuf-replaced-by-rust += dma-buf.o dma-buf-mapping.o
dmabuf-replaced-by-rust += udmabuf.o
dmabuf-replaced-by-rust += sw_sync.o sync_debug.o

obj-y := $(filter-out $(dmabuf-replaced-by-rust),$(obj-y))
obj-m := $(filter-out $(dmabuf-replaced-by-rust),$(obj-m))
obj-$(CONFIG_DMABUF_CORE) += rust/
endif

# Of the implementation in Rust only the heaps.
ifeq ($(CONFIG_DMABUF_CORE_RUST)$(CONFIG_DMABUF_HEAPS_RUST),y)
obj-y := $(filter-out heaps/,$(obj-y))
obj-$(CONFIG_DMABUF_HEAPS_SYSTEM) += rust/heaps/system_heap.o
obj-$(CONFIG_DMABUF_HEAPS_CMA) += rust/heaps/cma_heap.o
endif
