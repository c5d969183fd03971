// SPDX-License-Identifier: GPL-2.0

//! Being called when a fence is signalled.

use super::{
    inside::Inside,
    raw::Fence, //
};
use crate::{
    bindings,
    container_of,
    dma_buf::module_ref::ModuleRef,
    error::to_result,
    prelude::*,
    sync::aref::ARef,
    types::Opaque, //
};

/// What to do when a fence is signalled.
///
/// # Examples
///
/// See [`CallbackRegistration`].
pub trait FenceCallback: Sync + 'static {
    /// Called once, when the fence is signalled.
    ///
    /// May be called in any context, with the fence's lock held and interrupts off: must not sleep,
    /// and of `fence` may only use what says that it may be used in callbacks, such as
    /// [`Fence::status`]. Must not signal another fence, because its lock is of the same class, nor
    /// drop the [`CallbackRegistration`] it belongs to.
    fn signaled(&self, fence: &Fence);
}

/// A callback that waits for a fence. Dropping it takes the callback back.
///
/// When the registration is gone, the callback has either run to its end or will not run. Holds a
/// reference to the fence.
///
/// The module that the callback is in cannot be unloaded before it was called or taken back; so a
/// registration may be forgotten ([`mem::forget`](core::mem::forget)). A module whose
/// initialisation fails goes, whoever holds it: there is no help for one that forgets a
/// registration before.
///
/// A registration must be dropped outside of the fence's lock, so not by a callback of the same
/// fence. If a callback drops its own one this is a bug that stops the kernel.
///
/// # Invariants
///
/// `cb` is in the fence's list of callbacks, and `module` holds the module that the callback is in;
/// or the callback has been called.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{
///     CallbackRegistration, Fence, FenceAllocation, FenceCallback, FenceContext, FenceOps,
/// };
/// use kernel::sync::atomic::{Atomic, Relaxed};
///
/// struct Job;
///
/// #[vtable]
/// impl FenceOps for Job {
///     const DRIVER_NAME: &'static CStr = c"example";
/// }
///
/// struct Seen(Atomic<bool>);
///
/// impl FenceCallback for Seen {
///     fn signaled(&self, _fence: &Fence) {
///         self.0.store(true, Relaxed);
///     }
/// }
///
/// let job = FenceContext::new(c"queue")?.fence(FenceAllocation::new(GFP_KERNEL)?, Job);
/// let registration = KBox::pin_init(
///     CallbackRegistration::new(job.fence(), Seen(Atomic::new(false))),
///     GFP_KERNEL,
/// )?;
/// assert!(!registration.callback().0.load(Relaxed));
///
/// let fence = registration.fence().clone();
/// job.signal();
/// assert!(registration.callback().0.load(Relaxed));
///
/// // Now it is too late.
/// let late = CallbackRegistration::new(&fence, Seen(Atomic::new(false)));
/// assert_eq!(KBox::pin_init(late, GFP_KERNEL).err(), Some(ENOENT));
/// # Ok::<(), Error>(())
/// ```
#[pin_data(PinnedDrop)]
pub struct CallbackRegistration<T: FenceCallback> {
    fence: ARef<Fence>,
    inside: Inside,
    module: ModuleRef,
    #[pin]
    callback: T,
    // Last, so that the rest is there when it is registered.
    #[pin]
    cb: Opaque<bindings::dma_fence_cb>,
}

// SAFETY: The fence may be dropped from any thread, and the C part is under the fence's lock.
unsafe impl<T: FenceCallback + Send> Send for CallbackRegistration<T> {}

// SAFETY: The methods give out shared references only.
unsafe impl<T: FenceCallback> Sync for CallbackRegistration<T> {}

impl<T: FenceCallback> CallbackRegistration<T> {
    /// Registers `callback` with `fence`, and asks for the fence to be signalled.
    ///
    /// Fails with `ENOENT` if the fence is signalled already, and with `ECANCELED` if the module is
    /// about to be unloaded.
    #[inline]
    pub fn new<E>(fence: &Fence, callback: impl PinInit<T, E>) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        let fence = ARef::from(fence);
        let raw = fence.as_raw();

        try_pin_init!(Self {
            fence,
            inside: Inside::new(),
            module: ModuleRef::of(Self::signaled as *const () as usize).map_err(|_| ECANCELED)?,
            callback <- callback,
            // INVARIANT: If this fails there is no registration.
            cb <- Opaque::try_ffi_init(move |cb| {
                // SAFETY: The fence is valid, because `self.fence` has a reference; and `cb` is
                // part of a registration whose other fields are initialised. It stays in place
                // until it is dropped, which takes it back.
                to_result(unsafe {
                    bindings::dma_fence_add_callback(raw, cb, Some(Self::signaled))
                })
            }),
        }? Error)
    }

    /// What was registered.
    #[inline]
    pub fn callback(&self) -> &T {
        &self.callback
    }

    /// The fence that the callback waits for.
    #[inline]
    pub fn fence(&self) -> &ARef<Fence> {
        &self.fence
    }

    /// # Safety
    ///
    /// Called by the core, with the callback of a registration.
    unsafe extern "C" fn signaled(
        fence: *mut bindings::dma_fence,
        cb: *mut bindings::dma_fence_cb,
    ) {
        // SAFETY: `cb` is part of a registration, which stays until after the call, because to take
        // the callback back it needs the fence's lock, which the core holds. Only the fields that
        // were initialised before the callback was registered are used. It has a reference to the
        // fence.
        let (inside, module, callback, fence) = unsafe {
            let this = container_of!(Opaque::cast_from(cb), Self, cb);
            (
                &(*this).inside,
                &(*this).module,
                &(*this).callback,
                Fence::from_raw(fence),
            )
        };

        inside.run(|| callback.signaled(fence));
        // This is code of the module still. It stays until the core has unlocked the fence, because
        // a task that holds a spin lock is in an RCU read-side critical section.
        module.release();
    }
}

#[pinned_drop]
impl<T: FenceCallback> PinnedDrop for CallbackRegistration<T> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        self.inside.assert_outside();
        if cfg!(not(any(CONFIG_SMP, CONFIG_PREEMPT_RT))) {
            // Nobody waits for the lock here: if the fence is signalled and it is not yet the turn
            // of this callback, then another one has called us, and the list is being walked.
            assert!(self.inside.has_been_left() || !self.fence.is_marked_signaled());
        }
        // SAFETY: By the type invariant the callback was added to the fence, which is valid.
        unsafe { bindings::dma_fence_remove_callback(self.fence.as_raw(), self.cb.get()) };
    }
}
