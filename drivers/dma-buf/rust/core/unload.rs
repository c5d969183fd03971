// SPDX-License-Identifier: GPL-2.0

//! Waiting for what is under way of this module when nobody needs it any more.

use crate::fence::nested;
use core::ptr;
use kernel::{
    bindings,
    cpu::nr_cpu_ids,
    interop::object::Object,
    prelude::*,
    sync::rcu::synchronize_rcu, //
};

/// An `irq_work` that does nothing. When it has run, the work that was queued on its CPU before has
/// run, too, or is being run in the same RCU read-side critical section: a CPU takes all that is
/// queued at once, and the next only after that.
///
/// Static: the end of its run may still look at it when it counts as over.
// As `init_irq_work()` does it.
static SENTINEL: Object<bindings::irq_work> = Object::new(bindings::irq_work {
    func: Some(nothing),
    ..pin_init::zeroed()
});

/// Dropped once, when no more works are queued, waits until no code of this module runs for an
/// `irq_work`, as those of containers of fences do. Sleeps.
pub(crate) struct WaitForIrqWorks;

impl Drop for WaitForIrqWorks {
    #[inline(always)]
    fn drop(&mut self) {
        wait_for_irq_works();
    }
}

/// How many rounds without a work of a [nested](nested) container are the end. What a work does
/// may queue the next: that of an array the one of the link that it is in, and that of the link one
/// of a nested container, which is counted. A link that waits for one of another, nested, is queued
/// together with that.
const QUIET: u32 = 3;

/// A container that was given up with its signal on the way is kept by nothing but its work.
#[inline]
fn wait_for_irq_works() {
    let mut quiet = 0;
    let mut before = nested::works();

    while quiet < QUIET {
        wait_for_what_is_queued();

        let works = nested::works();
        quiet = if works == before { quiet + 1 } else { 0 };
        before = works;
    }
}

/// Waits until the works that are queued now have run.
fn wait_for_what_is_queued() {
    // SAFETY: Sleeping is allowed, `queue` may run with interrupts off, and what is waited for is
    // initialised. CPUs are kept from coming and going no longer than for this.
    unsafe {
        #[cfg(CONFIG_HOTPLUG_CPU)]
        bindings::cpus_read_lock();
        for cpu in 0..nr_cpu_ids() as c_int {
            // A CPU that is not there has nothing queued.
            if bindings::smp_call_function_single(cpu, Some(queue), ptr::null_mut(), true) == 0 {
                bindings::irq_work_sync(SENTINEL.get());
            }
        }
        #[cfg(CONFIG_HOTPLUG_CPU)]
        bindings::cpus_read_unlock();
    }
    // MODEL: unload-turns
    synchronize_rcu();
}

/// Queues the sentinel on this CPU.
extern "C" fn queue(_: *mut c_void) {
    // SAFETY: The work is initialised and static. It is not queued: the last run was waited for.
    unsafe { bindings::irq_work_queue(SENTINEL.get()) };
}

extern "C" fn nothing(_work: *mut bindings::irq_work) {}
