// SPDX-License-Identifier: GPL-2.0

//! A value that a module publishes to its own callbacks.

use super::{
    atomic::{
        Acquire,
        Atomic,
        Full,
        Relaxed, //
    },
    rcu, Arc, ArcBorrow,
};
use crate::prelude::*;
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::null_mut, //
};

/// A place in a `static` where a module leaves a value for callbacks that are given no data, such
/// as [`MiscDevice::open`](crate::miscdevice::MiscDevice::open).
///
/// A `static` is not dropped when its module goes: a value that is simply stored there is leaked.
/// This one belongs to a [`Publication`], which the module keeps among its own data.
///
/// # Examples
///
/// ```
/// use kernel::{prelude::*, sync::{Arc, Published}};
///
/// static NUMBER: Published<u32> = Published::new();
///
/// let publication = NUMBER.publish(Arc::new(42, GFP_KERNEL)?)?;
/// assert_eq!(NUMBER.get().map(|number| *number), Some(42));
/// // One at a time.
/// assert!(NUMBER.publish(Arc::new(43, GFP_KERNEL)?).is_err());
///
/// drop(publication);
/// assert!(NUMBER.get().is_none());
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// `value` is NULL, or the pointer of an [`Arc`] that a [`Publication`] of this object has. That
/// gives it up no earlier than an RCU grace period after `value` has become NULL.
pub struct Published<T> {
    value: Atomic<*mut T>,
    // Other threads get this through a shared reference.
    _p: PhantomData<Arc<T>>,
}

impl<T: Send + Sync> Published<T> {
    /// Nothing is published.
    pub const fn new() -> Self {
        // INVARIANT: NULL.
        Self {
            value: Atomic::new(null_mut()),
            _p: PhantomData,
        }
    }

    /// Publishes `value` until the result is dropped.
    ///
    /// Fails with `EBUSY` if there is a value already.
    #[inline(never)]
    pub fn publish(&'static self, value: Arc<T>) -> Result<Publication<T>> {
        let ptr = Arc::as_ptr(&value).cast_mut();

        // MODEL: published
        if self.value.cmpxchg(null_mut(), ptr, Full).is_err() {
            return Err(EBUSY);
        }
        // INVARIANT: Published just above.
        Ok(Publication { place: self, value })
    }

    /// What is published now, if anything is. Does not sleep.
    pub fn get(&self) -> Option<Arc<T>> {
        self.with(|value| value.into())
    }

    /// Shows `f`, which must not sleep, what is published now, if anything is. Its [`Publication`]
    /// is not dropped meanwhile.
    #[inline(always)]
    pub fn with<R>(&self, f: impl FnOnce(ArcBorrow<'_, T>) -> R) -> Option<R> {
        let _guard = rcu::read_lock();
        // MODEL: published
        let ptr = self.value.load(Acquire);

        if ptr.is_null() {
            return None;
        }
        // SAFETY: By the type invariant the count stays above zero until the read side ends.
        Some(f(unsafe { ArcBorrow::from_raw(ptr) }))
    }
}

impl<T: Send + Sync> Default for Published<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A value is published as long as this lives.
///
/// Dropping it sleeps. Those who got the value before that keep it.
///
/// # Invariants
///
/// The value at `place` is this one. It is dropped after it was taken away from there.
pub struct Publication<T: Send + Sync + 'static> {
    place: &'static Published<T>,
    value: Arc<T>,
}

impl<T: Send + Sync> Deref for Publication<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Send + Sync> Drop for Publication<T> {
    #[inline(never)]
    fn drop(&mut self) {
        // Only this object takes the value away: there is no other while it lives.
        // MODEL: published
        self.place.value.xchg(null_mut(), Relaxed);
        // Those who saw the pointer have a count of their own afterwards.
        rcu::synchronize_rcu();
    }
}
