// SPDX-License-Identifier: GPL-2.0

//! The mapping of a buffer into the kernel's address space, and how many use it.

use core::{
    cell::Cell,
    mem::offset_of, //
};
use kernel::{
    bindings::iosys_map,
    prelude::*, //
};

/// What `struct dma_buf` has of it. Guarded by the reservation object.
#[repr(C)]
pub(super) struct Vmapping {
    count: Cell<c_uint>,
    // A field of its own: padding would be copied to a new buffer, by a call.
    _gap: [u8; GAP],
    map: Cell<iosys_map>,
}

/// How many bytes lie between the two, if any do.
const GAP: usize = align_of::<iosys_map>() - size_of::<c_uint>();

/// What there is when there is no mapping.
// Zero to the last byte: not by fields, between which there are some that are in none.
pub(super) const UNMAPPED: iosys_map = pin_init::zeroed();

impl Vmapping {
    /// Where the mapping is.
    // For rustc 1.85 a constant without a name does not use others.
    #[allow(dead_code)]
    pub(super) const MAP: usize = offset_of!(Self, map);

    /// None.
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self {
            count: Cell::new(0),
            _gap: [0; GAP],
            map: Cell::new(UNMAPPED),
        }
    }

    #[inline(always)]
    pub(super) fn is_used(&self) -> bool {
        self.count.get() != 0
    }

    /// The mapping, or [`UNMAPPED`].
    #[inline(always)]
    pub(super) fn map(&self) -> iosys_map {
        self.map.get()
    }

    /// One more user. The first has `make` make the mapping; fails with what that fails with.
    #[inline(always)]
    pub(super) fn get(&self, make: impl FnOnce(&mut iosys_map) -> Result) -> Result {
        let users = self.count.get();

        if users == 0 {
            let mut map = UNMAPPED;

            make(&mut map)?;
            self.map.set(map);
        }
        self.count.set(users.checked_add(1).ok_or(EOVERFLOW)?);
        Ok(())
    }

    /// Whether somebody uses the mapping, and it is `map`.
    #[inline(always)]
    pub(super) fn is(&self, map: &iosys_map) -> bool {
        self.is_used() && address(&self.map.get()) == address(map)
    }

    /// One user less, if there is one. After the last one `unmake` takes the mapping down.
    #[inline(always)]
    pub(super) fn put(&self, unmake: impl FnOnce()) {
        let Some(left) = self.count.get().checked_sub(1) else {
            return;
        };

        self.count.set(left);
        if left == 0 {
            unmake();
            self.map.set(UNMAPPED);
        }
    }
}

/// The address in `map`, of memory or of I/O memory.
#[inline(always)]
fn address(map: &iosys_map) -> (bool, *mut c_void) {
    // SAFETY: Both members are pointers in the same place.
    (map.is_iomem, unsafe { map.__bindgen_anon_1.vaddr })
}
