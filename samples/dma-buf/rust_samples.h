/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the Rust samples of DMA-BUF (samples/rust/rust_dma_buf_*.rs) offer to
 * user space.
 */
#ifndef RUST_DMA_BUF_SAMPLES_H
#define RUST_DMA_BUF_SAMPLES_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RUST_DMA_BUF_MISC_DEVICE	"/dev/rust-dma-buf-misc"

/**
 * struct rust_dma_buf_misc_get_fd - a new dma-buf over the module's memory
 * @fd: out: the file descriptor of the dma-buf
 * @flags: in: O_RDONLY, O_WRONLY or O_RDWR, and O_CLOEXEC
 *
 * Every call exports the same memory anew. read() of the device gives the text
 * that is in it, up to the first NUL.
 */
struct rust_dma_buf_misc_get_fd {
	__s32 fd;
	__u32 flags;
};

#define RUST_DMA_BUF_MISC_GET_FD \
	_IOWR('|', 0xa0, struct rust_dma_buf_misc_get_fd)

#define RUST_DMA_BUF_IMPORTER_DEVICE	"/dev/rust-dma-buf-importer"

/**
 * struct rust_dma_buf_importer_submit - have a dma-buf read by CPU and device
 * @fd: in: the file descriptor of the dma-buf
 * @cpu_sum: out: FNV-1a (32 bit) of all bytes of the buffer, as the CPU sees them
 *
 * Waits for the fences that a reader must wait for. What "the device" reads is
 * told by %RUST_DMA_BUF_IMPORTER_RESULT; until it has read, the buffer holds a
 * fence for it.
 */
struct rust_dma_buf_importer_submit {
	__s32 fd;
	__u32 cpu_sum;
};

#define RUST_DMA_BUF_IMPORTER_SUBMIT \
	_IOWR('|', 0xb0, struct rust_dma_buf_importer_submit)

/**
 * struct rust_dma_buf_importer_result - what "the device" has read
 * @device_sum: out: FNV-1a (32 bit) of all bytes, found through the sg_table
 * @entries: out: how many entries the sg_table has
 *
 * Waits for the last job of this open file; EINVAL if there is none.
 */
struct rust_dma_buf_importer_result {
	__u32 device_sum;
	__u32 entries;
};

#define RUST_DMA_BUF_IMPORTER_RESULT \
	_IOR('|', 0xb1, struct rust_dma_buf_importer_result)

#endif
