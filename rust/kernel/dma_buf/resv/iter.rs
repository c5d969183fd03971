// SPDX-License-Identifier: GPL-2.0

//! Going through the fences of a reservation object.

use super::{
    abi,
    in_use::{
        Cursor,
        Held,
        HeldCursor, //
    },
    object::Resv,
    usage::Usage, //
};
use crate::{
    dma_buf::dma_fence::Fence,
    sync::aref::ARef, //
};
use core::mem;

/// Iterator over the fences of a locked reservation object. See
/// [`ResvGuard::fences`](super::ResvGuard::fences).
pub struct Fences<'a> {
    cursor: HeldCursor<'a>,
    started: bool,
}

impl<'a> Fences<'a> {
    #[inline]
    pub(super) fn new(resv: Held<'a>, usage: Usage) -> Self {
        Self {
            cursor: HeldCursor::new(resv, usage),
            started: false,
        }
    }
}

impl<'a> Iterator for Fences<'a> {
    type Item = &'a Fence;

    #[inline]
    fn next(&mut self) -> Option<&'a Fence> {
        if mem::replace(&mut self.started, true) {
            abi::dma_resv_iter_next(&mut self.cursor)
        } else {
            abi::dma_resv_iter_first(&mut self.cursor)
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
    cursor: Cursor<'a>,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    New,
    Running,
    Ended,
}

impl Resv {
    /// The pending fences of `usage`, one after the other. See [`UnlockedFences`].
    #[inline]
    pub fn fences_unlocked(&self, usage: Usage) -> UnlockedFences<'_> {
        UnlockedFences {
            cursor: Cursor::new(self, usage),
            state: State::New,
        }
    }
}

impl Iterator for UnlockedFences<'_> {
    type Item = UnlockedFence;

    #[inline]
    fn next(&mut self) -> Option<UnlockedFence> {
        let fence = match self.state {
            State::New => abi::dma_resv_iter_first_unlocked(&mut self.cursor),
            State::Running => abi::dma_resv_iter_next_unlocked(&mut self.cursor),
            State::Ended => return None,
        };

        let Some(fence) = fence.map(ARef::from) else {
            self.state = State::Ended;
            return None;
        };
        self.state = State::Running;

        Some(UnlockedFence {
            fence,
            usage: self.cursor.usage(),
            restarted: self.cursor.is_restarted(),
        })
    }
}
