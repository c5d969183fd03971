// SPDX-License-Identifier: GPL-2.0

//! The fields of an attachment: `struct dma_buf_attachment`.

use super::pointer::{
    Kept,
    Lasting, //
};
use crate::{
    buffer::tables::AttachOps,
    errno::passed,
    kmalloc, //
};
use core::{
    mem::{
        offset_of,
        ManuallyDrop, //
    },
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    bindings,
    dma_buf::DmaBuf,
    interop::{
        export::{
            AsC,
            FromC,
            Wrapper, //
        },
        list::CList, //
    },
    prelude::*,
    same_layout,
    types::Opaque, //
};

/// A device that is attached, or to be.
#[repr(transparent)]
pub(in crate::buffer) struct Device(Opaque<bindings::device>);

impl Device {
    #[cfg(CONFIG_DEBUG_FS)]
    pub(in crate::buffer) fn name(&self) -> &CStr {
        // SAFETY: A device has a name, which stays as long as it is attached.
        unsafe { CStr::from_char_ptr(bindings::dev_name(self.as_c())) }
    }
}

/// An attachment to the buffer of any exporter.
///
/// Its buffer and its device stay until it is detached.
#[repr(C)]
pub(crate) struct AnyAttachment {
    dmabuf: Kept<DmaBuf>,
    dev: Kept<Device>,
    // Guarded by the reservation object.
    node: Opaque<bindings::list_head>,
    // The exporter may change it.
    peer2peer: Opaque<bool>,
    pub(super) importer_ops: Option<Kept<AttachOps>>,
    importer_priv: Opaque<*mut c_void>,
    private: Opaque<*mut c_void>,
}

same_layout!(
    AnyAttachment, bindings::dma_buf_attachment, dmabuf, dev, node, peer2peer, importer_ops,
    importer_priv, private: priv_
);

impl AnyAttachment {
    #[inline(always)]
    pub(crate) fn buf(&self) -> &DmaBuf {
        &self.dmabuf
    }

    #[inline(always)]
    pub(in crate::buffer) fn dev(&self) -> &Device {
        &self.dev
    }

    pub(crate) fn dev_ptr(&self) -> *mut bindings::device {
        self.dev.as_c()
    }

    /// Whether the importer copes with memory that moves.
    #[inline(always)]
    pub(in crate::buffer) fn is_dynamic(&self) -> bool {
        self.importer_ops.is_some()
    }

    /// Whether the importer gives up its mappings when it is told to.
    #[inline(always)]
    pub(in crate::buffer) fn is_revocable(&self) -> bool {
        self.importer_ops
            .as_deref()
            .is_some_and(|ops| ops.invalidate_mappings().is_some())
    }
}

/// What C passes for an attachment: it may have no buffer, which it should not.
#[repr(transparent)]
pub(crate) struct Incomplete(Opaque<bindings::dma_buf_attachment>);

impl Incomplete {
    /// The attachment, if it has a buffer.
    #[inline(always)]
    pub(crate) fn complete(&self) -> Option<&AnyAttachment> {
        let this = self.as_c();

        // SAFETY: It is a valid structure, and with a buffer it is an attachment.
        unsafe { (!(*this).dmabuf.is_null()).then(|| FromC::from_c(this)) }
    }

    /// The attachment. To have passed none, NULL as well, is `EINVAL` and a warning.
    #[inline(always)]
    pub(in crate::buffer) fn check(this: Option<&Self>) -> Result<&AnyAttachment> {
        passed(this.and_then(Self::complete))
    }
}

/// What an importer does, which stays until it detaches its device; or NULL.
#[repr(transparent)]
pub(in crate::buffer) struct Importer(Option<Kept<AttachOps>>);

impl Importer {
    /// One that is not dynamic.
    pub(in crate::buffer) const STATIC: Self = Self(None);
}

/// As the type says.
// SAFETY: Transparent, a `Kept` is a pointer, and for NULL there is `None`.
unsafe impl AsC for Importer {
    type C = *const bindings::dma_buf_attach_ops;
}

/// An attachment that is in no list: it has not been attached yet, or is detached.
///
/// # Invariants
///
/// As that says, and this object owns it. `kfree()` frees it.
pub(in crate::buffer) struct Detached(Kept<AnyAttachment>);

