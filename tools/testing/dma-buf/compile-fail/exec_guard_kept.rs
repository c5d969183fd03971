// SPDX-License-Identifier: GPL-2.0

//! A guard of a set of locks goes before something else is locked, which may unlock it. Nobody has
//! one as long as fences can be added to all. A context is for one set.

use kernel::{
    dma_buf::{
        AcquireCtx,
        DmaBuf,
        LeafFence,
        LockedExec,
        ResvGuard,
        Usage, //
    },
    prelude::*,
    sync::aref::ARef,
};

fn while_locking(bufs: &[ARef<DmaBuf>; 2]) -> Result<LockedExec> {
    AcquireCtx::new()?.until_all_locked(|exec| {
        exec.lock(&bufs[0])?;
        let mut guard = exec.guard(bufs[0].resv()).ok_or(EINVAL)?;
        #[cfg(misuse)]
        exec.lock(&bufs[1])?; //~ ERROR cannot borrow `*exec` as mutable
        guard.reserve_fences(1)?;
        Ok(())
    })
}

fn taken_along<'a>(buf: &'a ARef<DmaBuf>, kept: &mut Option<ResvGuard<'a>>) -> Result<LockedExec> {
    *kept = None;
    AcquireCtx::new()?.until_all_locked(|exec| {
        exec.lock(buf)?;
        #[cfg(misuse)]
        {
            *kept = exec.guard(buf.resv()); //~ ERROR borrowed data escapes outside of closure
        }
        Ok(())
    })
}

fn after_unlock(locked: LockedExec, buf: &DmaBuf) -> Result {
    let mut locked = locked;
    let mut guard = locked.guard(buf.resv()).ok_or(EINVAL)?;

    #[cfg(misuse)]
    drop(locked); //~ ERROR cannot move out of `locked` because it is borrowed
    guard.reserve_fences(1)?;
    Ok(())
}

fn room_for_others(locked: &mut LockedExec, buf: &DmaBuf, fence: &LeafFence) -> Result {
    let mut slots = locked.slots()?;

    #[cfg(misuse)]
    drop(locked.guard(buf.resv())); //~ ERROR cannot borrow `*locked` as mutable
    slots.add(buf.resv(), fence, Usage::Write);
    Ok(())
}

fn one_in_the_other(ctx: AcquireCtx, bufs: &[ARef<DmaBuf>; 2]) -> Result {
    let locked = ctx.until_all_locked(|exec| exec.lock(&bufs[0]))?;

    #[cfg(misuse)]
    drop(ctx.until_all_locked(|exec| exec.lock(&bufs[1]))?); //~ ERROR use of moved value: `ctx`
    drop(locked);
    Ok(())
}
