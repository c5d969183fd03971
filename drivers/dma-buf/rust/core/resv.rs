// SPDX-License-Identifier: GPL-2.0

//! Reservation objects.
//!
//! Implements what [`include/linux/dma-resv.h`](srctree/include/linux/dma-resv.h) declares.
//!
//! Writers hold the object's lock; readers hold it too, or RCU. Who may look at what, and until
//! when, is in [the documentation](srctree/Documentation/driver-api/dma-buf-rust.rst).
//!
//! A reader without the lock takes a reference to what an entry names, unless the last one is gone,
//! and then looks whether the entry still names it: only then is it the fence that was added, and
//! not another one that was made in the same memory.

use self::{
    iter::Unlocked,
    list::{
        ListBox,
        LockedEntry,
        LockedList, //
    }, //
};
use crate::fence::{
    self,
    array,
    set::FenceSet,
    wait::{
        self,
        Sleep, //
    },
    Time, //
};
use kernel::{
    bindings,
    dma_buf::{
        Fence,
        Resv, //
    },
    interop::export::Wrapper,
    prelude::*,
    seq_file::SeqFile,
    sync::aref::ARef,
    warn_on, //
};

mod abi;
mod entry;
mod iter;
mod list;
#[cfg(CONFIG_LOCKDEP)]
pub(crate) mod lockdep;

/// What a fence stands for, as C has it.
pub(crate) type Usage = bindings::dma_resv_usage;

/// A reservation object that is locked.
///
/// # Invariants
///
/// The current task holds the lock for as long as this exists.
pub(crate) struct Held<'a>(&'a Resv);

impl<'a> Held<'a> {
    /// # Safety
    ///
    /// The current task must hold the lock of `resv` for as long as the result exists.
    pub(crate) unsafe fn assume(resv: &'a Resv) -> Self {
        // SAFETY: The object is valid.
        unsafe { bindings::dma_resv_assert_held(resv.as_raw()) };
        // INVARIANT: By the caller's guarantee.
        Self(resv)
    }

