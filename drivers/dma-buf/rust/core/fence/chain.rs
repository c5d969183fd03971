// SPDX-License-Identifier: GPL-2.0

//! Chains: timelines made of any fences.
//!
//! Each link contains a fence and owns a reference to the link before it, and is signalled when its
//! fence and those of all links before it are. Whoever walks along a chain cuts out what is
//! signalled. For a chain in a link see [`nested`](super::nested).
//!
//! C header: [`include/linux/dma-fence-chain.h`](srctree/include/linux/dma-fence-chain.h)

use super::{
    context,
    flag::Flag,
    init::init,
    layout::{
        container::{
            self,
            Container,
            Ref,
            Turn, //
        },
        dying::Dying,
        fence::{
            set_lock_class,
            New,
            Structure,
            Table,
            Time, //
        }, //
    },
    nested::{
        is_nested,
        Nesting, //
    },
    reference::Replaceable,
    signal::{
        ask,
        set_deadline,
        signal, //
    }, //
};
use core::mem::{
    offset_of,
    ManuallyDrop, //
};
use kernel::{
    bindings::{
        dma_fence_cb,
        dma_fence_chain,
        dma_fence_chain__bindgen_ty_1,
        dma_fence_ops,
        irq_work, //
    },
    dma_buf::Fence,
    prelude::*,
    same_layout,
    sync::{
        aref::ARef,
        rcu, //
    },
    types::Opaque, //
};

/// Tells chains from other fences.
#[export_name = "dma_fence_chain_ops"]
pub(crate) static OPS: dma_fence_ops = container::ops::<Link>();

/// A link of a chain.
#[repr(C)]
pub(crate) struct Link {
    base: Fence,
    rest: Rest,
}

/// What makes a fence a link.
#[repr(C)]
pub(crate) struct Rest {
    /// The link before this one, or the fence that the chain begins with.
    prev: Replaceable,
    prev_seqno: u64,
    fence: ARef<Fence>,
    waiting: Waiting,
}

/// Who has the turn uses the one or the other.
#[repr(C)]
union Waiting {
    callback: ManuallyDrop<Opaque<dma_fence_cb>>,
    work: ManuallyDrop<Opaque<irq_work>>,
}

same_layout!(
    Link, dma_fence_chain, base, rest: prev, rest.prev_seqno: prev_seqno, rest.fence: fence,
    rest.waiting: __bindgen_anon_1
);
same_layout!(Waiting, dma_fence_chain__bindgen_ty_1, callback: cb, work);

impl Link {
    #[inline(always)]
    pub(crate) fn contained(&self) -> &Fence {
        &self.rest.fence
    }

    /// Makes a link in the memory.
    pub(super) fn init(
        memory: New<Self>,
        prev: Option<ARef<Fence>>,
        fence: ARef<Fence>,
        mut number: u64,
    ) -> ARef<Fence> {
        let mut prev_seqno = 0;
        let mut timeline = None;

        if let Some(prev) = prev.as_deref().filter(|prev| Self::of(prev).is_some()) {
            // Links know all 64 bits of their number.
            if number > prev.seqno() {
                timeline = Some(prev.context());
                prev_seqno = prev.seqno();
            } else {
                number = prev.seqno();
            }
        }

        let nesting = Nesting::new(Self::of(&fence).is_some());
        let memory = memory.fill(Rest {
            prev: Replaceable::new(prev),
            prev_seqno,
            fence,
            waiting: Waiting {
                work: ManuallyDrop::new(const { Opaque::uninit() }),
            },
        });
        let timeline = timeline.unwrap_or_else(|| context::allocate(1));
        let ops = Table::new(&OPS);
        let flags = Flag::Seqno64.bit() | nesting.bit();
        let base = init(memory, ops, None, timeline, number, flags);

        set_lock_class(
            &base,
            c"&chain->base.inline_lock",
            kernel::static_lock_class!(),
        );
        nesting.begin(&base);
        base
    }

    /// See [`walk`].
    // By itself, so that who has no link does not pay for it.
    #[inline(never)]
    fn before(&self) -> Option<ARef<Fence>> {
        loop {
            let prev = {
                let rcu = rcu::read_lock();
                let prev = self.rest.prev.load(&rcu)?;

                if !is_content_done(&prev, &rcu) {
                    return Some(prev);
                }
                prev
            };
            self.cut_out(prev);
        }
    }

    /// What comes before this link, be it done or not. Once, for who cuts out.
    #[inline(never)]
    fn prev(&self) -> Option<ARef<Fence>> {
        self.rest.prev.load(&rcu::read_lock())
    }

    /// Cuts `prev`, which is done, out of the chain, if it is still what comes before this link;
    /// and first what comes before `prev` out of that, if it is done, too.
    ///
    /// So who goes along a chain cuts every other link out of what stays of it, which is hardly
    /// more work, and who goes there next has half as far to go: the others that are waited
    /// for, which all come along when the last of them is done.
    #[inline(never)]
    fn cut_out(&self, prev: ARef<Fence>) {
        if let Some(link) = Self::of(&prev) {
            let next = link.prev();
            let is_done = next
                .as_deref()
                .is_some_and(|fence| is_content_done(fence, &rcu::read_lock()));

            if let Some(done) = next.filter(|_| is_done) {
                link.replace(done);
            }
        }
        self.replace(prev);
    }

