// SPDX-License-Identifier: GPL-2.0

//! What an [`Exporter`] hands out when it maps its memory, and what it is handed to be mapped into.

use super::buffer::{
    Attachment,
    Buffer,
    Exporter, //
};
use crate::{
    bindings,
    ffi::c_void,
    mm::virt::VmaNew, //
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
pub struct BufferVma<'a>(&'a VmaNew);

impl<'a> BufferVma<'a> {
    /// # Safety
    ///
    /// Nobody else may use `vma` before the result is gone.
    #[inline]
    pub(super) unsafe fn new(vma: &'a VmaNew) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self(vma)
    }
}

impl Deref for BufferVma<'_> {
    type Target = VmaNew;

    #[inline]
    fn deref(&self) -> &VmaNew {
        self.0
    }
}

/// A kernel address that [`Exporter::vmap`] mapped the whole buffer at.
///
/// # Invariants
///
/// As long as the exporter has not been asked to [`vunmap`](Exporter::vunmap), as many bytes as the
/// buffer is long are mapped at the address. If there is a `buf` it is that buffer.
pub struct VmapAddress {
    addr: NonNull<c_void>,
    buf: Option<NonNull<bindings::dma_buf>>,
}

impl VmapAddress {
    /// # Safety
    ///
    /// The type invariant must hold for `addr`, and the buffer that it is returned for.
    #[inline]
    pub unsafe fn new(addr: NonNull<c_void>) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self { addr, buf: None }
    }

    /// Says which buffer it is for, in the place of a promise.
    #[inline]
    pub(super) fn only_for<T: Exporter>(mut self, buf: &Buffer<T>) -> Self {
        self.buf = NonNull::new(buf.as_raw());
        self
    }

    /// Whether it may be for `buf`.
    #[inline]
    pub(super) fn is_for(&self, buf: *mut bindings::dma_buf) -> bool {
        self.buf.is_none_or(|own| own.as_ptr() == buf)
    }

    /// The address.
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
pub struct Mapping {
    table: NonNull<bindings::sg_table>,
    attachment: Option<NonNull<bindings::dma_buf_attachment>>,
}

impl Mapping {
    /// # Safety
    ///
    /// The type invariant must hold for `table`, and the attachment that it is returned for. The
    /// mapping must not be given to [`Attachment::unmap_coherent`], which takes back its own only.
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
    pub(super) fn only_for<T: Exporter>(mut self, attachment: &Attachment<'_, T>) -> Self {
        self.attachment = Some(attachment.as_raw());
        self
    }

    /// Whether it may be for `attachment`.
    #[inline]
    pub(super) fn is_for(&self, attachment: *mut bindings::dma_buf_attachment) -> bool {
        self.attachment.is_none_or(|own| own.as_ptr() == attachment)
    }

    /// The table.
    #[inline]
    pub fn as_raw(&self) -> NonNull<bindings::sg_table> {
        self.table
    }
}
