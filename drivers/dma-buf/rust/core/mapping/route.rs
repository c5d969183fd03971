// SPDX-License-Identifier: GPL-2.0

//! The making of a table: the memory by the addresses that a device knows it by.

use super::layout::{
    dma::{
        Dma,
        Iova,
        Provider,
        Way, //
    },
    sg_table::OwnTable, //
};
use kernel::{
    bindings::{
        dma_addr_t,
        dma_data_direction,
        phys_addr_t,
        phys_vec, //
    },
    dma_buf::MAX_SG_ENTRY,
    prelude::*,
    types::ScopeGuard,
    warn_on, //
};

/// Cuts `len` bytes into pieces that fit an entry: where each starts, and how long it is.
#[inline]
fn split(len: usize) -> impl Iterator<Item = (usize, u32)> {
    (0..len)
        .step_by(MAX_SG_ENTRY)
        .map(move |at| (at, (len - at).min(MAX_SG_ENTRY) as u32))
}

/// The pieces of all `ranges`.
fn pieces(ranges: &[phys_vec]) -> impl Iterator<Item = (phys_addr_t, u32)> + '_ {
    ranges.iter().flat_map(|range| {
        split(range.len).map(|(at, len)| (range.paddr.wrapping_add(at as phys_addr_t), len))
    })
}

/// What has been set up for a table's device.
enum Kind {
    /// Nothing: it uses bus addresses.
    Bus,
    /// Addresses that each piece is mapped to, one by one. The first `mapped` entries are.
    Pieces { mapped: usize },
    /// A stretch of addresses for all ranges, one after the other.
    Iova(Iova),
}

/// How a device gets at the memory that its table says.
///
/// # Invariants
///
/// Of [`Kind::Pieces`], the first `mapped` entries of the table that this belongs to hold what
/// `dma` has mapped.
pub(super) struct Route {
    dma: Dma,
    kind: Kind,
}

impl Route {
    pub(super) fn dir(&self) -> dma_data_direction {
        self.dma.dir
    }
}

/// Sets up `ranges` of the memory of `provider`, `size` bytes in all, for `dma`.
///
/// Fails with `EINVAL` if there is nothing to set up, the device cannot get there or `size` is
/// wrong, with `ENOMEM`, or with what the DMA API fails with. Sleeps.
pub(super) fn set_up(
    dma: Dma,
    provider: &Provider,
    ranges: &[phys_vec],
    size: usize,
) -> Result<OwnTable<Route>> {
    // The addresses reserved for the ranges would be too few, or more than are freed again.
    let mut lengths = ranges.iter().map(|range| range.len);
    if warn_on!(lengths.try_fold(0usize, usize::checked_add) != Some(size)) {
        return Err(EINVAL);
    }
    let kind = match provider.way_from(&dma)? {
        Way::Bus => Kind::Bus,
        Way::HostBridge => match dma.reserve(size) {
            Some(iova) => Kind::Iova(iova),
            None => Kind::Pieces { mapped: 0 },
        },
    };
    let entries = match kind {
        Kind::Iova(_) => size.div_ceil(MAX_SG_ENTRY),
        _ => ranges
            .iter()
            .map(|range| range.len.div_ceil(MAX_SG_ENTRY))
            .sum(),
    };

    // INVARIANT: Nothing is mapped.
    let mut table = ScopeGuard::new_with_data(OwnTable::new(Route { dma, kind })?, take_down);
    table.alloc(u32::try_from(entries).map_err(|_| EINVAL)?)?;
    table.disown_pages();

    let (mut writer, route) = table.write();
    match &mut route.kind {
        Kind::Bus => {
            for (paddr, len) in pieces(ranges) {
                writer.put(provider.bus_address(paddr), len);
            }
        }
        Kind::Pieces { mapped } => {
            for (paddr, len) in pieces(ranges) {
                // INVARIANT: There is an entry for each piece.
                writer.put(dma.map(paddr, len)?, len);
                *mapped += 1;
            }
        }
        Kind::Iova(iova) => {
            for range in ranges.iter().filter(|range| range.len != 0) {
                iova.link(range)?;
            }
            let (addr, linked) = iova.sync()?;
            for (at, len) in split(linked) {
                writer.put(addr.wrapping_add(at as dma_addr_t), len);
            }
        }
    }
    Ok(table.dismiss())
}

/// Takes down what is set up, be it all or a part, and frees the table.
pub(super) fn take_down(mut table: OwnTable<Route>) {
    let (entries, route) = table.read();

    if let Kind::Pieces { mapped } = route.kind {
        for entry in entries.take(mapped) {
            // SAFETY: By the invariant of `Route`, and the table goes.
            unsafe {
                route
                    .dma
                    .unmap(entry.dma_address(), entry.dma_len() as usize)
            };
        }
    }
}
