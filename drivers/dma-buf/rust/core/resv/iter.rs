// SPDX-License-Identifier: GPL-2.0

//! Iteration over the fences of a reservation object.

use super::{
    entry::Usage,
    layout::Held,
    list::{
        ListRef,
        Locked, //
    }, //
};
use core::{
    mem,
    ptr, //
};
use kernel::{
    bindings::{
        dma_resv_iter,
        dma_resv_list, //
    },
    dma_buf::{
        Fence,
        Resv, //
    },
    prelude::*,
    same_layout,
    sync::{
        aref::ARef,
        rcu, //
    },
};

/// How a cursor knows its reservation object: what C has a pointer for.
pub(super) trait Object {}

impl Object for &Resv {}
impl Object for Held<'_> {}

/// A position among the fences of a reservation object: C's cursor.
///
/// Of what follows the fence, nothing is read before [`Self::first_unlocked`] or [`Self::first`]
/// has written it.
#[repr(C)]
pub(super) struct Cursor<O> {
    obj: O,
    usage: Usage,
    fence: Option<ARef<Fence>>,
    fence_usage: Usage,
    index: c_uint,
    /// Only compared.
    fences: *mut dma_resv_list,
    num_fences: c_uint,
    is_restarted: bool,
}

same_layout!(
    Cursor<&Resv>,
    dma_resv_iter,
    usage,
    fence,
    fence_usage,
    index,
    fences,
    num_fences,
    is_restarted
);
const _: () = assert!(size_of::<Option<ARef<Fence>>>() == size_of::<*mut Fence>());

impl Cursor<&Resv> {
    /// Goes to the first pending fence.
    pub(super) fn first_unlocked(&mut self) -> Option<&Fence> {
        self.go_on(true)
    }

    /// Goes to the next pending fence, or to the first one if the list is another one by now.
    pub(super) fn next_unlocked(&mut self) -> Option<&Fence> {
        self.is_restarted = false;
        self.go_on(false)
    }

    fn go_on(&mut self, mut restart: bool) -> Option<&Fence> {
        let rcu = rcu::read_lock();

        loop {
            self.fence = None;

            let list = ListRef::read(self.obj, &rcu);
            let id = list.map_or(ptr::null_mut(), ListRef::id);
            if restart || !ptr::eq(id, self.fences) {
                self.index = 0;
                self.num_fences = list.map_or(0, ListRef::len);
                self.fences = id;
                self.is_restarted = true;
            }
            restart = !list.is_none_or(|list| self.walk(list, &rcu));

            // Another list may have come while a fence was looked at. It has another address: RCU
            // keeps that of this one.
            if !restart && ListRef::read(self.obj, &rcu) == list {
                break;
            }
        }
        self.fence.as_deref()
    }

    /// Goes to the next pending fence in `list`, with a reference to it, or to the end. Returns
    /// `false` if the iteration has to begin anew.
    fn walk(&mut self, list: ListRef<'_>, rcu: &rcu::Guard) -> bool {
        while self.index < self.num_fences {
            let Some(entry) = list.entry(self.index) else {
                break;
            };

            if entry.usage() > self.usage {
                self.index += 1;
                continue;
            }
            let Some(fence) = entry.get(rcu) else {
                return false;
            };
            if list.entry(self.index) != Some(entry) {
                // What we have got may have been made after the entry was replaced.
                continue;
            }

            self.index += 1;
            if !fence.is_done() {
                self.fence_usage = entry.usage();
                self.fence = Some(fence);
                break;
            }
        }
        true
    }
}

impl Cursor<Held<'_>> {
    /// Goes to the first fence, pending or not.
    pub(super) fn first(&mut self) -> Option<&Fence> {
        self.index = 0;
        self.step(true)
    }

    /// Goes to the next fence, pending or not.
    pub(super) fn next(&mut self) -> Option<&Fence> {
        self.step(false)
    }

    fn step(&mut self, is_restarted: bool) -> Option<&Fence> {
        self.is_restarted = is_restarted;
        self.obj.assert();

        let list = Locked::of(&self.obj)?;
        loop {
            let entry = list.entry(self.index)?;

            self.index += 1;
            if entry.usage() <= self.usage {
                self.fence_usage = entry.usage();
                return Some(entry.fence);
            }
        }
    }
}

/// Iterates without the lock. Has a reference to the current fence.
pub(super) struct Unlocked<'a> {
    cursor: Cursor<&'a Resv>,
    started: bool,
}

impl<'a> Unlocked<'a> {
    /// For the fences of `usage` and of those that are more urgent.
    pub(super) fn new(resv: &'a Resv, usage: Usage) -> Self {
        Self {
            cursor: Cursor {
                obj: resv,
                usage,
                fence: None,
                fence_usage: 0,
                index: 0,
                fences: ptr::null_mut(),
                num_fences: 0,
                is_restarted: false,
            },
            started: false,
        }
    }

    /// The next pending fence, or again the first one if the object has changed.
    pub(super) fn next_unlocked(&mut self) -> Option<&Fence> {
        if mem::replace(&mut self.started, true) {
            self.cursor.next_unlocked()
        } else {
            self.cursor.first_unlocked()
        }
    }

    /// Whether the current fence is the first of all.
    pub(super) fn is_restarted(&self) -> bool {
        self.cursor.is_restarted
    }

    /// What the current fence stands for.
    pub(super) fn fence_usage(&self) -> Usage {
        self.cursor.fence_usage
    }

    /// How many fences are left to look at, at most, counted from the first.
    pub(super) fn len(&self) -> u32 {
        self.cursor.num_fences
    }
}
