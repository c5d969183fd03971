// SPDX-License-Identifier: GPL-2.0

//! What needs no lock.

use super::{
    entry::Usage,
    iter::{
        has_pending,
        Unlocked, //
    },
    layout, //
};
use crate::fence::{
    self,
    array,
    put,
    wait::{
        self,
        Sleep, //
    },
    FenceSet,
    Time, //
};
use core::ptr;
use kernel::{
    bindings::dma_fence,
    dma_buf::{
        Fence,
        Resv, //
    },
    prelude::*,
    sync::aref::ARef, //
};

/// The pending fences of `usage`. Fails with `ENOMEM`. May sleep.
pub(super) fn fences(resv: &Resv, usage: Usage) -> Result<FenceSet> {
    let mut fences = FenceSet::EMPTY;
    let mut cursor = Unlocked::new(resv, usage);

    while let Some(fence) = cursor.take_next() {
        if cursor.is_restarted() {
            // One more than there are, which some callers make use of.
            fences = FenceSet::with_capacity(cursor.len() as usize + 1)?;
        }
        fences.push(fence)?;
    }
    if cursor.is_restarted() {
        // There was a change at last, after which nothing is pending.
        fences = FenceSet::EMPTY;
    }
    Ok(fences)
}

/// As [`fences`], in C's way: besides the status the array, which is NULL if there are none, and
/// how many there are.
#[inline(always)]
pub(super) fn fences_as_c(resv: &Resv, usage: Usage) -> (Result, (*mut *mut dma_fence, usize)) {
    match fences(resv, usage) {
        Ok(found) if found.len() != 0 => (Ok(()), found.into_raw()),
        found => (found.map(drop), (ptr::null_mut(), 0)),
    }
}

/// One fence for the pending ones of `usage`; `None` if there are none. Fails with `ENOMEM`. May
/// sleep.
pub(super) fn singleton(resv: &Resv, usage: Usage) -> Result<Option<ARef<Fence>>> {
    let mut only = None;
    let mut fences = FenceSet::EMPTY;
    let mut cursor = Unlocked::new(resv, usage);

    while let Some(fence) = cursor.take_next() {
        if cursor.is_restarted() {
            fences = FenceSet::EMPTY;
            if let Some(old) = only.replace(fence) {
                put(old);
            }
            continue;
        }
        if let Some(first) = only.take() {
            // Only now is there a need for memory.
            fences = FenceSet::with_capacity(cursor.len() as usize)?;
            fences.push(first)?;
        }
        fences.push(fence)?;
    }
    if cursor.is_restarted() {
        // There was a change at last, after which nothing is pending.
        return Ok(None);
    }
    match only {
        None if fences.len() != 0 => array::new(fences).map(Some),
        only => Ok(only),
    }
}

/// Waits for the fences of `usage`. The result is that of [`wait`], but the whole timeout, or one,
/// if there was nothing to wait for.
pub(super) fn wait(resv: &Resv, usage: Usage, sleep: Sleep, timeout: c_long) -> Result<c_long> {
    let mut left = timeout;
    // Not checked: only a wait for a fence refuses what is negative.
    let mut result = if timeout == 0 { 1 } else { timeout };
    if layout::has_no_list(resv) {
        return Ok(result);
    }
    let mut cursor = Unlocked::new(resv, usage);

    while let Some(fence) = cursor.next_unlocked() {
        result = wait::timeout(fence, sleep, left)?;
        if result <= 0 {
            break;
        }
        // A wait for no time that succeeds says one, but leaves none.
        if timeout != 0 {
            left = result;
        }
    }
    Ok(result)
}

/// Passes `deadline` on to the pending fences of `usage`.
pub(super) fn set_deadline(resv: &Resv, usage: Usage, deadline: Time) {
    let mut cursor = Unlocked::new(resv, usage);

    while let Some(fence) = cursor.next_unlocked() {
        fence::set_deadline(fence, deadline);
    }
}

/// Whether none of the fences of `usage` is pending.
pub(super) fn is_signaled(resv: &Resv, usage: Usage) -> bool {
    !has_pending(resv, usage)
}
