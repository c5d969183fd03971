// SPDX-License-Identifier: GPL-2.0

//! The C operations of an [`Exporter`].

use super::{
    buffer::{
        Attachment,
        Buffer,
        Exporter, //
    },
    handed_out::{
        BufferVma,
        Mapping,
        VmapAddress, //
    },
};
use crate::{
    alloc::KBox, bindings, device::Device, dma::DataDirection, dma_buf::to_errno, ffi::c_int,
    mm::virt::VmaNew, prelude::*, types::ForeignOwnable,
};
use core::{
    any::TypeId,
    marker::PhantomData,
    ptr::NonNull, //
};

/// The C operations of the exporter `T`.
pub(super) struct Operations<T: Exporter>(PhantomData<T>);

/// What the table of an exporter is part of.
///
/// The tables of two exporters may have the same contents: the compiler merges functions that are
/// alike, and then constants that are. The identity keeps them apart, since no two types have the
/// same.
#[repr(C)]
struct Table {
    ops: bindings::dma_buf_ops,
    _identity: fn() -> TypeId,
}

impl<T: Exporter> Operations<T> {
    /// The table of `T` and of no other type. Always the same within a module.
    // Inlined, it could be another constant at each place.
    #[inline(never)]
    pub(super) fn table() -> &'static bindings::dma_buf_ops {
        let table: &'static Table = &Self::TABLE;

