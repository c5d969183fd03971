// SPDX-License-Identifier: GPL-2.0

//! What is in a `struct dma_fence`, and its memory.

use crate::{
    fence::{
        flag::Flag,
        wanted::{
            Missed,
            Wanted, //
        }, //
    },
    kmalloc, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings::{
        self,
        dma_fence,
        list_head, //
    },
    dma_buf::Fence,
    interop::export::{
        AsC,
        FromC, //
    },
    prelude::*,
    same_layout,
    sync::{
        aref::ARef,
        atomic::{
            ordering::AcquireOrRelaxed,
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        rcu,
        LockClassKey,
        Refcount, //
    },
    types::Opaque, //
};

/// Nanoseconds of the monotonic clock.
pub(crate) type Time = bindings::ktime_t;

/// What is in a fence.
#[repr(C)]
pub(crate) struct Fields {
    lock: Opaque<bindings::dma_fence__bindgen_ty_1>,
    /// NULL once the fence is detached from its issuer.
    pub(super) ops: Atomic<*const bindings::dma_fence_ops>,
    /// The callbacks, then the time of the signal, then what RCU needs.
    phase: Opaque<bindings::dma_fence__bindgen_ty_2>,
    context: Opaque<u64>,
    seqno: Opaque<u64>,
    flags: Atomic<usize>,
    pub(crate) refcount: Refcount,
    /// Does not change any more once the fence is signalled.
    pub(crate) error: Atomic<c_int>,
}

same_layout!(
    Fields, dma_fence, lock: __bindgen_anon_1, ops, phase: __bindgen_anon_2, context,
    seqno, flags, refcount, error
);

impl Fields {
    /// The flags, which others may change.
    #[inline(always)]
    pub(in crate::fence) fn flags<O: AcquireOrRelaxed>(&self, ordering: O) -> usize {
        self.flags.load(ordering)
    }

    /// The head of the list of callbacks, or what has taken its place.
    #[inline(always)]
    pub(super) fn callbacks(&self) -> *mut list_head {
        (&raw const self.phase).cast_mut().cast()
    }
}

#[inline(always)]
pub(crate) fn fields(fence: &Fence) -> &Fields {
    // SAFETY: The layout is the same, and the fields that change do so atomically, or are opaque.
    unsafe { &*ptr::from_ref(fence).cast() }
}

#[inline(always)]
fn flags(fence: &Fence) -> *mut usize {
    (&raw const fields(fence).flags).cast_mut().cast()
}

/// Sets `flag`. Orders nothing.
#[inline(always)]
pub(crate) fn set(fence: &Fence, flag: Flag) {
    // MODEL: fence-timestamp
    // SAFETY: The flags live as long as the fence.
    unsafe { bindings::set_bit(flag as usize, flags(fence)) };
}

/// Sets `flag` and tells whether it was set before. Orders everything before and after.
#[inline(always)]
pub(crate) fn test_and_set(fence: &Fence, flag: Flag) -> bool {
    // MODEL: fence-error
    // SAFETY: The flags live as long as the fence.
    unsafe { bindings::test_and_set_bit(flag as usize, flags(fence)) }
}

/// `INIT_LIST_HEAD()`, but never a call: each fence needs one, and each callback that runs.
///
/// # Safety
///
/// `list` must be valid for writing.
#[inline(always)]
pub(super) unsafe fn make_empty(list: *mut list_head) {
    // MODEL: none, because drivers that look at a callback without the lock learn nothing of it.
    // SAFETY: By the contract above.
    unsafe {
        (&raw mut (*list).next).write_volatile(list);
        // MODEL: none, because it is as above.
        (&raw mut (*list).prev).write_volatile(list);
    }
}

/// Tries for a reference to a fence that may be on its way out.
///
/// Whoever looks again whether this is still the fence that it was looks afterwards: that goes for
/// each of the results.
///
/// # Safety
///
/// `fence` must point to the memory of a fence, which may be being released.
#[inline(always)]
pub(crate) unsafe fn get_unless_zero(
    fence: NonNull<dma_fence>,
    wanted: Wanted,
    _rcu: &rcu::Guard,
) -> Result<ARef<Fence>, Missed> {
    // Each with acquire, for those who look again.
    //
    // SAFETY: RCU keeps the memory, which has been a fence, and therefore has flags and a reference
    // count. If that was not zero, it has been raised for us.
    unsafe {
        let fields = fence.cast::<Fields>().as_ref();
        let refcount = &raw mut (*fence.as_ptr()).refcount.refcount;

        // MODEL: resv-skip
        if wanted == Wanted::Pending && fields.flags.load(Acquire) & Flag::Signaled.bit() != 0 {
            return Err(Missed::Signaled);
        }
        // MODEL: fence-free, fence-reuse, chain-second-look, resv-moved, resv-second-look
        if !bindings::refcount_inc_not_zero_acquire(refcount) {
            return Err(Missed::Gone);
        }
        Ok(ARef::from_raw(fence.cast()))
    }
}

/// Memory for a fence, or for a structure that begins with one.
///
/// # Invariants
///
/// Nobody else accesses the memory, but to find that the count in it is zero. It stays for as long
/// as the fence has references.
pub(crate) struct New<T = Fence>(pub(in crate::fence) *mut T);

impl New {
    /// Fails with `ENOMEM`. May sleep.
    pub(crate) fn allocate() -> Result<Self> {
        // INVARIANT: It is new, and freed with the last reference.
        kmalloc::fence().map(|memory| Self(KBox::into_raw(memory).cast()))
    }

    /// Makes a fence with one reference. Without `lock` it gets one of its own.
    #[inline]
    pub(crate) fn init(
        self,
        ops: Table<'_>,
        lock: Option<NonNull<bindings::spinlock_t>>,
        context: u64,
        seqno: u64,
        flags: usize,
    ) -> ARef<Fence> {
        let fence = self.0.cast::<dma_fence>();
        let own_lock = if lock.is_none() {
            Flag::InlineLock.bit()
        } else {
            0
        };

        // SAFETY: By the type invariant nobody else accesses the memory, up to the count, which is
        // accessed atomically.
        unsafe {
            // MODEL: none, because nobody else accesses it.
            (*fence).ops = ops.0.map_or(ptr::null(), ptr::from_ref);
            make_empty(&raw mut (*fence).__bindgen_anon_2.cb_list);
            (*fence).context = context;
            (*fence).seqno = seqno;
            match lock {
                None => bindings::__spin_lock_init(
                    &raw mut (*fence).__bindgen_anon_1.inline_lock,
                    c"&fence->inline_lock".as_char_ptr(),
                    kernel::static_lock_class!().as_ptr(),
                ),
                Some(lock) => (*fence).__bindgen_anon_1.extern_lock = lock.as_ptr(),
            }
            (*fence).error = 0;

            // Who has found another fence in this memory before may look whether it is signalled,
            // and tries for a reference, where drivers make new ones within a grace period. The
            // count is last.
            let flags = flags | Flag::Initialized.bit() | own_lock;
            // MODEL: resv-skip
            (*fence.cast::<Fields>()).flags.store(flags, Relaxed);
            // MODEL: fence-reuse, chain-second-look, resv-moved, resv-second-look
            Atomic::from_ptr(&raw mut (*fence).refcount.refcount.refs.counter).store(1, Release);
            ARef::from_raw(NonNull::new_unchecked(fence.cast()))
        }
    }
}

/// What begins with a fence.
pub(crate) trait Structure {
    /// What C calls it.
    type C;
}

impl Structure for Fence {
    type C = dma_fence;
}

/// Memory as above, with room for all that a container counts.
impl<T: Structure> FromC for New<T> {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // INVARIANT: By the contract above.
        Self(value.cast())
    }
}

