// SPDX-License-Identifier: GPL-2.0

//! Fences of drivers as what C keeps, in an [`XArray`](crate::xarray::XArray) for instance.

use super::{
    driver::DriverFence,
    head::Issued,
    inner::Inner,
    ops::FenceContextOps, //
};
use crate::{
    ffi::c_void,
    sync::aref::ARef,
    types::ForeignOwnable, //
};
use core::{
    mem::ManuallyDrop,
    ops::Deref,
    ptr::NonNull, //
};

/// A [`DriverFence`] that is somewhere else, for as long as it cannot be taken from there.
pub struct DriverFenceBorrow<'a, T: FenceContextOps>(ManuallyDrop<DriverFence<'a, T>>);

impl<'a, T: FenceContextOps> Deref for DriverFenceBorrow<'a, T> {
    type Target = DriverFence<'a, T>;

    #[inline]
    fn deref(&self) -> &DriverFence<'a, T> {
        &self.0
    }
}

// SAFETY: What is given away is the fence, which is the beginning of an `Inner<T>`.
unsafe impl<'a, T: FenceContextOps> ForeignOwnable for DriverFence<'a, T> {
    const FOREIGN_ALIGN: usize = align_of::<Inner<T>>();

    type Borrowed<'b>
        = DriverFenceBorrow<'b, T>
    where
        Self: 'b;
    type BorrowedMut<'b>
        = DriverFenceBorrow<'b, T>
    where
        Self: 'b;

    #[inline]
    fn into_foreign(self) -> *mut c_void {
        ARef::into_raw(self.into_issued().0).cast().as_ptr()
    }

    #[inline]
    unsafe fn from_foreign(ptr: *mut c_void) -> Self {
        // SAFETY: It comes from `into_foreign`, which has given up the only one, and so is not
        // NULL.
        unsafe {
            let fence = NonNull::new_unchecked(ptr.cast());
            Self::from_issued(Issued(ARef::from_raw(fence)))
        }
    }

    #[inline]
    unsafe fn borrow<'b>(ptr: *mut c_void) -> DriverFenceBorrow<'b, T>
    where
        Self: 'b,
    {
        // SAFETY: As there. Nobody takes the fence back for `'b`; what is made here is not dropped,
        // and only lent.
        DriverFenceBorrow(ManuallyDrop::new(unsafe { Self::from_foreign(ptr) }))
    }

    #[inline]
    unsafe fn borrow_mut<'b>(ptr: *mut c_void) -> DriverFenceBorrow<'b, T>
    where
        Self: 'b,
    {
        // SAFETY: By the caller's guarantee, which is the stronger one.
        unsafe { Self::borrow(ptr) }
    }
}
