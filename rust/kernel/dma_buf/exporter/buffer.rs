// SPDX-License-Identifier: GPL-2.0

//! A buffer, and what its exporter does for it.

use super::{
    handed_out::{
        BufferVma,
        Mapping,
        VmapAddress, //
    },
    operations::Operations, //
};
use crate::{
    alloc::KBox,
    bindings,
    device::Device,
    dma::DataDirection,
    dma_buf::{
        DmaBuf,
        Resv,
        ResvGuard, //
    },
    error::{
        from_err_ptr,
        VTABLE_DEFAULT_ERROR, //
    },
    ffi::{
        c_int,
        c_void, //
    },
    interop::list::clist_create,
    module::{
        this_module,
        ModuleMetadata, //
    },
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::{
        ForeignOwnable,
        Opaque, //
    },
};
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
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

    /// Makes the memory accessible to the attached device.
    ///
    /// The reservation object is held. May sleep.
    fn map(attachment: &mut Attachment<'_, Self>, dir: DataDirection) -> Result<Mapping>;

    /// Undoes [`map`](Self::map). The reservation object is held.
    fn unmap(attachment: &mut Attachment<'_, Self>, mapping: Mapping, dir: DataDirection);

    /// Keeps the memory where it is until [`unpin`](Self::unpin); for memory that can move. An
    /// exporter has both or neither. The reservation object is held.
    fn pin(_attachment: &mut Attachment<'_, Self>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Undoes [`pin`](Self::pin). The reservation object is held.
    fn unpin(_attachment: &mut Attachment<'_, Self>) {
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
    /// # use kernel::dma_buf::{Attachment, Buffer, ExportInfo, Exporter, Mapping};
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
    /// #    fn map(_at: &mut Attachment<'_, Self>, _dir: DataDirection) -> Result<Mapping> {
    /// #        Err(EBUSY)
    /// #    }
    /// #    fn unmap(_attachment: &mut Attachment<'_, Self>, _map: Mapping, _dir: DataDirection) {}
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

/// How a buffer presents itself.
pub struct ExportInfo {
    /// Name of the exporter, shown in debugfs and `fdinfo`.
    pub name: &'static CStr,
    /// Size in bytes.
    pub size: usize,
    /// Open flags of the file: `O_RDWR` and the like.
    pub flags: u32,
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
    /// Exports `data` as a buffer.
    ///
    /// On failure (`ENOMEM`, `ENFILE`, `ENOENT` while the module is unloaded) `data` is dropped.
    /// May sleep.
    #[inline]
    pub fn export(info: ExportInfo, data: KBox<T>) -> Result<ARef<Self>> {
        const {
            assert!(
                T::HAS_PIN == T::HAS_UNPIN,
                "an exporter has both pin and unpin or neither"
            );
            assert!(
                T::HAS_VMAP == T::HAS_VUNMAP,
                "an exporter has both vmap and vunmap or neither"
            );
        };

        let data = data.into_foreign();
        // SAFETY: From `into_foreign()` just above.
        let resv = unsafe { KBox::<T>::borrow(data) }.resv();
        let raw_info = bindings::dma_buf_export_info {
            exp_name: info.name.as_char_ptr(),
            owner: this_module::<T::OwnerModule>().as_ptr(),
            ops: Operations::<T>::table(),
            size: info.size,
            flags: info.flags as c_int,
            resv: resv.map_or(ptr::null_mut(), Resv::as_raw),
            priv_: data,
        };

        // SAFETY: `raw_info` is complete and its pointers stay valid: the name and the table are
        // static, `data` belongs to the buffer from now on. It is never borrowed mutably before it
        // is dropped, after the buffer's last use; so the borrow of `resv` could as well last until
        // then.
        match from_err_ptr(unsafe { bindings::dma_buf_export(&raw_info) }) {
            Ok(buf) => {
                // SAFETY: `dma_buf_export()` returns a valid pointer or an error, and gives us
                // the first reference.
                // INVARIANT: Exported with `Operations<T>` just above.
                Ok(unsafe { ARef::from_raw(NonNull::new_unchecked(buf).cast()) })
            }
            Err(err) => {
                // SAFETY: From `into_foreign()` above; a failed export does not take ownership.
                drop(unsafe { KBox::<T>::from_foreign(data) });
                Err(err)
            }
        }
    }

    /// The buffer as one of this exporter's, if it is one: an importer that knows its own buffers
    /// again need not attach to them.
    ///
    /// Buffers that another module's instance of the same generic exporter made are not recognised.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{device::Device, dma::DataDirection, prelude::*, sync::aref::ARef};
    /// use kernel::dma_buf::{Attachment, Buffer, DmaBuf, ExportInfo, Exporter, Mapping};
    ///
    /// /// Two exporters that do the same, namely nothing.
    /// struct Idle<const N: usize>(u32);
    ///
    /// #[vtable]
    /// impl<const N: usize> Exporter for Idle<N> {
    ///     type Attachment = ();
    ///
    ///     fn attach(_buf: &Buffer<Self>, _dev: &Device) -> Result {
    ///         Ok(())
    ///     }
    ///
    ///     fn map(_attachment: &mut Attachment<'_, Self>, _dir: DataDirection) -> Result<Mapping> {
    ///         Err(EBUSY)
    ///     }
    ///
    ///     fn unmap(_attachment: &mut Attachment<'_, Self>, _map: Mapping, _dir: DataDirection) {}
    /// }
    ///
    /// let info = ExportInfo { name: c"example", size: 4096, flags: 0 };
    /// let buf: ARef<DmaBuf> = Buffer::export(info, KBox::new(Idle::<1>(7), GFP_KERNEL)?)?.into();
    ///
    /// assert!(Buffer::<Idle<1>>::from_dma_buf(&buf).is_some_and(|buf| buf.data().0 == 7));
    /// assert!(Buffer::<Idle<2>>::from_dma_buf(&buf).is_none());
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn from_dma_buf(buf: &DmaBuf) -> Option<&Self> {
        // SAFETY: The operations are constant after export.
        let ops = unsafe { (*buf.as_raw()).ops };

        // SAFETY: The table is that of `T` and of no other type, so that this is a `Buffer<T>`.
        ptr::eq(ops, Operations::<T>::table()).then(|| unsafe { Self::from_raw(buf.as_raw()) })
    }

    /// # Safety
    ///
    /// `ptr` must be a buffer as in the type invariant, and live for `'a`.
    #[inline]
    pub(super) unsafe fn from_raw<'a>(ptr: *mut bindings::dma_buf) -> &'a Self {
        // SAFETY: By the caller's guarantee; `Buffer` is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The exporter's data.
    #[inline]
    pub fn data(&self) -> &T {
        // SAFETY: By the type invariant the private data is a `KBox<T>`. It is dropped with the
        // buffer, and until then only borrowed immutably.
        unsafe { KBox::<T>::borrow((*self.as_raw()).priv_) }
    }

    /// Whether no device is attached and there is no mapping for the kernel.
    ///
    /// This takes no lock: of what begins or ends at the same time the caller may see either.
    #[inline]
    pub fn is_idle(&self) -> bool {
        let buf = self.as_raw();

        // SAFETY: Both fields live as long as the buffer, and reading them at any time is harmless.
        unsafe {
            let head = &raw mut (*buf).attachments;
            (&raw const (*head).next).read_volatile() == head
                && (&raw const (*buf).vmapping_counter).read_volatile() == 0
        }
    }

    /// Takes the reservation object, to look at the attachments. Sleeps; the reservation object
    /// must not be held already.
    #[inline]
    pub fn lock(&self) -> LockedBuffer<'_, T> {
        LockedBuffer {
            buf: self,
            guard: self.resv().lock(),
        }
    }

    /// As [`lock`](Self::lock), but a signal ends the wait with `EINTR`.
    #[inline]
    pub fn lock_interruptible(&self) -> Result<LockedBuffer<'_, T>> {
        Ok(LockedBuffer {
            buf: self,
            guard: self.resv().lock_interruptible()?,
        })
    }

    /// As [`lock`](Self::lock), but a signal that kills the task ends the wait with `EINTR`.
    #[inline]
    pub fn lock_killable(&self) -> Result<LockedBuffer<'_, T>> {
        Ok(LockedBuffer {
            buf: self,
            guard: self.resv().lock_killable()?,
        })
    }
}

/// A [`Buffer`] whose reservation object is locked.
pub struct LockedBuffer<'a, T: Exporter> {
    buf: &'a Buffer<T>,
    guard: ResvGuard<'a>,
}

impl<T: Exporter> LockedBuffer<'_, T> {
    /// Calls `f` on every attachment.
    #[inline]
    pub fn for_each_attachment(&mut self, mut f: impl FnMut(Attachment<'_, T>)) {
        let head = {
            let buf = self.buf.as_raw();
            // SAFETY: The pointer is valid; no reference is made to the C structure.
            unsafe { &raw mut (*buf).attachments }
        };

        // SAFETY: The list is initialised at export, holds `node`s of attachments only, and does
        // not change while the reservation object is locked, which `self` proves.
        let list = unsafe {
            clist_create!(
                head,
                Opaque<bindings::dma_buf_attachment>,
                bindings::dma_buf_attachment,
                node
            )
        };

        for attachment in list.iter() {
            // SAFETY: An attachment is in the list only after `attach` and before `detach`; the
            // lock is held and `&mut self` makes this the only access in this task.
            f(unsafe { Attachment::from_raw(attachment.get()) });
        }
    }

    /// Tells importers that can follow it that the memory is about to move.
    ///
    /// The memory must stay as long as fences in the reservation object are pending, and, for
    /// importers that are not to read from it any more, until they have unmapped it.
    #[inline]
    pub fn invalidate_mappings(&mut self) {
        // SAFETY: The buffer is valid, and `self` proves its reservation object locked.
        unsafe { bindings::dma_buf_invalidate_mappings(self.buf.as_raw()) };
    }

    /// The lock. What is lent does not unlock, and nothing can be put in its place.
    #[inline]
    pub fn guard(&mut self) -> ResvGuard<'_> {
        self.guard.reborrow()
    }

    /// Where the buffer is mapped for the kernel now, if it is.
    #[inline]
    pub fn vmapping(&self) -> Option<*mut c_void> {
        let buf = self.buf.as_raw();

        // SAFETY: Both fields are guarded by the reservation object, which `self` proves locked.
        // `Exporter::vmap` gives addresses of memory only, so that `vaddr` is the active member.
        unsafe {
            if (*buf).vmapping_counter == 0 {
                return None;
            }
            Some((*buf).vmap_ptr.__bindgen_anon_1.vaddr)
        }
    }
}

