// SPDX-License-Identifier: GPL-2.0

//! What C calls for tables of physical addresses.
//!
//! They are declared in
//! [`include/linux/dma-buf-mapping.h`](srctree/include/linux/dma-buf-mapping.h). The caller holds
//! the reservation object.

use super::{
    layout::{
        dma::{
            Attached,
            Dma,
            Provider, //
        },
        sg_table::OwnTable, //
    },
    route::{
        self,
        Route, //
    }, //
};
use crate::buffer::{
    layout::attachment::Incomplete,
    lock::assert_locked, //
};
use core::{
    ptr::NonNull,
    slice, //
};
use kernel::{
    bindings::{
        dma_buf_attachment,
        dma_data_direction,
        p2pdma_provider,
        phys_vec,
        sg_table, //
    },
    interop::export::{
        AsC,
        Wrapper, //
    },
    prelude::*,
    warn_on, //
};

// SAFETY: Transparent.
unsafe impl Wrapper for Provider {
    type C = p2pdma_provider;
}

/// An attachment that stays attached until the table is freed; without a buffer it is none.
#[repr(transparent)]
struct MaybeAttached<'a>(Option<&'a Incomplete>);

/// As the type says.
// SAFETY: Transparent. A reference is a pointer, and for NULL there is `None`.
unsafe impl AsC for MaybeAttached<'_> {
    type C = *mut dma_buf_attachment;
}

impl<'a> MaybeAttached<'a> {
    #[inline(always)]
    fn get(self) -> Option<Attached<'a>> {
        // INVARIANT: As the type says.
        self.0.and_then(Incomplete::complete).map(Attached)
    }
}

kernel::exports! {
    /// Makes a table of the addresses by which the attached device reaches `phys_vec`, which are
    /// ranges of memory of `provider`, `nr_ranges` of them.
    ///
    /// The addresses and lengths are multiples of the page size, as those in `phys_vec` are. Fails
    /// with `EINVAL` if the device cannot get there, and as [`route::set_up`] does. Sleeps.
    fn dma_buf_phys_vec_to_sgt(
        attach: MaybeAttached<'_>,
        provider: Option<&Provider>,
        phys_vec: Option<NonNull<phys_vec>>,
        nr_ranges: usize,
        size: usize,
        dir: dma_data_direction,
    ) -> Result<NonNull<sg_table>> {
        let (Some(attach), Some(provider), Some(ranges)) = (attach.get(), provider, phys_vec) else {
            warn_on!(true);
            return Err(EINVAL);
        };
        // SAFETY: There are as many ranges.
        let ranges = unsafe { slice::from_raw_parts(ranges.as_ptr(), nr_ranges) };

        assert_locked(attach.0.buf());
        route::set_up(Dma::new(&attach, dir), provider, ranges, size).map(OwnTable::into_raw)
    }

    /// Takes down and frees a table that the other function made for the same attachment.
    fn dma_buf_free_sgt(attach: MaybeAttached<'_>, sgt: OwnTable<Route>, dir: dma_data_direction) {
        if let Some(attach) = attach.get() {
            assert_locked(attach.0.buf());
        }
        // It is taken down as it was set up, whatever the caller says.
        warn_on!(dir != sgt.owner().dir());
        route::take_down(sgt);
    }
}
