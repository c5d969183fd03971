// SPDX-License-Identifier: GPL-2.0

//! A buffer, and what its exporter does for it.

use super::{
    attaching::Attaching,
    attachments::AttachedData,
    handed_out::{
        BufferVma,
        MappedTable,
        VmapAddress, //
    },
};
use crate::{
    bindings,
    device::Device,
    dma::DataDirection,
    dma_buf::{
        buffer::DmaBuf,
        resv::Resv, //
    },
    error::VTABLE_DEFAULT_ERROR,
    module::ModuleMetadata,
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::ForeignOwnable, //
};
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::NonNull, //
};

/// What an exporter does for its buffers.
///
/// The value that implements this is the exporter's data of one buffer. Dropping it releases the
/// memory: that happens after the last reference to the buffer and the last attachment are gone,
/// in a context that may sleep.
///
/// Operations that are not implemented are absent from the C table, because callers test for that.
///
/// C header: `struct dma_buf_ops` in [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)
#[vtable]
pub trait Exporter: Sized + Send + Sync + 'static {
    /// The module whose code must stay while a buffer lives. Filled in by `#[vtable]`.
    type OwnerModule: ModuleMetadata;

    /// What the exporter keeps for one attachment. Guarded by the buffer's reservation object,
    /// dropped when the device is detached.
    type Attachment: ForeignOwnable + Send + 'static;

    /// A device wants to use the buffer.
    ///
    /// The reservation object is not held. An error, usually `EBUSY` if the memory cannot be
    /// reached by `dev`, fails the attachment.
    fn attach(buf: &Buffer<Self>, dev: &Device) -> Result<Self::Attachment>;

    /// Whether the importer will do, which is asked ahead of [`attach`](Self::attach). By default
    /// all do. The reservation object is not held. An error fails the attachment.
    #[inline]
    fn accept(_buf: &Buffer<Self>, _importer: &mut Attaching<'_>) -> Result {
        Ok(())
    }

    /// Makes the memory accessible to the attached device.
    ///
    /// The reservation object is held. May sleep.
    fn map(attachment: &mut AttachedDevice<'_, Self>, dir: DataDirection) -> Result<MappedTable>;

    /// Undoes [`map`](Self::map). The reservation object is held.
    fn unmap(attachment: &mut AttachedDevice<'_, Self>, mapping: MappedTable, dir: DataDirection);

    /// Keeps the memory where it is until [`unpin`](Self::unpin); for memory that can move. An
    /// exporter has both or neither. The reservation object is held.
    fn pin(_attachment: &mut AttachedDevice<'_, Self>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Undoes [`pin`](Self::pin). The reservation object is held.
    fn unpin(_attachment: &mut AttachedDevice<'_, Self>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The CPU is about to access the memory. The reservation object is not held. May sleep.
    fn begin_cpu_access(_buf: &Buffer<Self>, _dir: DataDirection) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The CPU has ended its access. The reservation object is not held. May sleep.
    fn end_cpu_access(_buf: &Buffer<Self>, _dir: DataDirection) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Maps the memory into user space.
    ///
    /// The area lies inside the buffer. The mmap lock is held, the reservation object is not.
    fn mmap(_buf: &Buffer<Self>, _vma: BufferVma<'_>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Maps the whole memory into the kernel's address space.
    ///
    /// Called for the first user only. The reservation object is held.
    fn vmap(_buf: &Buffer<Self>) -> Result<VmapAddress> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Undoes [`vmap`](Self::vmap) after the last user. The reservation object is held.
    fn vunmap(_buf: &Buffer<Self>, _addr: VmapAddress) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The reservation object, for a buffer that is to share that of something else, such as a GEM
    /// object. By default the buffer has one of its own. Called once, at export.
    ///
    /// # Examples
    ///
    /// ```
    /// # use kernel::{device::Device, dma::DataDirection};
    /// # use kernel::dma_buf::{AttachedDevice, Buffer, ExportInfo, Exporter, MappedTable};
    /// use kernel::{dma_buf::Resv, prelude::*, sync::Arc};
    ///
    /// struct Shared(Arc<Resv>);
    ///
    /// #[vtable]
    /// impl Exporter for Shared {
    ///     fn resv(&self) -> Option<&Resv> {
    ///         Some(&self.0)
    ///     }
    ///     // ... and the others.
    /// #    type Attachment = ();
    /// #    fn attach(_buf: &Buffer<Self>, _dev: &Device) -> Result { Ok(()) }
    /// #    fn map(_at: &mut AttachedDevice<'_, Self>, _: DataDirection) -> Result<MappedTable> {
    /// #        Err(EBUSY)
    /// #    }
    /// #    fn unmap(_at: &mut AttachedDevice<'_, Self>, _map: MappedTable, _: DataDirection) {}
    /// }
    ///
    /// let resv = Arc::pin_init(Resv::new(), GFP_KERNEL)?;
    /// let info = ExportInfo { name: c"example", size: 4096, flags: 0 };
    /// let buf = Buffer::export(info, KBox::new(Shared(resv.clone()), GFP_KERNEL)?)?;
    ///
    /// assert!(core::ptr::eq(buf.resv(), &*resv));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    fn resv(&self) -> Option<&Resv> {
        None
    }
}

/// A [`DmaBuf`] of the exporter `T`, with its data.
///
/// # Invariants
///
/// The buffer was exported with the operations in `Operations<T>`: its private data is a
/// foreign-owned `KBox<T>`, that of its attachments a foreign-owned `T::Attachment`.
#[repr(transparent)]
pub struct Buffer<T: Exporter>(DmaBuf, PhantomData<T>);

// SAFETY: Counts the references of the `DmaBuf` inside.
unsafe impl<T: Exporter> AlwaysRefCounted for Buffer<T> {
    #[inline]
    fn inc_ref(&self) {
        self.0.inc_ref();
    }

    #[inline]
    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: By the caller's guarantee; `Buffer` is transparent.
        unsafe { DmaBuf::dec_ref(obj.cast()) };
    }
}

impl<T: Exporter> Deref for Buffer<T> {
    type Target = DmaBuf;

    #[inline]
    fn deref(&self) -> &DmaBuf {
        &self.0
    }
}

impl<T: Exporter> From<ARef<Buffer<T>>> for ARef<DmaBuf> {
    #[inline]
    fn from(buf: ARef<Buffer<T>>) -> Self {
        // SAFETY: Both count references to the same object; `Buffer` is transparent.
        unsafe { ARef::from_raw(ARef::into_raw(buf).cast()) }
    }
}

impl<T: Exporter> Buffer<T> {
    /// The exporter's data.
    #[inline]
    pub fn data(&self) -> &T {
        // SAFETY: By the type invariant the private data is a `KBox<T>`. It is dropped with the
        // buffer, and until then only borrowed immutably.
        unsafe { KBox::<T>::borrow(self.constant().data) }
    }

    /// Whether no device is attached and there is no mapping for the kernel.
    ///
    /// This takes no lock: of what begins or ends at the same time the caller may see either.
    #[inline]
    pub fn is_idle(&self) -> bool {
        let head = self.constant().attachments;

        // SAFETY: Both fields live as long as the buffer, and reading them at any time is harmless.
        unsafe {
            // MODEL: none, because it may be old by the time that it is told.
            (&raw const (*head).next).read_volatile() == head
                && (&raw const (*self.as_raw()).vmapping_counter).read_volatile() == 0
        }
    }
}

/// One device's use of a [`Buffer`], seen by the exporter while the reservation object is held.
///
/// # Invariants
///
/// `data` is that of an attachment to a `Buffer<T>`.
#[repr(transparent)]
pub struct AttachedDevice<'a, T: Exporter> {
    pub(super) data: AttachedData<'a, T::Attachment>,
    pub(super) _p: PhantomData<T>,
}

impl<'a, T: Exporter> AttachedDevice<'a, T> {
    #[inline]
    pub(super) fn as_raw(&self) -> NonNull<bindings::dma_buf_attachment> {
        self.data.as_raw()
    }

    #[inline(always)]
    pub(super) fn view(&self) -> AttachmentView<'a, T> {
        // SAFETY: By the type invariant it is attached for `'a`, and no such field changes then.
        // The importer keeps its device and the buffer meanwhile.
        unsafe {
            let raw = self.as_raw().as_ptr();

            AttachmentView {
                device: Device::from_raw((*raw).dev),
                buffer: &*(*raw).dmabuf.cast(),
                peer2peer: (*raw).peer2peer,
            }
        }
    }

    /// The attached device.
    #[inline]
    pub fn device(&self) -> &'a Device {
        self.view().device
    }

    /// The buffer.
    #[inline]
    pub fn buffer(&self) -> &'a Buffer<T> {
        self.view().buffer
    }

    /// What the exporter keeps for this attachment.
    #[inline]
    pub fn data(&mut self) -> <T::Attachment as ForeignOwnable>::BorrowedMut<'_> {
        self.data.get()
    }
}

/// What an attachment is of, and to what.
pub(super) struct AttachmentView<'a, T: Exporter> {
    device: &'a Device,
    buffer: &'a Buffer<T>,
    pub(super) peer2peer: bool,
}
