// SPDX-License-Identifier: GPL-2.0

//! The DMA-BUF core: buffers, their files and their attachments.
//!
//! Implements what [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h) declares. C code
//! meets this crate in files named `abi`; everything behind them works on the types of
//! [`kernel::dma_buf`].

use kernel::{
    interop::export::IntoC,
    prelude::*, //
};

pub(crate) use module::LocalModule;

#[cfg(CONFIG_SYNC_FILE)]
mod argument;
mod buffer;
mod errno;
mod fence;
mod kmalloc;
mod layout;
mod mapping;
mod module;
mod page_hiding;
mod resv;
#[cfg(CONFIG_SYNC_FILE)]
mod sync_file;
mod unload;

const __LOG_PREFIX: &[u8] = b"dma_buf\0";

/// Sets everything up. Called once, at boot, before any driver's initialisation, or when the module
/// is loaded.
#[no_mangle]
extern "C" fn rust_dma_buf_init() -> c_int {
    fence::stub::init();
    #[cfg(CONFIG_LOCKDEP)]
    if resv::lockdep::prime().is_err() {
        pr_warn!("lockdep does not know the order of locks around fences\n");
    }
    buffer::init().into_c()
}

/// Takes away what [`rust_dma_buf_init`] made. Called when nothing uses the module any more: there
/// is no file, and no module that calls it.
#[no_mangle]
extern "C" fn rust_dma_buf_exit() {
    buffer::exit();
    unload::wait_for_irq_works();
}
