// SPDX-License-Identifier: GPL-2.0

//! Exporting a buffer: offering memory to others.
//!
//! C header: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)
//!
//! | | |
//! |---|---|
//! | `buffer` | what an exporter does ([`Exporter`]), and the buffer it does it for |
//! | `export` | making such a buffer, and knowing it again |
//! | `attaching`, `announce` | what it learns of importers, and tells them |
//! | `handed_out` | what it hands out, and what it is handed |
//! | `operations` | the C operations |
//! | `run`, `block` | memory that is pages, and its owners |
//! | `used` | what their last user has left |
//! | `contents` | what is in them |
//! | `memfd` | those of memory files |
//! | `sg` | tables of them for devices |
//! | `source`, `page_exporter`, `fault` | the exporter for all that is pages |
//! | `coherent` | parts of an exporter for coherent memory |
//! | `bus` | memory that is reached by addresses on a bus |
//! | `bus_map`, `bus_use` | parts of an exporter for that |
//! | `table` | tables of either |

mod announce;
mod attaching;
mod attachments;
mod block;
mod buffer;
#[cfg(all(CONFIG_HAS_DMA, CONFIG_PCI))]
mod bus;
#[cfg(all(CONFIG_HAS_DMA, CONFIG_PCI))]
mod bus_map;
#[cfg(all(CONFIG_HAS_DMA, CONFIG_PCI))]
mod bus_use;
#[cfg(CONFIG_HAS_DMA)]
mod coherent;
mod contents;
mod export;
mod fault;
mod handed_out;
mod locked;
#[cfg(CONFIG_MMU)]
pub mod memfd;
mod operations;
mod page_exporter;
mod run;
mod sg;
mod source;
#[cfg(CONFIG_HAS_DMA)]
mod table;
#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
mod used;

#[cfg(all(CONFIG_HAS_DMA, CONFIG_PCI))]
pub use self::bus::{
    BusMemory,
    BusRanges, //
};
#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
pub(super) use self::used::{
    ReturnedBlock,
    ReturnedBlocks,
    UsedBlock,
    UsedBlocks, //
};
pub use self::{
    attaching::Attaching,
    block::{
        AllocEffort,
        PageBlock,
        PageBlockRuns,
        PageBlocks, //
    },
    buffer::{
        AttachedDevice,
        Buffer,
        Exporter, //
    },
    export::ExportInfo,
    handed_out::{
        BufferVma,
        MappedTable,
        VmapAddress, //
    },
    locked::LockedBuffer,
    run::{
        PageRun,
        RunPages, //
    },
    sg::MAX_SG_ENTRY,
    source::{
        MmapMode,
        PageSource, //
    },
};
