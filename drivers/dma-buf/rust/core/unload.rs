// SPDX-License-Identifier: GPL-2.0

//! Waiting for what is under way of this module when nobody needs it any more.

use kernel::{
    bindings,
    cpu::nr_cpu_ids,
    prelude::*,
    sync::rcu::synchronize_rcu,
    types::Opaque, //
};

/// An `irq_work` that does nothing. When it has run, the work that was queued on its CPU before has
/// run, too, or is being run in the same RCU read-side critical section: a CPU takes all that is
/// queued at once, and the next only after that.
struct Sentinel(Opaque<bindings::irq_work>);

// SAFETY: A work may be queued from anywhere.
unsafe impl Sync for Sentinel {}

/// Waits until no code of this module runs for an `irq_work`, as those of containers of fences do.
///
/// A container that was given up with its signal on the way is kept by nothing but its work.
/// Sleeps. Called once, when no more works are queued.
pub(crate) fn wait_for_irq_works() {
    // Static: the end of its run may still look at it when it counts as over.
    static SENTINEL: Sentinel = Sentinel(Opaque::uninit());

    let work = SENTINEL.0.get();
    // SAFETY: Nobody else uses it.
    unsafe { bindings::init_irq_work(work, Some(nothing)) };

    let _online = Online::keep();
    for cpu in 0..nr_cpu_ids() {
        // SAFETY: The function may run with interrupts off, and the work is not queued.
        let ret = unsafe {
            bindings::smp_call_function_single(cpu as c_int, Some(queue), work.cast(), true)
        };

        // A CPU that is not there has nothing queued.
        if ret == 0 {
            // SAFETY: The work is initialised, and sleeping is allowed.
            unsafe { bindings::irq_work_sync(work) };
        }
    }
    synchronize_rcu();
}

/// # Safety
///
/// `work` must be an initialised `irq_work` that is not freed before it was waited for.
unsafe extern "C" fn queue(work: *mut c_void) {
    // SAFETY: By the caller's guarantee.
    unsafe { bindings::irq_work_queue(work.cast()) };
}

/// # Safety
///
/// None; the signature is that of a work.
unsafe extern "C" fn nothing(_work: *mut bindings::irq_work) {}

/// Keeps CPUs from coming and going.
struct Online(());

impl Online {
    fn keep() -> Self {
        #[cfg(CONFIG_HOTPLUG_CPU)]
        // SAFETY: Sleeping is allowed, and `drop` releases it.
        unsafe {
            bindings::cpus_read_lock()
        };
        Self(())
    }
}

impl Drop for Online {
    fn drop(&mut self) {
        #[cfg(CONFIG_HOTPLUG_CPU)]
        // SAFETY: Taken by `keep`.
        unsafe {
            bindings::cpus_read_unlock()
        };
    }
}
