// SPDX-License-Identifier: GPL-2.0

//! What an exporter hands out when it maps its memory, and what it is handed to be mapped into.

use crate::{
    bindings,
    dma_buf::{
        buffer::DmaBuf,
        trampoline::Arg, //
    },
    ffi::c_void,
    io::{
        IoBackend,
        Mmio,
        MmioBackend, //
    },
    mm::virt::{
        VmaNew,
        VmaRef, //
    },
    prelude::*,
    ptr::KnownSize,
};
use core::{
    ops::Deref,
    ptr::NonNull, //
};

/// An area of user space that a buffer is being mapped into. Derefs to the area.
///
/// Who maps takes it by value: what an area is made for, such as page frames without a reference to
/// their pages, is not changed any more.
///
/// # Invariants
///
/// The area is being set up, and this is the only way to it meanwhile.
#[repr(transparent)]
pub struct BufferVma<'a>(&'a VmaNew);

// SAFETY: A reference is a pointer, and nothing else is in there.
unsafe impl Arg for BufferVma<'static> {
    type Raw = *mut bindings::vm_area_struct;
    type Typed<'a> = BufferVma<'a>;
}

impl Deref for BufferVma<'_> {
    type Target = VmaNew;

    #[inline]
    fn deref(&self) -> &VmaNew {
        self.0
    }
}

/// What an area shows.
pub(super) struct Shown {
    /// A part of this file. Only to be compared.
    pub(super) file: *mut bindings::file,
    /// The first page of that part.
    pub(super) page: usize,
}

impl Shown {
    /// What `vma` shows.
    #[inline]
    pub(super) fn by(vma: &VmaRef) -> Self {
        // SAFETY: Neither field changes while we may look at the area.
        unsafe {
            let vma = vma.as_ptr();

            Self {
                file: (*vma).vm_file,
                page: (*vma).vm_pgoff,
            }
        }
    }
}

/// A kernel address that [`Exporter::vmap`] mapped the whole buffer at.
///
/// # Invariants
///
/// As long as the exporter has not been asked to [`vunmap`], as many bytes as the
/// buffer is long are mapped at the address, unless `io_size` says that they are I/O memory, and
/// how many. If there is a `buf` it is that buffer.
///
/// [`Exporter::vmap`]: super::Exporter::vmap
/// [`vunmap`]: super::Exporter::vunmap
pub struct VmapAddress {
    addr: NonNull<c_void>,
    io_size: Option<usize>,
    buf: Option<NonNull<bindings::dma_buf>>,
}

impl VmapAddress {
    /// # Safety
    ///
    /// The type invariant must hold for `addr`, of memory, and the buffer that it is returned for.
    #[inline]
    pub unsafe fn new(addr: NonNull<c_void>) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self {
            addr,
            io_size: None,
            buf: None,
        }
    }

    /// As [`new`](Self::new), of I/O memory, such as a BAR. Importers are told that it is, and
    /// access it as such.
    ///
    /// Where it is shorter than the buffer it is not taken. Fails with `EINVAL` for what begins at
    /// address zero.
    ///
    /// # Safety
    ///
    /// As long as the exporter has not been asked to [`vunmap`](super::Exporter::vunmap), the view
    /// must be valid, though its lifetime may have ended.
    #[inline]
    pub unsafe fn new_iomem<M: ?Sized + KnownSize>(view: Mmio<'_, M>) -> Result<Self> {
        let start = MmioBackend::as_ptr(view);

        // INVARIANT: By the caller's guarantee.
        Ok(Self {
            addr: NonNull::new(start.cast()).ok_or(EINVAL)?,
            io_size: Some(KnownSize::size(start)),
            buf: None,
        })
    }

    /// Whether it is I/O memory.
    #[inline]
    pub fn is_iomem(&self) -> bool {
        self.io_size.is_some()
    }

    /// What an importer gives back.
    ///
    /// # Safety
    ///
    /// `map` must be what [`to_raw`](Self::to_raw) has made, for `buf`.
    #[inline]
    pub(super) unsafe fn from_raw(map: &bindings::iosys_map, buf: &DmaBuf) -> Option<Self> {
        // SAFETY: Both members are pointers, in the same place.
        let addr = unsafe { map.__bindgen_anon_1.vaddr };

        // INVARIANT: By the caller's guarantee.
        Some(Self {
            addr: NonNull::new(addr)?,
            io_size: map.is_iomem.then_some(buf.size()),
            buf: None,
        })
    }

    /// What importers get.
    #[inline]
    pub(super) fn to_raw(&self) -> bindings::iosys_map {
        bindings::iosys_map {
            is_iomem: self.is_iomem(),
            __bindgen_anon_1: bindings::iosys_map__bindgen_ty_1 {
                vaddr: self.as_ptr(),
            },
        }
    }

    /// Says which buffer it is for, in the place of a promise.
    #[inline]
    pub(super) fn only_for(mut self, buf: &DmaBuf) -> Self {
        self.buf = NonNull::new(buf.as_raw());
        self
    }

    /// Whether it may be for `buf`.
    #[inline]
    pub(super) fn is_for(&self, buf: &DmaBuf) -> bool {
        self.buf.is_none_or(|own| own.as_ptr() == buf.as_raw())
            && self.io_size.is_none_or(|size| size >= buf.size())
    }

    /// The address, of memory or of I/O memory.
    #[inline]
    pub fn as_ptr(&self) -> *mut c_void {
        self.addr.as_ptr()
    }
}

/// A scatter-gather table that an importer may use until it unmaps it.
///
/// # Invariants
///
/// The table is mapped for the device of the attachment it was made for, and is neither freed nor
/// changed before it comes back in [`Exporter::unmap`]. If there is an `attachment` it is that one.
///
/// A mapping is not [`Send`], so that an exporter cannot keep it and hand it to another attachment.
///
/// [`Exporter::unmap`]: super::Exporter::unmap
#[must_use = "what is mapped stays until it is given back"]
pub struct MappedTable {
    table: NonNull<bindings::sg_table>,
    attachment: Option<NonNull<bindings::dma_buf_attachment>>,
}

impl MappedTable {
    /// # Safety
    ///
    /// The type invariant must hold for `table`, and the attachment that it is returned for. The
    /// mapping must not be given to [`AttachedDevice::unmap_coherent`] or
    /// `unmap_bus`, which take back their own only.
    ///
    /// [`AttachedDevice::unmap_coherent`]: super::AttachedDevice::unmap_coherent
    #[inline]
    pub unsafe fn from_raw(table: NonNull<bindings::sg_table>) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self {
            table,
            attachment: None,
        }
    }

    /// Says which attachment it is for, in the place of a promise.
    #[inline]
    pub(super) fn only_for(mut self, attachment: NonNull<bindings::dma_buf_attachment>) -> Self {
        self.attachment = Some(attachment);
        self
    }

    /// Whether it may be for `attachment`.
    #[inline]
    pub(super) fn is_for(&self, attachment: NonNull<bindings::dma_buf_attachment>) -> bool {
        self.attachment.is_none_or(|own| own == attachment)
    }

    /// The table.
    #[inline]
    pub fn as_raw(&self) -> NonNull<bindings::sg_table> {
        self.table
    }
}
