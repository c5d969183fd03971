// SPDX-License-Identifier: GPL-2.0

//! What arrays and chains have in common: the operations of fences that are made of others.

use super::{
    release::Dying,
    Ops,
    Time, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    bindings::dma_fence,
    dma_buf::Fence,
    prelude::*, //
};

/// A fence that is made of others.
pub(super) trait Container: Sized {
    /// What the fence says when it is asked for its driver.
    const DRIVER_NAME: &'static CStr;

    /// The container that `fence` is the base of, if it is one.
    fn of(fence: &Fence) -> Option<&Self>;

    /// Waits for the fences in the container. Returns `false` if none is pending. The container's
    /// lock may be held.
    fn arm(&self) -> bool;

    /// Whether none of the fences in the container is pending.
    fn is_signaled(&self) -> bool;

    /// Passes `deadline` on to the fences in the container.
    fn set_deadline(&self, deadline: Time);

    /// Drops everything that the container owns, and itself.
    ///
    /// # Safety
    ///
    /// `dying` must be the base of a container of this type.
    unsafe fn release(dying: Dying);
}

/// The operations of a container. They also tell it from other fences, so there must be only one
/// table for a type.
pub(super) const fn ops<T: Container>() -> Ops {
    Ops(bindings::dma_fence_ops {
        get_driver_name: Some(driver_name::<T>),
        get_timeline_name: Some(timeline_name),
        enable_signaling: Some(enable_signaling::<T>),
        signaled: Some(signaled::<T>),
        release: Some(release::<T>),
        set_deadline: Some(set_deadline::<T>),
        wait: None,
    })
}

/// # Safety
///
/// None; the signature is that of an operation.
unsafe extern "C" fn driver_name<T: Container>(_fence: *mut dma_fence) -> *const c_char {
    T::DRIVER_NAME.as_char_ptr()
}

/// # Safety
///
/// None; the signature is that of an operation.
unsafe extern "C" fn timeline_name(_fence: *mut dma_fence) -> *const c_char {
    c"unbound".as_char_ptr()
}

/// # Safety
///
/// Called for a container of this type, with its lock held.
unsafe extern "C" fn enable_signaling<T: Container>(fence: *mut dma_fence) -> bool {
    // SAFETY: By this function's contract.
    T::of(unsafe { Fence::from_raw(fence) }).is_some_and(T::arm)
}

/// # Safety
///
/// Called for a container of this type.
unsafe extern "C" fn signaled<T: Container>(fence: *mut dma_fence) -> bool {
    // SAFETY: By this function's contract.
    T::of(unsafe { Fence::from_raw(fence) }).is_some_and(T::is_signaled)
}

/// # Safety
///
/// Called for a container of this type.
unsafe extern "C" fn set_deadline<T: Container>(fence: *mut dma_fence, deadline: Time) {
    // SAFETY: By this function's contract.
    if let Some(container) = T::of(unsafe { Fence::from_raw(fence) }) {
        container.set_deadline(deadline);
    }
}

/// # Safety
///
/// Called for a container of this type whose last reference is gone.
unsafe extern "C" fn release<T: Container>(fence: *mut dma_fence) {
    // SAFETY: By this function's contract.
    unsafe { T::release(Dying::from_raw(NonNull::new_unchecked(fence))) };
}
