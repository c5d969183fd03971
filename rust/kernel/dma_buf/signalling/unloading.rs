// SPDX-License-Identifier: GPL-2.0

//! Jobs that are started while their module is being loaded or unloaded, by its init or its exit, or
//! by what these call.
//!
//! No reference keeps a module whose init fails, or whose exit has begun. So what follows, before
//! the module's code is freed, waits for them.

use crate::sync::atomic::{
    Atomic,
    Relaxed,
    Release, //
};
#[cfg(CONFIG_MODULES)]
use crate::{
    bindings,
    interop::going::ModuleGoing,
    prelude::*,
    sync::{
        atomic::Acquire,
        SetOnce, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};

/// How many there are.
static JOBS: Atomic<i32> = Atomic::new(0);

/// The unloading of modules waits as long as this is there.
pub(super) struct Waits(());

impl Waits {
    /// For a job of a module that is not live.
    #[inline]
    pub(super) fn new() -> Self {
        // MODEL: none, because it is what the module's init or exit has called, or has waited for.
        JOBS.add(1, Relaxed);
        Self(())
    }
}

impl Drop for Waits {
    #[inline]
    fn drop(&mut self) {
        // MODEL: none, because who has seen that does not look at anything of the job's.
        JOBS.fetch_sub(1, Release);
    }
}

/// Has it wait from now on. Fails with `ENOMEM`. Sleeps.
#[cfg(CONFIG_MODULES)]
pub(super) fn watch() -> Result {
    static WATCH: SetOnce<Pin<KBox<ModuleGoing>>> = SetOnce::new();

    if WATCH.as_ref().is_none() {
        // If somebody else was first, that one is there already, and this one goes again.
        WATCH.populate(KBox::pin_init(ModuleGoing::new(wait), GFP_KERNEL)?);
    }
    Ok(())
}

/// Called after the exit of a module, or after its init has failed.
#[cfg(CONFIG_MODULES)]
fn wait(_module: *mut bindings::module) {
    // MODEL: none, because the job is over when the count says so, and nothing of it is looked at.
    while JOBS.load(Acquire) != 0 {
        fsleep(Delta::from_millis(1));
    }
}
