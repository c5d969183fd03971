// SPDX-License-Identifier: GPL-2.0

//! What is `Locked` stays so: the lock is lent, and nothing can be put in its place, which would
//! unlock. Nor are fences looked at while somebody else has the lock.

use kernel::{
    dma::DataDirection,
    dma_buf::{
        importer::{
            DynamicAttachment,
            DynamicImporter,
            KeepsBound, //
        },
        DmaBuf,
        Usage, //
    },
    prelude::*,
};

fn replaced<D: KeepsBound + 'static, T: DynamicImporter>(
    attachment: &DynamicAttachment<D, T>,
    other: &DmaBuf,
) -> Result {
    let mut locked = attachment.lock();

    #[cfg(misuse)]
    {
        *locked.guard() = other.resv().lock(); //~ ERROR type `ResvGuard<'_>` cannot be dereferenced
    }
    #[cfg(not(misuse))]
    drop(other.resv().try_lock());
    locked.map(DataDirection::ToDevice)?;
    Ok(())
}

fn swapped<D: KeepsBound + 'static, T: DynamicImporter>(
    attachment: &DynamicAttachment<D, T>,
    other: &DmaBuf,
) -> Result {
    let mut locked = attachment.lock();
    let mut guard = other.resv().lock();
    let mut lent = locked.guard();

    core::mem::swap(&mut lent, &mut guard);
    #[cfg(not(misuse))]
    drop((lent, guard));
    #[cfg(misuse)]
    drop(lent);
    locked.map(DataDirection::ToDevice)?; //~ ERROR cannot borrow `locked` as mutable
    #[cfg(misuse)]
    drop(guard);
    Ok(())
}

fn seen_while_mapped(buf: &DmaBuf) -> Result<usize> {
    let mut guard = buf.resv().lock();
    let mut seen = 0;

    for fence in guard.fences(Usage::Bookkeep) {
        // The exporter may put other fences there.
        #[cfg(misuse)]
        drop(buf.vmap_locked(&guard)?); //~ ERROR cannot borrow `guard` as immutable
        seen += usize::from(fence.is_signaled());
    }
    Ok(seen)
}
