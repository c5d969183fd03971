// SPDX-License-Identifier: GPL-2.0

//! Fences in a row: timelines.
//!
//! C header: [`include/linux/dma-fence-chain.h`](srctree/include/linux/dma-fence-chain.h)

use super::{
    abi,
    leaf::LeafFence,
    memory::Memory,
    raw::{
        Fence,
        OwnedFence, //
    },
};
use crate::{
    alloc::Flags,
    bindings,
    error::to_result,
    prelude::*,
    sync::aref::ARef, //
};
use core::{
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};

/// The memory of a link of a [`FenceChain`].
///
/// Having it is all that can fail when a link is made, so it is to be had before the point of no
/// return.
///
/// # Examples
///
/// See [`FenceChain`].
pub struct ChainLink(Memory<bindings::dma_fence_chain>);

/// A fence that may be a member of a [`FenceChain`]: anything but a chain. Derefs to [`Fence`].
///
/// # Invariants
///
/// The fence is not a chain.
///
/// # Examples
///
/// See [`FenceChain`].
pub struct ChainMember(ARef<Fence>);

impl Deref for ChainMember {
    type Target = Fence;

    #[inline]
    fn deref(&self) -> &Fence {
        &self.0
    }
}

impl From<&LeafFence> for ChainMember {
    #[inline]
    fn from(fence: &LeafFence) -> Self {
        // INVARIANT: It is no container, and a chain is one.
        Self((&**fence).into())
    }
}

impl TryFrom<ARef<Fence>> for ChainMember {
    type Error = Error;

    /// Fails with `EINVAL` if the fence is a chain.
    #[inline]
    fn try_from(fence: ARef<Fence>) -> Result<Self> {
        if fence.is_chain() {
            return Err(EINVAL);
        }
        // INVARIANT: Just checked.
        Ok(Self(fence))
    }
}

impl ChainLink {
    /// Allocates the memory. Fails with `ENOMEM`. May sleep if `flags` allow it.
    #[inline]
    pub fn new(flags: Flags) -> Result<Self> {
        Ok(Self(Memory::new(flags)?))
    }

    /// The memory, from `kmalloc()`, for somebody in C who makes the link.
    #[inline]
    pub(crate) fn into_raw(self) -> *mut bindings::dma_fence_chain {
        KBox::into_raw(self.0.into_inner()).cast()
    }

    /// Makes a fence that is signalled when `fence`, `prev` and all before that are.
    ///
    /// `seqno` is the point on the timeline; if it is not later than the one of `prev`, a new
    /// context begins. May be called in any context.
    #[inline]
    pub fn link(self, prev: Option<ARef<Fence>>, fence: ChainMember, seqno: u64) -> ARef<Fence> {
        let chain = self.into_raw();
        let prev = prev.map_or(ptr::null_mut(), Fence::into_owned);

        // SAFETY: The memory is ours, from `kmalloc()`, and becomes a fence with one reference,
        // which is ours. It takes over the references to the others.
        unsafe {
            bindings::dma_fence_chain_init(chain, prev, Fence::into_owned(fence.0), seqno);
            ARef::from_raw(NonNull::new_unchecked(chain.cast()))
        }
    }
}

/// A fence that is signalled when its own fence and the links before it are.
///
/// Wraps the C `struct dma_fence_chain`. Derefs to [`Fence`], whose sequence number is the point on
/// the timeline.
///
/// # Invariants
///
/// The fence is the `base` of an initialised link, its first member.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{ChainLink, Fence, FenceChain};
///
/// let first = ChainLink::new(GFP_KERNEL)?.link(None, Fence::stub().try_into()?, 1);
/// let second = ChainLink::new(GFP_KERNEL)?.link(Some(first), Fence::stub().try_into()?, 2);
///
/// assert!(second.is_signaled());
/// assert_eq!(second.as_chain().map(|chain| chain.seqno()), Some(2));
/// // Nobody is there who could signal a point in the future.
/// assert_eq!(FenceChain::find_seqno(second, 3).err(), Some(EINVAL));
/// # Ok::<(), Error>(())
/// ```
#[repr(transparent)]
pub struct FenceChain(Fence);

impl FenceChain {
    /// The fence that was added with this link.
    #[inline]
    pub fn member(&self) -> &Fence {
        let link: *mut bindings::dma_fence_chain = self.0.as_raw().cast();

        // SAFETY: By the type invariant; the link has a reference to its fence.
        unsafe { Fence::from_raw((*link).fence) }
    }

    /// The link in the chain `head` that is signalled when the point `seqno` is reached; `None` if
    /// it was reached already. With zero this is `head`.
    ///
    /// Fails with `EINVAL` if `head` is not a chain or does not go as far as that.
    #[inline]
    pub fn find_seqno(head: ARef<Fence>, seqno: u64) -> Result<Option<ARef<Fence>>> {
        let mut fence = Some(OwnedFence::from(head));

        let result = to_result(abi::dma_fence_chain_find_seqno(&mut fence, seqno));
        let fence = fence.map(ARef::from);
        result.map(|()| fence)
    }

    /// Goes through the chain, from `head` back. See [`ChainWalk`].
    #[inline]
    pub fn walk(head: ARef<Fence>) -> ChainWalk {
        ChainWalk {
            fence: Some(head),
            started: false,
        }
    }
}

impl Deref for FenceChain {
    type Target = Fence;

    #[inline]
    fn deref(&self) -> &Fence {
        &self.0
    }
}

/// Iterator over the links of a chain. See [`FenceChain::walk`].
///
/// Takes links out of the chain that are signalled. If the chain began with a fence that is no
/// chain, this is the last one.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{Fence, FenceChain};
///
/// for link in FenceChain::walk(Fence::stub()) {
///     // No chain, so the only one.
///     assert!(link.as_chain().is_none());
/// }
/// ```
pub struct ChainWalk {
    fence: Option<ARef<Fence>>,
    started: bool,
}

impl Iterator for ChainWalk {
    type Item = ARef<Fence>;

    #[inline]
    fn next(&mut self) -> Option<ARef<Fence>> {
        if core::mem::replace(&mut self.started, true) {
            let fence = self.fence.take()?;

            self.fence = abi::dma_fence_chain_walk(fence.into()).map(ARef::from);
        }
        self.fence.clone()
    }
}

impl Fence {
    /// This fence as what it is, if it is a [`FenceChain`].
    #[inline]
    pub fn as_chain(&self) -> Option<&FenceChain> {
        self.is_chain().then(|| {
            // INVARIANT: The operations say what this is.
            //
            // SAFETY: `FenceChain` is transparent.
            unsafe { NonNull::from(self).cast().as_ref() }
        })
    }
}
