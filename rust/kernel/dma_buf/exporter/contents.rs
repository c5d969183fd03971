// SPDX-License-Identifier: GPL-2.0

//! What is in pages, copied in and out.

use super::pages::{
    PageBlock,
    PageRun, //
};
use crate::{
    bindings,
    page::{
        PAGE_MASK,
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
};

impl PageRun<'_> {
    /// Copies what is in the pages now, from byte `offset` on, to `out`.
    ///
    /// Processes that have the pages mapped and devices may write to them at the same time, which
    /// is why there is no slice of them to be had: of what changes meanwhile, `out` has any mixture
    /// of old and new. Fails with `EINVAL`, and copies nothing, unless all of it lies in the run.
    /// Does not sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::dma_buf::{AllocEffort, PageBlock};
    ///
    /// let mut block = PageBlock::alloc(0, AllocEffort::Required, false).ok_or(ENOMEM)?;
    /// let mut text = [0xff; 6];
    ///
    /// block.write(10, b"hello")?;
    /// block.run().read(10, &mut text)?;
    /// assert_eq!(&text, b"hello\0");
    ///
    /// // No byte too far.
    /// assert_eq!(block.write(block.size() - 4, b"hello"), Err(EINVAL));
    /// assert_eq!(block.run().read(usize::MAX, &mut text), Err(EINVAL));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn read(&self, offset: usize, out: &mut [u8]) -> Result {
        self.for_each_part(offset, out.len(), |mapped, done, len| {
            // SAFETY: `for_each_part` divides the length of `out`, and lends mapped memory. Nothing
            // in Rust changes it meanwhile: `PageBlock::write` has its block for itself.
            unsafe { bindings::memcpy(out.as_mut_ptr().add(done).cast(), mapped.cast(), len) };
        })
    }

    /// Calls `copy` with the kernel address, the distance from `offset` and the length of each
    /// page's part of `len` bytes from `offset` on. The address is valid for this length, for the
    /// time of the call.
    #[inline]
    fn for_each_part(
        &self,
        offset: usize,
        len: usize,
        mut copy: impl FnMut(*mut u8, usize, usize),
    ) -> Result {
        if offset.checked_add(len).is_none_or(|end| end > self.size()) {
            return Err(EINVAL);
        }

        let mut done = 0;
        while done < len {
            let at = offset + done;
            let start = at & !PAGE_MASK;
            let part = (PAGE_SIZE - start).min(len - done);
            let page = self.page(at >> PAGE_SHIFT).ok_or(EINVAL)?;

            // SAFETY: The page is memory that the run's owner keeps. Unmapped again by this task,
            // in reverse order.
            unsafe {
                let mapped = bindings::kmap_local_page(page).cast::<u8>();

                copy(mapped.add(start), done, part);
                bindings::kunmap_local(mapped.cast());
            }
            done += part;
        }
        Ok(())
    }
}

impl PageBlock {
    /// Copies `data` into the pages, to byte `offset` and what follows.
    ///
    /// For memory that nobody else has seen yet: once the block is exported, nobody has it
    /// mutably. Fails with `EINVAL`, and copies nothing, unless all of it fits. Does not sleep.
    #[inline]
    pub fn write(&mut self, offset: usize, data: &[u8]) -> Result {
        self.run()
            .for_each_part(offset, data.len(), |mapped, done, len| {
                // SAFETY: `for_each_part` divides the length of `data`, and lends mapped memory,
                // which is only ours: no run of it is borrowed.
                unsafe { bindings::memcpy(mapped.cast(), data.as_ptr().add(done).cast(), len) };
            })
    }
}
