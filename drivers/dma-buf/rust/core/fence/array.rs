// SPDX-License-Identifier: GPL-2.0

//! Arrays: one fence for several.
//!
//! An array is signalled when all its fences are, with the error of the first that had one.
//!
//! C header: [`include/linux/dma-fence-array.h`](srctree/include/linux/dma-fence-array.h)

use super::{
    add_callback,
    allocate_contexts,
    container::{
        self,
        Container, //
    },
    error,
    has,
    ops_ptr,
    release::Dying,
    set::{
        self,
        FenceSet, //
    },
    set_deadline,
    signal,
    Flag,
    Ops,
    Time, //
};
use crate::kmalloc;
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings,
    bindings::{
        dma_fence,
        dma_fence_array,
        dma_fence_array_cb, //
    },
    container_of,
    dma_buf::Fence,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed, //
        }, //
    },
    types::Opaque,
    warn_on, //
};

/// Tells arrays from other fences.
#[export_name = "dma_fence_array_ops"]
pub(crate) static OPS: Ops = container::ops::<Array>();

/// In place of the error while it is not known yet.
const UNKNOWN: c_int = 1;

/// An array of fences.
///
/// # Invariants
///
/// Initialised by [`Array::init`]. `fences` owns its memory and a reference to each of the
/// `num_fences` fences in it, and does not change.
#[repr(transparent)]
pub(crate) struct Array(Opaque<dma_fence_array>);

impl Array {
    fn base(&self) -> &Fence {
        // SAFETY: A borrowed array has a reference.
        unsafe { Fence::from_raw(&raw mut (*self.0.get()).base) }
    }

    pub(crate) fn fences(&self) -> &[&Fence] {
        // SAFETY: By the type invariant.
        unsafe { set::borrow((*self.0.get()).fences, (*self.0.get()).num_fences as usize) }
    }

    /// How many fences are pending, as far as this is known by callbacks.
    fn pending(&self) -> &Atomic<c_int> {
        // SAFETY: The counter lives as long as the array and is accessed atomically only.
        unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).num_pending.counter) }
    }

    /// Takes `error` for the array's, if it is the first.
    fn propagate(&self, error: c_int) {
        if error != 0 {
            self.settle(error);
        }
    }

    /// Sets the array's error, unless it is known.
    fn settle(&self, error: c_int) {
        // SAFETY: Until the array is signalled, its error is accessed atomically only.
        let known = unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).base.error) };

        let _ = known.cmpxchg(UNKNOWN, error, Full);
    }

    /// Counts down one fence, with its error. Returns whether it was the last.
    fn count_down(&self, error: c_int) -> bool {
        self.propagate(error);
        self.pending().fetch_sub(1, Full) == 1
    }

    /// Memory for an array of `count` fences, zeroed. Fails with `ENOMEM`. May sleep.
    pub(crate) fn allocate(count: usize) -> Result<NonNull<dma_fence_array>> {
        kmalloc::array(count).and_then(|array| NonNull::new(KBox::into_raw(array)).ok_or(ENOMEM))
    }

    /// Initialises an array in the memory at `array`.
    ///
    /// # Safety
    ///
    /// `array` must come from [`Array::allocate`] for `count` fences, or be as large and come from
    /// `kmalloc()`, and is taken over by the fence. `fences` must be `count` fences with a
    /// reference each in memory from `kmalloc()`, which the array takes over.
    pub(crate) unsafe fn init(
        array: *mut dma_fence_array,
        fences: *mut *mut dma_fence,
        count: u32,
        context: u64,
        seqno: u64,
    ) {
        warn_on!(count == 0 || fences.is_null());

        // INVARIANT: The references go over to the array.
        // SAFETY: The memory is the caller's to give.
        unsafe {
            (*array).num_fences = count;
            super::init(
                &raw mut (*array).base,
                &OPS.0,
                ptr::null_mut(),
                context,
                seqno,
                0,
            );
            bindings::init_irq_work(&raw mut (*array).work, Some(all_signaled));
            // Takes its fences' locks under its own.
            bindings::spin_lock_set_class(
                &raw mut (*array).base.__bindgen_anon_1.inline_lock,
                kernel::static_lock_class!().as_ptr(),
                c"&array->base.inline_lock".as_char_ptr(),
            );
            (*array).num_pending.counter = count as c_int;
            (*array).fences = fences;
            (*array).base.error = UNKNOWN;

            // A container in an array would make for recursion.
            warn_on!(set::borrow(fences, count as usize)
                .iter()
                .any(|fence| super::is_container(fence)));
        }
    }
}

impl Container for Array {
    const DRIVER_NAME: &'static CStr = c"dma_fence_array";