        &table.ops
    }

    const TABLE: Table = Table {
        ops: Self::OPS,
        _identity: TypeId::of::<T>,
    };

    const OPS: bindings::dma_buf_ops = bindings::dma_buf_ops {
        attach: Some(Self::attach),
        detach: Some(Self::detach),
        pin: if T::HAS_PIN { Some(Self::pin) } else { None },
        unpin: if T::HAS_UNPIN {
            Some(Self::unpin)
        } else {
            None
        },
        map_dma_buf: Some(Self::map),
        unmap_dma_buf: Some(Self::unmap),
        release: Some(Self::release),
        begin_cpu_access: if T::HAS_BEGIN_CPU_ACCESS {
            Some(Self::begin_cpu_access)
        } else {
            None
        },
        end_cpu_access: if T::HAS_END_CPU_ACCESS {
            Some(Self::end_cpu_access)
        } else {
            None
        },
        mmap: if T::HAS_MMAP { Some(Self::mmap) } else { None },
        vmap: if T::HAS_VMAP { Some(Self::vmap) } else { None },
        vunmap: if T::HAS_VUNMAP {
            Some(Self::vunmap)
        } else {
            None
        },
    };

    // For all of these: the core calls them with a buffer that was exported with this table, and
    // as `struct dma_buf_ops` documents.

    /// # Safety
    ///
    /// Called by the core, with a new attachment to a buffer of `T`.
    unsafe extern "C" fn attach(
        buf: *mut bindings::dma_buf,
        attachment: *mut bindings::dma_buf_attachment,
    ) -> c_int {
        // SAFETY: The core's guarantee; the importer owns a reference to the buffer.
        let buf = unsafe { Buffer::<T>::from_raw(buf) };
        // SAFETY: The attachment is new and has a device.
        let dev = unsafe { Device::from_raw((*attachment).dev) };

        to_errno(T::attach(buf, dev).map(|data| {
            // SAFETY: The attachment is not in the list yet, so nobody else looks at it.
            unsafe { (*attachment).priv_ = data.into_foreign() };
        }))
    }

    /// # Safety
    ///
    /// Called by the core, once, with an attachment that it took off the list.
    unsafe extern "C" fn detach(
        _buf: *mut bindings::dma_buf,
        attachment: *mut bindings::dma_buf_attachment,
    ) {
        // SAFETY: Put there by `attach`, and the attachment is used no more.
        drop(unsafe { T::Attachment::from_foreign((*attachment).priv_) });
    }

    /// # Safety
    ///
    /// Called by the core with the reservation object held.
    unsafe extern "C" fn pin(attachment: *mut bindings::dma_buf_attachment) -> c_int {
        // SAFETY: The core's guarantee.
        to_errno(T::pin(&mut unsafe { Attachment::from_raw(attachment) }))
    }

    /// # Safety
    ///
    /// Called by the core with the reservation object held.
    unsafe extern "C" fn unpin(attachment: *mut bindings::dma_buf_attachment) {
        // SAFETY: The core's guarantee.
        T::unpin(&mut unsafe { Attachment::from_raw(attachment) });
    }

    /// # Safety
    ///
    /// Called by the core with the reservation object held.
    unsafe extern "C" fn map(
        attachment: *mut bindings::dma_buf_attachment,
        dir: bindings::dma_data_direction,
    ) -> *mut bindings::sg_table {
        // SAFETY: The core's guarantee.
        let mut this = unsafe { Attachment::from_raw(attachment) };

        match direction(dir).and_then(|dir| T::map(&mut this, dir)) {
            // Of another attachment: a bug of the exporter, and lost.
            Ok(mapping) if crate::warn_on!(!mapping.is_for(attachment)) => EINVAL.to_ptr(),
            Ok(mapping) => mapping.as_raw().as_ptr(),
            Err(err) => err.to_ptr(),
        }
    }

    /// # Safety
    ///
    /// Called by the core with the reservation object held, once for each table that `map` gave.
    unsafe extern "C" fn unmap(
        attachment: *mut bindings::dma_buf_attachment,
        table: *mut bindings::sg_table,
        dir: bindings::dma_data_direction,
    ) {
        // SAFETY: The core's guarantee.
        let mut attachment = unsafe { Attachment::from_raw(attachment) };
        // An importer that has forgotten the direction must not keep its mapping for that.
        let dir = direction(dir);
        crate::warn_on!(dir.is_err());

        if let Some(table) = NonNull::new(table) {
            // SAFETY: This is the table that `map` gave out, coming back.
            let mapping = unsafe { Mapping::from_raw(table) };
            T::unmap(
                &mut attachment,
                mapping,
                dir.unwrap_or(DataDirection::Bidirectional),
            );
        }
    }

    /// # Safety
    ///
    /// Called by the core after the last reference to the buffer is gone.
    unsafe extern "C" fn release(buf: *mut bindings::dma_buf) {
        // SAFETY: Put there by `export`, and the buffer is used no more.
        drop(unsafe { KBox::<T>::from_foreign((*buf).priv_) });
    }

    /// # Safety
    ///
    /// Called by the core with a live buffer.
    unsafe extern "C" fn begin_cpu_access(
        buf: *mut bindings::dma_buf,
        dir: bindings::dma_data_direction,
    ) -> c_int {
        // SAFETY: The core's guarantee.
        unsafe { Self::cpu_access(buf, dir, T::begin_cpu_access) }
    }

    /// # Safety
    ///
    /// Called by the core with a live buffer.
    unsafe extern "C" fn end_cpu_access(
        buf: *mut bindings::dma_buf,
        dir: bindings::dma_data_direction,
    ) -> c_int {
        // SAFETY: The core's guarantee.
        unsafe { Self::cpu_access(buf, dir, T::end_cpu_access) }
    }

    /// # Safety
    ///
    /// `buf` must be a live buffer of `T`.
    #[inline(always)]
    unsafe fn cpu_access(
        buf: *mut bindings::dma_buf,
        dir: bindings::dma_data_direction,
        op: impl FnOnce(&Buffer<T>, DataDirection) -> Result,
    ) -> c_int {
        // SAFETY: By the caller's guarantee.
        let buf = unsafe { Buffer::from_raw(buf) };

        to_errno(direction(dir).and_then(|dir| op(buf, dir)))
    }

    /// # Safety
    ///
    /// Called by the core with a live buffer and an area that is being set up.
    unsafe extern "C" fn mmap(
        buf: *mut bindings::dma_buf,
        vma: *mut bindings::vm_area_struct,
    ) -> c_int {
        // SAFETY: The core's guarantee, and nobody else sets up the area.
        let (buf, vma) = unsafe {
            let vma = BufferVma::new(VmaNew::from_raw(vma));
            (Buffer::from_raw(buf), vma)
        };

        to_errno(T::mmap(buf, vma))
    }

    /// # Safety
    ///
    /// Called by the core with a live buffer, the reservation object held and room for the result.
    unsafe extern "C" fn vmap(buf: *mut bindings::dma_buf, map: *mut bindings::iosys_map) -> c_int {
        // SAFETY: The core's guarantee.
        let this = unsafe { Buffer::from_raw(buf) };

        to_errno(T::vmap(this).and_then(|addr| {
            // Of another buffer: a bug of the exporter.
            if crate::warn_on!(!addr.is_for(buf)) {
                return Err(EINVAL);
            }
            let vaddr = addr.as_ptr();
            // SAFETY: The core's guarantee.
            unsafe {
                map.write(bindings::iosys_map {
                    is_iomem: false,
                    __bindgen_anon_1: bindings::iosys_map__bindgen_ty_1 { vaddr },
                })
            };
            Ok(())
        }))
    }

    /// # Safety
    ///
    /// Called by the core with a live buffer, the reservation object held and what `vmap` gave.
    unsafe extern "C" fn vunmap(buf: *mut bindings::dma_buf, map: *mut bindings::iosys_map) {
        // SAFETY: The core's guarantee; `vmap` sets `vaddr`.
        let (buf, addr) = unsafe { (Buffer::from_raw(buf), (*map).__bindgen_anon_1.vaddr) };

        if let Some(addr) = NonNull::new(addr) {
            // SAFETY: The address that `vmap` gave out, coming back.
            T::vunmap(buf, unsafe { VmapAddress::new(addr) });
            // Who uses it once more shall find that it is gone.
            //
            // SAFETY: The core's guarantee.
            unsafe { map.write(bindings::iosys_map::default()) };
        }
    }
}

/// The direction that C passed, checked: an importer could pass anything.
#[inline]
fn direction(dir: bindings::dma_data_direction) -> Result<DataDirection> {
    match dir {
        bindings::dma_data_direction::DMA_BIDIRECTIONAL => Ok(DataDirection::Bidirectional),
        bindings::dma_data_direction::DMA_TO_DEVICE => Ok(DataDirection::ToDevice),
        bindings::dma_data_direction::DMA_FROM_DEVICE => Ok(DataDirection::FromDevice),
        _ => Err(EINVAL),
    }
}
