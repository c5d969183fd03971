// SPDX-License-Identifier: GPL-2.0

//! Being called when a fence is signalled.

use super::{
    inside::Inside,
    raw::Fence, //
};
use crate::{
    alloc::AllocError,
    bindings,
    container_of,
    error::to_result,
    fmt,
    interop::{
        module_ref::{
            EarlyModuleRef,
            ModuleRef, //
        },
        object::Object, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        rcu, //
    }, //
};
use core::{
    cell::UnsafeCell,
    mem::ManuallyDrop, //
};

/// What to do when a fence is signalled.
///
/// # Examples
///
/// See [`FenceCallbackRegistration`].
pub trait FenceCallback: Send + 'static {
    /// Called once, when the fence is signalled.
    ///
    /// May be called in any context, with the fence's lock held and interrupts off: must not sleep,
    /// nor drop the [`FenceCallbackRegistration`] it belongs to. Must not take the lock of another
    /// fence, which is of the same class: two fences whose callbacks do that to each other wait for
    /// ever. So it must not signal another one, ask for its signal, wait for it, or make or drop a
    /// registration with it, and of its state only ask for
    /// [`test_signaled_flag`](Fence::test_signaled_flag).
    fn on_signal(&mut self);

    /// The same for who wants to know of which fence. An addition to what upstream has; only this
    /// one is called, and calls the other one by default.
    ///
    /// Of `fence` may only be used what says that it may be used in callbacks, such as
    /// [`Fence::status`].
    #[inline]
    fn on_signal_of(&mut self, _fence: &Fence) {
        self.on_signal();
    }
}

/// Why a callback was not registered.
pub enum CallbackError<T> {
    /// The fence is signalled already. Gives back the callback, which was not called.
    AlreadySignaled(T),
    /// Something else; `ECANCELED` if the module is about to be unloaded.
    Other(Error),
}

impl<T> fmt::Debug for CallbackError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadySignaled(_) => f.write_str("AlreadySignaled(_)"),
            Self::Other(error) => f.debug_tuple("Other").field(error).finish(),
        }
    }
}

impl<T> From<CallbackError<T>> for Error {
    #[inline]
    fn from(error: CallbackError<T>) -> Self {
        match error {
            CallbackError::AlreadySignaled(_) => ENOENT,
            CallbackError::Other(error) => error,
        }
    }
}

impl<T> From<AllocError> for CallbackError<T> {
    #[inline]
    fn from(error: AllocError) -> Self {
        Self::Other(error.into())
    }
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
/// or the call of the callback has begun. Until one of the two is sure, only the call uses
/// `callback`, and only [`Drop`] afterwards.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::dma_fence::CallbackError;
/// use kernel::dma_buf::{
///     FenceCallback, FenceCallbackRegistration, FenceContext, FenceContextOps,
/// };
/// use kernel::sync::{atomic::{Atomic, Relaxed}, Arc};
///
/// struct Queue;
///
/// impl FenceContextOps for Queue {
///     type FenceDataType = ();
/// }
///
/// struct Seen(Arc<Atomic<bool>>);
///
/// impl FenceCallback for Seen {
///     fn on_signal(&mut self) {
///         self.0.store(true, Relaxed);
///     }
/// }
///
/// let queue = KBox::pin_init(FenceContext::new(1, c"example", c"queue", Queue), GFP_KERNEL)?;
/// let job = queue.new_fence_allocation(())?.new_fence();
/// let seen = Arc::new(Atomic::new(false), GFP_KERNEL)?;
/// let registration = KBox::pin_init(
///     FenceCallbackRegistration::new(job.as_fence(), Seen(seen.clone())),
///     GFP_KERNEL,
/// )?;
///
/// assert!(!seen.load(Relaxed));
/// job.signal(Ok(()));
/// assert!(seen.load(Relaxed));
///
/// // Now it is too late.
/// let late = FenceCallbackRegistration::new(registration.fence(), Seen(seen));
/// assert!(matches!(
///     KBox::try_pin_init(late, GFP_KERNEL),
///     Err(CallbackError::AlreadySignaled(Seen(_)))
/// ));
/// # Ok::<(), Error>(())
/// ```
#[pin_data(PinnedDrop)]
pub struct FenceCallbackRegistration<T: FenceCallback + 'static> {
    fence: ARef<Fence>,
    inside: Inside,
    module: EarlyModuleRef,
    callback: UnsafeCell<ManuallyDrop<T>>,
    // Last, so that the rest is there when it is registered.
    #[pin]
    cb: Object<bindings::dma_fence_cb>,
}

