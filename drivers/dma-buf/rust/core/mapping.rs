// SPDX-License-Identifier: GPL-2.0

//! Tables for exporters whose memory is not made of pages: ranges of physical addresses, such as
//! the BARs of a PCI device.
//!
//! Implements [`include/linux/dma-buf-mapping.h`](srctree/include/linux/dma-buf-mapping.h). An
//! exporter calls this from its `map_dma_buf` and `unmap_dma_buf`, so that the reservation object
//! of the buffer is held. A table has no lock of its own: nobody changes it between the two calls.

use crate::buffer::layout::{
    attachment::AnyAttachment,
    locked::assert_locked, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings::{
        self,
        device,
        dma_addr_t,
        dma_buf_attachment,
        dma_data_direction,
        dma_iova_state,
        p2pdma_provider,
        phys_addr_t,
        phys_vec,
        scatterlist,
        sg_table, //
    },
    container_of,
    dma_buf::MAX_SG_ENTRY,
    error::to_result,
    interop::export::FromC,
    prelude::*,
    warn_on, //
};

/// There are no pages behind the addresses, and nothing to be done about caches.
const ATTRS: c_ulong = bindings::DMA_ATTR_MMIO as c_ulong;

/// Cuts `len` bytes into pieces that fit an entry: where each starts, and how long it is.
fn split(len: usize) -> impl Iterator<Item = (usize, u32)> {
    (0..len)
        .step_by(MAX_SG_ENTRY)
        .map(move |at| (at, (len - at).min(MAX_SG_ENTRY) as u32))
}

/// The pieces of all `ranges`.
fn pieces(ranges: &[phys_vec]) -> impl Iterator<Item = (phys_addr_t, u32)> + '_ {
    ranges.iter().flat_map(|range| {
        split(range.len).map(|(at, len)| (range.paddr.wrapping_add(at as phys_addr_t), len))
    })
}

/// The sum of the lengths of `ranges`.
fn total(ranges: &[phys_vec]) -> Option<usize> {
    ranges
        .iter()
        .try_fold(0usize, |sum, range| sum.checked_add(range.len))
}

/// How a device gets at the memory, and what has been set up for that.
enum Route {
    /// Through the PCI switch that both devices are behind, by bus address. Nothing is set up.
    Bus,
    /// By addresses that each piece is mapped to, one by one. The first `mapped` entries are.
    Pieces { mapped: usize },
    /// Through a stretch of addresses that the IOMMU puts all ranges into, one after the other. The
    /// first `linked` bytes are.
    Iova {
        state: dma_iova_state,
        linked: usize,
    },
}

impl Route {
    /// Finds the way from `dev` to `size` bytes of the memory of `provider`.
    ///
    /// Fails with `EINVAL` if there is none.
    ///
    /// # Safety
    ///
    /// `provider` and `dev` must be valid, and `dev` be able to do DMA.
    unsafe fn find(
        dev: *mut device,
        provider: NonNull<p2pdma_provider>,
        size: usize,
    ) -> Result<Self> {
        // SAFETY: By the caller's guarantee.
        match unsafe { bindings::pci_p2pdma_map_type(provider.as_ptr(), dev) } {
            bindings::pci_p2pdma_map_type_PCI_P2PDMA_MAP_BUS_ADDR => Ok(Self::Bus),
            bindings::pci_p2pdma_map_type_PCI_P2PDMA_MAP_THRU_HOST_BRIDGE => {
                let mut state = dma_iova_state::default();

                // SAFETY: By the caller's guarantee. The ranges are aligned to pages: so is 0.
                if unsafe { bindings::dma_iova_try_alloc(dev, &mut state, 0, size) } {
                    Ok(Self::Iova { state, linked: 0 })
                } else {
                    Ok(Self::Pieces { mapped: 0 })
                }
            }
            _ => Err(EINVAL),
        }
    }
}

/// A table of addresses for one device, without pages.
///
/// Drop takes down what was set up, be it all or a part.
///
/// # Invariants
///
/// - `sgt` is zeroed, or was allocated with `entries` entries.
/// - `route` says what is set up for `dev`, in direction `dir`. Of [`Route::Pieces`], the first
///   `mapped` entries hold what `dma_map_phys()` was called with and gave.
/// - `dev` is valid and able to do DMA.
struct Table {
    sgt: sg_table,
    entries: u32,
    route: Route,
    dir: dma_data_direction,
    dev: *mut device,
}

