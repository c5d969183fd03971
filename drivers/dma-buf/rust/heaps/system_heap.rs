// SPDX-License-Identifier: GPL-2.0

//! The system heap: buffers made of pages from the page allocator.
//!
//! `system` gives memory of the machine; where `CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED` is set,
//! `system_cc_shared` gives memory that a confidential virtual machine shares with its host.

use kernel::{
    dma_buf::{
        heap::{
            self,
            Heap,
            Request, //
        },
        AllocEffort,
        DmaBuf,
        PageBlock,
        PageRun,
        PageSource, //
    },
    prelude::*,
    sync::aref::ARef,
};

module! {
    type: SystemHeapModule,
    name: "system_heap",
    authors: ["Rust DMA-BUF developers"],
    description: "DMA-BUF System Heap",
    license: "GPL",
    imports_ns: ["DMA_BUF", "DMA_BUF_HEAP"],
}

/// Block sizes to try, largest first, as orders of the page allocator (1 MiB, 64 KiB and 4 KiB
/// with 4 KiB pages): what IOMMUs translate with large entries.
const ORDERS: [u8; 3] = [8, 4, 0];

/// The memory of one buffer.
struct Blocks {
    blocks: KVec<PageBlock>,
    shared: bool,
}

#[vtable]
impl PageSource for Blocks {
    fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
        self.blocks.iter().map(PageBlock::run)
    }

    fn decrypted(&self) -> bool {
        self.shared
    }
}

impl Blocks {
    /// Allocates blocks of `len` bytes in all. Returns `EINTR` if the process is being killed.
    fn alloc(len: usize) -> Result<KVec<PageBlock>> {
        let account = heap::mem_accounting();
        let mut blocks = KVec::new();
        let mut rest = len;
        let mut orders = ORDERS.into_iter().peekable();

        while rest > 0 {
            if heap::caller_is_dying() {
                return Err(EINTR);
            }
            let order = *orders.peek().ok_or(ENOMEM)?;
            let effort = match order {
                0 => AllocEffort::Required,
                _ => AllocEffort::Opportunistic,
            };
            let block = (rest >= kernel::page::PAGE_SIZE << order)
                .then(|| PageBlock::alloc(order, effort, account))
                .flatten();

            match block {
                Some(block) => {
                    rest -= block.size();
                    blocks.push(block, GFP_KERNEL)?;
                }
                // Where a size did not fit or was not to be had, it is not asked for again.
                None => drop(orders.next()),
            }
        }
        Ok(blocks)
    }
}

/// One of the heaps of this module.
struct SystemHeap {
    shared: bool,
}

#[vtable]
impl Heap for SystemHeap {
    fn allocate(&self, request: &Request) -> Result<ARef<DmaBuf>> {
        let source = Blocks {
            blocks: Blocks::alloc(request.len)?,
            shared: self.shared,
        };

        #[cfg(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED)]
        let source = source.share()?;

        DmaBuf::from_pages(request.heap_name, request.fd_flags, source)
    }
}

#[cfg(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED)]
impl Blocks {
    /// Opens the memory to the host, if it is to be.
    fn share(mut self) -> Result<Self> {
        if self.shared {
            self.blocks.iter_mut().try_for_each(PageBlock::decrypt)?;
        }
        Ok(self)
    }
}

struct SystemHeapModule;

impl kernel::Module for SystemHeapModule {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        heap::register(c"system", SystemHeap { shared: false })?;

        #[cfg(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED)]
        if heap::machine_encrypts_memory() {
            heap::register(c"system_cc_shared", SystemHeap { shared: true })?;
        }
        Ok(Self)
    }
}
