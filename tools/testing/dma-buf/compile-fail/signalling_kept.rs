// SPDX-License-Identifier: GPL-2.0

//! A token is for the call that it was given to. While a fence is published the slots are all that
//! there is of the lock, and a job is started once.

use kernel::{
    dma_buf::{
        importer::{
            Vmap,
            VmapView, //
        },
        AfterSignal,
        DriverFence,
        ResvGuard,
        Signalling,
        SignallingJob,
        SignallingWork,
        Usage, //
    },
    prelude::*,
};

fn token<'a>(signalling: &Signalling, kept: &mut Option<&'a Signalling>) {
    *kept = None;
    #[cfg(misuse)]
    {
        *kept = Some(signalling); //~ ERROR explicit lifetime required
    }
    let _ = signalling;
}

fn view<'a>(
    after: &'a AfterSignal<Vmap>,
    signalling: &Signalling,
    kept: &mut Option<VmapView<'a>>,
) {
    *kept = None;
    let _ = after.view(signalling).size();
    #[cfg(misuse)]
    {
        *kept = Some(after.view(signalling)); //~ ERROR explicit lifetime required
    }
}

fn publish<T: SignallingWork>(
    job: SignallingJob<T>,
    fence: DriverFence<'static, T::Ops>,
    guard: ResvGuard<'_>,
) -> Result {
    let mut guard = guard;
    let slot = guard.reserve_fences(1)?.take().ok_or(ENOSPC)?;

    let add = |fence: &_| slot.add(fence, Usage::Write);
    #[cfg(misuse)]
    drop(guard); //~ ERROR cannot move out of `guard` because it is borrowed
    job.publish(fence, add);
    #[cfg(misuse)]
    job.clone().publish(fence, |_| ()); //~ ERROR use of moved value: `fence`
    job.start();
    #[cfg(misuse)]
    job.start(); //~ ERROR use of moved value: `job`
    Ok(())
}