    fn list(&mut self) -> Option<LockedList<'_>> {
        // SAFETY: By the type invariant, and `self` is borrowed while somebody has the list.
        unsafe { list::of(self.0).load_locked() }
    }

    /// Puts `new` in the place of the list.
    fn replace_list(&mut self, new: Option<ListBox>) -> Option<ListBox> {
        // SAFETY: By the type invariant, and nobody has the list while `self` is borrowed.
        unsafe { list::of(self.0).replace(new) }
    }

    /// Makes room for `count` more fences, up to the next unlock. Fails with `ENOMEM`, or with
    /// `EINVAL` if `count` is zero. Sleeps.
    pub(crate) fn reserve(&mut self, count: u32) -> Result {
        if warn_on!(count == 0) {
            return Err(EINVAL);
        }

        let old = self.list();
        let (len, limit) = old.as_ref().map_or((0, 0), |old| (old.len(), old.limit()));
        let wanted = len.checked_add(count).ok_or(ENOMEM)?;

        if limit != 0 && wanted <= limit {
            return Ok(());
        }
        let new = ListBox::new(if limit != 0 {
            wanted.max(limit.saturating_mul(2))
        } else {
            count.checked_next_power_of_two().ok_or(ENOMEM)?.max(4)
        })?;

        self.move_to(new);
        Ok(())
    }

    /// Puts `new`, which has room for more than there is, in the place of the list.
    fn move_to(&mut self, mut new: ListBox) {
        // The references go over to the new list. Those to signalled fences wait behind the others,
        // where no reader sees them.
        let mut signaled = new.capacity();
        for entry in self.list().iter().flat_map(LockedList::entries) {
            if entry.fence().is_signaled() {
                signaled -= 1;
                new.keep(signaled, *entry);
            } else {
                // SAFETY: The old list is freed without its references below.
                unsafe { new.adopt(*entry) };
            }
        }

        if let Some(old) = self.replace_list(Some(new)) {
            old.free_without_fences();
        }
        if let Some(mut new) = self.list() {
            // SAFETY: They were kept there just now.
            unsafe { new.drop_rest(signaled) };
        }
    }

    /// Adds `new`, in the place of a fence that does not matter any more if there is one. There
    /// must be room, see [`reserve`](Self::reserve).
    pub(crate) fn add(&mut self, new: &Fence, usage: Usage) {
        // Its fences should be added one by one.
        warn_on!(fence::is_container(new));

        if warn_on!(!self.place(new, usage)) {
            self.add_unreserved(new, usage);
        }
    }

    /// Adds `new` if there is room. Returns `false` if not.
    fn place(&mut self, new: &Fence, usage: Usage) -> bool {
        self.list().is_some_and(|mut list| {
            let obsolete = list
                .entries()
                .position(|old| old.is_superseded_by(new, usage));

            match obsolete {
                Some(index) => {
                    list.exchange(index as u32, new.into(), usage);
                    true
                }
                None => list.append(new, usage),
            }
        })
    }

    /// Adds `new` though there is no room for it. Sleeps only while memory is short.
    ///
    /// To forget the fence would let others touch memory that is in use. To wait for it is no way
    /// out: its work may be what the caller is about to begin.
    #[cold]
    fn add_unreserved(&mut self, new: &Fence, usage: Usage) {
        let mut turn = 0u32;

        loop {
            let len = self.list().map_or(0, |list| list.len());
            // Not memory that is waited for: to get it others may wait for fences.
            let more = len.checked_add(1).map(ListBox::new_nowait);
            if let Some(Ok(list)) = more {
                self.move_to(list);
            }
            if self.place(new, usage) || new.is_signaled() {
                return;
            }

            // The next one that is signalled makes room. Each is asked for that in its turn, since
            // the work of one of them, too, may be what the caller is about to begin.
            turn = turn.checked_add(1).filter(|&turn| turn < len).unwrap_or(0);
            let list = self.list();
            let entry = list.as_ref().and_then(|list| list.entry(turn));
            let awaited = entry.map_or(new, |entry| entry.fence());
            let _ = wait::timeout(awaited, Sleep::new(false), 1);
        }
    }

    /// Puts `new` in the place of each fence of `context`.
    pub(crate) fn replace(&mut self, context: u64, new: &Fence, usage: Usage) {
        let Some(mut list) = self.list() else { return };

        for index in 0..list.len() {
            let matches = |old: LockedEntry<'_>| old.fence().context() == context;

            if list.entry(index).is_some_and(matches) {
                list.exchange(index, new.into(), usage);
            }
        }
    }

    /// Replaces all fences by those of `src` that are pending. Fails with `ENOMEM`. Sleeps.
    pub(crate) fn copy_from(&mut self, src: &Resv) -> Result {
        let mut copy: Option<ListBox> = None;
        let mut cursor = Unlocked::new(src, bindings::dma_resv_usage_DMA_RESV_USAGE_BOOKKEEP);

        while let Some(fence) = cursor.next_unlocked() {
            let fence = ARef::from(fence);

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

        drop(self.replace_list(copy));
        Ok(())
    }

    /// Forgets what is reserved, to catch those who rely on it without having asked.
    #[cfg(CONFIG_DEBUG_MUTEXES)]
    fn reset_limit(&mut self) {
        if let Some(mut list) = self.list() {
            let len = list.len();
            list.set_limit(len);
        }
    }

    /// Prints a line for each fence of usage "read" or more urgent.
    fn describe(&mut self, m: &SeqFile) {
        const NAMES: [&CStr; 4] = [c"kernel", c"write", c"read", c"bookkeep"];

        for entry in self.list().iter().flat_map(LockedList::entries) {
            if entry.usage() > bindings::dma_resv_usage_DMA_RESV_USAGE_READ {
                continue;
            }
            let name = NAMES.get(entry.usage() as usize).copied().unwrap_or(c"");

            // SAFETY: The format gets what it asks for.
            unsafe { bindings::seq_printf(m.as_c(), c"\t%s fence:".as_char_ptr(), name.as_char_ptr()) };
            fence::describe(entry.fence(), m);
        }
    }
}

/// The pending fences of `usage`. Fails with `ENOMEM`. May sleep.
pub(crate) fn fences(resv: &Resv, usage: Usage) -> Result<FenceSet> {
    let mut fences = FenceSet::EMPTY;
    let mut cursor = Unlocked::new(resv, usage);

    while let Some(fence) = cursor.next_unlocked() {
        let fence = ARef::from(fence);

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

/// One fence for the pending ones of `usage`; `None` if there are none. Fails with `ENOMEM`. May
/// sleep.
pub(crate) fn singleton(resv: &Resv, usage: Usage) -> Result<Option<ARef<Fence>>> {
    let mut fences = fences(resv, usage)?;

    match fences.len() {
        0 | 1 => Ok(fences.pop()),
        _ => array::new(fences).map(Some),
    }
}

/// Waits for the fences of `usage`. The result is that of [`wait`], but the whole timeout, or one,
/// if there was nothing to wait for.
pub(crate) fn wait(resv: &Resv, usage: Usage, sleep: Sleep, timeout: c_long) -> Result<c_long> {
    let mut left = timeout;
    // Not checked: only a wait for a fence refuses what is negative.
    let mut result = if timeout == 0 { 1 } else { timeout };
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
pub(crate) fn set_deadline(resv: &Resv, usage: Usage, deadline: Time) {
    let mut cursor = Unlocked::new(resv, usage);

    while let Some(fence) = cursor.next_unlocked() {
        fence::set_deadline(fence, deadline);
    }
}

/// Whether none of the fences of `usage` is pending.
pub(crate) fn is_signaled(resv: &Resv, usage: Usage) -> bool {
    Unlocked::new(resv, usage).next_unlocked().is_none()
}
