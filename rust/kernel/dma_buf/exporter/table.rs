// SPDX-License-Identifier: GPL-2.0

//! Tables of memory that is no list of pages, and how each is taken down.

#[cfg(CONFIG_PCI)]
use super::bus_use::BusUse;
use super::{
    buffer::{
        AttachedDevice,
        Exporter, //
    },
    handed_out::MappedTable, //
};
use crate::{
    bindings,
    device::Device,
    dma::DataDirection,
    prelude::*,
    sync::aref::ARef,
    types::Opaque, //
};
use core::ptr::NonNull;

/// The table of one mapping.
///
/// # Invariants
///
/// `sgt` is an initialised `sg_table`, and what `memory` says is true of it.
#[repr(C)]
pub(super) struct Table {
    // First: a `MappedTable` points here.
    sgt: Opaque<bindings::sg_table>,
    memory: Memory,
}

/// What is in a table.
pub(super) enum Memory {
    /// Coherent memory. The entries are the table's own.
    Coherent {
        dev: ARef<Device>,
        /// It is mapped for `dev` in this direction.
        mapped: Option<DataDirection>,
    },
    /// Addresses on a bus. The entries belong to that.
    #[cfg(CONFIG_PCI)]
    Bus(BusUse),
}

impl Table {
    // Coherent memory is neither cached for the CPU nor ever bounced, so that there is nothing to
    // be synchronised; and it must not be done through the address of the pages' cached mapping.
    pub(super) const ATTRS: c_ulong = bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong;

    /// An empty one, for coherent memory.
    #[inline]
    pub(super) fn empty(dev: &Device) -> Result<KBox<Self>> {
        // INVARIANT: A zeroed table is an empty one.
        Ok(KBox::new(
            Self {
                sgt: Opaque::zeroed(),
                memory: Memory::Coherent {
                    dev: dev.into(),
                    mapped: None,
                },
            },
            GFP_KERNEL,
        )?)
    }

    /// One with the entries of `bus`.
    #[cfg(CONFIG_PCI)]
    #[inline]
    pub(super) fn of_bus(bus: BusUse) -> Result<KBox<Self>> {
        // INVARIANT: The entries stay as long as `bus`.
        Ok(KBox::new(
            Self {
                sgt: Opaque::new(bus.entries()),
                memory: Memory::Bus(bus),
            },
            GFP_KERNEL,
        )?)
    }

    /// The table.
    #[inline]
    pub(super) fn get(&self) -> *mut bindings::sg_table {
        self.sgt.get()
    }

    /// Says that it is mapped in the direction `dir`.
    ///
    /// # Safety
    ///
    /// It must be one for coherent memory, and mapped so for the device that it was made for.
    #[inline]
    pub(super) unsafe fn set_mapped(&mut self, dir: DataDirection) {
        #[allow(irrefutable_let_patterns, reason = "without PCI there is nothing else")]
        if let Memory::Coherent { mapped, .. } = &mut self.memory {
            // INVARIANT: By the caller's guarantee.
            *mapped = Some(dir);
        }
    }

    /// Hands it out.
    ///
    /// # Safety
    ///
    /// It must be mapped for the device of `attachment`.
    #[inline]
    pub(super) unsafe fn into_mapping<T: Exporter>(
        self: KBox<Self>,
        attachment: &AttachedDevice<'_, T>,
    ) -> MappedTable {
        let table = NonNull::from(KBox::leak(self)).cast();

        // SAFETY: By the caller's guarantee. The only one to know the table from now on is who has
        // the mapping. For another attachment it will not be taken.
        unsafe { MappedTable::from_raw(table) }.only_for(attachment.as_raw())
    }

    /// Takes it down again, whatever it is of. Who has kept a mapping of a bus, and gives it to
    /// another attachment, is told so, and it stays.
    #[inline]
    pub(super) fn take_down<T: Exporter>(attachment: &AttachedDevice<'_, T>, mapping: MappedTable) {
        // SAFETY: Who makes a mapping otherwise promised not to give it to us, so that this is a
        // `Table` that `into_mapping` leaked. `mapping` is the only one of it and ends here.
        let table = unsafe { KBox::<Self>::from_raw(mapping.as_raw().cast().as_ptr()) };

        #[cfg(CONFIG_PCI)]
        if let Memory::Bus(bus) = &table.memory {
            if crate::warn_on!(!bus.is_for(attachment)) {
                let _ = KBox::leak(table);
                return;
            }
        }
        let _ = attachment;
        drop(table);
    }
}

impl Drop for Table {
    #[inline]
    fn drop(&mut self) {
        #[allow(irrefutable_let_patterns, reason = "without PCI there is nothing else")]
        if let Memory::Coherent { dev, mapped } = &self.memory {
            // SAFETY: By the type invariant; nobody else knows the table when it is dropped.
            unsafe {
                if let Some(dir) = *mapped {
                    let (dev, sgt) = (dev.as_raw(), self.sgt.get());
                    bindings::dma_unmap_sgtable(dev, sgt, dir.into(), Self::ATTRS);
                }
                bindings::sg_free_table(self.sgt.get());
            }
        }
    }
}
