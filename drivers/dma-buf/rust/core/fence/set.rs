// SPDX-License-Identifier: GPL-2.0

//! The latest fence of each context.

use core::{
    cmp::Ordering,
    mem::forget, //
};
use kernel::{
    bindings,
    dma_buf::Fence,
    prelude::*,
    sync::aref::ARef, //
};

/// Sorts `fences` by context and leaves of each only the latest, in front. Drops the references to
/// the others. Returns how many are left.
pub(super) fn deduplicate(fences: &mut [Option<ARef<Fence>>]) -> usize {
    let mut last = None;
    let is_in_order = fences.iter().all(|fence| {
        let context = fence.as_ref().map(|fence| fence.context());

        // Nothing comes before all that there is.
        core::mem::replace(&mut last, context) < context
    });
    if is_in_order {
        return fences.len();
    }

    // SAFETY: The slice is valid, and `compare` gets pointers to its elements. Rust's own sort
    // would be free to panic where sequence numbers have wrapped around and do not form an order.
    unsafe {
        bindings::sort(
            fences.as_mut_ptr().cast(),
            fences.len(),
            size_of::<Option<ARef<Fence>>>(),
            Some(compare),
            None,
        )
    };

    let mut left: usize = 0;
    let mut last = None;
    for i in 0..fences.len() {
        let Some(fence) = fences.get_mut(i).and_then(Option::take) else {
            continue;
        };
        let context = fence.context();

        match fences.get_mut(left) {
            Some(slot) if last != Some(context) => {
                // It is empty: what was there has been taken.
                forget(slot.replace(fence));
                left += 1;
                last = Some(context);
            }
            _ => drop(fence),
        }
    }
    left
}

/// By context, and the latest of a context first.
///
/// # Safety
///
/// Both must point to references, or none, to fences.
unsafe extern "C" fn compare(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: By this function's contract.
    let (Some(a), Some(b)) = (unsafe {
        (
            a.cast::<Option<&Fence>>().read(),
            b.cast::<Option<&Fence>>().read(),
        )
    }) else {
        return 0;
    };
    let order = a.context().cmp(&b.context()).then_with(|| {
        if a.is_later_than(b) == Some(true) {
            Ordering::Less
        } else if b.is_later_than(a) == Some(true) {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    });

    order as c_int
}