    /// Has what comes before `prev` come before this link, if that is still `prev`.
    #[inline(never)]
    fn replace(&self, prev: ARef<Fence>) {
        let before = Self::of(&prev).and_then(Self::prev);

        self.rest.prev.replace(&prev, before);
    }

    /// Passes `deadline` on to what is in the chain. `nested` says whether to what is in a chain in
    /// it, too.
    #[inline(never)]
    fn pass_on(&self, deadline: Time, nested: bool) {
        let mut next = Some(ARef::from(&self.base));

        while let Some(fence) = next {
            match Self::of(contained(&fence)) {
                None => set_deadline(contained(&fence), deadline),
                // So this goes no deeper than that.
                Some(link) if nested => link.pass_on(deadline, false),
                Some(_) => (),
            }
            next = walk(fence);
        }
    }

    /// Has the turn come back when the first fence that is pending is signalled. Gives it back if
    /// there is none. `held` says whether the lock of the chain may be held.
    fn wait(mut turn: Turn<Ref<Self>>, held: bool) -> Result<(), Turn<Ref<Self>>> {
        let mut next = Some(ARef::from(&turn.container().base));

        while let Some(link) = next {
            if held && Self::of(&link).is_some_and(|link| is_nested(&link.base)) {
                turn.defer();
                return Ok(());
            }
            // The link may be cut out of the chain, so that the fence needs its own reference.
            let fence = ARef::from(contained(&link));

            match turn.defer_until(fence) {
                Ok(()) => return Ok(()),
                Err(back) => turn = back,
            }
            next = walk(link);
        }
        Err(turn)
    }
}

impl Structure for Link {
    type C = dma_fence_chain;
}

// SAFETY: By the layout above. Only `init` makes fences with these operations.
unsafe impl Container for Link {
    const DRIVER_NAME: &'static CStr = c"dma_fence_chain";
    type Rest = Rest;

    const REST: usize = offset_of!(Self, rest);
    const WORK: usize = offset_of!(Self, rest.waiting);

    #[inline(always)]
    fn table() -> &'static dma_fence_ops {
        &OPS
    }

    #[inline(always)]
    fn base(&self) -> &Fence {
        &self.base
    }

    #[inline]
    fn arm(turn: Turn<&Self>) -> bool {
        Self::wait(turn.keep(), true).is_ok()
    }

    fn go_on(turn: Turn<Ref<Self>>) {
        if let Err(turn) = Self::wait(turn, false) {
            signal(&turn.end().into_base());
        }
    }

    #[inline]
    fn is_signaled(&self) -> bool {
        let fence = self.contained();
        let is_done = if is_nested(&self.base) {
            fence.test_signaled_flag()
        } else {
            fence.is_done()
        };

        if !is_done {
            return false;
        }
        // What this finds is pending.
        before(&self.base).is_none()
    }

    fn set_deadline(&self, deadline: Time) {
        self.pass_on(deadline, true);
    }

    /// And the links before it that nobody else wants: one after the other, however many they are.
    fn release(dying: Dying<Self>) {
        let mut next = Some(dying);

        while let Some(mut dying) = next.take() {
            // MODEL: chain-depth, chain-release
            let prev = dying.get_mut().rest.prev.take();

            dying.end();
            let Some(prev) = prev.and_then(Dying::put) else {
                return;
            };
            match prev.downcast() {
                Ok(link) => next = link.begin(&rcu::read_lock()),
                Err(other) => other.release(),
            }
        }
    }
}

/// The fence in a link; `fence` itself if it is none.
#[inline]
pub(crate) fn contained(fence: &Fence) -> &Fence {
    Link::of(fence).map_or(fence, Link::contained)
}

/// Whether the fence in a link is done, as far as this is told without asking a chain; `fence`
/// itself if it is no link.
#[inline(always)]
fn is_content_done(fence: &Fence, rcu: &rcu::Guard) -> bool {
    let content = contained(fence);
    let may_ask = || !Link::of(fence).is_some_and(|link| is_nested(&link.base));

    content.test_signaled_flag() || (may_ask() && ask(content, rcu))
}

/// The next fence down the chain that is pending, or that is a link with a pending fence. Cuts out
/// of the chain what is in between. Any context.
#[inline(always)]
pub(crate) fn walk(fence: ARef<Fence>) -> Option<ARef<Fence>> {
    before(&fence)
}

/// As [`walk`], from a fence that stays the caller's.
#[inline(always)]
pub(crate) fn before(fence: &Fence) -> Option<ARef<Fence>> {
    Link::of(fence)?.before()
}

/// Whether the chain that ends with `fence` has come as far as `number`. Fails with `EINVAL` if it
/// has not, or if `fence` is no link.
pub(crate) fn check_reaches(fence: Option<&Fence>, number: u64) -> Result {
    match fence.and_then(Link::of) {
        Some(link) if link.base.seqno() >= number => Ok(()),
        _ => Err(EINVAL),
    }
}

/// The fence to wait for to be sure that `number` is signalled in the chain that ends with `head`;
/// `None` if it is signalled.
pub(crate) fn find(head: ARef<Fence>, number: u64) -> Option<ARef<Fence>> {
    let timeline = head.context();
    let mut next = Some(head);

    while let Some(fence) = next {
        let is_further = Link::of(&fence)
            .is_some_and(|link| fence.context() == timeline && link.rest.prev_seqno >= number);
        if !is_further {
            return Some(fence);
        }
        next = walk(fence);
    }
    None
}
