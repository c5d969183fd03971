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
            Properties,
            Registration,
            Request, //
        },
        AllocEffort,
        DmaBuf,
        PageRun,
        PageSource, //
    },
    page::PAGE_SIZE,
    prelude::*,
    sync::aref::ARef,
};

#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
use kernel::dma_buf::heap::{
    PagePool,
    PoolLimits,
    PooledBlocks, //
};
#[cfg(not(CONFIG_DMABUF_HEAPS_POOL))]
use kernel::dma_buf::PageBlocks;

#[cfg(not(CONFIG_DMABUF_HEAPS_POOL))]
module! {
    type: SystemHeapModule,
    name: "system_heap",
    authors: ["Rust DMA-BUF developers"],
    description: "DMA-BUF System Heap",
    license: "GPL",
    imports_ns: ["DMA_BUF", "DMA_BUF_HEAP"],
}

#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
module! {
    type: SystemHeapModule,
    name: "system_heap",
    authors: ["Rust DMA-BUF developers"],
    description: "DMA-BUF System Heap",
    license: "GPL",
    imports_ns: ["DMA_BUF", "DMA_BUF_HEAP"],
    params: {
        pool_mib: u32 {
            default: 0,
            description: "MiB that are kept for the next buffers at most; 0: none",
        },
    },
}

/// Block sizes to try, largest first, as orders of the page allocator (1 MiB, 64 KiB and 4 KiB
/// with 4 KiB pages): what IOMMUs translate with large entries.
const ORDERS: [u8; 3] = [8, 4, 0];

/// Blocks of pages, which are freed or go back to the pool.
#[cfg(not(CONFIG_DMABUF_HEAPS_POOL))]
type Memory = PageBlocks;
#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
type Memory = PooledBlocks;

/// The memory of one buffer.
struct Blocks(Memory);

#[vtable]
impl PageSource for Blocks {
    fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
        self.0.runs()
    }

    fn decrypted(&self) -> bool {
        self.0.is_shared()
    }
}

/// Adds a block of an order, if there is one. Returns whether there is.
#[cfg(not(CONFIG_DMABUF_HEAPS_POOL))]
#[inline(always)]
fn add(blocks: &mut Memory, order: u8, effort: AllocEffort, account: bool) -> bool {
    blocks.add(order, effort, account)
}

/// As the other.
#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
fn add(blocks: &mut Memory, order: u8, effort: AllocEffort, _account: bool) -> bool {
    blocks.add(order, effort)
}

/// Allocates `len` bytes. Fails with `ENOMEM`, and with `EINTR` if the process is being killed.
#[inline]
fn alloc(from: &SystemHeap, len: usize) -> Result<Memory> {
    let account = heap::mem_accounting();
    let mut blocks = from.memory(account);
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

        if rest >= size && add(&mut blocks, *order, effort, account) {
            rest -= size;
        } else {
            // What does not fit, or is not to be had, is not asked for again.
            orders = smaller;
        }
    }
    Ok(blocks)
}

/// One of the heaps of this module.
struct SystemHeap {
    shared: bool,
    #[cfg(CONFIG_DMABUF_HEAPS_POOL)]
    pool: Option<PagePool>,
}

impl SystemHeap {
    #[cfg(not(CONFIG_DMABUF_HEAPS_POOL))]
    fn new() -> Result<Self> {
        Ok(Self { shared: false })
    }

    #[cfg(CONFIG_DMABUF_HEAPS_POOL)]
    fn new() -> Result<Self> {
        let mib = usize::try_from(*module_parameters::pool_mib.value_ref())?;

        Ok(Self {
            shared: false,
            // Without it the heap is still of use.
            pool: PagePool::new(c"dma_heap_system", PoolLimits::from_mib(mib))
                .inspect_err(|err| pr_err!("no pool of pages: {err:?}\n"))
                .ok(),
        })
    }

    /// Memory that others see has no pool.
    #[cfg(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED)]
    fn shared() -> Self {
        Self {
            shared: true,
            #[cfg(CONFIG_DMABUF_HEAPS_POOL)]
            pool: None,
        }
    }

    #[cfg(not(CONFIG_DMABUF_HEAPS_POOL))]
    fn has_pool(&self) -> bool {
        false
    }

    #[cfg(CONFIG_DMABUF_HEAPS_POOL)]
    fn has_pool(&self) -> bool {
        self.pool.as_ref().is_some_and(|pool| pool.limit() > 0)
    }

    #[cfg(not(CONFIG_DMABUF_HEAPS_POOL))]
    fn memory(&self, _account: bool) -> Memory {
        PageBlocks::new()
    }

    #[cfg(CONFIG_DMABUF_HEAPS_POOL)]
    fn memory(&self, account: bool) -> Memory {
        PooledBlocks::from(self.pool.as_ref(), account)
    }
}

#[vtable]
impl Heap for SystemHeap {
    #[inline]
    fn allocate(&self, request: &Request) -> Result<ARef<DmaBuf>> {
        let mut blocks = alloc(self, request.len)?;

        if self.shared {
            share(&mut blocks)?;
        }
        DmaBuf::from_pages(request.heap_name, request.fd_flags, Blocks(blocks))
    }

    fn properties(&self) -> Properties {
        Properties {
            cached: true,
            contiguous: false,
            alignment: PAGE_SIZE,
            zeroed_ahead: self.has_pool(),
            memory: if self.shared {
                heap::Memory::Shared
            } else {
                heap::Memory::System
            },
        }
    }
}

#[cfg(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED)]
fn share(blocks: &mut Memory) -> Result {
    blocks.share()
}

#[cfg(not(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED))]
fn share(_blocks: &mut Memory) -> Result {
    Err(ENOTSUPP)
}

struct SystemHeapModule {
    _system: Registration<SystemHeap>,
    #[cfg(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED)]
    _shared: Option<Registration<SystemHeap>>,
}

impl kernel::Module for SystemHeapModule {
    #[inline]
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _system: Registration::new(c"system", SystemHeap::new()?)?,
            #[cfg(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED)]
            _shared: shared_heap(),
        })
    }
}

/// The heap of shared memory, where there is such memory. Without it the other is still of use.
#[cfg(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED)]
fn shared_heap() -> Option<Registration<SystemHeap>> {
    heap::machine_encrypts_memory()
        .then(|| Registration::new(c"system_cc_shared", SystemHeap::shared()))?
        .inspect_err(|err| pr_err!("failed to add heap system_cc_shared: {err:?}\n"))
        .ok()
}
