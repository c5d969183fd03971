// SPDX-License-Identifier: GPL-2.0

//! Pages of memory files (`memfd_create()`), pinned for the use of devices.
//!
//! C header: [`include/linux/memfd.h`](srctree/include/linux/memfd.h)

use super::run::PageRun;
use crate::{
    bindings,
    error::to_result,
    fs::LocalFile,
    interop::any_thread::AnyThread,
    page::PAGE_SHIFT,
    prelude::*, //
};
use core::ops::Range;

mod runs;

use self::runs::{
    pages_of,
    Part,
    Runs, //
};

/// Seals of a memory file, as bits: what nobody can do to the file any more.
pub mod seal {
    use crate::bindings;

    /// Make the file smaller.
    pub const SHRINK: u32 = bindings::F_SEAL_SHRINK;
    /// Change the contents.
    pub const WRITE: u32 = bindings::F_SEAL_WRITE;
    /// Change the contents, except through a mapping made before.
    pub const FUTURE_WRITE: u32 = bindings::F_SEAL_FUTURE_WRITE;
}

/// A memory file that no seals can be added to while this object lives.
///
/// # Invariants
///
/// The lock of the file's inode, which adding seals takes, is held for reading.
pub struct SealedMemfd<'a> {
    file: &'a LocalFile,
    seals: u32,
}

impl<'a> SealedMemfd<'a> {
    /// Locks a memory file.
    ///
    /// Fails with `EBADFD` if `file` is something else. Sleeps. A task must not lock the same file
    /// twice: if somebody wants to add a seal in between, all of them wait for ever.
    #[inline]
    pub fn lock(file: &'a LocalFile) -> Result<Self> {
        // SAFETY: The file is alive, and its inode does not change.
        unsafe { bindings::inode_lock_shared((*file.as_ptr()).f_inode) };

        let seals = seals_of(file);
        // INVARIANT: Locked just above.
        let memfd = Self {
            file,
            seals: seals as u32,
        };
        if seals < 0 {
            return Err(EBADFD);
        }
        Ok(memfd)
    }

    /// The file's seals, as bits of [`seal`].
    #[inline]
    pub fn seals(&self) -> u32 {
        self.seals
    }
}

/// The seals of `file`, or a negative number if it is no memory file.
// What this calls is not exported to modules: it must not become part of one.
#[inline(never)]
fn seals_of(file: &LocalFile) -> c_int {
    // SAFETY: The file is alive.
    unsafe { bindings::memfd_get_seals(file.as_ptr()) }
}

impl Drop for SealedMemfd<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant we hold the lock.
        unsafe { bindings::inode_unlock_shared((*self.file.as_ptr()).f_inode) };
    }
}

/// The most folios that room is made for before they are pinned: half a megabyte of pointers, or a
/// quarter.
const MOST_AT_ONCE: usize = 1 << 16;

/// The most pages that a file can have.
const MOST_PAGES: u64 = bindings::loff_t::MAX as u64 >> PAGE_SHIFT;

/// The most references that a folio may have to be pinned once more. A pin of a page counts as a
/// thousand: user space, which may name a page as often as it likes, would have the counter
/// overflow. What lies between is for calls that are under way at once.
const MOST_REFERENCES: c_int = c_int::MAX / 2;

/// Pages of memory files, pinned: they stay where they are until this object is dropped.
///
/// The files may be changed, cut short and closed meanwhile. A page may be in here many times.
///
/// # Examples
///
/// ```
/// use kernel::{dma_buf::memfd::{seal, PinnedPages, SealedMemfd}, fs::LocalFile, prelude::*};
///
/// fn pin_first(fd: u32, count: usize) -> Result<PinnedPages> {
///     let file = LocalFile::fget(fd)?;
///     let memfd = SealedMemfd::lock(&file)?;
///     let mut pages = PinnedPages::with_capacity(count)?;
///
///     if memfd.seals() & seal::SHRINK == 0 {
///         return Err(EINVAL);
///     }
///     pages.pin(&memfd, 0..count)?;
///     Ok(pages)
/// }
/// ```
///
/// # Invariants
///
/// - `folios` are pinned, each once for every time it is in the list.
/// - `parts`, and then `last` unless it is empty, take up the first of `folios`, in this order,
///   each beginning with a folio of its own.
#[derive(Default)]
pub struct PinnedPages {
    folios: KVVec<AnyThread<bindings::folio>>,
    parts: KVec<Part>,
    last: Part,
}

