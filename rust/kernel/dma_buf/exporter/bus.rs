// SPDX-License-Identifier: GPL-2.0

//! Memory that is no pages: addresses on a bus, by which devices reach each other.
//!
//! A driver says once which addresses there are ([`BusMemory::of_bar`]), and which of them a buffer
//! is made of ([`BusRanges`]). Its exporter maps them with [`AttachedDevice::map_bus`].
//!
//! When the device is unbound, its addresses mean nothing any more. So, after its driver's
//! `unbind()`, there are no new mappings. Importers of what is mapped are told, as by
//! [`LockedBuffer::invalidate_mappings`], what they have submitted is waited for, and so are they
//! until they have let go. An exporter that loses a `MappedTable` keeps the device from being
//! unbound for ever.
//!
//! C headers: [`include/linux/dma-buf-mapping.h`](srctree/include/linux/dma-buf-mapping.h),
//! [`include/linux/pci-p2pdma.h`](srctree/include/linux/pci-p2pdma.h)
//!
//! [`AttachedDevice::map_bus`]: super::AttachedDevice::map_bus
//! [`LockedBuffer::invalidate_mappings`]: super::LockedBuffer::invalidate_mappings

use crate::{
    bindings::{
        self,
        phys_vec, //
    },
    device::{
        Bound,
        Core,
        Device, //
    },
    devres,
    dma_buf::{
        DmaBuf,
        Usage, //
    },
    error::to_result,
    interop::any_thread::AnyThread,
    io::{
        PhysAddr,
        ResourceSize, //
    },
    page::PAGE_SIZE,
    pci,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::{
        aref::ARef,
        new_condvar,
        new_mutex,
        Arc,
        CondVar,
        Mutex, //
    },
};
use core::{
    ops::Range,
    ptr::NonNull, //
};

/// Addresses on a bus by which a device can be reached by others: a BAR of a PCI device.
///
/// # Invariants
///
/// The `size` bytes from `start` on are reached through `provider`, and both stay until
/// `close` returns.
#[pin_data]
pub struct BusMemory {
    provider: AnyThread<bindings::p2pdma_provider>,
    start: PhysAddr,
    size: ResourceSize,
    #[pin]
    users: Mutex<Users>,
    #[pin]
    idle: CondVar,
}

/// Who uses a [`BusMemory`].
struct Users {
    /// The buffer of each mapping. Its importer may be one that has given up its own reference.
    mapped: RBTree<u64, ARef<DmaBuf>>,
    /// The number of the next mapping.
    next: u64,
    closed: bool,
}

impl BusMemory {
    /// The BAR number `bar` of `dev`, for as long as `dev` is bound.
    ///
    /// Fails with `EINVAL` if that is no memory, or has no address, with `EOPNOTSUPP` if this
    /// kernel or device does not let others get there (`CONFIG_PCI_P2PDMA`), and with `ENOMEM`. May
    /// sleep.
    #[inline]
    pub fn of_bar(dev: &pci::Device<Core<'_>>, bar: u32) -> Result<Arc<Self>> {
        let (start, size) = (dev.resource_start(bar)?, dev.resource_len(bar)?);

        if bar >= bindings::PCI_STD_NUM_BARS {
            return Err(EINVAL);
        }
        let bound: &Device<Bound> = dev.as_ref();
        // SAFETY: The device is one on a PCI bus, and the driver's callback is running, which is
        // the only one that does this. There is such a BAR; one that was not given an address is
        // part of nothing. What C gives for it stays until the device is unbound, after what is
        // registered from now on has been dropped.
        unsafe {
            let dev = crate::container_of!(bound.as_raw(), bindings::pci_dev, dev);
            let resource = &raw const (*dev).resource;

            if (*resource)[bar as usize].parent.is_null() {
                return Err(EINVAL);
            }
            to_result(bindings::pcim_p2pdma_init(dev))?;
            let provider = bindings::pcim_p2pdma_provider(dev, bar as c_int);

            Self::from_raw(bound, NonNull::new(provider).ok_or(EINVAL)?, start, size)
        }
    }

    /// Addresses that are reached in another way than those of a BAR.
    ///
    /// Fails with `EINVAL` if there are none, or more than there can be, and with `ENOMEM`. May
    /// sleep.
    ///
    /// # Safety
    ///
    /// `provider` must be valid, and the `size` bytes from `start` on be reached through it, until
    /// `dev` is unbound and what is registered with it from now on has been dropped.
    #[inline]
    pub unsafe fn from_raw(
        dev: &Device<Bound>,
        provider: NonNull<bindings::p2pdma_provider>,
        start: PhysAddr,
        size: ResourceSize,
    ) -> Result<Arc<Self>> {
        // The last one may be the highest that there is.
        size.checked_sub(1)
            .and_then(|last| start.checked_add(last))
            .ok_or(EINVAL)?;
        // INVARIANT: By the caller's guarantee, since `dev` is not unbound before `Closing` is
        // dropped.
        let this = Arc::pin_init(
            pin_init!(Self {
                provider: AnyThread::new(provider),
                start,
                size,
                users <- new_mutex!(Users {
                    mapped: RBTree::new(),
                    next: 0,
                    closed: false,
                }),
                idle <- new_condvar!(),
            }),
            GFP_KERNEL,
        )?;

        devres::register(dev, Closing(this.clone()), GFP_KERNEL)?;
        Ok(this)
    }

