// SPDX-License-Identifier: GPL-2.0

//! Tables for exporters whose memory is not made of pages: ranges of physical addresses, such as
//! the BARs of a PCI device.
//!
//! Implements [`include/linux/dma-buf-mapping.h`](srctree/include/linux/dma-buf-mapping.h). An
//! exporter calls this from its `map_dma_buf` and `unmap_dma_buf`, so that the reservation object
//! of the buffer is held. A table has no lock of its own: nobody changes it between the two calls.

mod abi;
mod layout;
mod route;

#[cfg(CONFIG_DMABUF_DEBUG)]
pub(crate) use self::layout::sg_table::OwnTable;