// SAFETY: The methods do not give out the callback.
unsafe impl<T: FenceCallback + Sync> Sync for FenceCallbackRegistration<T> {}

impl<T: FenceCallback + 'static> FenceCallbackRegistration<T> {
    /// Registers `callback` with `fence`, and asks for the fence to be signalled.
    #[inline]
    pub fn new<'a>(fence: &'a Fence, callback: T) -> impl PinInit<Self, CallbackError<T>> + 'a {
        let raw = fence.as_raw();

        try_pin_init!(&this in Self {
            fence: ARef::from(fence),
            inside: Inside::new(),
            module: ModuleRef::of(Self::signaled as *const () as usize)
                .map_err(|_| CallbackError::Other(ECANCELED))?
                .into(),
            callback: UnsafeCell::new(ManuallyDrop::new(callback)),
            // INVARIANT: If this fails there is no registration.
            cb <- Object::try_ffi_init(move |cb| {
                // For the lock: see `drop`.
                let _guard = rcu::read_lock();

                // SAFETY: The fence is valid, because `self.fence` has a reference; and `cb` is
                // part of a registration whose other fields are initialised. It stays in place
                // until it is dropped, which takes it back.
                to_result(unsafe {
                    bindings::dma_fence_add_callback(raw, cb, Some(Self::signaled))
                })
                .map_err(|error| {
                    // SAFETY: Initialised, and not used by a call. Who undoes what was done so far
                    // does not drop it, nor uses it.
                    let callback = unsafe {
                        ManuallyDrop::take(&mut *(*this.as_ptr()).callback.get())
                    };

                    if error == ENOENT {
                        CallbackError::AlreadySignaled(callback)
                    } else {
                        CallbackError::Other(error)
                    }
                })
            }),
        }? CallbackError<T>)
    }

    /// The fence that the callback waits for.
    #[inline]
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// # Safety
    ///
    /// Called by the core, with the callback of a registration.
    unsafe extern "C" fn signaled(
        fence: *mut bindings::dma_fence,
        cb: *mut bindings::dma_fence_cb,
    ) {
        // SAFETY: `cb` is part of a registration, which stays until the call has been left: who
        // drops it before that needs the fence's lock, which the core holds. Only the fields that
        // were initialised before the callback was registered are used, and of these `callback`
        // only here. It has a reference to the fence.
        let (inside, module, callback, fence) = unsafe {
            let this = container_of!(cb.cast::<Object<_>>(), Self, cb);
            (
                &(*this).inside,
                &(*this).module,
                (*this).callback.get(),
                Fence::from_raw(fence),
            )
        };

        let module = module.take();

        // With its end the registration may be gone.
        //
        // SAFETY: As above.
        inside.run(|| unsafe { (*callback).on_signal_of(fence) });
        // This is code of the module still. It stays until the core has unlocked the fence, because
        // a task that holds a spin lock is in an RCU read-side critical section.
        drop(module);
    }
}

#[pinned_drop]
impl<T: FenceCallback + 'static> PinnedDrop for FenceCallbackRegistration<T> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        self.inside.assert_outside();
        // If it has been called the lock, when it is the issuer's, may be gone. If not, it stays
        // for a grace period, which issuers owe.
        let guard = rcu::read_lock();
        if !self.inside.has_been_left() {
            // Without SMP nobody waits for the lock: if the fence is signalled and it is not yet
            // the turn of this callback, another one has called us, and the list is being walked.
            assert!(
                cfg!(any(CONFIG_SMP, CONFIG_PREEMPT_RT))
                    || !self.fence.test_signaled_flag()
                    || self.inside.has_been_left()
            );
            // SAFETY: By the type invariant the callback was added to the fence, which is valid.
            unsafe { bindings::dma_fence_remove_callback(self.fence.as_raw(), self.cb.get()) };
        }
        drop(guard);
        // SAFETY: The call is over, or there is none: nobody else uses `callback`, which goes here.
        unsafe { ManuallyDrop::drop(self.project().callback.get_mut()) };
    }
}