impl Detached {
    /// Fails with `ENOMEM`.
    #[inline(always)]
    pub(in crate::buffer) fn new(
        buf: Lasting<'_, DmaBuf>,
        dev: Lasting<'_, Device>,
        Importer(importer_ops): Importer,
        importer_priv: *mut c_void,
    ) -> Result<Self> {
        let attachment = KBox::leak(kmalloc::attachment()?).write(AnyAttachment {
            dmabuf: buf.keep(),
            dev: dev.keep(),
            node: Opaque::zeroed(),
            peer2peer: Opaque::new(
                importer_ops
                    .as_deref()
                    .is_some_and(|ops| ops.allow_peer2peer()),
            ),
            importer_ops,
            importer_priv: Opaque::new(importer_priv),
            private: Opaque::new(ptr::null_mut()),
        });

        // INVARIANT: A new one is in no list.
        Ok(Self(attachment.into()))
    }
}

impl Drop for Detached {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::kfree(self.0.as_non_null().as_ptr().cast()) };
    }
}

impl Deref for Detached {
    type Target = AnyAttachment;

    #[inline(always)]
    fn deref(&self) -> &AnyAttachment {
        &self.0
    }
}

/// An attachment that its owner, the importer, has attached. Without an owner it stays so.
///
/// # Invariants
///
/// It is in the list of its buffer, and was made as a [`Detached`].
pub(in crate::buffer) struct Attached(Kept<AnyAttachment>);

impl Attached {
    /// Hands it to its owner.
    #[inline(always)]
    pub(in crate::buffer) fn into_raw(self) -> NonNull<bindings::dma_buf_attachment> {
        self.0.as_non_null().cast()
    }
}

impl Deref for Attached {
    type Target = AnyAttachment;

    #[inline(always)]
    fn deref(&self) -> &AnyAttachment {
        &self.0
    }
}

/// An attachment that [`Attached::into_raw`] gave to its owner, who gives it up, as [`Incomplete`].
#[repr(transparent)]
pub(in crate::buffer) struct GivenUp<'a>(Option<&'a Incomplete>);

/// As the type says.
// SAFETY: Transparent. A reference is a pointer, and for NULL there is `None`.
unsafe impl AsC for GivenUp<'_> {
    type C = *mut bindings::dma_buf_attachment;
}

impl GivenUp<'_> {
    /// Fails as [`Incomplete::check`].
    #[inline(always)]
    pub(in crate::buffer) fn check(self) -> Result<Attached> {
        let attachment = Incomplete::check(self.0)?;

        // SAFETY: It is attached, and stays for as long.
        // INVARIANT: It was one.
        Ok(Attached(unsafe { Kept::new(attachment.into()) }))
    }
}

/// What is attached to a buffer.
///
/// # Invariants
///
/// Who has a reference holds the reservation object, unless nobody uses the buffer any more. It is
/// initialised, does not move, and holds attachments only.
#[repr(transparent)]
pub(in crate::buffer) struct AttachmentList(pub(super) Opaque<bindings::list_head>);

impl AttachmentList {
    #[inline(always)]
    fn list(&self) -> &CList<AnyAttachment, { offset_of!(AnyAttachment, node) }> {
        // SAFETY: The list is initialised, and does not change while the lock is held.
        unsafe { CList::from_raw(self.0.get()) }
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// Adds an attachment to this buffer.
    #[inline(always)]
    pub(in crate::buffer) fn insert(&self, attachment: Detached) -> Attached {
        let attachment = ManuallyDrop::new(attachment);

        // INVARIANT: Inserted here.
        // SAFETY: The lock is held, and the node is in no list: both by the type invariants. What
        // is attached stays.
        unsafe {
            bindings::list_add(attachment.node.get(), self.0.get());
            Attached(Kept::new(attachment.0.as_non_null()))
        }
    }

    /// Takes off one that was added.
    #[inline(always)]
    pub(in crate::buffer) fn remove(&self, attachment: Attached) -> Detached {
        // INVARIANT: Taken off here.
        // SAFETY: The lock is held, and the node is in the list: both by the type invariants.
        unsafe { bindings::list_del(attachment.node.get()) };
        Detached(attachment.0)
    }

    /// Calls `f` with each.
    #[inline(always)]
    pub(in crate::buffer) fn for_each(&self, f: impl FnMut(&AnyAttachment)) {
        self.list().iter().for_each(f);
    }
}
