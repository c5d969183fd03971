// SPDX-License-Identifier: GPL-2.0

//! How the memory of an object lies.

use crate::{
    dma::DmaAddress,
    prelude::*,
    scatterlist::SGTable, //
};

/// Where `size` bytes begin that are one piece for the device that `table` is mapped for.
///
/// Fails with `EINVAL` if the table begins with less in one piece, however many entries that takes.
pub fn contiguous_address(table: &SGTable, size: usize) -> Result<DmaAddress> {
    let mut piece: Option<(DmaAddress, usize)> = None;

    for entry in table.iter() {
        let (address, len) = (entry.dma_address(), entry.dma_len());
        // CAST: An entry's length is an `unsigned int`.
        let len = len as usize;

        piece = match piece {
            None => Some((address, len)),
            // CAST: What is mapped lies within the addresses that there are.
            Some((start, before)) if start.wrapping_add(before as DmaAddress) == address => {
                Some((start, before.saturating_add(len)))
            }
            _ => break,
        };
    }
    match piece {
        Some((start, len)) if len >= size => Ok(start),
        _ => Err(EINVAL),
    }
}
