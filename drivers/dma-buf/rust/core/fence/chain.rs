// SPDX-License-Identifier: GPL-2.0

//! Chains: timelines made of any fences.
//!
//! Each link contains a fence and owns a reference to the link before it, and is signalled when its
//! fence and those of all links before it are. Whoever walks along a chain cuts out what is
//! signalled.
//!
//! C header: [`include/linux/dma-fence-chain.h`](srctree/include/linux/dma-fence-chain.h)

use super::{
    add_callback,
    allocate_contexts,
    container::{
        self,
        Container, //
    },
    get_unless_zero,
    ops_ptr,
    release::Dying,
    set::into_raw,
    set_deadline,
    signal,
    Ops,
    Time, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings,
    bindings::{
        dma_fence,
        dma_fence_chain, //
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
        },
        rcu, //
    },
    types::Opaque,
    warn_on, //
};

/// Tells chains from other fences.
#[export_name = "dma_fence_chain_ops"]
pub(crate) static OPS: Ops = container::ops::<Link>();

/// Whether these are the operations of chains.
pub(super) fn is_ours(ops: &bindings::dma_fence_ops) -> bool {
    ptr::eq(ops, &OPS.0)
}

/// A link of a chain.
///
/// # Invariants
///
/// Initialised by [`Link::init`]. `prev` is NULL or owns a reference to the link before this one,
/// or to the fence that the chain begins with; it changes atomically. `fence` owns a reference.
#[repr(transparent)]
pub(crate) struct Link(Opaque<dma_fence_chain>);

impl Link {
    fn base(&self) -> &Fence {
        // SAFETY: A borrowed link has a reference.
        unsafe { Fence::from_raw(&raw mut (*self.0.get()).base) }
    }

    pub(crate) fn contained(&self) -> &Fence {
        // SAFETY: By the type invariant the link has a reference to it.
        unsafe { Fence::from_raw((*self.0.get()).fence) }
    }

    fn prev_ptr(&self) -> &Atomic<*mut dma_fence> {
        // SAFETY: The pointer lives as long as the link and is accessed atomically only.
        unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).prev) }
    }

    /// What comes before this link, as it is now.
    fn prev(&self) -> Option<ARef<Fence>> {
        let rcu = rcu::read_lock();

        loop {
            let ptr = NonNull::new(self.prev_ptr().load(Acquire))?;

            // SAFETY: The link had a reference to it, at a time when RCU was held.
            if let Some(prev) = unsafe { get_unless_zero(ptr, &rcu) } {
                // It may have been replaced, and its memory be another fence by now.
                if ptr::eq(self.prev_ptr().load(Relaxed), ptr.as_ptr()) {
                    return Some(prev);
                }
            }
        }
    }

    /// Puts `replacement` in the place of `old`, unless that has been replaced.
    fn replace_prev(&self, old: &Fence, replacement: Option<ARef<Fence>>) {
        let new = replacement.map_or(ptr::null_mut(), into_raw);
        let unused = match self.prev_ptr().cmpxchg(old.as_raw(), new, Full) {
            Ok(old) => old,
            Err(_) => new,
        };

        // SAFETY: Of the two references, the link has one now, and the other one is ours.
        drop(unsafe { Fence::from_owned(unused) });
    }

    /// Initialises a link in the memory at `link`.
    ///
    /// # Safety
    ///
    /// Nobody else must access the memory, which the fence takes over and which must come from
    /// `kmalloc()`.
    pub(crate) unsafe fn init(
        link: *mut dma_fence_chain,
        prev: Option<ARef<Fence>>,
        fence: ARef<Fence>,
        mut number: u64,
    ) {
        let mut prev_seqno = 0;
        let mut context = None;

        if let Some(prev) = prev.as_deref().filter(|prev| Self::of(prev).is_some()) {
            // Links know all 64 bits of their number.
            if number > prev.seqno() {
                context = Some(prev.context());
                prev_seqno = prev.seqno();
            } else {
                number = prev.seqno();
            }
        }

        // A container in a link would make for recursion.
        warn_on!(Self::of(&fence).is_some());

        // INVARIANT: The references go over to the link.
        // SAFETY: The memory is the caller's to give.
        unsafe {
            (*link).prev = prev.map_or(ptr::null_mut(), into_raw);
            (*link).fence = into_raw(fence);
            (*link).prev_seqno = prev_seqno;
            super::init(
                &raw mut (*link).base,
                &OPS.0,
                ptr::null_mut(),
                context.unwrap_or_else(|| allocate_contexts(1)),
                number,
                super::Flag::Seqno64.bit(),
            );
            // Takes the contained fence's lock under its own.
            bindings::spin_lock_set_class(
                &raw mut (*link).base.__bindgen_anon_1.inline_lock,
                kernel::static_lock_class!().as_ptr(),
                c"&chain->base.inline_lock".as_char_ptr(),
            );
        }
    }
}

impl Container for Link {
    const DRIVER_NAME: &'static CStr = c"dma_fence_chain";

    fn of(fence: &Fence) -> Option<&Self> {
        // The type is not detached from its operations, so that there is nothing to order.
        ptr::eq(ops_ptr(fence).load(Relaxed), &OPS.0).then(|| {
            // SAFETY: A fence with these operations is the base of a link.
            unsafe { &*container_of!(fence.as_raw(), dma_fence_chain, base).cast() }
        })
    }

