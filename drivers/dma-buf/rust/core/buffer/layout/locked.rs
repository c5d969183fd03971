// SPDX-License-Identifier: GPL-2.0

//! What the lock of a buffer, its reservation object, is held for.

use self::sealed::OfBuffer;
use super::{
    attachment::{
        AnyAttachment,
        AttachmentList,
        Incomplete, //
    },
    body::body, //
};
use crate::{
    buffer::{
        lock::assert_locked,
        vmapping::Vmapping, //
    },
    errno::passed,
    resv::Sure, //
};
use core::ops::Deref;
#[cfg(CONFIG_DEBUG_FS)]
use kernel::{
    bindings,
    seq_file::SeqFile, //
};
use kernel::{
    dma_buf::DmaBuf,
    interop::export::{
        AsC,
        Wrapper, //
    },
    prelude::*,
    types::NotThreadSafe, //
};

/// Keeps others from saying it of more.
mod sealed {
    use kernel::dma_buf::DmaBuf;

    /// Something that belongs to a buffer: what is locked depends on it.
    pub(crate) trait OfBuffer {
        /// The buffer.
        fn buf(&self) -> &DmaBuf;
    }
}

impl OfBuffer for DmaBuf {
    #[inline(always)]
    fn buf(&self) -> &DmaBuf {
        self
    }
}

impl OfBuffer for AnyAttachment {
    #[inline(always)]
    fn buf(&self) -> &DmaBuf {
        AnyAttachment::buf(self)
    }
}

/// Something whose buffer is locked.
///
/// # Invariants
///
/// The current task holds the reservation object as long as this exists.
pub(crate) struct Locked<'a, T>(&'a T, NotThreadSafe);

impl<'a, T: OfBuffer> Sure<'a, T> {
    #[inline(always)]
    pub(in crate::buffer) fn get(self) -> Locked<'a, T> {
        // INVARIANT: As the type says.
        Locked(self.object(|object| object.buf().resv()), NotThreadSafe)
    }
}

/// What has a buffer that is locked; or NULL, or what has none, which the caller should not pass.
#[repr(transparent)]
pub(in crate::buffer) struct Held<'a, T>(Option<&'a T>, NotThreadSafe);

/// As the type says.
// SAFETY: Transparent. A reference is a pointer, here to what is as good as a `T` by `Wrapper`, and
// for NULL there is `None`.
unsafe impl<T: Wrapper> AsC for Held<'_, T> {
    type C = *mut T::C;
}

impl<'a> Held<'a, DmaBuf> {
    /// NULL is `EINVAL` and a warning.
    #[inline(always)]
    pub(in crate::buffer) fn get(self) -> Result<Locked<'a, DmaBuf>> {
        // INVARIANT: As the type says.
        Ok(Locked(passed(self.0)?, NotThreadSafe).check())
    }
}

impl<'a> Held<'a, Incomplete> {
    /// Fails as [`Incomplete::check`].
    #[inline(always)]
    pub(in crate::buffer) fn get(self) -> Result<Locked<'a, AnyAttachment>> {
        // INVARIANT: As the type says.
        Ok(Locked(Incomplete::check(self.0)?, NotThreadSafe).check())
    }
}

impl<'a, T: OfBuffer> Locked<'a, T> {
    /// Tells lockdep that it is so.
    #[inline(always)]
    fn check(self) -> Self {
        assert_locked(self.0.buf());
        self
    }

    /// The same, for no longer. By itself it is passed in a register.
    #[inline(always)]
    pub(crate) fn reborrow(&self) -> Locked<'_, T> {
        // INVARIANT: `self` exists for as long.
        Locked(self.0, NotThreadSafe)
    }
}

impl<T> Deref for Locked<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        self.0
    }
}

impl<T: OfBuffer> Locked<'_, T> {
    /// Locks `object` for what `f` does. Sleeps.
    #[inline(always)]
    pub(crate) fn with<R>(object: &T, f: impl FnOnce(&Locked<'_, T>) -> R) -> R {
        // INVARIANT: The object's own buffer is locked, by this task, until `f` has ended, which
        // cannot keep what it is lent.
        object
            .buf()
            .resv()
            .with_lock(|_guard| f(&Locked(object, NotThreadSafe)))
    }

    /// As [`with`](Self::with). Fails with `EINTR` on a signal.
    #[cfg(CONFIG_DEBUG_FS)]
    #[inline(always)]
    pub(crate) fn with_interruptible<R>(
        object: &T,
        f: impl FnOnce(&Locked<'_, T>) -> R,
    ) -> Result<R> {
        // INVARIANT: As above.
        object
            .buf()
            .resv()
            .with_lock_interruptible(|_guard| f(&Locked(object, NotThreadSafe)))
    }
}

impl Locked<'_, DmaBuf> {
    /// The mapping into the kernel's address space.
    #[inline(always)]
    pub(in crate::buffer) fn vmapping(&self) -> &Vmapping {
        &body(self).vmapping
    }

    /// What is attached.
    #[inline(always)]
    pub(in crate::buffer) fn attachments(&self) -> &AttachmentList {
        &body(self).attachments
    }

    /// Prints the fences.
    #[cfg(CONFIG_DEBUG_FS)]
    pub(in crate::buffer) fn describe(&self, m: &SeqFile) {
        // SAFETY: By the type invariant.
        unsafe { bindings::dma_resv_describe(self.resv().as_raw(), m.as_c()) };
    }
}