impl PinnedPages {
    /// No pages yet, but room for so many. Fails with `ENOMEM`. May sleep.
    #[inline]
    pub fn with_capacity(pages: usize) -> Result<Self> {
        Ok(Self {
            // What user space can make long counts as its memory.
            folios: KVVec::with_capacity(pages.min(MOST_AT_ONCE), GFP_KERNEL_ACCOUNT)?,
            parts: KVec::new(),
            last: Part::default(),
        })
    }

    /// Number of pages.
    #[inline]
    pub fn count(&self) -> usize {
        self.parts
            .iter()
            .fold(self.last.count, |sum, part| sum.saturating_add(part.count))
    }

    /// Appends pages of a file, counted from its beginning.
    ///
    /// Pages that the file does not have in memory yet are allocated. Pages that cannot stay where
    /// they are, such as those of a CMA region, move elsewhere first.
    ///
    /// Fails with `EINVAL` if there are none in the range, or some are behind the end of the file,
    /// and with `ENOMEM`, also if one of them was pinned so often that its references could soon
    /// not be counted any more. Some may have been appended then. Sleeps.
    #[inline]
    pub fn pin(&mut self, memfd: &SealedMemfd<'_>, pages: Range<usize>) -> Result {
        if pages.is_empty() {
            return Err(EINVAL);
        }
        let count = pages.end.wrapping_sub(pages.start);

        self.pin_some(memfd.file, pages.start, count)
    }

    /// Appends `count` pages of a memory file without new seals, from `first` on, as
    /// [`pin`](Self::pin). There are some.
    // What is rare is somewhere else, so that this needs few registers.
    #[inline(never)]
    fn pin_some(&mut self, file: &LocalFile, first: usize, count: usize) -> Result {
        let (before, end) = (self.folios.len(), first.wrapping_add(count));
        let mut offset = 0;

        if self.folios.capacity().wrapping_sub(before) < count {
            return self.pin_in_parts(file, first, count);
        }
        if end as u64 > MOST_PAGES {
            return Err(EINVAL);
        }

        // SAFETY: The file is alive, and there is room for as many folios as are asked for. As many
        // as it says were written behind the others, none of them NULL.
        // INVARIANT: Each of them was pinned.
        let got = unsafe {
            let got = bindings::memfd_pin_folios(
                file.as_ptr(),
                (first as bindings::loff_t) << PAGE_SHIFT,
                ((end as bindings::loff_t) << PAGE_SHIFT).wrapping_sub(1),
                self.folios.as_mut_ptr().add(before).cast(),
                // CAST: No allocation has room for more.
                count as c_uint,
                &mut offset,
            );

            if got <= 0 {
                return Err(from_long(got));
            }
            self.folios.inc_len(got as usize);
            got as usize
        };
        let folios = self.folios.get(before..).unwrap_or_default();

        if offset != 0 || got != count || !self.last.simple || !are_pages(folios) {
            return self.add(offset >> PAGE_SHIFT, count, before);
        }
        // INVARIANT: The part ends in the last of its folios.
        self.last.count = self.last.count.wrapping_add(count);
        Ok(())
    }

    /// As [`pin_some`](Self::pin_some), after making room.
    #[cold]
    fn pin_in_parts(&mut self, file: &LocalFile, mut first: usize, mut count: usize) -> Result {
        first.checked_add(count).ok_or(EINVAL)?;
        while count != 0 {
            let some = count.min(MOST_AT_ONCE);

            self.folios.reserve(some, GFP_KERNEL_ACCOUNT)?;
            self.pin_some(file, first, some)?;
            first += some;
            count -= some;
        }
        Ok(())
    }

