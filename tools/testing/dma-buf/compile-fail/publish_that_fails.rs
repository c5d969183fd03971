// SPDX-License-Identifier: GPL-2.0

//! When a fence is shown to others it is too late to fail.

use kernel::{
    dma_buf::{
        DriverFence,
        SignallingJob,
        SignallingWork,
        Slots,
        SyncFile,
        Usage, //
    },
    prelude::*,
};

fn publish<T: SignallingWork>(
    job: SignallingJob<T>,
    fence: DriverFence<'static, T::Ops>,
    slots: &mut Slots<'_>,
) -> Result {
    let slot = slots.take().ok_or(ENOSPC)?;
    #[cfg(not(misuse))]
    let file = SyncFile::new(fence.as_fence())?;

    job.publish(fence, |fence| {
        #[cfg(misuse)]
        let file = SyncFile::new(fence)?; //~ ERROR the `?` operator can only be used in a closure
        slot.add(fence, Usage::Write);
        drop(file);
    });
    job.start();
    Ok(())
}

#[cfg(misuse)]
fn refused<T: SignallingWork>(
    job: SignallingJob<T>,
    fence: DriverFence<'static, T::Ops>,
    slots: &mut Slots<'_>,
) {
    job.publish(fence, |fence| slots.add(fence, Usage::Write)); //~ ERROR mismatched types
    job.publish(fence, |_| -> Result { Err(EINVAL) }); //~ ERROR `()`, but it returns
}
