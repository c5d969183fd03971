// SPDX-License-Identifier: GPL-2.0

//! Looking into containers, and merging what is in them.
//!
//! C header: [`include/linux/dma-fence-unwrap.h`](srctree/include/linux/dma-fence-unwrap.h)

use super::{
    array::{
        self,
        Array, //
    },
    chain,
    layout::{
        container::Container,
        fence::Time,
        set::FenceSet, //
    },
    signal::signaled_at,
    stub, //
};
use core::{
    ptr,
    slice, //
};
use kernel::{
    bindings::dma_fence_unwrap,
    dma_buf::Fence,
    interop::export::IntoC,
    prelude::*,
    same_layout,
    sync::aref::ARef, //
};

/// A position in a chain of arrays, or in anything less.
///
/// # Invariants
///
/// `array` is the fence contained in `chain`, or NULL.
#[repr(C)]
pub(crate) struct Cursor {
    chain: Option<ARef<Fence>>,
    array: *const Fence,
    index: u32,
}

same_layout!(Cursor, dma_fence_unwrap, chain, array, index);

impl Cursor {
    /// Nowhere.
    pub(super) fn new() -> Self {
        Self {
            chain: None,
            array: ptr::null(),
            index: 0,
        }
    }

    /// Goes to the first fence in `link`.
    pub(super) fn enter(&mut self, link: Option<ARef<Fence>>) -> Option<&Fence> {
        self.chain = link;
        self.array = ptr::null();
        self.index = 0;

        let contained = chain::contained(self.chain.as_deref()?);

        self.array = contained;
        match Array::of(contained) {
            Some(array) => array.fences().first().copied(),
            None => Some(contained),
        }
    }

    /// Goes to the next fence.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<&Fence> {
        // Nobody has so many fences.
        self.index = self.index.wrapping_add(1);

        // SAFETY: By the type invariant `chain` keeps it until the next step, which takes `self`.
        let contained: Option<&Fence> = unsafe { self.array.as_ref() };
        let fence = contained
            .and_then(Array::of)
            .and_then(|array| array.fences().get(self.index as usize));

        match fence {
            Some(fence) => Some(fence),
            None => self.next_link(),
        }
    }

    /// Goes to the first fence in the next link.
    #[inline(never)]
    fn next_link(&mut self) -> Option<&Fence> {
        let next = self.chain.take().and_then(chain::walk);
        self.enter(next)
    }

    /// What C has.
    pub(super) fn into_raw(mut self) -> dma_fence_unwrap {
        dma_fence_unwrap {
            chain: self.chain.take().into_c(),
            array: self.array.cast_mut().cast(),
            index: self.index,
        }
    }
}

/// The fences in an array; the fence itself if it is none.
#[inline(always)]
fn parts<'a>(fence: &'a &Fence) -> &'a [&'a Fence] {
    Array::of(fence).map_or(slice::from_ref(fence), Array::fences)
}

/// Calls `f` with the fences of each link in `head`.
#[inline(always)]
fn each_link(head: &Fence, mut f: impl FnMut(&[&Fence]) -> Result) -> Result {
    // `head` stays the caller's.
    let mut link: Option<ARef<Fence>> = None;

    loop {
        let current = link.as_deref().unwrap_or(head);

        f(parts(&chain::contained(current)))?;
        link = chain::before(current);
        if link.is_none() {
            return Ok(());
        }
    }
}

/// Calls `f` with each fence in `head`.
#[inline(always)]
pub(crate) fn for_each(head: &Fence, mut f: impl FnMut(&Fence) -> Result) -> Result {
    each_link(head, |fences| fences.iter().try_for_each(|fence| f(fence)))
}

/// How many fences are in `head`. None of them is looked at.
pub(crate) fn count(head: &Fence) -> u32 {
    let mut count: u32 = 0;

    // Does not fail, and nobody has so many fences.
    let _ = each_link(head, |fences| {
        count = count.wrapping_add(fences.len() as u32);
        Ok(())
    });
    count
}

/// As [`count`]. Fails with `EINVAL` if one of them is a container that is not signalled.
pub(crate) fn count_leaves(head: &Fence) -> Result<u32> {
    let mut count: u32 = 0;

    for_each(head, |fence| {
        if fence.is_container() && !fence.test_signaled_flag() {
            return Err(EINVAL);
        }
        count = count.wrapping_add(1);
        Ok(())
    })?;
    Ok(count)
}

/// The pending ones among the fences in `heads`, and when the last of the others was signalled.
struct Pending<'a> {
    heads: &'a [Option<&'a Fence>],
    last_signaled: Time,
}

impl Pending<'_> {
    /// Calls `f` with each pending fence. Fails if `f` does.
    #[inline(always)]
    fn visit(&mut self, mut f: impl FnMut(&Fence) -> Result) -> Result {
        for head in self.heads.iter().flatten() {
            for_each(head, |fence| {
                if !fence.is_done() {
                    return f(fence);
                }
                if let Some(time) = signaled_at(fence) {
                    self.last_signaled = self.last_signaled.max(time);
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// One fence for all the fences in `heads`, without containers inside containers and with only the
/// latest of each context. If none is pending, a stub with the time of the last signal. Fails with
/// `ENOMEM`. May sleep.
pub(crate) fn merge(heads: &[Option<&Fence>]) -> Result<ARef<Fence>> {
    let mut pending = Pending {
        heads,
        last_signaled: 0,
    };
    let mut first: Option<ARef<Fence>> = None;
    let mut count: usize = 0;

    pending.visit(|fence| {
        if count == 0 {
            first = Some(fence.into());
        }
        // Nobody has so many fences.
        count = count.wrapping_add(1);
        Ok(())
    })?;
    let Some(first) = first else {
        return stub::new(pending.last_signaled);
    };
    if count == 1 {
        return Ok(first);
    }

    let known = ptr::from_ref::<Fence>(&first);
    let mut fences = FenceSet::with_capacity(count)?;
    fences.push(first)?;
    pending.visit(|fence| {
        if ptr::eq(fence, known) {
            return Ok(());
        }
        fences.push(fence.into())
    })?;
    fences.deduplicate();

    match fences.len() {
        1 => fences.pop().ok_or(EINVAL),
        _ => array::new(fences),
    }
}
