// SPDX-License-Identifier: GPL-2.0

//! Memory that may move: what drivers do with the reservation object held.

use super::raw::{
    raw_direction,
    table_from_raw,
    RawAttachment,
    Table, //
};
use crate::{
    bindings,
    dma::DataDirection,
    dma_buf::{
        buffer::DmaBuf,
        resv::{
            Fences,
            ResvGuard,
            Usage, //
        },
    },
    error::{
        to_result,
        VTABLE_DEFAULT_ERROR, //
    },
    module::ModuleMetadata,
    prelude::*,
    scatterlist::SGTable,
    types::Opaque, //
};
use core::{
    cell::Cell,
    marker::PhantomData,
    ops::Deref, //
};

/// A driver whose device copes with memory that moves.
///
/// The value that implements this is the driver's data of one
/// [`DynamicAttachment`](super::DynamicAttachment).
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
///
/// # Invariants
///
/// `state` is only used with the reservation object held.
pub(super) struct Inner<T> {
    state: State,
    pub(super) data: T,
}

// SAFETY: By the type invariant one thread at a time uses the state.
unsafe impl<T: Sync> Sync for Inner<T> {}

impl<T> Inner<T> {
    #[inline]
    pub(super) fn new(data: T) -> Self {
        Self {
            state: State {
                mapping: Cell::new(None),
                valid: Cell::new(false),
                pinned: Cell::new(false),
                closed: Cell::new(false),
            },
            data,
        }
    }
}

/// A [`DynamicAttachment`](super::DynamicAttachment) whose reservation object is held. Derefs to
/// the driver's data.
///
/// The mapping and the pin belong to the attachment. They stay until they are taken back here or
/// the attachment is dropped.
///
/// # Invariants
///
/// `raw` is an attachment to `buf` that stays for `'a`, and refers to `inner`. `guard` is for the
/// reservation object of the buffer.
///
/// # Examples
///
/// See [`DynamicAttachment`](super::DynamicAttachment).
#[must_use = "the reservation object is unlocked when this is dropped"]
pub struct LockedDynamic<'a, T: DynamicImporter> {
    raw: *mut bindings::dma_buf_attachment,
    buf: &'a DmaBuf,
    inner: &'a Inner<T>,
    guard: ResvGuard<'a>,
}

impl<'a, T: DynamicImporter> LockedDynamic<'a, T> {
    /// `raw` must refer to `inner`, and `guard` must be for the reservation object of its buffer.
    #[inline]
    pub(super) fn of(raw: &'a RawAttachment, inner: &'a Inner<T>, guard: ResvGuard<'a>) -> Self {
        // INVARIANT: What is borrowed stays for `'a`.
        Self {
            raw: raw.as_ptr(),
            buf: raw.buffer(),
            inner,
            guard,
        }
    }

    /// Gives up what has been set up, for good: the driver is not asked any more.
    #[inline]
    pub(super) fn close(&mut self) {
        self.inner.state.closed.set(true);
        self.unmap();
        self.unpin();
    }

    /// The lock. What is lent does not unlock, and nothing can be put in its place.
    #[inline]
    pub fn guard(&mut self) -> ResvGuard<'_> {
        self.guard.reborrow()
    }

    /// The buffer.
    #[inline]
    pub fn buffer(&self) -> &DmaBuf {
        self.buf
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

        // Once more if the memory had to move to be mapped, of which everybody is told.
        for _ in 0..2 {
            self.unmap();
            // Set first: to make room the exporter may move the memory that it has just mapped.
            state.valid.set(true);
            // SAFETY: The device is attached and bound; the reservation object is held.
            let table = unsafe { bindings::dma_buf_map_attachment(self.raw, raw_dir) };
            let table = table_from_raw(table).inspect_err(|_| state.valid.set(false))?;

            // In the place of nothing: the driver cannot have mapped when it was called back.
            state.mapping.set(Some((table, dir)));
            if state.valid.get() {
                break;
            }
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

/// A [`DynamicAttachment`](super::DynamicAttachment) whose memory is about to move, with the
/// reservation object held. Derefs to the driver's data.
///
/// What has been set up can be given up here, and nothing else be done: the exporter is in the
/// middle of the move. It does not lend the lock, because it may count on the slots for fences that
/// it has reserved, and because nobody is to be mapped or pinned where the memory is no more.
///
/// # Examples
///
/// See [`DynamicAttachment`](super::DynamicAttachment).
pub struct MovingAttachment<'a, T: DynamicImporter>(LockedDynamic<'a, T>);

impl<T: DynamicImporter> MovingAttachment<'_, T> {
    /// The buffer.
    #[inline]
    pub fn buffer(&self) -> &DmaBuf {
        self.0.buffer()
    }

    /// The fences of `usage`, signalled or not.
    #[inline]
    pub fn fences(&mut self, usage: Usage) -> Fences<'_> {
        self.0.guard.fences(usage)
    }

    /// Takes down what is mapped. The device must not use it any more. May sleep.
    #[inline]
    pub fn unmap(&mut self) {
        self.0.unmap();
    }

    /// Undoes [`LockedDynamic::pin`], if the memory is pinned. May sleep.
    #[inline]
    pub fn unpin(&mut self) {
        self.0.unpin();
    }

    /// Whether the memory is pinned.
    #[inline]
    pub fn is_pinned(&self) -> bool {
        self.0.is_pinned()
    }
}

impl<T: DynamicImporter> Deref for MovingAttachment<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// A C attachment whose exporter says that the memory is about to move.
///
/// # Invariants
///
/// It is a dynamic one that refers to an [`Inner<T>`](Inner), with the reservation object held by
/// this task.
#[repr(transparent)]
pub(super) struct Called<T>(Opaque<bindings::dma_buf_attachment>, PhantomData<T>);

impl<T: DynamicImporter> Called<T> {
    #[inline(always)]
    fn locked(&self) -> LockedDynamic<'_, T> {
        // SAFETY: By the type invariant; attachment, buffer and what it refers to stay meanwhile.
        unsafe {
            let raw = self.0.get();
            let buf = DmaBuf::from_raw((*raw).dmabuf);

            // INVARIANT: As above.
            LockedDynamic {
                raw,
                buf,
                inner: &*(*raw).importer_priv.cast(),
                guard: ResvGuard::borrowed(buf.resv()),
            }
        }
    }

    /// Asks the driver.
    #[inline(always)]
    pub(super) fn invalidate_mappings(&self) {
        let attachment = self.locked();

        attachment.inner.state.valid.set(false);
        if !attachment.inner.state.closed.get() {
            T::invalidate_mappings(&mut MovingAttachment(attachment));
        }
    }
}
