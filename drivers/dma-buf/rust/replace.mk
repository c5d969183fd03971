# SPDX-License-Identifier: GPL-2.0
# Included at the end of drivers/dma-buf/Makefile: swaps the C objects that have
# a Rust counterpart for the counterparts. Remove the C files and this list is
# all that goes with them.

ifdef CONFIG_DMABUF_CORE_RUST
dmabuf-replaced-by-rust := \
	dma-buf.o		\
	dma-buf-mapping.o	\
	dma-fence.o		\
	dma-fence-array.o	\
	dma-fence-chain.o	\
	dma-fence-unwrap.o	\
	dma-heap.o		\
	dma-resv.o		\
	heaps/			\
	sw_sync.o		\
	sync_debug.o		\
	sync_file.o		\
	udmabuf.o

obj-y := $(filter-out $(dmabuf-replaced-by-rust),$(obj-y))
obj-m := $(filter-out $(dmabuf-replaced-by-rust),$(obj-m))
obj-$(CONFIG_DMABUF_CORE) += rust/
else
ifdef CONFIG_DMABUF_HEAPS_RUST
obj-y := $(filter-out heaps/,$(obj-y))
obj-$(CONFIG_DMABUF_HEAPS_SYSTEM) += rust/heaps/system_heap.o
obj-$(CONFIG_DMABUF_HEAPS_CMA) += rust/heaps/cma_heap.o
endif
# The tests are for both implementations.
obj-$(CONFIG_DMABUF_RUST_KUNIT_TEST) += rust/kunit/
endif
