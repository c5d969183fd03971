// SPDX-License-Identifier: GPL-2.0

//! Work that is done in the background, later, and by low priority.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use crate::{
    bindings,
    dma_buf::trampoline::{
        one,
        Ref, //
    },
    error::to_result,
    interop::{
        any_thread::AnyThread,
        object::Object, //
    },
    prelude::*,
    static_lock_class,
    sync::Arc,
    time::{
        msecs_to_jiffies,
        Msecs, //
    },
    workqueue::owned::Allocated, //
};
use core::{
    mem::offset_of,
    ops::Deref,
    ptr::NonNull, //
};

/// What has something to be done for it now and then.
pub(super) trait Tidy: Send + Sync + 'static {
    /// Does a part of it. Returns when to go on, if at all. May sleep.
    ///
    /// Runs in a thread that takes what the processors have left over.
    fn tidy(&self) -> Option<Msecs>;
}

/// Something that is tidied up as long as this is there. Dropping it calls the work off and waits
/// if it is being done, so it sleeps; others that have the [`Chore`] may go on with it.
///
/// # Invariants
///
/// The work of `chore` is put into this queue only.
pub(super) struct Tidied<T: Tidy> {
    chore: Arc<Chore<T>>,
    // Goes when there is no work for it any more.
    _queue: Allocated,
}

impl<T: Tidy> Tidied<T> {
    /// Nothing is done yet. Fails with `ENOMEM`. Sleeps.
    pub(super) fn new(name: &CStr, data: impl PinInit<T, Error>) -> Result<Self> {
        let queue = low_priority(name)?;
        let chore = Arc::pin_init(Chore::new(queue.pointer(), data), GFP_KERNEL)?;

        // INVARIANT: It was made with this queue.
        Ok(Self {
            chore,
            _queue: queue,
        })
    }
}

impl<T: Tidy> Deref for Tidied<T> {
    type Target = Arc<Chore<T>>;

    fn deref(&self) -> &Arc<Chore<T>> {
        &self.chore
    }
}

impl<T: Tidy> Drop for Tidied<T> {
    fn drop(&mut self) {
        // SAFETY: The work is initialised, by the type invariant of `Chore`. Nobody enables it.
        unsafe { bindings::disable_delayed_work_sync(self.chore.work.get()) };
    }
}

/// Something, with its background work.
///
/// This is only for code that is part of the kernel image: the work is not waited for by a module.
///
/// # Invariants
///
/// `work` is initialised, and only put into `queue`. Its function takes the structure that it is
/// the first member of. There is a [`Tidied`] with this and the queue, or `work` is disabled: then
/// C leaves the queue alone.
#[pin_data]
#[repr(C)]
pub(super) struct Chore<T: Tidy> {
    #[pin]
    work: Object<bindings::delayed_work>,
    queue: AnyThread<bindings::workqueue_struct>,
    #[pin]
    data: T,
}

impl<T: Tidy> Chore<T> {
    fn new(
        queue: AnyThread<bindings::workqueue_struct>,
        data: impl PinInit<T, Error>,
    ) -> impl PinInit<Self, Error> {
        const {
            assert!(offset_of!(Self, work) == 0 && offset_of!(bindings::delayed_work, work) == 0);
        };

        // INVARIANT: It is for the one who has the queue, and puts them together.
        try_pin_init!(Self {
            data <- data,
            queue,
            work <- Object::ffi_init(|work: *mut bindings::delayed_work| {
                let function = one::<Ref<Self, bindings::work_struct>, (), _>(Self::run);

                // SAFETY: The place is that of a `delayed_work`. What the function is called with
                // begins a `Chore`, as was just checked, and that is there until `Tidied` has
                // called the work off. C's function is what its timers call.
                unsafe {
                    bindings::init_work_with_key(
                        &raw mut (*work).work,
                        Some(function),
                        false,
                        c"chore".as_char_ptr(),
                        static_lock_class!().as_ptr(),
                    );
                    bindings::timer_init_key(
                        &raw mut (*work).timer,
                        Some(bindings::delayed_work_timer_fn),
                        bindings::TIMER_IRQSAFE,
                        c"chore".as_char_ptr(),
                        static_lock_class!().as_ptr(),
                    );
                }
            }),
        }? Error)
    }

    fn run(&self) {
        if let Some(delay) = self.data.tidy() {
            // SAFETY: By the type invariant. It stays as it is if somebody wants it earlier.
            unsafe {
                bindings::queue_delayed_work_on(
                    bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int,
                    self.queue.as_ptr(),
                    self.work.get(),
                    msecs_to_jiffies(delay),
                )
            };
        }
    }

    /// Sees to it that something is done when `delay` is over, even if that was to be later.
    pub(super) fn hasten(&self, delay: Msecs) {
        // SAFETY: By the type invariant. Work that is disabled is not queued.
        unsafe {
            bindings::mod_delayed_work_on(
                bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int,
                self.queue.as_ptr(),
                self.work.get(),
                msecs_to_jiffies(delay),
            )
        };
    }
}

impl<T: Tidy> Deref for Chore<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.data
    }
}

/// How low the priority is: nothing that is not idle has less.
const NICE: c_int = 19;

/// A queue whose threads have that priority.
fn low_priority(name: &CStr) -> Result<Allocated> {
    let queue = Allocated::unbound(name, 0)?;

    // SAFETY: The attributes are ours until they are freed, and the queue is there.
    unsafe {
        let attrs = NonNull::new(bindings::alloc_workqueue_attrs_noprof()).ok_or(ENOMEM)?;

        (*attrs.as_ptr()).nice = NICE;
        let result = to_result(bindings::apply_workqueue_attrs(
            queue.pointer().as_ptr(),
            attrs.as_ptr(),
        ));
        bindings::free_workqueue_attrs(attrs.as_ptr());
        result.map(|()| queue)
    }
}
