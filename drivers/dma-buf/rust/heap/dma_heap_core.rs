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
//! removed, and while a file is opened to look the heap up; never while a heap allocates. An open
//! file holds a reference to its heap, and so needs no lock to use it: a heap does not change once
//! it exists, but for its [`gate`], which each allocation passes and which is closed when the heap
//! is removed.

#[cfg(CONFIG_MODULES)]
use kernel::interop::going::ModuleGoing;
use kernel::prelude::*;

mod abi;
mod file;
mod gate;
mod heap;
mod ioctl;
mod layout;
mod module;
mod registry;

pub(crate) use self::module::LocalModule;

const __LOG_PREFIX: &[u8] = b"dma_heap\0";

/// Modules that go and leave heaps behind.
///
/// Who removes a heap is its driver, before its module goes. One that has lost its heap cannot do
/// that, and must not be kept for it: to be unloaded is how modules take their heaps away. So what
/// is left is taken away after the driver's own exit, and before its code is freed.
#[cfg(CONFIG_MODULES)]
static LEFT: ModuleGoing = ModuleGoing::new(registry::remove_left_by);

/// Sets everything up. Called once, at boot, before any driver's initialisation, or when the
/// module is loaded.
#[no_mangle]
extern "C" fn rust_dma_heap_init() -> c_int {
    kernel::error::from_result(|| {
        registry::init(file::TABLE.openable())?;
        #[cfg(CONFIG_MODULES)]
        LEFT.begin().inspect_err(|_| registry::exit())?;
        Ok(0)
    })
}

/// Takes away what [`rust_dma_heap_init`] made. Called when nothing uses the module any more: no
/// file is open, and there is no heap, since whoever adds heaps uses symbols of this module.
#[no_mangle]
extern "C" fn rust_dma_heap_exit() {
    #[cfg(CONFIG_MODULES)]
    LEFT.end();
    registry::exit();
}
