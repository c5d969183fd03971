// SPDX-License-Identifier: GPL-2.0

//! The DMA-BUF core: buffers, their files and their attachments.
//!
//! Implements what [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h) declares. C code
//! meets this crate in files named `abi`; everything behind them works on the types of
//! [`kernel::dma_buf`].
//!
//! # Locking
//!
//! | what | guarded by |
//! |---|---|
//! | attachments, the kernel mapping and its count | the buffer's reservation object |
//! | the buffer's name | `name_lock` |
//! | the list of all buffers | [`registry`]'s mutex |
//! | which poll callbacks are armed | atomic, see [`poll`] |
//!
//! Everything else in a `struct dma_buf` is constant between export and release. The registry's
//! mutex is taken before a reservation object, which is taken before `name_lock`.

use buffer::{
    debugfs,
    fs,
    mount,
    registry, //
};
use kernel::{
    bindings,
    prelude::*, //
};

mod buffer;
mod fence;
mod kmalloc;
mod mapping;
mod page_hiding;
mod resv;
#[cfg(CONFIG_SYNC_FILE)]
mod sync_file;
mod unload;

const __LOG_PREFIX: &[u8] = b"dma_buf\0";

/// What the structures that the VFS knows have for their owner.
const fn this_module() -> *mut bindings::module {
    #[cfg(MODULE)]
    {
        (&raw const bindings::__this_module).cast_mut()
    }
    #[cfg(not(MODULE))]
    core::ptr::null_mut()
}

/// Sets everything up. Called once, at boot, before any driver's initialisation, or when the module
/// is loaded.
#[no_mangle]
extern "C" fn rust_dma_buf_init() -> c_int {
    // SAFETY: This is the only call, and nothing uses the stub or the registry before it.
    unsafe {
        fence::stub::init();
        registry::init();
    }
    #[cfg(CONFIG_LOCKDEP)]
    if resv::lockdep::prime().is_err() {
        pr_warn!("lockdep does not know the order of locks around fences\n");
    }
    kernel::dma_buf::to_errno(fs::init().inspect(|()| debugfs::init()))
}

/// Takes away what [`rust_dma_buf_init`] made. Called when nothing uses the module any more: there
/// is no file, and no module that calls it.
#[no_mangle]
extern "C" fn rust_dma_buf_exit() {
    debugfs::exit();
    mount::exit();
    unload::wait_for_irq_works();
}
