// SPDX-License-Identifier: GPL-2.0

//! Exporting a buffer: offering memory to others.
//!
//! C header: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)
//!
//! | | |
//! |---|---|
//! | `buffer` | what an exporter does ([`Exporter`]), and the buffer it does it for |
//! | `handed_out` | what it hands out, and what it is handed |
//! | `operations` | the C operations |
//! | `pages` | memory that is pages |
//! | `contents` | what is in them |
//! | `memfd` | those of memory files |
//! | `sg` | tables of them for devices |
//! | `page_exporter` | the exporter for all that is pages |
//! | `coherent` | parts of an exporter for coherent memory |

mod buffer;
#[cfg(CONFIG_HAS_DMA)]
mod coherent;
mod contents;
mod handed_out;
#[cfg(CONFIG_MMU)]
pub mod memfd;
mod operations;
mod page_exporter;
mod pages;
mod sg;

pub use self::{
    buffer::{
        Attachment,
        Buffer,
        ExportInfo,
        Exporter,
        LockedBuffer, //
    },
    handed_out::{
        BufferVma,
        Mapping,
        VmapAddress, //
    },
    page_exporter::{
        MmapMode,
        PageSource, //
    },
    pages::{
        AllocEffort,
        PageBlock,
        PageBlockRuns,
        PageBlocks,
        PageRun, //
    },
    sg::MAX_SG_ENTRY, //
};
