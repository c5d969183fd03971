// SPDX-License-Identifier: GPL-2.0

//! The pages of memory files that are pinned, one run after the other.

use crate::{
    bindings,
    dma_buf::exporter::run::PageRun,
    interop::any_thread::AnyThread, //
};
use core::{
    mem::take,
    slice, //
};

/// What one call has pinned, or several.
#[derive(Clone, Copy, Default)]
pub(super) struct Part {
    /// How many pages of its first folio do not belong to it.
    pub(super) offset: usize,
    /// How many pages do, of this folio and those that follow.
    pub(super) count: usize,
    /// Whether all pages of all its folios do, and each folio is a page.
    pub(super) simple: bool,
}

/// All pages of a folio that is pinned as long as it is borrowed.
#[inline]
pub(super) fn pages_of(folio: &AnyThread<bindings::folio>) -> PageRun<'_> {
    some_pages_of(folio, false)
}

/// As [`pages_of`], but the first page alone where that `is_enough`.
#[inline(always)]
fn some_pages_of(folio: &AnyThread<bindings::folio>, is_enough: bool) -> PageRun<'_> {
    // SAFETY: The folio is pinned. It begins with its first `struct page`, its pages are
    // contiguous, and while it is pinned nobody splits it.
    unsafe {
        let count = if is_enough {
            1
        } else {
            bindings::folio_nr_pages(folio.as_ptr())
        };

        PageRun::from_raw(folio.get().cast(), count)
    }
}

/// Iterator over [`PinnedPages`](super::PinnedPages), folio by folio.
#[derive(Clone)]
pub(super) struct Runs<'a> {
    folios: slice::Iter<'a, AnyThread<bindings::folio>>,
    parts: slice::Iter<'a, Part>,
    /// The part that comes after `parts`.
    last: Part,
    /// What is left of the part that we are in.
    part: Part,
}

impl<'a> Runs<'a> {
    /// The pages of these parts, which take up these folios, but the first `skip` of them.
    #[inline]
    pub(super) fn new(
        folios: &'a [AnyThread<bindings::folio>],
        parts: &'a [Part],
        last: Part,
        skip: usize,
    ) -> Self {
        let mut runs = Self {
            folios: folios.iter(),
            parts: parts.iter(),
            last,
            part: Part::default(),
        };

        if skip != 0 {
            runs.skip_pages(skip);
        }
        runs
    }

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

    /// Leaves out the next `count` folios.
    #[inline]
    fn skip_folios(&mut self, count: usize) {
        let later = self.folios.as_slice().get(count..);

        self.folios = later.unwrap_or_default().iter();
    }

    /// Calls `f` on each until it returns `false`.
    #[inline(always)]
    pub(super) fn each_until(mut self, mut f: impl FnMut(PageRun<'a>) -> bool) {
        while self.is_in_part() {
            let going = if self.part.simple {
                let count = self.part.count;
                let Some(folios) = self.folios.as_slice().get(..count) else {
                    return;
                };
                let going = folios.iter().all(|folio| f(some_pages_of(folio, true)));

                // Not before, so that less has to be kept meanwhile.
                self.part = Part::default();
                self.skip_folios(count);
                going
            } else {
                self.next().is_some_and(&mut f)
            };

            if !going {
                return;
            }
        }
    }

    /// Leaves out the next `count` pages.
    // Once for all who look at pages that are not the first.
    #[inline(never)]
    fn skip_pages(&mut self, mut count: usize) {
        while count != 0 && self.is_in_part() {
            if self.part.simple {
                let skipped = count.min(self.part.count);

                self.skip_folios(skipped);
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
        if self.part.simple {
            self.part.count -= 1;
            return Some(some_pages_of(self.folios.next()?, true));
        }
        let run = self.peek()?;

        self.folios.next();
        self.part.offset = 0;
        self.part.count -= run.count();
        Some(run)
    }
}
