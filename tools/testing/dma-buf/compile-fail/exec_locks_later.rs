// SPDX-License-Identifier: GPL-2.0

//! When all is locked nothing more is. A set of locks has counted references to what is locked, and
//! stays in its task.

use kernel::{
    dma_buf::{
        AcquireCtx,
        DmaBuf,
        LockedExec, //
    },
    prelude::*,
    sync::aref::ARef,
};

fn send<T: Send>(_value: T) {}

fn one_more(locked: &mut LockedExec, buf: &ARef<DmaBuf>) -> Result {
    #[cfg(misuse)]
    locked.lock(buf)?; //~ ERROR no method named `lock`
    assert!(locked.guard(buf.resv()).is_none());
    Ok(())
}

fn borrowed(buf: &DmaBuf) -> Result<LockedExec> {
    AcquireCtx::new()?.until_all_locked(|exec| {
        #[cfg(misuse)]
        exec.lock(&buf)?; //~ ERROR the trait bound `&DmaBuf: ResvHandle` is not satisfied
        exec.lock(&ARef::from(buf))
    })
}

fn elsewhere(locked: LockedExec) {
    #[cfg(misuse)]
    send(locked); //~ ERROR cannot be sent between threads safely
    #[cfg(not(misuse))]
    drop(locked);
    send(());
}
