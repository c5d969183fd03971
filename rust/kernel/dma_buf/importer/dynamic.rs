// SPDX-License-Identifier: GPL-2.0

//! Attachments for which the memory may move.

use super::{
    attachment::RawAttachment,
    binding::Managed,
    mapping::{
        raw_direction,
        table_from_raw,
        Table, //
    },
    moving::MovingAttachment,
    KeepsBound, //
};
use crate::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    devres::Devres,
    dma::DataDirection,
    dma_buf::{
        module_ref::ModuleRef,
        DmaBuf,
        ResvGuard, //
    },
    error::{
        to_result,
        VTABLE_DEFAULT_ERROR, //
    },
    module::ModuleMetadata,
    prelude::*,
    scatterlist::SGTable,
    sync::aref::ARef,
};
use core::{
    cell::Cell,
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};

/// A driver whose device copes with memory that moves.
///
/// The value that implements this is the driver's data of one [`DynamicAttachment`].
///
/// C header: `struct dma_buf_attach_ops` in
/// [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)
#[vtable]
pub trait DynamicImporter: Sized + Send + Sync + 'static {
    /// The module that the code is in. Filled in by `#[vtable]`.
    type OwnerModule: ModuleMetadata;

    /// Whether the device copes with memory that has no pages, such as that of another device on
    /// the same bus.
    const ALLOW_PEER2PEER: bool = false;

    /// The memory is about to move. The reservation object is held, which is what `attachment`
    /// stands for. May sleep.
    ///
    /// The mapping must not be used for new work; [`LockedDynamic::mapping`] does not give it any
    /// more. Work that is under way may go on as far as its fences are in the reservation object.
    /// In bounded time after they are signalled the mapping has to be taken down, which may be done
    /// here, if no work is under way, by [`MovingAttachment::unmap`], or replaced by
    /// [`LockedDynamic::map`], which cannot: the exporter is in the middle of the move.
    fn invalidate_mappings(_attachment: &mut MovingAttachment<'_, Self>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// What an attachment has set up with the exporter. Guarded by the reservation object.
///
/// These are cells, because the exporter may call back in the middle of anything.
struct State {
    /// What is mapped, and in which direction.
    mapping: Cell<Option<(Table, DataDirection)>>,
    /// Whether the memory is still where the mapping says.
    valid: Cell<bool>,
    pinned: Cell<bool>,
    /// Whether the attachment is being dropped, and the driver not asked any more.
    closed: Cell<bool>,
}

/// What the C attachment refers to.
struct Inner<T> {
    state: State,
    data: T,
}

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
/// - `inner` points to a leaked box, which is freed only after the device is detached. Its `data`
///   is only borrowed immutably until then, its `state` only used with the reservation object held.
/// - `raw` is a dynamic attachment with the operations in `Operations<T>`, which refers to `inner`.
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
///     let attachment = DynamicAttachment::new_managed(DmaBuf::from_fd(fd)?, dev, object)?;
///
///     prepare(&mut attachment.access(dev)?.lock())?;
///     Ok(())
/// }
/// ```
pub struct DynamicAttachment<D: KeepsBound + 'static, T: DynamicImporter> {
    raw: ManuallyDrop<RawAttachment>,
    inner: NonNull<Inner<T>>,
    dev: D,
    // Last: what is dropped before may be code of the module.
    _module: ModuleRef,
}

// SAFETY: `T` is `Send` and `Sync`, and the rest is not tied to a thread.
unsafe impl<D: KeepsBound + Send + 'static, T: DynamicImporter> Send for DynamicAttachment<D, T> {}

