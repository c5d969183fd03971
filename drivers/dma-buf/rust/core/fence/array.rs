// SPDX-License-Identifier: GPL-2.0

//! Arrays: one fence for several.
//!
//! An array is signalled when all its fences are, with the error of the first that had one.
//!
//! C header: [`include/linux/dma-fence-array.h`](srctree/include/linux/dma-fence-array.h)

use super::{
    chain,
    context,
    flag::Flag,
    init::init,
    layout::{
        callback::{
            Hook,
            OnSignal, //
        },
        container::{
            self,
            Container,
            Ref,
            Turn, //
        },
        fence::{
            fields,
            set_lock_class,
            New,
            Structure,
            Table,
            Time, //
        },
        set::{
            Counted,
            FenceSet, //
        },
        share::{
            Share,
            Shared, //
        }, //
    },
    nested::{
        is_nested,
        Nesting, //
    },
    signal::{
        set_deadline,
        signal, //
    },
    state::{
        error,
        has, //
    }, //
};
use crate::kmalloc;
use core::mem::offset_of;
use kernel::{
    bindings::{
        dma_fence_array,
        dma_fence_array_cb,
        dma_fence_ops,
        irq_work, //
    },
    dma_buf::Fence,
    prelude::*,
    same_layout,
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
pub(crate) static OPS: dma_fence_ops = container::ops::<Array>();

/// In place of the error while it is not known yet.
const UNKNOWN: c_int = 1;

/// An array of fences.
#[repr(C)]
pub(crate) struct Array {
    base: Fence,
    rest: Rest,
}

/// What makes a fence an array.
///
/// # Invariants
///
/// In memory `callbacks` is the first of as many as there are `fences`.
#[repr(C)]
pub(crate) struct Rest {
    fences: Counted,
    work: Opaque<irq_work>,
    callbacks: [Hook<Share<Array>>; 0],
}

same_layout!(
    Array, dma_fence_array, base, rest: num_fences, rest.work: work, rest.callbacks: callbacks
);
same_layout!(Hook<Share<Array>>, dma_fence_array_cb);

impl Array {
    /// Takes `error` for the array's, if it is the first.
    #[inline]
    fn propagate(&self, error: c_int) {
        if error != 0 {
            self.settle(error);
        }
    }

    /// Sets the array's error, unless it is known.
    #[inline]
    fn settle(&self, error: c_int) {
        // MODEL: array-error
        let _ = fields(&self.base).error.cmpxchg(UNKNOWN, error, Full);
    }

    #[inline(always)]
    pub(crate) fn fences(&self) -> &[&Fence] {
        self.rest.fences.get()
    }

    /// Waits for the fences. Returns `false` if none is pending.
    #[inline(never)]
    fn wait(turn: Turn<&Self>) -> bool {
        let array = turn.container();

        // Callbacks may come after the array is signalled by another way, so that they have a
        // reference: all of them one, since each counts.
        turn.share_out(|fence, share| {
            array.propagate(error(fence));
            if share.give_back().is_none() {
                return true;
            }
            array.settle(0);
            false
        })
    }

    /// Memory for an array of `count` fences, zeroed. Fails with `ENOMEM`. May sleep.
    pub(super) fn allocate(count: usize) -> Result<New<Self>> {
        // INVARIANT: It is new, and freed with the last reference.
        kmalloc::array(count).map(|memory| New(KBox::into_raw(memory).cast()))
    }

    /// As [`allocate`](Self::allocate). Fails with `EINVAL` if `count` is negative.
    pub(super) fn allocate_number(count: c_int) -> Result<New<Self>> {
        usize::try_from(count)
            .map_err(Error::from)
            .and_then(Self::allocate)
    }

    /// Makes an array of `fences` in the memory for as many.
    pub(super) fn init(
        memory: New<Self>,
        fences: FenceSet,
        context: u64,
        seqno: u64,
    ) -> ARef<Fence> {
        let fences = Counted::new(fences);

        warn_on!(fences.is_missing());

        let nesting = Nesting::new(fences.get().iter().any(|fence| is_container(fence)));
        let memory = memory.fill(Rest {
            fences,
            work: const { Opaque::uninit() },
            callbacks: [],
        });
        let base = init(
            memory,
            Table::new(&OPS),
            None,
            context,
            seqno,
            nesting.bit(),
        );

        // MODEL: none, because nobody else knows the array.
        fields(&base).error.store(UNKNOWN, Relaxed);
        set_lock_class(
            &base,
            c"&array->base.inline_lock",
            kernel::static_lock_class!(),
        );
        nesting.begin(&base);
        base
    }
}

impl Structure for Array {
    type C = dma_fence_array;
}

// SAFETY: By the invariant of `Rest`; a `Counted` counts one for each fence.
unsafe impl Shared for Array {
    #[inline(always)]
    fn pending(&self) -> &Atomic<c_int> {
        &self.rest.fences.pending
    }

    #[inline(always)]
    fn fences(&self) -> &[&Fence] {
        self.fences()
    }

    #[inline(always)]
    fn hooks(&self) -> *const Hook<Share<Self>> {
        self.rest.callbacks.as_ptr()
    }
}

// SAFETY: By the layout above. Only `init` makes fences with these operations.
unsafe impl Container for Array {
    const DRIVER_NAME: &'static CStr = c"dma_fence_array";
    type Rest = Rest;

    const REST: usize = offset_of!(Self, rest);
    const WORK: usize = offset_of!(Self, rest.work);

    #[inline(always)]
    fn table() -> &'static dma_fence_ops {
        &OPS
    }

    #[inline(always)]
    fn base(&self) -> &Fence {
        &self.base
    }

    fn arm(turn: Turn<&Self>) -> bool {
        let array = turn.container();

        if array.fences().is_empty() {
            return true;
        }
        if is_nested(&array.base) {
            turn.keep().defer();
            return true;
        }
        Self::wait(turn)
    }

    fn go_on(turn: Turn<Ref<Self>>) {
        // This is not zero if nobody waits for the fences yet.
        // MODEL: none, because nobody has a share.
        let is_armed = turn.container().pending().load(Relaxed) == 0;
        let (array, is_pending) = turn.spend(|turn| !is_armed && Self::wait(turn));

        if !is_pending {
            array.settle(0);
            signal(&array.into_base());
        }
    }

    fn is_signaled(&self) -> bool {
        // MODEL: array-signaled
        if has(&self.base, Flag::EnableSignal) {
            // The callbacks count, and before the first of them this is not zero. Those that have
            // counted have seen to the error.
            if self.rest.fences.pending.load(Acquire) > 0 {
                return false;
            }
        } else {
            // Each is asked, also behind one that is pending: some are signalled by that.
            let signaled = |fence: &&&Fence| fence.is_done();

            if self.fences().iter().filter(signaled).count() != self.fences().len() {
                return false;
            }
            for fence in self.fences() {
                self.propagate(error(fence));
            }
        }
        self.settle(0);
        true
    }

    fn set_deadline(&self, deadline: Time) {
        for fence in self.fences() {
            if !is_nested(&self.base) || !is_container(fence) {
                set_deadline(fence, deadline);
            }
        }
    }
}