    /// For the first fence that is pending; when that is signalled, for the next one.
    fn arm(&self) -> bool {
        // These two references belong to the callback once it is armed.
        let head = ARef::from(self.base());
        let mut next = Some(head.clone());

        while let Some(link) = next {
            let fence = ARef::from(contained(&link));

            // SAFETY: Nobody else uses the callback: this runs once when signalling is enabled,
            // and then after each time that the callback has run.
            let armed = unsafe {
                add_callback(
                    &fence,
                    &raw mut (*self.0.get()).__bindgen_anon_1.cb,
                    Some(fence_signaled),
                )
            };
            if armed.is_ok() {
                core::mem::forget((head, fence));
                return true;
            }
            next = walk(link);
        }
        false
    }

    fn is_signaled(&self) -> bool {
        let mut next = Some(ARef::from(self.base()));

        while let Some(fence) = next {
            if !contained(&fence).is_done() {
                return false;
            }
            next = walk(fence);
        }
        true
    }

    fn set_deadline(&self, deadline: Time) {
        let mut next = Some(ARef::from(self.base()));

        while let Some(fence) = next {
            set_deadline(contained(&fence), deadline);
            next = walk(fence);
        }
    }

    /// And the links before it that nobody else wants: one after the other, however many they are.
    unsafe fn release(dying: Dying) {
        let mut next = Some(dying);

        while let Some(dying) = next.take() {
            // SAFETY: Only links get here. Nobody else follows the pointers of one that is dying,
            // and the two references are ours to drop.
            let prev = unsafe {
                let link = container_of!(dying.as_raw(), dma_fence_chain, base);
                let prev = NonNull::new((*link).prev);

                drop(Fence::from_owned((*link).fence));
                dying.free();
                prev.and_then(|prev| Dying::put(prev))
            };

            match prev {
                Some(prev) if prev.ops(&rcu::read_lock()).is_some_and(is_ours) => {
                    next = prev.begin(&rcu::read_lock());
                }
                Some(prev) => prev.release(),
                None => {}
            }
        }
    }
}

/// The fence in a link; `fence` itself if it is none.
pub(crate) fn contained(fence: &Fence) -> &Fence {
    Link::of(fence).map_or(fence, Link::contained)
}

/// The next fence down the chain that is pending, or that is a link with a pending fence. Cuts out
/// of the chain what is in between. Any context.
pub(crate) fn walk(fence: ARef<Fence>) -> Option<ARef<Fence>> {
    let link = Link::of(&fence)?;

    loop {
        let prev = link.prev()?;
        if !contained(&prev).is_done() {
            return Some(prev);
        }
        link.replace_prev(&prev, Link::of(&prev).and_then(Link::prev));
    }
}

/// Whether the chain that ends with `fence` has come as far as `number`. Fails with `EINVAL` if it
/// has not, or if `fence` is no link.
pub(crate) fn check_reaches(fence: Option<&Fence>, number: u64) -> Result {
    match fence.and_then(Link::of) {
        Some(link) if link.base().seqno() >= number => Ok(()),
        _ => Err(EINVAL),
    }
}

/// The fence to wait for to be sure that `number` is signalled in the chain that ends with `head`;
/// `None` if it is signalled.
pub(crate) fn find(head: ARef<Fence>, number: u64) -> Option<ARef<Fence>> {
    let timeline = head.context();
    let mut next = Some(head);

    while let Some(fence) = next {
        let is_further = Link::of(&fence).is_some_and(|link| {
            // SAFETY: Constant since the link was initialised.
            fence.context() == timeline && unsafe { (*link.0.get()).prev_seqno } >= number
        });
        if !is_further {
            return Some(fence);
        }
        next = walk(fence);
    }
    None
}

/// Called when the fence that a link was armed with is signalled, under that fence's lock.
///
/// # Safety
///
/// Called with a callback that [`Link::arm`] armed.
unsafe extern "C" fn fence_signaled(fence: *mut dma_fence, cb: *mut bindings::dma_fence_cb) {
    // SAFETY: `arm` left a reference to the link and one to the fence for us. The callback has
    // been taken off, so that the work may take its place.
    unsafe {
        let link = container_of!(cb, dma_fence_chain, __bindgen_anon_1.cb);
        let work = &raw mut (*link).__bindgen_anon_1.work;

        bindings::init_irq_work(work, Some(go_on));
        bindings::irq_work_queue(work);
        drop(Fence::from_owned(fence));
    }
}

/// Arms a link on the next fence that is pending, outside of any fence's lock.
///
/// # Safety
///
/// Called with the work of a link, as queued by [`fence_signaled`].
unsafe extern "C" fn go_on(work: *mut bindings::irq_work) {
    // SAFETY: The reference to the link that `arm` left goes on to here.
    let base = unsafe {
        let link = container_of!(work, dma_fence_chain, __bindgen_anon_1.work);
        Fence::from_owned(&raw mut (*link).base)
    };
    let Some(base) = base else { return };

    if !Link::of(&base).is_some_and(Link::arm) {
        signal(&base);
    }
}
