// SPDX-License-Identifier: GPL-2.0

//! Attachments: which devices use a buffer, and their mappings of it.

use super::{
    layout::{
        attachment::{
            AnyAttachment,
            Attached,
            Detached, //
        },
        locked::Locked,
        mapped::{
            Mapped,
            MappedTable, //
        }, //
    },
    trace, //
};
use crate::{
    page_hiding,
    resv::has_no_list, //
};
use kernel::{
    bindings::dma_data_direction,
    dma_buf::{
        DmaBuf,
        Usage, //
    },
    page::PAGE_SIZE,
    prelude::*,
    scatterlist::SGTable,
    task::might_sleep,
    types::ScopeGuard, //
};

/// Whether memory that can move has to be pinned for as long as it is mapped.
fn pins_on_map(attachment: &Locked<'_, AnyAttachment>) -> bool {
    attachment.exporter_moves() && !attachment.is_dynamic()
}

/// Makes the buffer accessible to the device. See `dma_buf_map_attachment()`.
///
/// Sleeps. On failure everything is as before.
#[inline(always)]
pub(super) fn map(
    attachment: &Locked<'_, AnyAttachment>,
    dir: dma_data_direction,
) -> Result<MappedTable> {
    might_sleep();

    let pinned = if pins_on_map(attachment) {
        let done = attachment.exporter_pin();

        done.inspect_err(|&err| warn_once(err == EBUSY))?;
        Some(ScopeGuard::new(|| attachment.exporter_unpin()))
    } else {
        None
    };

    let mapped = attachment.exporter_map(dir)?;

    let resv = attachment.buf().resv();
    if !attachment.is_dynamic() && !has_no_list(resv) {
        // The importer knows nothing of fences: let moves and clears come to an end first.
        resv.wait_interruptible(Usage::Kernel)?;
    }
    if cfg!(CONFIG_DMA_API_DEBUG) {
        check_alignment(mapped.table());
    }
    let table = page_hiding::hide(mapped)?;

    if let Some(pinned) = pinned {
        pinned.dismiss();
    }
    Ok(table)
}

/// If `is_out_of_reach`, the exporter has let the memory go where those who are attached cannot
/// reach it.
#[cold]
fn warn_once(is_out_of_reach: bool) {
    if is_out_of_reach {
        kernel::do_once_lite! {
            kernel::warn_on!(true);
        }
    }
}

/// Undoes [`map`] of the same attachment in the same direction. See `dma_buf_unmap_attachment()`.
///
/// Sleeps.
#[inline(always)]
pub(super) fn unmap(
    attachment: &Locked<'_, AnyAttachment>,
    table: MappedTable,
    dir: dma_data_direction,
) {
    might_sleep();

    drop(page_hiding::reveal(table).map(|table| Mapped::again(attachment, table, dir)));
    if pins_on_map(attachment) {
        attachment.exporter_unpin();
    }
}

/// Says which importer gets addresses that are no pages' of a machine that looks for such things.
fn check_alignment(table: &SGTable) {
    let odd = table.iter().find(|entry| {
        // The lowest bits are all that counts.
        let bits = entry.dma_address() as usize | entry.dma_len() as usize;

        bits & (PAGE_SIZE - 1) != 0
    });

    if let Some(entry) = odd {
        pr_debug!(
            "dma_buf_map_attachment: addr {:x} or len {:x} is not page aligned!\n",
            entry.dma_address(),
            entry.dma_len()
        );
    }
}

/// Attaches a device. See `dma_buf_dynamic_attach()`. May sleep.
///
/// Fails with what the exporter fails with.
pub(super) fn attach(buf: &DmaBuf, attachment: Detached) -> Result<Attached> {
    attachment.exporter_attach()?;

    let attached = Locked::with(buf, |locked| locked.attachments().insert(attachment));

    trace::attach(buf, &attached, attached.is_dynamic(), attached.dev());
    Ok(attached)
}

/// Detaches a device from its buffer `buf`. See `dma_buf_detach()`. May sleep.
pub(super) fn detach(buf: &DmaBuf, attached: Attached) {
    let attachment = Locked::with(buf, |locked| locked.attachments().remove(attached));

    attachment.tell_detach();
    trace::detach(buf, &attachment, attachment.is_dynamic(), attachment.dev());
}
