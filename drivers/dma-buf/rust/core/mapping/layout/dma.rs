// SPDX-License-Identifier: GPL-2.0

//! How a device gets at memory that is not made of pages.

use crate::buffer::layout::attachment::AnyAttachment;
use kernel::{
    bindings::{
        self,
        device,
        dma_addr_t,
        dma_data_direction,
        dma_iova_state,
        p2pdma_provider,
        phys_addr_t,
        phys_vec, //
    },
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// There are no pages behind the addresses, and nothing to be done about caches.
const ATTRS: c_ulong = bindings::DMA_ATTR_MMIO as c_ulong;

/// What owns memory that other devices may get at.
///
/// # Invariants
///
/// Valid.
#[repr(transparent)]
pub(in super::super) struct Provider(Opaque<p2pdma_provider>);

/// The way from a device to the memory of a [`Provider`].
pub(in super::super) enum Way {
    /// Through the PCI switch that both devices are behind.
    Bus,
    /// As to any other memory.
    HostBridge,
}

impl Provider {
    /// How `dma` gets here. Fails with `EINVAL` if it does not.
    pub(in super::super) fn way_from(&self, dma: &Dma) -> Result<Way> {
        // SAFETY: By the type invariants.
        match unsafe { bindings::pci_p2pdma_map_type(self.0.get(), dma.dev) } {
            bindings::pci_p2pdma_map_type_PCI_P2PDMA_MAP_BUS_ADDR => Ok(Way::Bus),
            bindings::pci_p2pdma_map_type_PCI_P2PDMA_MAP_THRU_HOST_BRIDGE => Ok(Way::HostBridge),
            _ => Err(EINVAL),
        }
    }

    /// The address for devices behind the same switch.
    pub(in super::super) fn bus_address(&self, paddr: phys_addr_t) -> dma_addr_t {
        // SAFETY: By the type invariant.
        unsafe { bindings::pci_p2pdma_bus_addr_map(self.0.get(), paddr) }
    }
}

/// An attachment.
///
/// # Invariants
///
/// It stays attached for as long as there is a table for it.
pub(in super::super) struct Attached<'a>(pub(in super::super) &'a AnyAttachment);

/// A device that does DMA, in which direction.
///
/// # Invariants
///
/// The device is able to do DMA for as long as anything is mapped by this, and as this exists.
#[derive(Clone, Copy)]
pub(in super::super) struct Dma {
    dev: *mut device,
    pub(in super::super) dir: dma_data_direction,
}

impl Dma {
    pub(in super::super) fn new(attached: &Attached<'_>, dir: dma_data_direction) -> Self {
        // INVARIANT: An attached device is able to do DMA.
        Self {
            dev: attached.0.dev_ptr(),
            dir,
        }
    }

    /// Maps `len` bytes. Fails with `ENOMEM`.
    pub(in super::super) fn map(&self, paddr: phys_addr_t, len: u32) -> Result<dma_addr_t> {
        // SAFETY: By the type invariant.
        unsafe {
            let addr = bindings::dma_map_phys(self.dev, paddr, len as usize, self.dir, ATTRS);

            to_result(bindings::dma_mapping_error(self.dev, addr)).map(|()| addr)
        }
    }

    /// Undoes [`map`](Self::map).
    ///
    /// # Safety
    ///
    /// `len` bytes must have been mapped to `addr`, and must not be used any more.
    pub(in super::super) unsafe fn unmap(&self, addr: dma_addr_t, len: usize) {
        // SAFETY: By the type invariant and the caller's guarantee.
        unsafe { bindings::dma_unmap_phys(self.dev, addr, len, self.dir, ATTRS) };
    }

    /// Reserves a stretch of addresses for `size` bytes. `None` if there is no IOMMU for that.
    pub(in super::super) fn reserve(self, size: usize) -> Option<Iova> {
        let mut state = dma_iova_state::default();

        // SAFETY: By the type invariant. The ranges are aligned to pages: so is 0.
        let is_reserved = unsafe { bindings::dma_iova_try_alloc(self.dev, &mut state, 0, size) };

        // Not made for nothing: what is made is destroyed.
        // INVARIANT: Reserved, and nothing is linked.
        is_reserved.then(|| Iova {
            dma: self,
            state,
            size,
            linked: 0,
        })
    }
}

/// A stretch of addresses that the IOMMU puts memory into, one range after the other.
///
/// # Invariants
///
/// `state` is reserved for `size` bytes, of which the first `linked` are linked.
pub(in super::super) struct Iova {
    dma: Dma,
    state: dma_iova_state,
    size: usize,
    linked: usize,
}

impl Iova {
    /// Puts `range` behind what is there. Fails with `EINVAL` if there is no room, or as the IOMMU.
    pub(in super::super) fn link(&mut self, range: &phys_vec) -> Result {
        if range.len > self.size - self.linked {
            return Err(EINVAL);
        }
        // SAFETY: By the type invariant, and what is reserved is enough.
        to_result(unsafe {
            bindings::dma_iova_link(
                self.dma.dev,
                &mut self.state,
                range.paddr,
                self.linked,
                range.len,
                self.dma.dir,
                ATTRS,
            )
        })?;
        // INVARIANT: Linked just above.
        self.linked += range.len;
        Ok(())
    }

    /// Makes what is linked usable. Gives its first address, and its length.
    pub(in super::super) fn sync(&mut self) -> Result<(dma_addr_t, usize)> {
        // SAFETY: By the type invariant.
        to_result(unsafe {
            bindings::dma_iova_sync(self.dma.dev, &mut self.state, 0, self.linked)
        })?;
        Ok((self.state.addr, self.linked))
    }
}

impl Drop for Iova {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant; what is reserved is freed here only.
        unsafe {
            bindings::dma_iova_destroy(
                self.dma.dev,
                &mut self.state,
                self.linked,
                self.dma.dir,
                ATTRS,
            )
        };
    }
}
