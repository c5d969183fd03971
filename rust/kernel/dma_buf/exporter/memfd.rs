// SPDX-License-Identifier: GPL-2.0

//! Pages of memory files (`memfd_create()`), pinned for the use of devices.
//!
//! C header: [`include/linux/memfd.h`](srctree/include/linux/memfd.h)

use super::run::PageRun;
use crate::{
    bindings,
    fs::LocalFile,
    interop::any_thread::AnyThread,
    page::PAGE_SHIFT,
    prelude::*, //
};
use core::{
    mem::take,
    ops::Range,
    slice, //
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
    /// Fails with `EBADFD` if `file` is something else. Sleeps.
    // What this calls is not exported to modules: it must not become part of one.
    #[inline(never)]
    pub fn lock(file: &'a LocalFile) -> Result<Self> {
        // SAFETY: The file is alive, and its inode does not change.
        let seals = unsafe {
            bindings::inode_lock_shared((*file.as_ptr()).f_inode);
            bindings::memfd_get_seals(file.as_ptr())
        };

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

/// The most references that a folio may have to be pinned once more. A pin of a page counts as a
/// thousand: user space, which may name a page as often as it likes, would have the counter
/// overflow. What lies between is for calls that are under way at once.
const MOST_REFERENCES: c_int = c_int::MAX / 2;

/// What one call has pinned, or several.
#[derive(Clone, Copy, Default)]
struct Part {
    /// How many pages of its first folio do not belong to it.
    offset: usize,
    /// How many pages do, of this folio and those that follow.
    count: usize,
    /// Whether all pages of all its folios do, and each folio is a page.
    simple: bool,
}

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
///   each beginning with a folio of its own. `size` is how many pages that makes.
pub struct PinnedPages {
    folios: KVVec<AnyThread<bindings::folio>>,
    parts: KVec<Part>,
    last: Part,
    size: usize,
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
            size: 0,
        })
    }

    /// Number of pages.
    #[inline]
    pub fn count(&self) -> usize {
        self.size
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
    pub fn pin(&mut self, memfd: &SealedMemfd<'_>, mut pages: Range<usize>) -> Result {
        if pages.is_empty() {
            return Err(EINVAL);
        }
        while !pages.is_empty() {
            pages.start += self.pin_some(memfd, &pages)?;
        }
        Ok(())
    }

    /// Appends the first of these pages, as many as take one call. Returns how many.
    fn pin_some(&mut self, memfd: &SealedMemfd<'_>, pages: &Range<usize>) -> Result<usize> {
        let end = bindings::loff_t::try_from(pages.end as u64)?
            .checked_mul(1 << PAGE_SHIFT)
            .ok_or(EINVAL)?;
        let start = (pages.start as bindings::loff_t) << PAGE_SHIFT;
        let mut count = pages.len();
        let mut offset = 0;

        // First what can fail: folios that are pinned must become part of something.
        self.size.checked_add(count).ok_or(EINVAL)?;
        if self.last.count != 0 {
            self.parts.reserve(1, GFP_KERNEL_ACCOUNT)?;
        }
        self.folios
            .reserve(count.min(MOST_AT_ONCE), GFP_KERNEL_ACCOUNT)?;
        let before = self.folios.len();
        let room = self.folios.spare_capacity_mut();
        let asked = room.len().min(count);

        // SAFETY: The file is alive, and there is room for as many folios as are asked for. As many
        // as it says were written behind the others, none of them NULL.
        // INVARIANT: Each of them was pinned.
        let got = unsafe {
            let got = bindings::memfd_pin_folios(
                memfd.file.as_ptr(),
                start,
                end - 1,
                room.as_mut_ptr().cast(),
                asked.try_into()?,
                &mut offset,
            );

            self.folios.inc_len(got.max(0) as usize);
            got
        };
        let got = match usize::try_from(got) {
            Ok(0) => return Err(EINVAL),
            Ok(got) => got,
            Err(_) => return Err(Error::from_errno(got as c_int)),
        };
        if self.folios.iter().skip(before).any(is_worn) {
            self.unpin_behind(before);
            return Err(ENOMEM);
        }

        let offset = offset >> PAGE_SHIFT;
        if got == asked && asked < count {
            // There was no room for more folios. These may hold fewer pages than wanted.
            let mut size = 0;
            for folio in self.folios.iter().rev().take(got) {
                size += pages_of(folio).count();
            }
            count = count.min(size.saturating_sub(offset));
        }
        // The last folio may be larger than what was wanted of it.
        let last_is_page = self
            .folios
            .last()
            .is_some_and(|folio| pages_of(folio).count() == 1);
        self.add(Part {
            offset,
            count,
            simple: offset == 0 && got == count && last_is_page,
        })?;
        Ok(count)
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

    /// Adds a part, whose folios are the last of `folios`.
    #[inline]
    fn add(&mut self, part: Part) -> Result {
        let size = self.size.checked_add(part.count).ok_or(EINVAL)?;

        // INVARIANT: The part begins in the first of its folios and ends in the last.
        if self.last.simple && part.simple {
            self.last.count += part.count;
        } else {
            if self.last.count != 0 {
                self.parts.push(self.last, GFP_KERNEL_ACCOUNT)?;
            }
            self.last = part;
        }
        self.size = size;
        Ok(())
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
        let mut runs = Runs {
            folios: self.folios.iter(),
            parts: self.parts.iter(),
            last: self.last,
            part: Part::default(),
        };

        runs.skip_pages(skip);
        runs
    }
}

impl Drop for PinnedPages {
    #[inline]
    fn drop(&mut self) {
        self.unpin_behind(0);
    }
}

/// Whether a folio has so many references that it should not have been pinned once more.
#[inline]
fn is_worn(folio: &AnyThread<bindings::folio>) -> bool {
    // SAFETY: The folio is pinned.
    unsafe { bindings::folio_ref_count(folio.as_ptr()) > MOST_REFERENCES }
}

/// All pages of a folio that is pinned as long as it is borrowed.
#[inline]
fn pages_of(folio: &AnyThread<bindings::folio>) -> PageRun<'_> {
    // SAFETY: The folio is pinned. It begins with its first `struct page`, its pages are
    // contiguous, and while it is pinned nobody splits it.
    unsafe { PageRun::from_raw(folio.get().cast(), bindings::folio_nr_pages(folio.as_ptr())) }
}