/// Gives the lock that a new `fence` has of its own another class, for fences that take the locks
/// of others under it.
pub(crate) fn set_lock_class(
    fence: &Fence,
    name: &'static CStr,
    class: Pin<&'static LockClassKey>,
) {
    // SAFETY: Both are static. The lock is only looked at to find the class.
    unsafe {
        bindings::spin_lock_set_class(
            (&raw const fields(fence).lock).cast_mut().cast(),
            class.as_ptr(),
            name.as_char_ptr(),
        )
    };
}

/// What a fence is initialised with.
///
/// # Invariants
///
/// A table that is valid up to an RCU grace period after the fence has been signalled, or for as
/// long as the fence exists if it has `release` or `wait`.
#[repr(transparent)]
pub(crate) struct Table<'a>(Option<&'a bindings::dma_fence_ops>);

impl Table<'_> {
    pub(crate) fn new(ops: &'static bindings::dma_fence_ops) -> Self {
        // INVARIANT: Static.
        Self(Some(ops))
    }

    /// Whether it has what it must have.
    #[inline(always)]
    pub(crate) fn is_complete(&self) -> bool {
        self.0
            .is_some_and(|ops| ops.get_driver_name.is_some() && ops.get_timeline_name.is_some())
    }
}

/// Operations as above; or incomplete ones, or NULL, which is a bug.
// SAFETY: Transparent. A reference is a pointer, and for NULL there is `None`.
unsafe impl AsC for Table<'_> {
    type C = *const bindings::dma_fence_ops;
}