impl Table {
    /// Sets up `ranges`, `size` bytes in all, for `dev`.
    ///
    /// Fails with `EINVAL` if there is nothing to set up or `dev` cannot get there, `ENOMEM`, or
    /// what the DMA API fails with. Sleeps.
    ///
    /// # Safety
    ///
    /// `provider` must be valid, `ranges` be memory of it, and `dev` stay able to do DMA until the
    /// table is dropped.
    unsafe fn new(
        dev: *mut device,
        provider: NonNull<p2pdma_provider>,
        ranges: &[phys_vec],
        size: usize,
        dir: dma_data_direction,
    ) -> Result<KBox<Self>> {
        // INVARIANT: Zeroed, and nothing is set up; `dev` is by the caller's guarantee.
        let mut table = KBox::new(
            Self {
                sgt: sg_table::default(),
                entries: 0,
                route: Route::Bus,
                dir,
                dev,
            },
            GFP_KERNEL,
        )?;

        // INVARIANT: What is set up is for `dev`.
        // SAFETY: By the caller's guarantee.
        table.route = unsafe { Route::find(dev, provider, size)? };

        let entries = match table.route {
            Route::Iova { .. } => size.div_ceil(MAX_SG_ENTRY),
            _ => ranges
                .iter()
                .map(|range| range.len.div_ceil(MAX_SG_ENTRY))
                .sum(),
        };
        table.alloc(u32::try_from(entries).map_err(|_| EINVAL)?)?;
        // SAFETY: By the caller's guarantee.
        unsafe { table.fill(provider, ranges)? };
        Ok(table)
    }

    /// Allocates the entries. Fails with `EINVAL` if there are none, and with `ENOMEM`.
    fn alloc(&mut self, entries: u32) -> Result {
        // SAFETY: The table is ours, and is zeroed. It stays so on failure.
        to_result(unsafe {
            bindings::sg_alloc_table(&mut self.sgt, entries, bindings::GFP_KERNEL)
        })?;

        // INVARIANT: Allocated just above.
        self.entries = entries;
        // Importers that look for pages must find none.
        self.sgt.orig_nents = 0;
        Ok(())
    }

    /// Sets up the ranges and notes their addresses. On failure a part may be set up.
    ///
    /// # Safety
    ///
    /// As for [`new`](Self::new).
    unsafe fn fill(&mut self, provider: NonNull<p2pdma_provider>, ranges: &[phys_vec]) -> Result {
        // SAFETY: By the type invariant.
        let entries = unsafe { Entries::of(&mut self.sgt) };
        let dev = self.dev;
        let dir = self.dir;

        match &mut self.route {
            Route::Bus => {
                for ((paddr, len), entry) in pieces(ranges).zip(entries) {
                    // SAFETY: By the caller's guarantee.
                    let addr =
                        unsafe { bindings::pci_p2pdma_bus_addr_map(provider.as_ptr(), paddr) };

                    entry.set(addr, len);
                }
            }
            Route::Pieces { mapped } => {
                for ((paddr, len), entry) in pieces(ranges).zip(entries) {
                    // SAFETY: By the caller's guarantee.
                    let addr =
                        unsafe { bindings::dma_map_phys(dev, paddr, len as usize, dir, ATTRS) };

                    // SAFETY: The address is what mapping for this device gave.
                    to_result(unsafe { bindings::dma_mapping_error(dev, addr) })?;
                    entry.set(addr, len);
                    // INVARIANT: The entry holds the address and the length.
                    *mapped += 1;
                }
            }
            Route::Iova { state, linked } => {
                for range in ranges.iter().filter(|range| range.len != 0) {
                    // SAFETY: By the caller's guarantee. The ranges are as long in all as the
                    // addresses reserved for them, and this one starts where the last one ended.
                    to_result(unsafe {
                        bindings::dma_iova_link(
                            dev,
                            state,
                            range.paddr,
                            *linked,
                            range.len,
                            dir,
                            ATTRS,
                        )
                    })?;
                    // INVARIANT: Linked just above.
                    *linked += range.len;
                }

                // SAFETY: All of that was linked above.
                to_result(unsafe { bindings::dma_iova_sync(dev, state, 0, *linked) })?;
                for ((at, len), entry) in split(*linked).zip(entries) {
                    entry.set(state.addr.wrapping_add(at as dma_addr_t), len);
                }
            }
        }
        Ok(())
    }

    /// Hands the table to C. [`from_raw`](Self::from_raw) takes it back.
    fn into_raw(table: KBox<Self>) -> *mut sg_table {
        // SAFETY: The pointer is valid.
        unsafe { &raw mut (*KBox::into_raw(table)).sgt }
    }