    /// Adds a part whose folios are those behind the first `before`, and [fills](fill) them.
    ///
    /// Fails with `ENOMEM`, also if one of them [is worn](is_worn), and then they are unpinned:
    /// they must become part of something.
    #[inline(never)]
    fn add(&mut self, offset: usize, count: usize, before: usize) -> Result {
        let folios = self.folios.get(before..).unwrap_or_default();

        fill(folios);

        let simple = offset == 0 && folios.len() == count && ends_with_page(folios);
        let is_kept = !folios.iter().any(is_worn)
            && (self.last.count == 0 || self.parts.push(self.last, GFP_KERNEL_ACCOUNT).is_ok());

        if !is_kept {
            self.unpin_behind(before);
            return Err(ENOMEM);
        }
        // INVARIANT: The part begins in the first of its folios and ends in the last.
        self.last = Part {
            offset,
            count,
            simple,
        };
        Ok(())
    }

    /// Unpins all but the first `keep` folios, which are part of nothing.
    #[inline]
    fn unpin_behind(&mut self, keep: usize) {
        for folio in self.folios.iter().skip(keep) {
            // `unpin_folios()` would look for neighbours that are the same folio, which costs more.
            //
            // SAFETY: By the type invariant; nobody looks at the folio any more.
            unsafe { bindings::unpin_folio(folio.as_ptr()) };
        }
        self.folios.truncate(keep);
    }

    /// The pages, in the order in which they were appended.
    #[inline]
    pub fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
        self.runs_after(0)
    }

    /// Those pages, without the first `skip` of them.
    ///
    /// Looks at no folio before, but for those of files that have folios of many pages.
    #[inline]
    pub fn runs_after(&self, skip: usize) -> impl Iterator<Item = PageRun<'_>> + Clone {
        self.behind(skip)
    }

    /// Calls `f` on what [`runs_after`](Self::runs_after) shows, until it returns `false`. Faster
    /// than that where most folios are single pages.
    #[inline]
    pub fn all_runs_after<'a>(&'a self, skip: usize, f: impl FnMut(PageRun<'a>) -> bool) {
        self.behind(skip).each_until(f);
    }

    #[inline(always)]
    fn behind(&self, skip: usize) -> Runs<'_> {
        Runs::new(&self.folios, &self.parts, self.last, skip)
    }
}

impl Drop for PinnedPages {
    #[inline]
    fn drop(&mut self) {
        self.unpin_behind(0);
    }
}

/// Whether what is in a folio is the file's.
///
/// It is not where the file has got the folio from `fallocate()` and has shown it to nobody yet:
/// that is what others left there.
#[inline]
fn is_filled(folio: &AnyThread<bindings::folio>) -> bool {
    // MODEL: none, because the flag comes with its own barrier, and where it is not set it is
    // looked at again with the folio's lock.
    // SAFETY: The folio is pinned.
    unsafe { bindings::folio_test_uptodate(folio.as_ptr()) }
}

/// Zeroes those that are not [filled](is_filled). Sleeps.
#[inline]
fn fill(folios: &[AnyThread<bindings::folio>]) {
    for folio in folios.iter().filter(|folio| !is_filled(folio)) {
        // SAFETY: The folio is pinned. It is of a file in memory, which zeroes a folio with its
        // lock, too, when it has to show it first.
        unsafe { bindings::folio_fill(folio.as_ptr()) };
    }
}

/// What C says when it has pinned nothing.
#[cold]
fn from_long(err: c_long) -> Error {
    to_result(err as c_int).err().unwrap_or(EINVAL)
}

/// Whether folios of which a part has as many pages as they are themselves are single pages, all of
/// them [filled](is_filled) and none [worn](is_worn). Only the last may be larger than what was
/// wanted of it.
#[inline(always)]
fn are_pages(folios: &[AnyThread<bindings::folio>]) -> bool {
    // One look at each, since there may be many.
    folios
        .iter()
        .all(|folio| is_filled(folio) && !is_worn(folio))
        && ends_with_page(folios)
}

/// Whether the last is a single page.
#[inline(always)]
fn ends_with_page(folios: &[AnyThread<bindings::folio>]) -> bool {
    folios
        .last()
        .is_some_and(|folio| pages_of(folio).count() == 1)
}

/// Whether a folio has so many references that it should not have been pinned once more.
#[inline]
fn is_worn(folio: &AnyThread<bindings::folio>) -> bool {
    // MODEL: none, because the limit is far from where the count overflows.
    // SAFETY: The folio is pinned.
    unsafe { bindings::folio_ref_count(folio.as_ptr()) > MOST_REFERENCES }
}
