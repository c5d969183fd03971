// SPDX-License-Identifier: GPL-2.0

//! Memory made of pages, as its owner describes it.

use super::run::PageRun;
use crate::{
    module::ModuleMetadata,
    prelude::*,
    sync::atomic::Atomic, //
};

/// When the pages of a buffer enter the page tables of a process that maps it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum MmapMode {
    /// In `mmap()`.
    AtOnce,
    /// Each when it is touched. Only shared mappings are possible then: others get `EINVAL`. They
    /// count as I/O memory.
    OnFault,
    /// All that the process maps when the first is touched. Only shared mappings are possible
    /// then: others get `EINVAL`.
    OnFirstFault,
}

/// Memory made of pages, which can be exported as a buffer with [`DmaBuf::from_pages`].
///
/// The value owns the pages and frees them when it is dropped, after the last user is gone.
///
/// # Examples
///
/// ```
/// use kernel::{dma_buf::{AllocEffort, DmaBuf, PageBlock, PageRun, PageSource}, prelude::*};
/// use kernel::{fs::file::flags, sync::aref::ARef};
///
/// struct Block(PageBlock);
///
/// #[vtable]
/// impl PageSource for Block {
///     fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
///         core::iter::once(self.0.run())
///     }
/// }
///
/// fn export() -> Result<ARef<DmaBuf>> {
///     let block = PageBlock::alloc(2, AllocEffort::Required, false).ok_or(ENOMEM)?;
///     DmaBuf::from_pages(c"example", flags::O_RDWR, Block(block))
/// }
/// ```
///
/// [`DmaBuf::from_pages`]: crate::dma_buf::DmaBuf::from_pages
#[vtable]
pub trait PageSource: Sized + Send + Sync + 'static {
    /// The module whose code must stay while a buffer lives. Filled in by `#[vtable]`.
    type OwnerModule: ModuleMetadata;

    /// When pages are mapped into a process.
    const MMAP: MmapMode = MmapMode::AtOnce;

    /// Whether devices get runs that are neighbours in memory as one.
    const JOIN: bool = false;

    /// Whether it is an error, `EINVAL`, to end an access of the CPU when none has ever begun.
    const END_NEEDS_BEGIN: bool = false;

    /// Whether processes write to the memory without announcing it, by other ways than the buffer.
    ///
    /// What they write while a device has the memory mapped is then still there when it is
    /// unmapped. What the device has written is seen by the CPU after an access has begun, not
    /// because the device's mapping is undone: where there is a bounce buffer, that access has to
    /// begin before.
    const WRITTEN_BEHIND: bool = false;

    /// The pages, in the order of the buffer's contents. The same at each call: if they are not as
    /// many as [`count`](Self::count) has said, devices and the kernel cannot map the buffer, which
    /// is `EINVAL`.
    fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone;

    /// The pages that [`runs`](Self::runs) shows, without the first `skip` of them.
    ///
    /// Page faults and `mmap()` begin where they need to: implemented by memory that finds a page
    /// without looking at those before it.
    #[inline]
    fn runs_after(&self, mut skip: usize) -> impl Iterator<Item = PageRun<'_>> {
        self.runs().filter_map(move |run| {
            let rest = run.skip(skip);

            skip = skip.saturating_sub(run.count());
            rest
        })
    }

    /// Calls `f` on what [`runs_after`](Self::runs_after) shows, until it returns `false`.
    ///
    /// Page faults fill areas with it: implemented by memory whose runs are short.
    #[inline]
    fn all_runs_after<'a>(&'a self, skip: usize, f: impl FnMut(PageRun<'a>) -> bool) {
        self.runs_after(skip).all(f);
    }

    /// How many pages [`runs`](Self::runs) shows. Fails with `EINVAL` if they cannot be counted.
    #[inline]
    fn count(&self) -> Result<usize> {
        self.runs()
            .try_fold(0usize, |sum, run| sum.checked_add(run.count()))
            .ok_or(EINVAL)
    }

    /// Whether the pages are shared with the host of a confidential virtual machine.
    #[inline]
    fn decrypted(&self) -> bool {
        false
    }
}

/// Who is shown runs of pages.
// In place of the functions themselves, since those have a second body, to be called by value.
pub(super) trait Visitor<'a> {
    /// Returns whether to go on.
    fn see(&mut self, run: PageRun<'a>) -> bool;
}

impl<'a, F: FnMut(PageRun<'a>) -> bool> Visitor<'a> for F {
    fn see(&mut self, run: PageRun<'a>) -> bool {
        self(run)
    }
}

/// The exporter of a [`PageSource`], for code that there is once for all of them.
pub(super) trait Pages {
    /// Shows `visitor` the runs of pages, until it has enough.
    fn each<'a>(&'a self, visitor: &mut dyn Visitor<'a>);

    /// See [`PageSource::JOIN`].
    fn join(&self) -> bool;

    /// See [`PageSource::decrypted`].
    fn are_decrypted(&self) -> bool;

    /// Whether an importer has ever mapped the buffer twice at the same time. Guarded by the
    /// reservation object.
    fn several(&self) -> &Atomic<bool>;
}

impl dyn Pages + '_ {
    /// As [`each`](Self::each), where runs that are neighbours in memory are one if the source says
    /// so.
    #[inline(never)]
    pub(super) fn each_joined<'a>(&'a self, visitor: &mut dyn Visitor<'a>) {
        let mut last: Option<PageRun<'a>> = None;

        if !self.join() {
            return self.each(visitor);
        }
        self.each(&mut |run: PageRun<'a>| {
            let Some(before) = last.take() else {
                last = Some(run);
                return true;
            };

            if let Some(longer) = before.join(run) {
                last = Some(longer);
                return true;
            }
            let more = visitor.see(before);

            last = more.then_some(run);
            more
        });
        if let Some(run) = last {
            visitor.see(run);
        }
    }
}
