// SPDX-License-Identifier: GPL-2.0

//! What arrays and chains have in common: structures that begin with a fence and that are made of
//! other fences.

use super::{
    dying::Dying,
    fence::{
        fields,
        New,
        Structure,
        Time, //
    },
    lock::Lent, //
};
use crate::fence::{
    callback::add,
    nested::{
        self,
        is_nested, //
    }, //
};
use core::{
    marker::PhantomData,
    mem::{
        forget,
        offset_of,
        ManuallyDrop, //
    },
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    bindings::{
        self,
        dma_fence_cb,
        dma_fence_ops,
        irq_work, //
    },
    dma_buf::Fence,
    interop::export::{
        AsC,
        Wrapper, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Relaxed, //
    }, //
};

/// A fence that is made of others.
///
/// # Safety
///
/// Laid out as C's, the type consists of a `Fence` and, at `REST`, a `Rest`. `WORK` says where its
/// `irq_work` is. Only fences that are the base of one have the operations that `table` gives.
pub(crate) unsafe trait Container: Structure + Sized + 'static {
    /// What the fence says when it is asked for its driver.
    const DRIVER_NAME: &'static CStr;

    /// What comes behind the fence.
    type Rest;

    /// Where that is.
    const REST: usize;

    /// Where the `irq_work` is.
    const WORK: usize;

    /// The operations, of [`ops()`].
    fn table() -> &'static dma_fence_ops;

    /// The fence that it is.
    fn base(&self) -> &Fence;

    /// Waits for the fences in the container. Returns `false` if none is pending. The container's
    /// lock may be held.
    fn arm(turn: Turn<&Self>) -> bool;

    /// Goes on, outside of any fence's lock.
    fn go_on(turn: Turn<Ref<Self>>);

    /// Whether none of the fences in the container is pending.
    fn is_signaled(&self) -> bool;

    /// Passes `deadline` on to the fences in the container.
    fn set_deadline(&self, deadline: Time);

    /// Drops everything that the container owns, and itself.
    #[inline(always)]
    fn release(dying: Dying<Self>) {
        dying.end();
    }

    /// The container that `fence` is the base of, if it is one.
    #[inline]
    fn of(fence: &Fence) -> Option<&Self> {
        // The type is not detached from its operations, so that there is nothing to order.
        // MODEL: none, because it is only compared.
        let is_one = ptr::eq(fields(fence).ops.load(Relaxed), Self::table());

        // SAFETY: By the contract of this trait.
        is_one.then(|| unsafe { &*ptr::from_ref(fence).cast() })
    }
}

/// Whether `fence` is the base of either.
#[inline(always)]
pub(crate) fn is_either<A: Container, B: Container>(fence: &Fence) -> bool {
    // MODEL: none, because it is only compared.
    let ops = fields(fence).ops.load(Relaxed);

    ptr::eq(ops, A::table()) || ptr::eq(ops, B::table())
}

/// A container with a reference to it.
///
/// # Invariants
///
/// The fence is the base of one.
pub(crate) struct Ref<T>(pub(super) ARef<Fence>, pub(super) PhantomData<T>);

impl<T: Container> Ref<T> {
    #[inline(always)]
    pub(crate) fn into_base(self) -> ARef<Fence> {
        self.0
    }
}

impl<T: Container> From<&T> for Ref<T> {
    #[inline(always)]
    fn from(container: &T) -> Self {
        Self(container.base().into(), PhantomData)
    }
}

impl<T: Container> Deref for Ref<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: By the type invariant.
        unsafe { &*ptr::from_ref::<Fence>(&self.0).cast() }
    }
}

impl Dying {
    /// As a container, if `ops`, which are its own, say that it is one.
    #[inline(always)]
    pub(crate) fn downcast<T: Container>(self) -> Result<Dying<T>, Self> {
        // INVARIANT: By the contract of `Container`.
        if T::of(self.fence()).is_some() {
            Ok(Dying(self.0, PhantomData))
        } else {
            Err(self)
        }
    }
}

impl<T: Container> Dying<T> {
    /// [Frees](Dying::free) it: later if it is [nested](crate::fence::nested), so that what is in
    /// it is not dropped here.
    #[inline(always)]
    pub(crate) fn end(self) {
        if is_nested(self.fence()) {
            self.free_later();
        } else {
            self.free();
        }
    }

    #[cold]
    #[inline(never)]
    fn free_later(self) {
        // SAFETY: By the type invariant this owns it all: who uses the work has a reference.
        unsafe { queue(self.0.as_c(), T::WORK, free::<T>) };
    }
}

impl<T: Container> New<T> {
    /// Fills in what comes behind the base. What is left is the memory of that.
    #[inline(always)]
    pub(crate) fn fill(self, rest: T::Rest) -> New {
        // SAFETY: By the contract of `Container`, and nobody else accesses the memory.
        unsafe { self.0.byte_add(T::REST).cast::<T::Rest>().write(rest) };
        // INVARIANT: Containers begin with it.
        New(self.0.cast())
    }
}

/// A container or a reference to it, and the right to use the callbacks and the work in it.
///
/// # Invariants
///
/// Nobody else has this right.
pub(crate) struct Turn<R>(pub(super) R);

impl<T: Container> Turn<&T> {
    /// With a reference.
    #[inline(always)]
    pub(crate) fn keep(self) -> Turn<Ref<T>> {
        Turn(self.0.into())
    }
}

impl<'a, T> Turn<&'a T> {
    #[inline(always)]
    pub(crate) fn container(&self) -> &'a T {
        self.0
    }
}

impl<T: Container> Turn<Ref<T>> {
    #[inline(always)]
    pub(crate) fn container(&self) -> &T {
        &self.0
    }

