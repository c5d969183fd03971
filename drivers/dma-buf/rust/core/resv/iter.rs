// SPDX-License-Identifier: GPL-2.0

//! Iteration over the fences of a reservation object.

use super::{
    entry::Usage,
    layout::Held,
    list::{
        Entries,
        ListRef,
        Locked, //
    }, //
};
use crate::fence::{
    ask,
    put,
    put_here,
    Missed, //
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
pub(super) struct Cursor<O: Object> {
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

/// What there is from a place in a list on, and the place behind it.
enum Found {
    Pending(ARef<Fence>, Usage, u32),
    Nothing(u32),
    /// Something to be dropped, before looking on from there.
    Passed(ARef<Fence>, u32),
    /// The list has been replaced, or is about to.
    Change,
}

/// Looks for a pending fence of `usage` from `index` on. What is rare is left to the caller, who
/// has to drop fences anyway.
#[inline(always)]
fn find(entries: Entries<'_>, index: u32, usage: Usage, rcu: &rcu::Guard) -> Found {
    let mut index = index as usize;

    while let Some(entry) = entries.get(index) {
        if entry.usage() <= usage {
            // What is found may have been made after the entry was replaced.
            let is_still = || entries.get(index) == Some(entry);
            let next = (index + 1) as u32;

            match entry.get(rcu) {
                Ok(fence) if !is_still() => return Found::Passed(fence, index as u32),
                Ok(fence) if ask(&fence, rcu) => return Found::Passed(fence, next),
                Ok(fence) => return Found::Pending(fence, entry.usage(), next),
                Err(Missed::Signaled) if !is_still() => continue,
                Err(Missed::Signaled) => {}
                Err(Missed::Gone) => return Found::Change,
            }
        }
        index += 1;
    }
    Found::Nothing(index as u32)
}

/// Whether a fence of `usage` is pending.
pub(super) fn has_pending(resv: &Resv, usage: Usage) -> bool {
    let rcu = rcu::read_lock();
    let mut seen = None;
    let mut index = 0;

    while let Some(list) = ListRef::read(resv, &rcu) {
        if seen.replace(list) != Some(list) {
            index = 0;
        }
        match find(list.entries(u32::MAX), index, usage, &rcu) {
            Found::Passed(fence, next) => {
                put(fence);
                index = next;
            }
            Found::Change => index = 0,
            // Another list may have come, and another fence be where one of this was.
            _ if ListRef::read(resv, &rcu) != Some(list) => {}
            Found::Pending(..) => return true,
            Found::Nothing(_) => break,
        }
    }
    false
}

/// What no list is told by, nor that there is none.
const NO_LIST: *mut dma_resv_list = ptr::without_provenance_mut(2);

impl Cursor<&Resv> {
    /// Goes to the first pending fence.
    pub(super) fn first_unlocked(&mut self) -> Option<&Fence> {
        self.fences = NO_LIST;
        self.go_on()
    }

    /// Goes to the next pending fence, or to the first one if the list is another one by now.
    pub(super) fn next_unlocked(&mut self) -> Option<&Fence> {
        self.is_restarted = false;
        self.go_on()
    }

    fn go_on(&mut self) -> Option<&Fence> {
        let rcu = rcu::read_lock();

        loop {
            put_here(self.fence.take());

            let list = ListRef::read(self.obj, &rcu);
            let id = list.map_or(ptr::null_mut(), ListRef::id);

            if !ptr::eq(id, self.fences) {
                self.index = 0;
                self.num_fences = list.map_or(0, ListRef::len);
                self.fences = id;
                self.is_restarted = true;
            }
            let Some(list) = list else {
                break;
            };
            let entries = list.entries(self.num_fences);

            match find(entries, self.index, self.usage, &rcu) {
                Found::Pending(fence, usage, index) => {
                    self.fence = Some(fence);
                    self.fence_usage = usage;
                    self.index = index;
                }
                Found::Nothing(index) => self.index = index,
                Found::Passed(fence, index) => {
                    self.fence = Some(fence);
                    self.index = index;
                    continue;
                }
                Found::Change => {
                    self.fences = NO_LIST;
                    continue;
                }
            }

            // Another list may have come while a fence was looked at. It has another address: RCU
            // keeps that of this one.
            if ListRef::read(self.obj, &rcu) == Some(list) {
                break;
            }
        }
        self.fence.as_deref()
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

    #[inline(always)]
    fn step(&mut self, is_restarted: bool) -> Option<&Fence> {
        self.is_restarted = is_restarted;
        self.obj.assert();

        let list = Locked::of(&self.obj)?;
        let mut index = self.index;
        let mut found = None;

        while let Some(entry) = list.entry(index) {
            index = index.wrapping_add(1);
            if entry.usage() <= self.usage {
                self.fence_usage = entry.usage();
                found = Some(entry.fence);
                break;
            }
        }
        self.index = index;
        found
    }
}

impl Drop for Unlocked<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(fence) = self.cursor.fence.take() {
            put(fence);
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
    #[inline]
    pub(super) fn next_unlocked(&mut self) -> Option<&Fence> {
        if mem::replace(&mut self.started, true) {
            self.cursor.next_unlocked()
        } else {
            self.cursor.first_unlocked()
        }
    }

    /// As [`next_unlocked`](Self::next_unlocked), but gives the reference away.
    pub(super) fn take_next(&mut self) -> Option<ARef<Fence>> {
        self.next_unlocked()?;
        self.cursor.fence.take()
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
