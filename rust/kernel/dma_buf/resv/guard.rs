// SPDX-License-Identifier: GPL-2.0

//! What may be done with a reservation object that is locked.

use super::{
    abi,
    in_use::Held,
    iter::Fences,
    lock::ResvGuard,
    object::Resv,
    usage::Usage, //
};
use crate::{
    bindings,
    dma_buf::dma_fence::{
        Fence,
        FenceContext,
        FenceContextOps,
        LeafFence, //
    },
    error::to_result,
    prelude::*,
    seq_file::SeqFile,
    types::NotThreadSafe, //
};

impl Resv {
    /// A new object with the fences that are pending in `src`, which need not be locked: for memory
    /// that was shared and goes its own way.
    ///
    /// Only what is being made gets the fences of others. To put them in the place of those that
    /// are there would take these away from whoever relies on them. Fails with `ENOMEM`. May sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::dma_buf::{Resv, Usage};
    ///
    /// let shared = KBox::pin_init(Resv::new(), GFP_KERNEL)?;
    /// let own = KBox::pin_init(Resv::copy_of(&shared), GFP_KERNEL)?;
    ///
    /// assert!(own.test_signaled(Usage::Bookkeep));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn copy_of(src: &Self) -> impl PinInit<Self, Error> + '_ {
        Self::empty().pin_chain(|this: Pin<&mut Self>| {
            // Nobody else knows the object. Who is making it may have others locked.
            let guard = this.try_lock().ok_or(EBUSY)?;

            // SAFETY: Both objects are initialised, and this one is locked, and has no fences that
            // others could miss.
            to_result(unsafe {
                bindings::dma_resv_copy_fences(guard.resv().as_raw(), src.as_raw())
            })
        })
    }
}

impl ResvGuard<'_> {
    /// The fences of `usage`, signalled or not.
    ///
    /// Borrows the guard exclusively: whoever gets hold of it meanwhile, an exporter that maps for
    /// instance, may put fences in the place of those that are being looked at.
    #[inline]
    pub fn fences(&mut self, usage: Usage) -> Fences<'_> {
        Fences::new(self.held(), usage)
    }

    /// Makes room for `count` more fences.
    ///
    /// Fails with `ENOMEM`, also if they are more than an allocation can hold. May sleep.
    #[inline]
    pub fn reserve_fences(&mut self, count: u32) -> Result<Slots<'_>> {
        Slots::reserve(self.held(), count)
    }

    /// Puts `replacement` in the place of all fences of `context`, which is one of the caller's: to
    /// take away what others have put there would make them think that memory is idle.
    ///
    /// Only right if what these fences stand for cannot access the buffer any more once
    /// `replacement` is signalled. May be called while fences are waited for. Fails with `EINVAL`
    /// if `replacement` is a container.
    #[inline]
    pub fn replace_fences<T: FenceContextOps>(
        &mut self,
        context: &FenceContext<T>,
        replacement: &Fence,
        usage: Usage,
    ) -> Result {
        // One that is made of what is here, again and again, would nest without bound.
        if replacement.is_container() {
            return Err(EINVAL);
        }
        // SAFETY: The object is locked, which is what a guard stands for; the call takes references
        // of its own. The fences that go are those of the caller.
        unsafe {
            bindings::dma_resv_replace_fences(
                self.resv().as_raw(),
                context.id(),
                replacement.as_raw(),
                usage.as_raw(),
            )
        };
        Ok(())
    }

    /// Writes one line about each fence, except those of [`Usage::Bookkeep`].
    #[inline]
    pub fn describe(&self, m: &SeqFile) {
        // INVARIANT: Locked, and `self`, which whoever changes something needs, is borrowed.
        abi::dma_resv_describe(Held(self.resv()), m);
    }
}

/// Room for fences in a locked [`Resv`].
///
/// # Invariants
///
/// The object is locked for `'a` and has room for at least `left` more fences, besides those that a
/// [`Slot`] was taken for.
///
/// # Examples
///
/// See [`Resv`].
pub struct Slots<'a> {
    resv: &'a Resv,
    left: u32,
    // The task that holds the lock uses them.
    _not_send: NotThreadSafe,
}

/// How many fences room may be made for at once. The list is one allocation, and the implementation
/// in C rounds up to a power of two: the largest that there are hold that, and nearly as many that
/// are there already.
const MOST: u32 = 1 << 18;

impl<'a> Slots<'a> {
    /// See [`ResvGuard::reserve_fences`].
    #[inline]
    pub(super) fn reserve(resv: Held<'a>, count: u32) -> Result<Self> {
        let Held(held) = resv;

        if count > MOST {
            return Err(ENOMEM);
        }
        if count > 0 {
            to_result(abi::dma_resv_reserve_fences(resv, count))?;
        }
        // INVARIANT: Reserved just above; the lock is held until after the slots are gone.
        Ok(Self::reserved(Held(held), count))
    }

    /// `resv` must have room for `left` more fences, which nobody else counts on.
    #[inline]
    pub(super) fn reserved(resv: Held<'a>, left: u32) -> Self {
        Self {
            resv: resv.0,
            left,
            _not_send: NotThreadSafe,
        }
    }

    /// Takes the room for one fence; `None` if all slots are used up.
    #[inline]
    pub fn take(&mut self) -> Option<Slot<'a>> {
        // INVARIANT: The new slot has what is not counted here any more.
        self.left = self.left.checked_sub(1)?;
        Some(Slot {
            resv: self.resv,
            _not_send: NotThreadSafe,
        })
    }

    /// Adds `fence`, or gives back `false` if all slots are used up. Cannot fail otherwise.
    ///
    /// As [`Slot::add`].
    #[inline]
    pub fn add(&mut self, fence: &LeafFence, usage: Usage) -> bool {
        self.take().map(|slot| slot.add(fence, usage)).is_some()
    }
}

/// Room for one fence in a locked [`Resv`].
///
/// # Invariants
///
/// The object is locked for `'a` and has room for one more fence than other slots stand for.
///
/// # Examples
///
/// See [`Resv`].
pub struct Slot<'a> {
    resv: &'a Resv,
    // As `Slots`.
    _not_send: NotThreadSafe,
}

impl Slot<'_> {
    /// Adds `fence`. Does not sleep.
    ///
    /// An earlier fence of the same context, or a signalled one, makes room for it. A container is
    /// [unwrapped](Fence::unwrap) before, and its fences are added one by one.
    #[inline]
    pub fn add(self, fence: &LeafFence, usage: Usage) {
        // SAFETY: By the type invariant; a fence takes one slot at most. The call takes a reference
        // of its own.
        unsafe { bindings::dma_resv_add_fence(self.resv.as_raw(), fence.as_raw(), usage.as_raw()) };
    }
}