/// One device's use of a [`Buffer`], seen by the exporter while the reservation object is held.
///
/// # Invariants
///
/// `raw` is an attachment to a `Buffer<T>`, between its `attach` and its `detach`. The buffer's
/// reservation object is held for `'a`, and this is the only way to the attachment's data
/// meanwhile.
pub struct Attachment<'a, T: Exporter> {
    raw: NonNull<bindings::dma_buf_attachment>,
    _p: PhantomData<(&'a DmaBuf, T)>,
}

impl<'a, T: Exporter> Attachment<'a, T> {
    /// # Safety
    ///
    /// The type invariant must hold for `raw`.
    #[inline]
    pub(super) unsafe fn from_raw(raw: *mut bindings::dma_buf_attachment) -> Self {
        Self {
            // SAFETY: An attachment is not NULL, by the caller's guarantee.
            raw: unsafe { NonNull::new_unchecked(raw) },
            _p: PhantomData,
        }
    }

    #[inline]
    pub(super) fn as_raw(&self) -> NonNull<bindings::dma_buf_attachment> {
        self.raw
    }

    /// The attached device.
    #[inline]
    pub fn device(&self) -> &'a Device {
        // SAFETY: The importer keeps its device while it is attached, that is for `'a`.
        unsafe { Device::from_raw((*self.raw.as_ptr()).dev) }
    }

    /// The buffer.
    #[inline]
    pub fn buffer(&self) -> &'a Buffer<T> {
        // SAFETY: By the type invariant; the importer keeps the buffer while it is attached.
        unsafe { Buffer::from_raw((*self.raw.as_ptr()).dmabuf) }
    }

    /// What the exporter keeps for this attachment.
    #[inline]
    pub fn data(&mut self) -> <T::Attachment as ForeignOwnable>::BorrowedMut<'_> {
        // SAFETY: By the type invariant the private data came from `into_foreign()`, is taken back
        // after `'a` only, and nobody else accesses it meanwhile.
        unsafe { T::Attachment::borrow_mut((*self.raw.as_ptr()).priv_) }
    }
}