    /// # Safety
    ///
    /// `sgt` must come from [`into_raw`](Self::into_raw) and not be used any more.
    unsafe fn from_raw(sgt: *mut sg_table) -> KBox<Self> {
        // SAFETY: By the caller's guarantee.
        unsafe { KBox::from_raw(container_of!(sgt, Self, sgt)) }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        let entries = unsafe { Entries::of(&mut self.sgt) };
        let dev = self.dev;

        match &mut self.route {
            Route::Bus => {}
            Route::Pieces { mapped } => {
                for entry in entries.take(*mapped) {
                    // SAFETY: By the type invariant.
                    unsafe {
                        bindings::dma_unmap_phys(dev, entry.addr(), entry.len(), self.dir, ATTRS)
                    };
                }
            }
            Route::Iova { state, linked } => {
                // SAFETY: By the type invariant; what is reserved is freed here only.
                unsafe { bindings::dma_iova_destroy(dev, state, *linked, self.dir, ATTRS) };
            }
        }

        // This is what is freed, and `alloc` has told importers that it is zero.
        self.sgt.orig_nents = self.entries;
        // SAFETY: By the type invariant.
        unsafe { bindings::sg_free_table(&mut self.sgt) };
    }
}

/// An entry of a table that this module has allocated.
///
/// # Invariants
///
/// The entry is valid during `'a` and nobody else uses it.
struct Entry<'a>(NonNull<scatterlist>, PhantomData<&'a mut scatterlist>);

impl Entry<'_> {
    fn set(&self, addr: dma_addr_t, len: u32) {
        // SAFETY: By the type invariant.
        unsafe { bindings::sg_set_dma(self.0.as_ptr(), addr, len) };
    }

    fn addr(&self) -> dma_addr_t {
        // SAFETY: By the type invariant.
        unsafe { bindings::sg_dma_address(self.0.as_ptr()) }
    }

    fn len(&self) -> usize {
        // SAFETY: By the type invariant.
        unsafe { bindings::sg_dma_len(self.0.as_ptr()) as usize }
    }
}

/// The entries of a table.
///
/// # Invariants
///
/// `next` is NULL or an entry of a table that is borrowed for `'a`.
struct Entries<'a> {
    next: *mut scatterlist,
    _table: PhantomData<&'a mut scatterlist>,
}

impl<'a> Entries<'a> {
    /// # Safety
    ///
    /// `sgt` must be zeroed or allocated.
    unsafe fn of(sgt: &'a mut sg_table) -> Self {
        // INVARIANT: NULL, or the first entry.
        Self {
            next: sgt.sgl,
            _table: PhantomData,
        }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let entry = NonNull::new(self.next)?;

        // INVARIANT: NULL behind the last entry. Each entry is given out once.
        // SAFETY: By the type invariant.
        self.next = unsafe { bindings::sg_next(entry.as_ptr()) };
        Some(Entry(entry, PhantomData))
    }
}

/// Makes a table of the addresses by which the attached device reaches `phys_vec`.
///
/// The addresses and lengths are multiples of the page size, as those in `phys_vec` are. Fails with
/// `EINVAL` if the device cannot get there, and as [`Table::new`] does. Sleeps; the caller holds
/// the reservation object.
///
/// # Safety
///
/// `attach` is attached and `provider` is valid until the table is freed. `phys_vec` has
/// `nr_ranges` ranges, of memory that belongs to `provider`.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_phys_vec_to_sgt(
    attach: *mut dma_buf_attachment,
    provider: *mut p2pdma_provider,
    phys_vec: *mut phys_vec,
    nr_ranges: usize,
    size: usize,
    dir: dma_data_direction,
) -> *mut sg_table {
    let map = || {
        // SAFETY: The caller's guarantee.
        let incomplete = attach.is_null() || unsafe { (*attach).dmabuf.is_null() };
        if warn_on!(incomplete || provider.is_null() || phys_vec.is_null()) {
            return Err(EINVAL);
        }
        let provider = NonNull::new(provider).ok_or(EINVAL)?;
        // SAFETY: The caller's guarantee.
        let (attach, ranges) = unsafe {
            (
                <&AnyAttachment>::from_c(attach),
                core::slice::from_raw_parts(phys_vec, nr_ranges),
            )
        };

        assert_locked(attach.buf());
        // The addresses reserved for the ranges would be too few, or more than are freed again.
        if warn_on!(total(ranges) != Some(size)) {
            return Err(EINVAL);
        }
        // SAFETY: An attached device is able to do DMA; the rest is the caller's guarantee.
        unsafe { Table::new(attach.dev_ptr(), provider, ranges, size, dir) }
    };

    match map() {
        Ok(table) => Table::into_raw(table),
        Err(err) => err.to_ptr(),
    }
}

/// Takes down and frees a table. The caller holds the reservation object.
///
/// # Safety
///
/// `sgt` came from [`dma_buf_phys_vec_to_sgt`] for `attach`, and is gone afterwards.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_free_sgt(
    attach: *mut dma_buf_attachment,
    sgt: *mut sg_table,
    dir: dma_data_direction,
) {
    // SAFETY: The caller's guarantee.
    let (attach, table) = unsafe { (<&AnyAttachment>::from_c(attach), Table::from_raw(sgt)) };

    assert_locked(attach.buf());
    // It is taken down as it was set up, whatever the caller says.
    warn_on!(dir != table.dir);
    drop(table);
}
