// SPDX-License-Identifier: GPL-2.0

//! What was got with the reservation object held is not used when it is unlocked.

use kernel::{
    dma::DataDirection,
    dma_buf::importer::{
        Attachment,
        DynamicAttachment,
        DynamicImporter,
        KeepsBound, //
    },
    prelude::*,
};

fn addresses_of_memory_that_may_have_moved<D: KeepsBound + 'static, T: DynamicImporter>(
    attachment: &DynamicAttachment<D, T>,
) -> Result<usize> {
    let mut locked = attachment.lock();
    let table = locked.map(DataDirection::ToDevice)?;

    #[cfg(misuse)]
    drop(locked); //~ ERROR cannot move out of `locked` because it is borrowed
    Ok(table.iter().count())
}

fn addresses_of_what_is_unmapped<D: KeepsBound + 'static, T: DynamicImporter>(
    attachment: &DynamicAttachment<D, T>,
) -> Result<usize> {
    let mut locked = attachment.lock();
    let table = locked.map(DataDirection::ToDevice)?;

    #[cfg(misuse)]
    locked.unmap(); //~ ERROR cannot borrow `locked` as mutable more than once at a time
    Ok(table.iter().count())
}

fn unmapped_by_dropping_the_lock<D: KeepsBound>(attachment: &mut Attachment<D>) -> Result<usize> {
    let locked = attachment.lock().map(DataDirection::ToDevice)?;
    let entries = locked.iter();

    #[cfg(misuse)]
    drop(locked); //~ ERROR cannot move out of `locked` because it is borrowed
    Ok(entries.count())
}

fn locked_with_a_mapping_to_drop<D: KeepsBound>(attachment: &mut Attachment<D>) -> Result {
    let mapping = attachment.map_unlocked(DataDirection::ToDevice)?;

    // Dropping the mapping would wait for this lock.
    #[cfg(misuse)]
    let locked = attachment.lock(); //~ ERROR cannot borrow `*attachment` as mutable
    drop(mapping);
    Ok(())
}