/// Iterator over [`PinnedPages`], folio by folio.
#[derive(Clone)]
struct Runs<'a> {
    folios: slice::Iter<'a, AnyThread<bindings::folio>>,
    parts: slice::Iter<'a, Part>,
    /// The part that comes after `parts`.
    last: Part,
    /// What is left of the part that we are in.
    part: Part,
}

impl<'a> Runs<'a> {
    /// Begins with the next part if there is nothing left of this one. Returns whether there is
    /// something now.
    #[inline]
    fn is_in_part(&mut self) -> bool {
        if self.part.count == 0 {
            self.part = match self.parts.next() {
                Some(part) => *part,
                None => take(&mut self.last),
            };
        }
        self.part.count != 0
    }

    /// What the next folio has of this part.
    #[inline]
    fn peek(&self) -> Option<PageRun<'a>> {
        let run = pages_of(self.folios.as_slice().first()?).skip(self.part.offset)?;

        Some(run.truncate(self.part.count))
    }

    /// Leaves out the next `count` pages.
    #[inline]
    fn skip_pages(&mut self, mut count: usize) {
        while count != 0 && self.is_in_part() {
            if self.part.simple {
                let skipped = count.min(self.part.count);

                self.folios.nth(skipped - 1);
                self.part.count -= skipped;
                count -= skipped;
                continue;
            }
            let Some(run) = self.peek() else { return };

            if run.count() > count {
                self.part.offset += count;
                self.part.count -= count;
                return;
            }
            count -= run.count();
            self.next();
        }
    }
}

impl<'a> Iterator for Runs<'a> {
    type Item = PageRun<'a>;

    #[inline]
    fn next(&mut self) -> Option<PageRun<'a>> {
        if !self.is_in_part() {
            return None;
        }
        let run = self.peek()?;

        self.folios.next();
        self.part.offset = 0;
        self.part.count -= run.count();
        Some(run)
    }
}
