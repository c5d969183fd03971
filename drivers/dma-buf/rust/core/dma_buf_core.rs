// SPDX-License-Identifier: GPL-2.0

//! The DMA-BUF core: buffers, their files and their attachments.
//!
//! Implements what [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h) declares. C code
//! meets this crate in files named `abi`; everything behind them works on the types of
//! [`kernel::dma_buf`].

pub(crate) use module::LocalModule;

mod abi;
mod buffer;
mod errno;
mod fence;
mod kmalloc;
mod layout;
mod mapping;
mod module;
mod page_hiding;
mod resv;
mod state;
#[cfg(CONFIG_SYNC_FILE)]
mod sync_file;
mod table;
mod unload;

const __LOG_PREFIX: &[u8] = b"dma_buf\0";