// SAFETY: `T` is `Sync`, and the rest is synchronised by the reservation object.
unsafe impl<D: KeepsBound + Sync + 'static, T: DynamicImporter> Sync for DynamicAttachment<D, T> {}

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

        let inner = KBox::new(
            Inner {
                state: State {
                    mapping: Cell::new(None),
                    valid: Cell::new(false),
                    pinned: Cell::new(false),
                    closed: Cell::new(false),
                },
                data,
            },
            GFP_KERNEL,
        )?;
        let module = ModuleRef::this::<T::OwnerModule>()?;
        let inner = KBox::into_raw(inner);
        let device = dev.device();

        // SAFETY: Both are valid and kept by the result, as is `inner`. The table is static, and
        // the module stays.
        let raw = unsafe {
            let ret = bindings::dma_buf_dynamic_attach(
                buf.as_raw(),
                device.as_raw(),
                &Operations::<T>::TABLE,
                inner.cast(),
            );
            RawAttachment::new(ret, buf, device)
        };
        match raw {
            Ok(raw) => {
                // INVARIANT: All of it has been made just above.
                Ok(Self {
                    raw: ManuallyDrop::new(raw),
                    // SAFETY: A box is not NULL.
                    inner: unsafe { NonNull::new_unchecked(inner) },
                    dev,
                    _module: module,
                })
            }
            Err(err) => {
                // SAFETY: From the box above, and nothing refers to it.
                drop(unsafe { KBox::from_raw(inner) });
                Err(err)
            }
        }
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
        self.locked(self.buffer().resv().lock())
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
        Ok(self.locked(guard.reborrow()))
    }

    /// `guard` must be for the reservation object of the buffer.
    #[inline]
    fn locked<'a>(&'a self, guard: ResvGuard<'a>) -> LockedDynamic<'a, T> {
        // INVARIANT: By the type invariant the attachment stays for `'a`, and refers to `inner`.
        LockedDynamic {
            raw: self.raw.as_ptr(),
            // SAFETY: By the type invariant.
            inner: unsafe { self.inner.as_ref() },
            guard,
        }
    }
}

impl<T: DynamicImporter> DynamicAttachment<Managed, T> {
    /// As [`new`](Self::new), but for as long as `dev` is bound and no longer, whoever has the
    /// result then.
    #[inline]
    pub fn new_managed(buf: ARef<DmaBuf>, dev: &Device<Bound>, data: T) -> Result<Devres<Self>> {
        // SAFETY: Goes into a `Devres` for `dev` at once.
        let attachment = Self::new(buf, unsafe { Managed::new(dev) }, data)?;

        Devres::new(dev, attachment)
    }
}

impl<D: KeepsBound + 'static, T: DynamicImporter> Deref for DynamicAttachment<D, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the type invariant.
        unsafe { &(*self.inner.as_ptr()).data }
    }
}

impl<D: KeepsBound + 'static, T: DynamicImporter> Drop for DynamicAttachment<D, T> {
    #[inline]
    fn drop(&mut self) {
        {
            let mut locked = self.lock();
            locked.inner.state.closed.set(true);
            locked.unmap();
            locked.unpin();
        }
        // SAFETY: Not used again. Detaching takes the reservation object, so that the exporter does
        // not call back any more afterwards.
        unsafe { ManuallyDrop::drop(&mut self.raw) };
        // SAFETY: By the type invariant the box is ours, and nothing refers to it any more.
        drop(unsafe { KBox::from_raw(self.inner.as_ptr()) });
    }
}

/// A [`DynamicAttachment`] whose reservation object is held. Derefs to the driver's data.
///
/// The mapping and the pin belong to the attachment. They stay until they are taken back here or
/// the attachment is dropped.
///
/// # Invariants
///
/// `raw` is an attachment that stays for `'a`, and refers to `inner`. `guard` is for the
/// reservation object of its buffer.
///
/// # Examples
///
/// See [`DynamicAttachment`].
#[must_use = "the reservation object is unlocked when this is dropped"]
pub struct LockedDynamic<'a, T: DynamicImporter> {
    raw: *mut bindings::dma_buf_attachment,
    inner: &'a Inner<T>,
    pub(super) guard: ResvGuard<'a>,
}

