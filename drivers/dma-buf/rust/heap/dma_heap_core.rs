// SPDX-License-Identifier: GPL-2.0

//! DMA-BUF heaps: named pools that user space allocates buffers from.
//!
//! Implements what [`include/linux/dma-heap.h`](srctree/include/linux/dma-heap.h) and
//! [`include/uapi/linux/dma-heap.h`](srctree/include/uapi/linux/dma-heap.h) declare. A heap is a
//! character device, `/dev/dma_heap/NAME`, with one ioctl, which allocates a buffer. The heaps
//! themselves are elsewhere: C drivers add theirs with `dma_heap_add()`, Rust drivers with
//! [`kernel::dma_buf::heap::Registration`].
//!
//! C code meets this crate in [`abi`], the VFS in [`file`].
//!
//! # Locking
//!
//! [`registry`]'s mutex guards the table of heaps. It is held while a heap's device is created or
//! removed; never while a heap allocates. Who opens a file finds the heap under RCU, and takes the
//! mutex only if there is none: it may be about to come. An open file holds a reference to its
//! heap, and so needs no lock to use it: a heap does not change once it exists, but for its
//! [`gate`], which each allocation passes and which is closed when the heap is removed.

mod abi;
mod file;
mod gate;
mod heap;
mod ioctl;
mod layout;
mod registry;
mod state;

pub(crate) use self::abi::LocalModule;

const __LOG_PREFIX: &[u8] = b"dma_heap\0";
