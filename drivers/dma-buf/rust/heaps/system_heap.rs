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
            Registration,
            Request, //
        },
        AllocEffort,
        DmaBuf,
        PageBlock,
        PageBlocks,
        PageRun,
        PageSource, //
    },
    page::PAGE_SIZE,
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
struct Blocks(PageBlocks);

#[vtable]
impl PageSource for Blocks {
    fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
        self.0.runs()
    }

    fn decrypted(&self) -> bool {
        self.0.is_shared()
    }
}

/// Allocates `len` bytes. Fails with `ENOMEM`, and with `EINTR` if the process is being killed.
fn alloc(len: usize) -> Result<PageBlocks> {
    let account = heap::mem_accounting();
    let mut blocks = PageBlocks::new();
    let mut orders = ORDERS.as_slice();
    let mut rest = len;

    while rest > 0 {
        if heap::caller_is_dying() {
            return Err(EINTR);
        }
        let [order, smaller @ ..] = orders else {
            return Err(ENOMEM);
        };
        let effort = if smaller.is_empty() {
            AllocEffort::Required
        } else {
            AllocEffort::Opportunistic
        };
        let size = PAGE_SIZE << order;

        match (rest >= size)
            .then(|| PageBlock::alloc(*order, effort, account))
            .flatten()
        {
            Some(block) => {
                blocks.push(block);
                rest -= size;
            }
            // What does not fit, or is not to be had, is not asked for again.
            None => orders = smaller,
        }
    }
    Ok(blocks)
}

/// One of the heaps of this module.
struct SystemHeap {
    shared: bool,
}

#[vtable]
impl Heap for SystemHeap {
    fn allocate(&self, request: &Request) -> Result<ARef<DmaBuf>> {
        let mut blocks = alloc(request.len)?;

        if self.shared {
            share(&mut blocks)?;
        }
        DmaBuf::from_pages(request.heap_name, request.fd_flags, Blocks(blocks))
    }
}

#[cfg(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED)]
fn share(blocks: &mut PageBlocks) -> Result {
    blocks.share()
}

#[cfg(not(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED))]
fn share(_blocks: &mut PageBlocks) -> Result {
    Err(ENOTSUPP)
}

struct SystemHeapModule {
    _system: Registration<SystemHeap>,
    #[cfg(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED)]
    _shared: Option<Registration<SystemHeap>>,
}

impl kernel::Module for SystemHeapModule {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _system: Registration::new(c"system", SystemHeap { shared: false })?,
            #[cfg(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED)]
            _shared: shared_heap(),
        })
    }
}

/// The heap of shared memory, where there is such memory. Without it the other is still of use.
#[cfg(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED)]
fn shared_heap() -> Option<Registration<SystemHeap>> {
    heap::machine_encrypts_memory()
        .then(|| Registration::new(c"system_cc_shared", SystemHeap { shared: true }))?
        .inspect_err(|err| pr_err!("failed to add heap system_cc_shared: {err:?}\n"))
        .ok()
}