impl<T: DynamicImporter> LockedDynamic<'_, T> {
    /// The lock. What is lent does not unlock, and nothing can be put in its place.
    #[inline]
    pub fn guard(&mut self) -> ResvGuard<'_> {
        self.guard.reborrow()
    }

    /// The buffer.
    #[inline]
    pub fn buffer(&self) -> &DmaBuf {
        // SAFETY: By the type invariant; an attachment keeps its buffer.
        unsafe { DmaBuf::from_raw((*self.raw).dmabuf) }
    }

    /// The addresses for the device, if the memory is mapped and has not moved since.
    #[inline]
    pub fn mapping(&self) -> Option<&SGTable> {
        let (table, _) = self.inner.state.mapping.get()?;

        // SAFETY: Everything that could take the mapping down needs the lock, and so borrows `self`
        // exclusively.
        let table = unsafe { SGTable::from_raw(table.as_ptr()) };
        self.inner.state.valid.get().then_some(table)
    }

    /// Makes the memory accessible to the device, in place of what is mapped already.
    ///
    /// Memory that is not pinned may still be on its way: the device has to wait for the fences of
    /// [`Usage::Kernel`](crate::dma_buf::Usage::Kernel).
    ///
    /// Fails with `EINVAL` for [`DataDirection::None`]; what was mapped stays then. Fails with
    /// `ENOMEM`, with what the exporter fails with, or with `EAGAIN` if the memory has moved again
    /// in the meantime; then nothing is mapped. May sleep.
    #[inline]
    pub fn map(&mut self, dir: DataDirection) -> Result<&SGTable> {
        let state = &self.inner.state;
        let raw_dir = raw_direction(dir)?;

        self.unmap();
        // Set first: to make room the exporter may move the memory that it has just mapped.
        state.valid.set(true);
        // SAFETY: The device is attached and bound; the reservation object is held.
        let table = table_from_raw(unsafe { bindings::dma_buf_map_attachment(self.raw, raw_dir) })
            .inspect_err(|_| state.valid.set(false))?;

        // In the place of nothing: the driver cannot have mapped when it was called back.
        state.mapping.set(Some((table, dir)));
        if !state.valid.get() {
            self.unmap();
        }
        self.mapping().ok_or(EAGAIN)
    }

    /// Takes down what is mapped. The device must not use it any more. May sleep.
    #[inline]
    pub fn unmap(&mut self) {
        let state = &self.inner.state;

        state.valid.set(false);
        if let Some((table, dir)) = state.mapping.take() {
            // SAFETY: It is mapped, and nobody else unmaps it. The reservation object is held.
            unsafe { bindings::dma_buf_unmap_attachment(self.raw, table.as_ptr(), dir.into()) };
        }
    }

    /// Keeps the memory where it is, which is for uses like scanout, that cannot be stopped while
    /// it moves; not for user space to have without limit.
    ///
    /// Does nothing if it is pinned already. What is mapped may move before, so map afterwards.
    /// Fails with what the exporter fails with. May sleep.
    #[inline]
    pub fn pin(&mut self) -> Result {
        if !self.inner.state.pinned.get() {
            // SAFETY: The device is attached, and the reservation object is held.
            to_result(unsafe { bindings::dma_buf_pin(self.raw) })?;
            self.inner.state.pinned.set(true);
        }
        Ok(())
    }

    /// Undoes [`pin`](Self::pin), if the memory is pinned. May sleep.
    #[inline]
    pub fn unpin(&mut self) {
        if self.inner.state.pinned.take() {
            // SAFETY: The memory is pinned, and the reservation object is held.
            unsafe { bindings::dma_buf_unpin(self.raw) };
        }
    }

    /// Whether the memory is pinned.
    #[inline]
    pub fn is_pinned(&self) -> bool {
        self.inner.state.pinned.get()
    }
}

impl<T: DynamicImporter> Deref for LockedDynamic<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner.data
    }
}

/// The C operations of the importer `T`.
struct Operations<T>(PhantomData<T>);

impl<T: DynamicImporter> Operations<T> {
    const TABLE: bindings::dma_buf_attach_ops = bindings::dma_buf_attach_ops {
        allow_peer2peer: T::ALLOW_PEER2PEER,
        invalidate_mappings: Some(Self::invalidate_mappings),
    };

    /// # Safety
    ///
    /// Called by the core for an attachment with these operations, with the reservation object
    /// held.
    unsafe extern "C" fn invalidate_mappings(raw: *mut bindings::dma_buf_attachment) {
        // SAFETY: The attachment refers to an `Inner<T>`, which stays as long as it is attached.
        // The reservation object is held by this task.
        let (inner, guard) = unsafe {
            let inner = &*(*raw).importer_priv.cast::<Inner<T>>();
            let buf = DmaBuf::from_raw((*raw).dmabuf);

            (inner, ResvGuard::borrowed(buf.resv()))
        };

        inner.state.valid.set(false);
        if inner.state.closed.get() {
            return;
        }
        // INVARIANT: As above.
        let attachment = LockedDynamic { raw, inner, guard };
        T::invalidate_mappings(&mut MovingAttachment::new(attachment));
    }
}