    /// How many bytes there are.
    #[inline]
    pub fn size(&self) -> ResourceSize {
        self.size
    }

    /// Lets nobody in any more, tells those who are in, and waits until everybody is out.
    // In the driver's module: it calls DMA-BUF, which may be one, too.
    #[inline]
    fn close(&self) {
        let mut from = 0;
        let mut users = self.users.lock();

        users.closed = true;
        while let Some(cursor) = users.mapped.cursor_lower_bound(&from) {
            let (&number, buf) = cursor.current();
            let buf = buf.clone();

            // Importers unmap with the reservation object held.
            drop(users);
            revoke(&buf);
            from = number + 1;
            users = self.users.lock();
        }
        while !users.mapped.is_empty() {
            self.idle.wait(&mut users);
        }
    }
}

/// Tells the importers of `buf` that its memory goes, and waits for what they have submitted.
#[inline]
fn revoke(buf: &DmaBuf) {
    buf.resv().with_lock(|_| {
        // SAFETY: The buffer is there, and its reservation object held.
        unsafe { bindings::dma_buf_invalidate_mappings(buf.as_raw()) };
    });
    buf.resv().wait(Usage::Bookkeep);
}

/// Closes the memory when the device is unbound.
struct Closing(Arc<BusMemory>);

impl Drop for Closing {
    #[inline]
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Keeps a [`BusMemory`] from being closed.
pub(super) struct Using {
    memory: Arc<BusMemory>,
    number: u64,
}

impl Using {
    /// For a mapping of `buf`. Fails with `ENODEV` if the memory is closed, with `ENOMEM`.
    #[inline]
    fn new(memory: &Arc<BusMemory>, buf: &DmaBuf) -> Result<Self> {
        // Before the lock, which is taken where memory is reclaimed: importers unmap there.
        let node = RBTreeNodeReservation::new(GFP_KERNEL)?;
        let mut users = memory.users.lock();

        if users.closed {
            return Err(ENODEV);
        }
        let number = users.next;

        users.next = number.checked_add(1).ok_or(EOVERFLOW)?;
        users.mapped.insert(node.into_node(number, buf.into()));
        drop(users);
        Ok(Self {
            memory: memory.clone(),
            number,
        })
    }
}

impl Drop for Using {
    #[inline]
    fn drop(&mut self) {
        let mut users = self.memory.users.lock();
        let node = users.mapped.remove_node(&self.number);

        self.memory.idle.notify_all();
        drop(users);
        // The reference goes without the lock.
        drop(node);
    }
}

/// Which parts of a [`BusMemory`] a buffer is made of, in their order.
///
/// # Invariants
///
/// Each of `ranges` is whole pages that lie in `memory`. `size` is the sum of their lengths.
pub struct BusRanges {
    memory: Arc<BusMemory>,
    ranges: KVec<phys_vec>,
    size: usize,
}

impl BusRanges {
    /// None of `memory`.
    #[inline]
    pub fn new(memory: Arc<BusMemory>) -> Self {
        Self {
            memory,
            ranges: KVec::new(),
            size: 0,
        }
    }

    /// Adds a range of bytes, counted from the beginning of the memory.
    ///
    /// Fails with `EINVAL` if it is not whole pages, is empty, or does not lie in the memory; with
    /// `EOVERFLOW` if it is too much; with `ENOMEM`.
    #[inline]
    pub fn push(&mut self, range: Range<ResourceSize>) -> Result {
        let start = self.memory.start.checked_add(range.start).ok_or(EINVAL)?;
        let len = range.end.checked_sub(range.start).ok_or(EINVAL)?;
        let page = PAGE_SIZE as ResourceSize;

        if len == 0 || len % page != 0 || start % page != 0 || range.end > self.memory.size {
            return Err(EINVAL);
        }
        let len = usize::try_from(len).map_err(|_| EOVERFLOW)?;
        // The DMA API keeps the highest bit for itself.
        let size = self.size.checked_add(len).ok_or(EOVERFLOW)?;
        isize::try_from(size).map_err(|_| EOVERFLOW)?;

        // INVARIANT: As was just checked.
        self.ranges
            .push(phys_vec { paddr: start, len }, GFP_KERNEL)?;
        self.size = size;
        Ok(())
    }

    /// How many bytes that are: the size of the buffer.
    #[inline]
    pub fn size(&self) -> usize {
        self.size
    }

    /// What C takes for a mapping of `buf`, as long as they are used.
    #[inline]
    pub(super) fn begin(
        &self,
        buf: &DmaBuf,
    ) -> Result<(Using, *mut bindings::p2pdma_provider, &[phys_vec])> {
        let using = Using::new(&self.memory, buf)?;

        Ok((using, self.memory.provider.as_ptr(), &self.ranges))
    }
}
