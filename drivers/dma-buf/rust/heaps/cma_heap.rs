// SPDX-License-Identifier: GPL-2.0

//! The CMA heaps: contiguous buffers, a heap for each region of the contiguous memory allocator.
//!
//! The default region is `default_cma_region`; the others have the names of their regions.

use kernel::{
    cma::{
        Cma,
        CmaPages, //
    },
    dma_buf::{
        heap::{
            self,
            Heap,
            Memory,
            Properties,
            Registration,
            Request, //
        },
        DmaBuf,
        MmapMode,
        PageRun,
        PageSource, //
    },
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
    sync::aref::ARef,
};

module! {
    type: CmaHeapModule,
    name: "cma_heap",
    authors: ["Rust DMA-BUF developers"],
    description: "DMA-BUF CMA Heap",
    license: "GPL",
    imports_ns: ["DMA_BUF", "DMA_BUF_HEAP"],
}

/// The memory of one buffer.
struct Contiguous(CmaPages);

#[vtable]
impl PageSource for Contiguous {
    // Buffers are large, and users often look at a part of them only.
    const MMAP: MmapMode = MmapMode::OnFault;

    fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
        core::iter::once(PageRun::from(&self.0))
    }
}

/// The heap of one region.
struct CmaHeap(&'static Cma);

#[vtable]
impl Heap for CmaHeap {
    #[inline(always)]
    fn allocate(&self, request: &Request) -> Result<ARef<DmaBuf>> {
        let mut pages = self.0.alloc(request.len >> PAGE_SHIFT)?;

        if heap::mem_accounting() {
            pages.charge()?;
        }

        let pages = pages.clear()?;

        DmaBuf::from_pages(request.heap_name, request.fd_flags, Contiguous(pages))
    }

    fn properties(&self) -> Properties {
        Properties {
            cached: true,
            contiguous: true,
            alignment: PAGE_SIZE,
            zeroed_ahead: false,
            memory: Memory::Cma,
        }
    }
}

struct CmaHeapModule {
    _heaps: KVec<Registration<CmaHeap>>,
}

impl kernel::Module for CmaHeapModule {
    #[inline]
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // Room for all: nothing may fail once a heap is registered.
        let count = Cma::device_regions().count().saturating_add(1);
        let mut heaps = KVec::with_capacity(count, GFP_KERNEL)?;
        let mut add = |name, region| {
            let heap = Registration::new(name, CmaHeap(region))?;

            heaps.push_within_capacity(heap).map_err(|_| ENOMEM)
        };

        if let Some(region) = Cma::default_region() {
            add(c"default_cma_region", region)?;
        }

        for region in Cma::device_regions() {
            // One region must not keep the others from being served.
            if add(region.name(), region).is_err() {
                pr_warn!("failed to add heap {}\n", region.name());
            }
        }
        Ok(Self { _heaps: heaps })
    }
}