    /// Gives the right up.
    #[inline(always)]
    pub(crate) fn end(self) -> Ref<T> {
        self.0
    }

    /// Has [`Container::go_on`] called, where no lock is held.
    #[inline(always)]
    pub(crate) fn defer(self) {
        let container = ManuallyDrop::new(self.0);

        // SAFETY: By the type invariant nobody else uses the work, which stays with the reference
        // that it has now.
        unsafe { queue(container.0.as_c(), T::WORK, run::<T>) };
    }

    /// Gives the right to `f`, and keeps the reference.
    #[inline(always)]
    pub(crate) fn spend<R>(self, f: impl FnOnce(Turn<&T>) -> R) -> (Ref<T>, R) {
        // INVARIANT: It is not this one's any more.
        let result = f(Turn(&self.0));

        (self.0, result)
    }
}

/// Has `func` called with the work at `offset` in `container`, where no lock is held.
///
/// # Safety
///
/// There must be a work, which nobody else uses, and which stays until `func` has been called, and
/// for an RCU grace period after that. It may be the one that runs now: who has run it looks at it
/// once more, but changes only what it finds as it was.
#[inline(always)]
unsafe fn queue(
    container: *mut bindings::dma_fence,
    offset: usize,
    func: unsafe extern "C" fn(*mut irq_work),
) {
    let work = container.cast::<irq_work>().wrapping_byte_add(offset);

    // SAFETY: By the contract above.
    unsafe {
        bindings::init_irq_work(work, Some(func));
        bindings::irq_work_queue(work);
    }
}

// Who has the turn may use the place of the `irq_work` for a `dma_fence_cb` as well: either is made
// anew each time. When a work has run, who has run it still looks at this, in the middle of what is
// next.
const _: () = assert!(size_of::<dma_fence_cb>() <= offset_of!(irq_work, irqwait));

impl<T: Container> Turn<Ref<T>> {
    /// As [`defer`](Self::defer), when `fence` is signalled. Gives the turn back if it is already.
    #[inline(always)]
    pub(crate) fn defer_until(self, fence: ARef<Fence>) -> Result<(), Self> {
        let container = ManuallyDrop::new(self.0);
        let callback = container.0.as_c().cast::<dma_fence_cb>();

        // INVARIANT: By the type invariant nobody else uses the place of the work, which stays with
        // the reference that it has now.
        let callback = Lent(callback.wrapping_byte_add(T::WORK));
        if add(&fence, callback, fence_signaled::<T>).is_err() {
            return Err(Self(ManuallyDrop::into_inner(container)));
        }
        // What is called has it.
        forget(fence);
        Ok(())
    }
}

/// The operations of a container. They also tell it from other fences, so there must be only one
/// table for a type.
pub(crate) const fn ops<T: Container>() -> dma_fence_ops {
    dma_fence_ops {
        get_driver_name: Some(driver_name::<T>),
        get_timeline_name: Some(timeline_name),
        enable_signaling: Some(enable_signaling::<T>),
        signaled: Some(signaled::<T>),
        release: Some(release::<T>),
        set_deadline: Some(set_deadline::<T>),
        wait: None,
    }
}

/// A container that one of its operations is called for.
#[repr(transparent)]
struct Called<'a, T>(&'a T);

/// A fence with the operations of a `T`.
// SAFETY: By the contract of `Container` such a fence is where a `T` begins.
unsafe impl<T: Container> AsC for Called<'_, T> {
    type C = *mut bindings::dma_fence;
}

extern "C" fn driver_name<T: Container>(_fence: *mut bindings::dma_fence) -> *const c_char {
    T::DRIVER_NAME.as_char_ptr()
}

extern "C" fn timeline_name(_fence: *mut bindings::dma_fence) -> *const c_char {
    c"unbound".as_char_ptr()
}

kernel::callbacks! {
    fn enable_signaling<T: Container>(container: Called<'_, T>) -> bool {
        // INVARIANT: The first turn, since this is called once, with the lock held.
        T::arm(Turn(container.0))
    }

    fn signaled<T: Container>(container: Called<'_, T>) -> bool {
        container.0.is_signaled()
    }

    fn set_deadline<T: Container>(container: Called<'_, T>, deadline: Time) {
        container.0.set_deadline(deadline);
    }

    fn release<T: Container>(dying: Dying<T>) {
        T::release(dying);
    }

    /// Called for the callback of a container of this type, which has a reference to the fence.
    fn fence_signaled<T: Container>(_fence: ARef<Fence>, callback: NonNull<dma_fence_cb>) {
        // SAFETY: This is what `Turn::defer_until` has left.
        let base = unsafe { ARef::from_raw(callback.byte_sub(T::WORK).cast()) };

        // INVARIANT: And so is the right.
        Turn(Ref::<T>(base, PhantomData)).defer();
    }

    /// Called for the work of a container of this type.
    fn run<T: Container>(work: NonNull<irq_work>) {
        // SAFETY: This is what `Turn::defer` has left.
        let base = unsafe { ARef::from_raw(work.byte_sub(T::WORK).cast()) };

        nested::count(&base);
        // INVARIANT: And so is the right.
        T::go_on(Turn(Ref(base, PhantomData)));
    }

    /// Called for the work of a container of this type that nobody has a reference to.
    fn free<T: Container>(work: NonNull<irq_work>) {
        // SAFETY: This is what `Dying::free_later` has left.
        let base = unsafe { ARef::from_raw(work.byte_sub(T::WORK).cast()) };

        nested::count(&base);
        // INVARIANT: The count is zero, as it was then.
        Dying::<T>(ManuallyDrop::new(base), PhantomData).free();
    }
}
