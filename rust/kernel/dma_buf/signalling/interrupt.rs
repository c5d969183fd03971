// SPDX-License-Identifier: GPL-2.0

//! Interrupts that signal fences.

use super::token::Signalling;
use crate::irq::{
    Handler,
    IrqReturn, //
};
use core::ops::Deref;

/// A handler of interrupts that tell of the end of jobs.
///
/// # Examples
///
/// ```
/// use kernel::{
///     dma_buf::{
///         FenceContext, FenceContextOps, Signalling, SignallingHandler, SignallingInterrupt,
///     },
///     irq::{Handler, IrqReturn},
///     sync::atomic::{Atomic, Relaxed},
/// };
///
/// struct Ring;
///
/// impl FenceContextOps for Ring {
///     type FenceDataType = ();
/// }
///
/// /// A device that counts the jobs that are done.
/// struct Device {
///     ring: Pin<KBox<FenceContext<Ring>>>,
///     done: Atomic<u64>,
/// }
///
/// impl SignallingHandler for Device {
///     fn handle(&self, _signalling: &Signalling) -> IrqReturn {
///         self.ring.signal_through(self.done.load(Relaxed));
///         IrqReturn::Handled
///     }
/// }
///
/// let ring = KBox::pin_init(FenceContext::new(1, c"example", c"ring", Ring), GFP_KERNEL)?;
/// let interrupt = SignallingInterrupt::new(Device { ring, done: Atomic::new(0) });
/// let job = interrupt.ring.new_fence_allocation(())?.new_fence();
///
/// // This is what `irq::Registration` calls.
/// assert!(matches!(interrupt.handle(), IrqReturn::Handled));
/// assert!(!job.as_fence().is_signaled());
/// interrupt.done.store(1, Relaxed);
/// interrupt.handle();
/// assert!(job.as_fence().is_signaled());
/// # Ok::<(), Error>(())
/// ```
pub trait SignallingHandler: Sync {
    /// As [`Handler::handle`].
    fn handle(&self, signalling: &Signalling) -> IrqReturn;
}

/// A [`SignallingHandler`] for an [`irq::Registration`](crate::irq::Registration). Derefs to it.
pub struct SignallingInterrupt<T: SignallingHandler>(T);

impl<T: SignallingHandler> SignallingInterrupt<T> {
    /// Wraps `handler`.
    #[inline]
    pub fn new(handler: T) -> Self {
        Self(handler)
    }
}

impl<T: SignallingHandler> Deref for SignallingInterrupt<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: SignallingHandler> Handler for SignallingInterrupt<T> {
    #[inline]
    fn handle(&self) -> IrqReturn {
        Signalling::enter(|signalling| self.0.handle(signalling))
    }
}
