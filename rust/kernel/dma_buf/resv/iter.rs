// SPDX-License-Identifier: GPL-2.0

//! Going through the fences of a reservation object.

use super::{
    Fence,
    Resv,
    Usage, //
};
use crate::{
    bindings,
    sync::aref::ARef, //
};
use core::{
    marker::PhantomData,
    mem,
    ptr::NonNull, //
};

/// Iterator over the fences of a locked reservation object. See
/// [`ResvGuard::fences`](super::ResvGuard::fences).
pub struct Fences<'a> {
    cursor: bindings::dma_resv_iter,
    started: bool,
    _p: PhantomData<&'a Fence>,
}

#[inline]
fn cursor(
    obj: *mut bindings::dma_resv,
    usage: bindings::dma_resv_usage,
) -> bindings::dma_resv_iter {
    bindings::dma_resv_iter {
        obj,
        usage,
        ..Default::default()
    }
}

impl Fences<'_> {
    /// # Safety
    ///
    /// `resv` must be locked, and its list of fences not be changed, for `'_`.
    #[inline]
    pub(super) unsafe fn new(
        resv: *mut bindings::dma_resv,
        usage: bindings::dma_resv_usage,
    ) -> Self {
        Self {
            cursor: cursor(resv, usage),
            started: false,
            _p: PhantomData,
        }
    }
}

impl<'a> Iterator for Fences<'a> {
    type Item = &'a Fence;

    #[inline]
    fn next(&mut self) -> Option<&'a Fence> {
        // SAFETY: The cursor was begun on an object that is locked, and whose fences stay for `'a`.
        unsafe {
            let fence = if mem::replace(&mut self.started, true) {
                bindings::dma_resv_iter_next(&mut self.cursor)
            } else {
                bindings::dma_resv_iter_first(&mut self.cursor)
            };
            NonNull::new(fence).map(|fence| Fence::from_raw(fence.as_ptr()))
        }
    }
}

/// A fence that was found in a reservation object that is not locked.
pub struct UnlockedFence {
    /// The fence.
    pub fence: ARef<Fence>,
    /// What it stands for.
    pub usage: Usage,
    /// Whether this is the first fence, perhaps once more: what was collected up to here is void.
    pub restarted: bool,
}

/// Iterator over the pending fences of a reservation object that need not be locked. See
/// [`Resv::fences_unlocked`].
///
/// If the object is given new fences meanwhile, the iterator begins again, and says so. Fences that
/// were there all the time are seen since the last beginning.
///
/// # Invariants
///
/// `cursor.fence` is NULL or holds a reference.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{Resv, Usage};
///
/// /// The number of pending fences at some point in time.
/// fn pending(resv: &Resv) -> usize {
///     resv.fences_unlocked(Usage::Bookkeep)
///         .fold(0, |count, item| if item.restarted { 1 } else { count + 1 })
/// }
///
/// let resv = KBox::pin_init(Resv::new(), GFP_KERNEL)?;
/// assert_eq!(pending(&resv), 0);
/// # Ok::<(), Error>(())
/// ```
pub struct UnlockedFences<'a> {
    cursor: bindings::dma_resv_iter,
    state: State,
    _p: PhantomData<&'a Resv>,
}

#[derive(PartialEq, Eq)]
enum State {
    New,
    Running,
    Ended,
}

impl<'a> UnlockedFences<'a> {
    #[inline]
    pub(super) fn new(resv: &'a Resv, usage: Usage) -> Self {
        // INVARIANT: NULL.
        Self {
            cursor: cursor(resv.as_raw(), usage.as_raw()),
            state: State::New,
            _p: PhantomData,
        }
    }
}

impl Iterator for UnlockedFences<'_> {
    type Item = UnlockedFence;

    #[inline]
    fn next(&mut self) -> Option<UnlockedFence> {
        // INVARIANT: The calls move the reference in the cursor on, and leave NULL at the end.
        let fence = match self.state {
            // SAFETY: The object is valid, and the cursor was begun on it.
            State::New => unsafe { bindings::dma_resv_iter_first_unlocked(&mut self.cursor) },
            // SAFETY: As above.
            State::Running => unsafe { bindings::dma_resv_iter_next_unlocked(&mut self.cursor) },
            State::Ended => return None,
        };

        let Some(fence) = NonNull::new(fence) else {
            self.state = State::Ended;
            return None;
        };
        self.state = State::Running;

        Some(UnlockedFence {
            // SAFETY: The cursor has a reference.
            fence: unsafe { Fence::from_raw(fence.as_ptr()) }.into(),
            usage: Usage::from_raw(self.cursor.fence_usage),
            restarted: self.cursor.is_restarted,
        })
    }
}

impl Drop for UnlockedFences<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant the reference is ours.
        drop(unsafe { Fence::from_owned(self.cursor.fence) });
    }
}
