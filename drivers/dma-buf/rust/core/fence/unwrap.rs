// SPDX-License-Identifier: GPL-2.0

//! Looking into containers, and merging what is in them.
//!
//! C header: [`include/linux/dma-fence-unwrap.h`](srctree/include/linux/dma-fence-unwrap.h)

use super::{
    array::{
        self,
        Array, //
    },
    chain,
    container::Container,
    set::FenceSet,
    stub,
    Time, //
};
use core::ptr;
use kernel::{
    bindings,
    dma_buf::Fence,
    prelude::*,
    sync::aref::ARef,
    time::hrtimer::HrTimerExpires, //
};

/// A position in a chain of arrays, or in anything less.
///
/// # Invariants
///
/// `chain` is NULL or owns a reference. `array` is NULL, or the fence contained in `chain`.
#[repr(transparent)]
#[derive(Default)]
pub(crate) struct Cursor(bindings::dma_fence_unwrap);

impl Cursor {
    /// The cursor behind a C pointer, which [`first`](Self::first) makes valid.
    ///
    /// # Safety
    ///
    /// `cursor` must be valid for `'a`. It need not be initialised if `first` is called first.
    pub(crate) unsafe fn from_raw<'a>(cursor: *mut bindings::dma_fence_unwrap) -> &'a mut Self {
        // SAFETY: By the caller's guarantee; `Cursor` is transparent.
        unsafe { &mut *cursor.cast() }
    }

    /// Goes to the first fence in `head`, and forgets where it has been.
    pub(crate) fn first(&mut self, head: Option<&Fence>) -> Option<&Fence> {
        self.enter(head.map(ARef::from))
    }

    /// Goes to the next fence.
    pub(crate) fn next(&mut self) -> Option<&Fence> {
        let next = self.0.index + 1;
        self.0.index = next;

        // The borrow of what is returned must not outlive this branch.
        if let Some(fence) = self.at(next) {
            let fence = fence.as_raw();
            // SAFETY: The array keeps its fences, and `chain` the array until the next step.
            return Some(unsafe { Fence::from_raw(fence) });
        }

        // SAFETY: By the type invariant the reference is ours.
        let chain = unsafe { Fence::from_owned(self.0.chain) };
        self.enter(chain.and_then(chain::walk))
    }

    /// Steps on to `link`.
    fn enter(&mut self, link: Option<ARef<Fence>>) -> Option<&Fence> {
        self.0.index = 0;
        let Some(link) = link else {
            self.0.chain = ptr::null_mut();
            self.0.array = ptr::null_mut();
            return None;
        };

        // INVARIANT: The reference goes over to the cursor.
        self.0.array = chain::contained(&link).as_raw();
        self.0.chain = ARef::into_raw(link).cast().as_ptr();

        // SAFETY: `chain` keeps it until the next step.
        let contained = unsafe { Fence::from_raw(self.0.array) };
        match Array::of(contained) {
            Some(array) => array.fences().first().copied(),
            None => Some(contained),
        }
    }

    /// The fence at `index` of the array that the cursor is in.
    fn at(&self, index: u32) -> Option<&Fence> {
        if self.0.array.is_null() {
            return None;
        }
        // SAFETY: By the type invariant `chain` keeps it.
        let contained = unsafe { Fence::from_raw(self.0.array) };

        Array::of(contained)?.fences().get(index as usize).copied()
    }
}

/// Calls `f` with each fence in `head`.
pub(crate) fn for_each(head: &Fence, mut f: impl FnMut(&Fence) -> Result) -> Result {
    struct Owned(Cursor);

    impl Drop for Owned {
        fn drop(&mut self) {
            // SAFETY: By the invariant of `Cursor`.
            drop(unsafe { Fence::from_owned(self.0 .0.chain) });
        }
    }

    let mut cursor = Owned(Cursor::default());
    let mut next = cursor.0.first(Some(head));
    while let Some(fence) = next {
        f(fence)?;
        next = cursor.0.next();
    }
    Ok(())
}

/// The pending ones among the fences in `heads`, and when the last of the others was signalled.
struct Pending {
    count: usize,
    only: Option<ARef<Fence>>,
    last_signaled: Time,
}

impl Pending {
    /// Calls `f` with each pending fence. Fails if `f` does.
    fn visit(
        &mut self,
        heads: &[Option<&Fence>],
        mut f: impl FnMut(&mut Self, &Fence) -> Result,
    ) -> Result {
        for head in heads.iter().flatten() {
            for_each(head, |fence| {
                if !fence.is_done() {
                    return f(self, fence);
                }
                if let Some(time) = fence.timestamp() {
                    self.last_signaled = self.last_signaled.max(time.as_nanos());
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// One fence for all the fences in `heads`, without containers inside containers and with only the
/// latest of each context. If none is pending, a stub with the time of the last signal. Fails with
/// `ENOMEM`. May sleep.
pub(crate) fn merge(heads: &[Option<&Fence>]) -> Result<ARef<Fence>> {
    let mut pending = Pending {
        count: 0,
        only: None,
        last_signaled: 0,
    };

    pending.visit(heads, |pending, fence| {
        pending.count += 1;
        pending.only = (pending.count == 1).then(|| fence.into());
        Ok(())
    })?;
    match (pending.count, pending.only.take()) {
        (0, _) => return stub::new(pending.last_signaled),
        (_, Some(fence)) => return Ok(fence),
        _ => {}
    }

    let mut fences = FenceSet::with_capacity(pending.count)?;
    pending.visit(heads, |_, fence| fences.push(fence.into()))?;
    fences.deduplicate();

    match fences.len() {
        0 => stub::new(pending.last_signaled),
        1 => fences.pop().ok_or(EINVAL),
        _ => array::new(fences),
    }
}
