// SPDX-License-Identifier: GPL-2.0

//! What the owner of the lock does.

use super::{
    entry::Usage,
    iter::Unlocked,
    layout::Held,
    list::{
        self,
        ListBox,
        Locked,
        LockedMut, //
    }, //
};
use crate::fence::{
    self,
    wait::{
        self,
        Sleep, //
    }, //
};
use kernel::{
    bindings,
    dma_buf::{
        Fence,
        Resv, //
    },
    fs::show::print,
    prelude::*,
    seq_file::SeqFile,
    warn_on, //
};

/// So many, and the head of the list, are an allocation of less than 4 MiB, the largest there are.
const MOST: u32 = (1 << 19) - 16;

impl Held<'_> {
    /// Makes room for `count` more fences, up to the next unlock. Fails with `ENOMEM`, or with
    /// `EINVAL` if `count` is zero. Sleeps.
    pub(super) fn reserve(&mut self, count: u32) -> Result {
        if warn_on!(count == 0) {
            return Err(EINVAL);
        }

        let room = match Locked::of(self).filter(|list| list.limit() != 0) {
            Some(list) => {
                let wanted = list.len().checked_add(count).ok_or(ENOMEM)?;
                if wanted <= list.limit() {
                    return Ok(());
                }
                // What is done does not go over, and needs no room. Half of it is left for what
                // comes, so that this is not done each time, unless no allocation has that much.
                let pending = list.count_pending().saturating_add(count);
                let twice = pending.saturating_mul(2).min(MOST);
                list.limit().max(twice).max(pending)
            }
            None => count.checked_next_power_of_two().ok_or(ENOMEM)?.max(4),
        };
        let new = ListBox::new(room)?;

        list::move_to(self, new);
        Ok(())
    }

    /// Adds `new`, in the place of a fence that does not matter any more if there is one. There
    /// must be room, see [`reserve`](Self::reserve).
    pub(super) fn add(&mut self, new: &Fence, usage: Usage) {
        // Its fences should be added one by one.
        warn_on!(fence::is_container(new));

        let mut failures = 0u32;
        while !self.place(new, usage) {
            warn_on!(failures == 0);
            if !self.make_room(new, failures) {
                return;
            }
            failures = failures.wrapping_add(1).max(1);
        }
    }

    /// Adds `new` if there is room. Returns `false` if not.
    #[inline(always)]
    fn place(&mut self, new: &Fence, usage: Usage) -> bool {
        let Some(mut list) = LockedMut::of(self) else {
            return false;
        };

        let index = match list.get().find_obsolete(new, usage) {
            Some(index) => index,
            None if list.append(new, usage) => return true,
            None => match list.get().find_done() {
                Some(index) => index,
                None => return false,
            },
        };
        list.exchange(index, new, usage);
        true
    }

    /// Makes room for `new`, which has not been reserved, after so many failures. Sleeps only while
    /// memory is short. Returns `false` if `new` does not matter any more.
    ///
    /// To forget the fence would let others touch memory that is in use. To wait for it is no way
    /// out: its work may be what the caller is about to begin.
    #[cold]
    fn make_room(&mut self, new: &Fence, failures: u32) -> bool {
        let len = Locked::of(self).map_or(0, Locked::len);

        if failures != 0 {
            if new.is_done() {
                return false;
            }

            // The next one that is signalled makes room. Each is asked for that in its turn, since
            // the work of one of them, too, may be what the caller is about to begin.
            let turn = failures.checked_rem(len).unwrap_or(0);
            let entry = Locked::of(self).and_then(|list| list.entry(turn));
            let awaited = entry.map_or(new, |entry| entry.fence);
            let _ = wait::timeout(awaited, Sleep::new(false), 1);
        }

        // Not memory that is waited for: to get it others may wait for fences.
        let more = len.checked_add(1).map(ListBox::new_nowait);
        if let Some(Ok(list)) = more {
            list::move_to(self, list);
        }
        true
    }

    /// Puts `new` in the place of each fence of `context`.
    pub(super) fn replace(&mut self, context: u64, new: &Fence, usage: Usage) {
        let Some(mut list) = LockedMut::of(self) else {
            return;
        };

        for index in 0..list.get().len() {
            let old = list.get().entry(index);

            if old.is_some_and(|old| old.fence.context() == context) {
                list.exchange(index, new, usage);
            }
        }
    }

    /// Replaces all fences by those of `src` that are pending. Fails with `ENOMEM`. Sleeps.
    pub(super) fn copy_from(&mut self, src: &Resv) -> Result {
        let mut copy: Option<ListBox> = None;
        let mut cursor = Unlocked::new(src, bindings::dma_resv_usage_DMA_RESV_USAGE_BOOKKEEP);

        while let Some(fence) = cursor.take_next() {
            if cursor.is_restarted() {
                copy = None;
            }
            let list = match &mut copy {
                Some(list) => list,
                None => copy.insert(ListBox::new(cursor.len())?),
            };
            list.append(fence, cursor.fence_usage());
        }
        if cursor.is_restarted() {
            // There was a change at last, after which nothing is pending.
            copy = None;
        }

        list::replace(self, copy);
        Ok(())
    }

    /// Forgets what is reserved, to catch those who rely on it without having asked.
    #[cfg(CONFIG_DEBUG_MUTEXES)]
    pub(super) fn reset_limit(&mut self) {
        if let Some(mut list) = LockedMut::of(self) {
            let len = list.get().len();
            list.set_limit(len);
        }
    }

    /// Prints a line for each fence of usage "read" or more urgent.
    pub(super) fn describe(&mut self, m: &SeqFile) {
        // By usage.
        const LINES: [&CStr; 3] = [c"\tkernel fence:", c"\twrite fence:", c"\tread fence:"];

        for entry in Locked::of(self).into_iter().flat_map(Locked::entries) {
            if let Some(line) = LINES.get(entry.usage() as usize) {
                print(m, line);
                fence::describe(entry.fence, m);
            }
        }
    }
}