impl OnSignal for Share<Array> {
    #[inline(always)]
    fn signaled(self, fence: &Fence) {
        self.container().propagate(error(fence));
        if let Some(turn) = self.give_back() {
            turn.defer();
        }
    }
}

/// Whether all the fences in `fence` are of `context`.
#[inline(always)]
pub(super) fn is_of(fence: &Fence, context: u64) -> bool {
    match Array::of(fence) {
        Some(array) => array
            .fences()
            .iter()
            .all(|fence| fence.context() == context),
        None => fence.context() == context,
    }
}

/// The first of the fences in `head`; `head` itself if it is no array.
#[inline(always)]
pub(super) fn first(head: &Fence) -> Option<&Fence> {
    match Array::of(head) {
        Some(array) => array.fences().first().copied(),
        None => Some(head),
    }
}

/// One of the fences in `head`, if it is an array that has so many.
#[inline(always)]
pub(super) fn nth(head: &Fence, index: c_uint) -> Option<&Fence> {
    Array::of(head).and_then(|array| array.fences().get(index as usize).copied())
}

/// Whether `fence` is made of others.
pub(crate) fn is_container(fence: &Fence) -> bool {
    container::is_either::<Array, chain::Link>(fence)
}

/// One fence for those of `fences`, in a context of its own. Fails with `ENOMEM`. May sleep.
pub(crate) fn new(fences: FenceSet) -> Result<ARef<Fence>> {
    let memory = Array::allocate(fences.len())?;

    Ok(Array::init(memory, fences, context::allocate(1), 1))
}
