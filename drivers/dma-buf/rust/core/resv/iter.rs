// SPDX-License-Identifier: GPL-2.0

//! Iteration over the fences of a reservation object.

use super::{
    list::{
        self,
        ListRef, //
    },
    Held,
    Usage, //
};
use crate::fence;
use core::{
    mem,
    ptr, //
};
use kernel::{
    bindings,
    dma_buf::{
        Fence,
        Resv, //
    },
    sync::{
        aref::ARef,
        rcu, //
    },
};

/// A position among the fences of a reservation object: C's cursor.
///
/// # Invariants
///
/// `obj` is valid. `fence` is NULL, or without the lock owns a reference. `fences` is only
/// compared.
#[repr(transparent)]
pub(crate) struct Cursor(bindings::dma_resv_iter);

impl Cursor {
    pub(super) fn resv(&self) -> &Resv {
        // SAFETY: By the type invariant.
        unsafe { Resv::from_raw(self.0.obj) }
    }

    fn drop_fence(&mut self) {
        let fence = mem::take(&mut self.0.fence);

        if !fence.is_null() {
            // SAFETY: By the type invariant the reference is ours.
            drop(unsafe { Fence::from_owned(fence) });
        }
    }

    /// Goes to the first pending fence.
    pub(super) fn first_unlocked(&mut self) -> Option<&Fence> {
        self.go_on(true)
    }

    /// Goes to the next pending fence, or to the first one if the list is another one by now.
    pub(super) fn next_unlocked(&mut self) -> Option<&Fence> {
        self.0.is_restarted = false;
        self.go_on(false)
    }

    fn go_on(&mut self, mut restart: bool) -> Option<&Fence> {
        let rcu = rcu::read_lock();

        loop {
            self.drop_fence();

            let list = list::of(self.resv()).load(&rcu);
            let id = list.map_or(ptr::null_mut(), ListRef::id);
            if restart || !ptr::eq(id, self.0.fences) {
                self.0.index = 0;
                self.0.num_fences = list.map_or(0, ListRef::len);
                self.0.fences = id;
                self.0.is_restarted = true;
            }
            restart = !list.is_none_or(|list| self.walk(list, &rcu));

            // Another list may have come while a fence was looked at. It has another address: RCU
            // keeps that of this one.
            if !restart && list::of(self.resv()).load(&rcu) == list {
                break;
            }
        }

        // SAFETY: By the type invariant the cursor has a reference.
        unsafe { self.0.fence.as_mut() }.map(|fence| unsafe { Fence::from_raw(fence) })
    }

    /// Goes to the next pending fence in `list`, with a reference to it, or to the end. Returns
    /// `false` if the iteration has to begin anew.
    fn walk(&mut self, list: ListRef<'_>, rcu: &rcu::Guard) -> bool {
        while self.0.index < self.0.num_fences {
            let Some(entry) = list.load(self.0.index) else {
                break;
            };

            if entry.usage() > self.0.usage {
                self.0.index += 1;
                continue;
            }
            // SAFETY: The entry had a reference to it, at a time when RCU was held.
            let Some(fence) = (unsafe { fence::get_unless_zero(entry.as_raw(), rcu) }) else {
                return false;
            };
            if list.load(self.0.index) != Some(entry) {
                // What we have got may have been made after the entry was replaced.
                continue;
            }

            self.0.index += 1;
            if !fence.is_signaled() {
                self.0.fence_usage = entry.usage();
                // INVARIANT: The reference goes over to the cursor.
                self.0.fence = ARef::into_raw(fence).cast().as_ptr();
                break;
            }
        }
        true
    }

    /// Goes to the first fence, pending or not.
    fn first<'a>(&mut self, held: &'a mut Held<'_>) -> Option<&'a Fence> {
        self.0.index = 0;
        let fence = self.next(held);
        self.0.is_restarted = true;
        fence
    }

    /// Goes to the next fence, pending or not.
    fn next<'a>(&mut self, held: &'a mut Held<'_>) -> Option<&'a Fence> {
        self.0.is_restarted = false;

        let list = held.list()?;
        loop {
            let entry = list.entry(self.0.index)?;

            self.0.index += 1;
            if entry.usage() <= self.0.usage {
                self.0.fence_usage = entry.usage();
                // SAFETY: The list keeps its reference for as long as the object is locked.
                return Some(unsafe { Fence::from_raw(entry.as_raw().as_ptr()) });
            }
        }
    }
}

/// A position among the fences of a reservation object that is locked.
pub(super) struct LockedCursor<'a> {
    cursor: &'a mut Cursor,
    held: Held<'a>,
}

impl<'a> LockedCursor<'a> {
    /// For `cursor`, which is one of `held`.
    pub(super) fn new(cursor: &'a mut Cursor, held: Held<'a>) -> Self {
        Self { cursor, held }
    }

    /// Goes to the first fence, pending or not.
    pub(super) fn first(&mut self) -> Option<&Fence> {
        self.cursor.first(&mut self.held)
    }

    /// Goes to the next fence, pending or not.
    pub(super) fn next(&mut self) -> Option<&Fence> {
        self.cursor.next(&mut self.held)
    }
}

/// Iterates without the lock. Has a reference to the current fence.
pub(crate) struct Unlocked<'a> {
    cursor: Cursor,
    started: bool,
    _resv: &'a Resv,
}

impl<'a> Unlocked<'a> {
    /// For the fences of `usage` and of those that are more urgent.
    pub(crate) fn new(resv: &'a Resv, usage: Usage) -> Self {
        Self {
            // INVARIANT: `resv` is valid for as long as the result.
            cursor: Cursor(bindings::dma_resv_iter {
                obj: resv.as_raw(),
                usage,
                ..pin_init::zeroed()
            }),
            started: false,
            _resv: resv,
        }
    }

    /// The next pending fence, or again the first one if the object has changed.
    pub(crate) fn next_unlocked(&mut self) -> Option<&Fence> {
        if mem::replace(&mut self.started, true) {
            self.cursor.next_unlocked()
        } else {
            self.cursor.first_unlocked()
        }
    }

    /// Whether the current fence is the first of all.
    pub(crate) fn is_restarted(&self) -> bool {
        self.cursor.0.is_restarted
    }

    /// What the current fence stands for.
    pub(crate) fn fence_usage(&self) -> Usage {
        self.cursor.0.fence_usage
    }

    /// How many fences are left to look at, at most, counted from the first.
    pub(crate) fn len(&self) -> u32 {
        self.cursor.0.num_fences
    }
}

impl Drop for Unlocked<'_> {
    fn drop(&mut self) {
        self.cursor.drop_fence();
    }
}