    fn of(fence: &Fence) -> Option<&Self> {
        // The type is not detached from its operations, so that there is nothing to order.
        ptr::eq(ops_ptr(fence).load(Relaxed), &OPS.0).then(|| {
            // SAFETY: A fence with these operations is the base of an array.
            unsafe { &*container_of!(fence.as_raw(), dma_fence_array, base).cast() }
        })
    }

    fn arm(&self) -> bool {
        // SAFETY: Only addresses of the callbacks are computed, which follow the array.
        let callbacks =
            unsafe { (&raw mut (*self.0.get()).callbacks).cast::<dma_fence_array_cb>() };

        for (i, fence) in self.fences().iter().enumerate() {
            // Callbacks may come after the array is signalled by another way, so that each of
            // them needs its own reference.
            let array = ARef::from(self.base());

            // SAFETY: There is a callback for each fence, and nobody else uses it: this runs once.
            let armed = unsafe {
                let callback = callbacks.add(i);
                (*callback).array = self.0.get();
                add_callback(fence, &raw mut (*callback).cb, Some(fence_signaled))
            };
            if armed.is_ok() {
                core::mem::forget(array);
            } else if self.count_down(error(fence)) {
                self.settle(0);
                return false;
            }
        }
        true
    }

    fn is_signaled(&self) -> bool {
        let done = if has(self.base(), Flag::EnableSignal) {
            // The callbacks count, and before the first of them this is not zero.
            self.pending().load(Acquire) <= 0
        } else {
            // Each is asked, also behind one that is pending: some are signalled by that.
            let signaled = |fence: &&&Fence| fence.is_done();

            self.fences().iter().filter(signaled).count() == self.fences().len()
        };

        if done {
            // Callbacks that have counted have done this already.
            for fence in self.fences() {
                self.propagate(error(fence));
            }
            self.settle(0);
        }
        done
    }

    fn set_deadline(&self, deadline: Time) {
        for fence in self.fences() {
            set_deadline(fence, deadline);
        }
    }

    unsafe fn release(dying: Dying) {
        // SAFETY: By the caller's guarantee the array is ours to take apart.
        unsafe {
            let array = container_of!(dying.as_raw(), dma_fence_array, base);
            let count = (*array).num_fences as usize;

            for fence in set::borrow((*array).fences, count) {
                drop(Fence::from_owned(fence.as_raw()));
            }
            bindings::kfree((*array).fences.cast());
        }
        dying.free();
    }
}

/// One fence for those of `fences`, in a context of its own. Fails with `ENOMEM`. May sleep.
pub(crate) fn new(fences: FenceSet) -> Result<ARef<Fence>> {
    let array = Array::allocate(fences.len())?.as_ptr();
    let (fences, count) = fences.into_raw();

    // SAFETY: Both are new, and go over to the fence, whose first reference is ours.
    unsafe {
        Array::init(array, fences, count as u32, allocate_contexts(1), 1);
        Ok(ARef::from_raw(NonNull::new_unchecked(
            (&raw mut (*array).base).cast(),
        )))
    }
}

/// Called when one of an array's fences is signalled, under that fence's lock.
///
/// # Safety
///
/// Called with a callback that [`Array::arm`] armed.
unsafe extern "C" fn fence_signaled(fence: *mut dma_fence, cb: *mut bindings::dma_fence_cb) {
    // SAFETY: `arm` left a reference to the array for us, and the fence is alive.
    let (array, error) = unsafe {
        let callback = container_of!(cb, dma_fence_array_cb, cb);
        (
            Fence::from_owned(&raw mut (*(*callback).array).base),
            error(Fence::from_raw(fence)),
        )
    };

    if let Some(base) = array {
        if Array::of(&base).is_some_and(|array| array.count_down(error)) {
            // SAFETY: The work is queued once, by the last callback.
            unsafe {
                let array = container_of!(base.as_raw(), dma_fence_array, base);
                bindings::irq_work_queue(&raw mut (*array).work);
            }
            // The work's.
            core::mem::forget(base);
        }
    }
}

/// Signals an array, outside of any fence's lock.
///
/// # Safety
///
/// Called with the work of an array, as queued by [`fence_signaled`].
unsafe extern "C" fn all_signaled(work: *mut bindings::irq_work) {
    // SAFETY: The last callback left its reference to us.
    let base = unsafe {
        let array = container_of!(work, dma_fence_array, work);
        Fence::from_owned(&raw mut (*array).base)
    };

    if let Some(base) = base {
        if let Some(array) = Array::of(&base) {
            array.settle(0);
        }
        signal(&base);
    }
}
