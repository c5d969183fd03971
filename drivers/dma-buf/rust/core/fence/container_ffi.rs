// SPDX-License-Identifier: GPL-2.0

//! What C calls for arrays, for chains and to look into both.
//!
//! Each function is documented where it is declared, in
//! [`include/linux/dma-fence-array.h`](srctree/include/linux/dma-fence-array.h),
//! [`dma-fence-chain.h`](srctree/include/linux/dma-fence-chain.h) and
//! [`dma-fence-unwrap.h`](srctree/include/linux/dma-fence-unwrap.h). What [`super::ffi`] says holds
//! here too.

use super::{
    array::Array,
    chain::{
        self,
        Link, //
    },
    container::Container,
    ffi::{
        as_raw,
        get,
        into_raw, //
    },
    set,
    unwrap::{
        self,
        Cursor, //
    }, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings::{
        dma_fence,
        dma_fence_array,
        dma_fence_chain,
        dma_fence_unwrap, //
    },
    dma_buf::Fence,
    prelude::*,
    sync::aref::ARef, //
};

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_array_alloc(num_fences: c_int) -> *mut dma_fence_array {
    let count = usize::try_from(num_fences).map_err(Error::from);

    count
        .and_then(Array::allocate)
        .map_or(ptr::null_mut(), NonNull::as_ptr)
}

/// # Safety
///
/// As the module says; takes over the fences and the memory of both arguments.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_array_init(
    array: *mut dma_fence_array,
    num_fences: c_int,
    fences: *mut *mut dma_fence,
    context: u64,
    seqno: c_uint,
) {
    // SAFETY: The caller's guarantee.
    unsafe { Array::init(array, fences, num_fences as u32, context, seqno.into()) };
}

/// # Safety
///
/// As the module says; takes over the fences and the memory they are in if it does not fail.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_array_create(
    num_fences: c_int,
    fences: *mut *mut dma_fence,
    context: u64,
    seqno: c_uint,
) -> *mut dma_fence_array {
    // SAFETY: The caller's guarantee.
    unsafe {
        let array = dma_fence_array_alloc(num_fences);

        if !array.is_null() {
            dma_fence_array_init(array, num_fences, fences, context, seqno);
        }
        array
    }
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_match_context(
    fence: *mut dma_fence,
    context: u64,
) -> bool {
    // SAFETY: The caller's guarantee.
    let fence = unsafe { Fence::from_raw(fence) };

    match Array::of(fence) {
        Some(array) => array
            .fences()
            .iter()
            .all(|fence| fence.context() == context),
        None => fence.context() == context,
    }
}

/// # Safety
///
/// As the module says; `head` may be NULL.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_array_first(head: *mut dma_fence) -> *mut dma_fence {
    // SAFETY: The caller's guarantee.
    let head = unsafe { get(head) };

    match head.and_then(Array::of) {
        Some(array) => as_raw(array.fences().first().copied()),
        None => as_raw(head),
    }
}

/// # Safety
///
/// As the module says; `head` may be NULL.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_array_next(
    head: *mut dma_fence,
    index: c_uint,
) -> *mut dma_fence {
    // SAFETY: The caller's guarantee.
    let array = unsafe { get(head) }.and_then(Array::of);

    as_raw(array.and_then(|array| array.fences().get(index as usize).copied()))
}

/// # Safety
///
/// As the module says; takes over the references.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_chain_init(
    chain: *mut dma_fence_chain,
    prev: *mut dma_fence,
    fence: *mut dma_fence,
    seqno: u64,
) {
    // SAFETY: The caller's guarantee.
    unsafe {
        let fence = ARef::from_raw(NonNull::new_unchecked(fence.cast()));
        Link::init(chain, Fence::from_owned(prev), fence, seqno);
    }
}

/// # Safety
///
/// As the module says; takes over the reference. `fence` may be NULL.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_chain_walk(fence: *mut dma_fence) -> *mut dma_fence {
    // SAFETY: The caller's guarantee.
    into_raw(unsafe { Fence::from_owned(fence) }.and_then(chain::walk))
}

/// # Safety
///
/// As the module says; on success takes over the reference in `*pfence` and leaves another one.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_chain_find_seqno(
    pfence: *mut *mut dma_fence,
    seqno: u64,
) -> c_int {
    if seqno == 0 {
        return 0;
    }
    // SAFETY: The caller's guarantee.
    unsafe {
        if let Err(err) = chain::check_reaches(get(*pfence), seqno) {
            return err.to_errno();
        }
        *pfence = into_raw(Fence::from_owned(*pfence).and_then(|head| chain::find(head, seqno)));
    }
    0
}

/// # Safety
///
/// As the module says; `head` may be NULL.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_unwrap_first(
    head: *mut dma_fence,
    cursor: *mut dma_fence_unwrap,
) -> *mut dma_fence {
    // SAFETY: The caller's guarantee.
    as_raw(unsafe { Cursor::from_raw(cursor).first(get(head)) })
}

/// # Safety
///
/// As the module says; `dma_fence_unwrap_first()` has started `cursor`.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_unwrap_next(
    cursor: *mut dma_fence_unwrap,
) -> *mut dma_fence {
    // SAFETY: The caller's guarantee.
    as_raw(unsafe { Cursor::from_raw(cursor).next() })
}

/// # Safety
///
/// As the module says; each of the fences may be NULL.
#[export]
pub(crate) unsafe extern "C" fn __dma_fence_unwrap_merge(
    num_fences: usize,
    fences: *mut *mut dma_fence,
    _cursors: *mut dma_fence_unwrap,
) -> *mut dma_fence {
    // SAFETY: The caller's guarantee; a reference or none is a pointer or NULL.
    let fences = unsafe { core::slice::from_raw_parts(fences.cast(), num_fences) };

    into_raw(unwrap::merge(fences).ok())
}

/// # Safety
///
/// As the module says; drops the references that are not left.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_dedup_array(
    fences: *mut *mut dma_fence,
    num_fences: usize,
) -> usize {
    if num_fences == 0 {
        return 0;
    }
    // SAFETY: The caller's guarantee.
    unsafe { set::deduplicate(core::slice::from_raw_parts_mut(fences, num_fences)) }
}
