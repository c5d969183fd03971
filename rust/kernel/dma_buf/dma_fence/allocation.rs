// SPDX-License-Identifier: GPL-2.0

//! From memory to a fence.

use super::{
    driver::DriverFence,
    head::Issued,
    inner::Inner,
    ops::FenceContextOps,
    shared::Shared,
    table::Operations,
    timeline::{
        self,
        Outcome,
        Place, //
    },
};
use crate::{
    alloc::Flags,
    bindings,
    interop::module_ref::ModuleRef,
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
};

/// The memory of a [`DriverFence`], with the data in it.
///
/// Having it is all that can fail when a fence is made, so it is to be had before the point of no
/// return. See [`FenceContext::new_fence_allocation`](super::FenceContext::new_fence_allocation).
pub struct DriverFenceAllocation<'a, T: FenceContextOps> {
    inner: KBox<Inner<T>>,
    place: Place,
    context: PhantomData<&'a T>,
}

impl<'a, T: FenceContextOps> DriverFenceAllocation<'a, T> {
    #[inline]
    pub(super) fn new(
        shared: &'a Arc<Shared<T>>,
        data: T::FenceDataType,
        flags: Flags,
    ) -> Result<Self> {
        Ok(Self {
            inner: Inner::new(shared, data, flags)?,
            place: Place::new(flags)?,
            context: PhantomData,
        })
    }

    /// Makes the next fence of the context.
    ///
    /// If the module that `T` is in is about to be unloaded the fence is signalled with `ECANCELED`
    /// already. May be called in any context.
    #[inline]
    pub fn new_fence(self) -> DriverFence<'a, T> {
        match self.make(None) {
            Ok(fence) => fence,
            // Only a chosen number is refused.
            Err(this) => this.new_fence(),
        }
    }

    /// As [`new_fence`](Self::new_fence), with a number of the driver's choice.
    ///
    /// Gives the allocation back if the number is not later than those before it, or is more than
    /// [`i64::MAX`]: as many are left for those that follow.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::dma_buf::{FenceContext, FenceContextOps};
    ///
    /// struct Ring;
    ///
    /// impl FenceContextOps for Ring {
    ///     type FenceDataType = ();
    /// }
    ///
    /// let ring = KBox::pin_init(FenceContext::new(1, c"example", c"ring", Ring), GFP_KERNEL)?;
    /// let first = ring.new_fence_allocation(())?.new_fence_with_seqno(10).map_err(|_| EINVAL)?;
    /// let again = ring.new_fence_allocation(())?.new_fence_with_seqno(10);
    ///
    /// assert_eq!(first.as_fence().seqno(), 10);
    /// let second = again.err().ok_or(EINVAL)?.new_fence();
    /// assert_eq!(second.as_fence().seqno(), 11);
    /// first.signal(Ok(()));
    /// second.signal(Ok(()));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn new_fence_with_seqno(self, seqno: u64) -> Result<DriverFence<'a, T>, Self> {
        self.make(Some(seqno))
    }

    #[inline]
    fn make(mut self, seqno: Option<u64>) -> Result<DriverFence<'a, T>, Self> {
        // Where this is, there is the code that it names.
        let ops: &'static bindings::dma_fence_ops = &Operations::<T>::TABLE;
        // One for the owner, who calls the driver's code, and one for the fence's operations.
        let ours = ModuleRef::of(ptr::from_ref(ops).addr()).ok();
        let module = ours.as_ref().and_then(ModuleRef::again);
        let is_going = module.is_none();

        self.inner.owned.module = ours;
        let inner = NonNull::from(KBox::leak(self.inner));
        // SAFETY: The memory is ours, until there is a fence of which we have a reference. Nobody
        // else takes what is owned.
        let owned = unsafe { &(*inner.as_ptr()).owned };
        let timeline = &owned.shared.timeline;

        let made = timeline.append(self.place, module, seqno, |seqno| {
            // INVARIANT: This is the beginning of `inner`. By the owner's reference the names stay
            // until it is signalled; see `Names`.
            //
            // SAFETY: The memory is ours, and the rest of it is initialised. The first reference is
            // ours. The table stays until the fence forgets it: see `driver`.
            Issued(unsafe {
                bindings::dma_fence_init64(
                    inner.cast().as_ptr(),
                    ops,
                    ptr::null_mut(),
                    timeline.id(),
                    seqno,
                );
                ARef::from_raw(inner.cast())
            })
        });

        match made {
            Ok(fence) => {
                if is_going {
                    timeline::signal(&fence, Outcome::now(Err(ECANCELED)));
                }
                // SAFETY: This is the first one, of what was made above.
                Ok(unsafe { DriverFence::from_issued(fence) })
            }
            Err(place) => Err(Self {
                // SAFETY: There is no fence, and it was a box before.
                inner: unsafe { KBox::from_raw(inner.as_ptr()) },
                place,
                context: PhantomData,
            }),
        }
    }
}
