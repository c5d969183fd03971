// SPDX-License-Identifier: GPL-2.0

//! Attachments for which the memory may move.

use super::{
    binding::{
        InDevres, //
        KeepsBound,
    },
    locked_dynamic::{
        Called,
        DynamicImporter,
        Inner,
        LockedDynamic, //
    },
    raw::RawAttachment,
};
use crate::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    devres::Devres,
    dma_buf::{
        buffer::DmaBuf,
        resv::ResvGuard,
        trampoline::{
            one,
            Ref, //
        },
    },
    interop::{
        linked::Linked,
        module_ref::ModuleRef, //
    },
    prelude::*,
    sync::aref::ARef, //
};
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr, //
};

/// The use of a buffer by a device that copes with memory that moves. Drop takes down what is
/// mapped, unpins and detaches; the reservation object must not be held then.
///
/// Derefs to the driver's data. What concerns the mapping is in [`LockedDynamic`].
///
/// What keeps the device bound must do so for ever if the attachment is forgotten, because the
/// exporter can still call back: so a mere reference to a bound device will not do.
///
/// The module that `T` is in cannot be unloaded as long as there is such an attachment.
///
/// # Invariants
///
/// `raw` is a dynamic attachment with the operations in `Operations<T>`. It refers to `inner`, of
/// which nobody has more than a shared reference.
///
/// # Examples
///
/// ```
/// use kernel::{
///     device::{Bound, Device},
///     dma::DataDirection,
///     dma_buf::{
///         importer::{DynamicAttachment, DynamicImporter, LockedDynamic, MovingAttachment},
///         DmaBuf,
///     },
///     prelude::*,
///     sync::atomic::{Atomic, Relaxed},
/// };
///
/// /// What the device knows of a buffer.
/// struct Object {
///     in_page_table: Atomic<bool>,
/// }
///
/// #[vtable]
/// impl DynamicImporter for Object {
///     fn invalidate_mappings(attachment: &mut MovingAttachment<'_, Self>) {
///         attachment.in_page_table.store(false, Relaxed);
///         // The device works in the page table's order, and so is not using it now.
///         attachment.unmap();
///     }
/// }
///
/// /// Called before each job.
/// fn prepare(object: &mut LockedDynamic<'_, Object>) -> Result {
///     if object.mapping().is_none() {
///         for entry in object.map(DataDirection::Bidirectional)?.iter() {
///             let _ = (entry.dma_address(), entry.dma_len()); // Into the page table.
///         }
///         object.in_page_table.store(true, Relaxed);
///     }
///     Ok(())
/// }
///
/// fn import(dev: &Device<Bound>, fd: i32) -> Result {
///     let object = Object { in_page_table: Atomic::new(false) };
///     let attachment = DynamicAttachment::new_devres(DmaBuf::from_fd(fd)?, dev, object)?;
///
///     prepare(&mut attachment.access(dev)?.lock())?;
///     Ok(())
/// }
/// ```
pub struct DynamicAttachment<D: KeepsBound + 'static, T: DynamicImporter> {
    // Dropped in this order. Detaching takes the reservation object, so that the exporter does not
    // call back any more afterwards; what is dropped then may be code of the module.
    raw: RawAttachment,
    inner: KBox<Inner<T>>,
    dev: D,
    _module: ModuleRef,
}

impl<D: KeepsBound + 'static, T: DynamicImporter> DynamicAttachment<D, T> {
    /// Attaches the device of `dev` to `buf`.
    ///
    /// Fails with `ENOMEM`, with `ENOENT` if the module is being unloaded, or with what the
    /// exporter fails with, usually `EBUSY` if the device cannot reach the memory. May sleep; the
    /// reservation object must not be held.
    #[inline]
    pub fn new(buf: ARef<DmaBuf>, dev: D, data: T) -> Result<Self> {
        const {
            assert!(
                !D::FORGETTABLE,
                "an attachment that is forgotten needs its device bound for ever"
            );
        };

        let table: &'static (bindings::dma_buf_attach_ops, Linked) = &Operations::<T>::TABLE;
        let mut inner = KBox::new(Inner::new(data), GFP_KERNEL)?;
        let module = ModuleRef::this::<T::OwnerModule>()?;
        let device = dev.device();

        // SAFETY: Both are valid and kept by the result, as is `inner`. The table is static, and
        // the module stays.
        let raw = unsafe {
            let ret = bindings::dma_buf_dynamic_attach(
                buf.as_raw(),
                device.as_raw(),
                &table.0,
                (&raw mut *inner).cast(),
            );
            RawAttachment::new(ret, buf, device)?
        };

        // INVARIANT: All of it has been made just above.
        Ok(Self {
            raw,
            inner,
            dev,
            _module: module,
        })
    }

    /// The buffer.
    #[inline]
    pub fn buffer(&self) -> &DmaBuf {
        self.raw.buffer()
    }

    /// The device.
    #[inline]
    pub fn device(&self) -> &Device<Bound> {
        self.dev.device()
    }

    /// Takes the reservation object. Sleeps.
    #[inline]
    pub fn lock(&self) -> LockedDynamic<'_, T> {
        LockedDynamic::of(&self.raw, &self.inner, self.buffer().resv().lock())
    }

    /// As [`lock`](Self::lock), when the reservation object is locked already, perhaps
    /// [together with others](crate::dma_buf::AcquireCtx).
    ///
    /// Fails with `EINVAL` if `guard` is for another reservation object.
    #[inline]
    pub fn with_guard<'a>(&'a self, guard: &'a mut ResvGuard<'_>) -> Result<LockedDynamic<'a, T>> {
        if !ptr::eq(guard.resv(), self.buffer().resv()) {
            return Err(EINVAL);
        }
        Ok(LockedDynamic::of(&self.raw, &self.inner, guard.reborrow()))
    }
}

impl<T: DynamicImporter> DynamicAttachment<InDevres, T> {
    /// As [`new`](Self::new), but for as long as `dev` is bound and no longer, whoever has the
    /// result then.
    #[inline]
    pub fn new_devres(buf: ARef<DmaBuf>, dev: &Device<Bound>, data: T) -> Result<Devres<Self>> {
        // SAFETY: Goes into a `Devres` for `dev` at once.
        let attachment = Self::new(buf, unsafe { InDevres::new(dev) }, data)?;

        Devres::new(dev, attachment)
    }
}

impl<D: KeepsBound + 'static, T: DynamicImporter> Deref for DynamicAttachment<D, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner.data
    }
}

impl<D: KeepsBound + 'static, T: DynamicImporter> Drop for DynamicAttachment<D, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock().close();
    }
}

/// The C operations of the importer `T`.
struct Operations<T>(PhantomData<T>);

impl<T: DynamicImporter> Operations<T> {
    const TABLE: (bindings::dma_buf_attach_ops, Linked) = (
        bindings::dma_buf_attach_ops {
            allow_peer2peer: T::ALLOW_PEER2PEER,
            invalidate_mappings: Some(one::<Ref<Called<T>, _>, _, _>(Called::invalidate_mappings)),
        },
        Linked::into::<T::OwnerModule>(),
    );
}
