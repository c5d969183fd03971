// SPDX-License-Identifier: GPL-2.0

//! Keeps importers from peeking at the pages behind a mapping (`CONFIG_DMABUF_DEBUG`).
//!
//! An importer may use the DMA addresses of a table only: there may be no pages, and what there is
//! belongs to the exporter. With the option set importers get a copy of the table without pages.

use core::ptr::NonNull;
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// A table without pages, and the one that it stands for.
///
/// # Invariants
///
/// `visible` is an initialised `sg_table`, and `original` the exporter's.
#[repr(C)]
struct Hidden {
    visible: Opaque<bindings::sg_table>,
    original: NonNull<bindings::sg_table>,
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::sg_free_table(self.visible.get()) };
    }
}

/// The table that an importer shall see instead of `original`. Fails with `ENOMEM`. May sleep.
///
/// # Safety
///
/// `original` must be a mapped table that stays until it is [`reveal`]ed.
pub(crate) unsafe fn hide(
    original: NonNull<bindings::sg_table>,
) -> Result<NonNull<bindings::sg_table>> {
    if cfg!(not(CONFIG_DMABUF_DEBUG)) {
        return Ok(original);
    }

    // SAFETY: By the caller's guarantee.
    let (entries, mut from) = unsafe { ((*original.as_ptr()).nents, (*original.as_ptr()).sgl) };
    let hidden = KBox::new(
        // INVARIANT: A zeroed `sg_table` is an empty one.
        Hidden {
            visible: Opaque::zeroed(),
            original,
        },
        GFP_KERNEL,
    )?;

    // SAFETY: The table is ours and empty.
    to_result(unsafe {
        bindings::sg_alloc_table(hidden.visible.get(), entries, bindings::GFP_KERNEL)
    })?;

    // SAFETY: Both tables have `entries` entries. New entries are zeroed: they have no page.
    unsafe {
        let mut to = (*hidden.visible.get()).sgl;
        for _ in 0..entries {
            bindings::sg_copy_dma(to, from);
            (to, from) = (bindings::sg_next(to), bindings::sg_next(from));
        }
    }

    // The table is the first member of what we own.
    NonNull::new(KBox::into_raw(hidden).cast()).ok_or(ENOMEM)
}

/// The table that `table` stood for, which is freed.
///
/// # Safety
///
/// `table` must have come from [`hide`], and not be used again.
pub(crate) unsafe fn reveal(table: NonNull<bindings::sg_table>) -> NonNull<bindings::sg_table> {
    if cfg!(not(CONFIG_DMABUF_DEBUG)) {
        return table;
    }
    // SAFETY: With the option set, `hide` returns the first member of a `Hidden` in a box.
    unsafe { KBox::<Hidden>::from_raw(table.as_ptr().cast()) }.original
}
