// SPDX-License-Identifier: GPL-2.0

//! What has to be had before a fence is made.

use super::{
    deferred::Elsewhere,
    inner::Inner,
    memory::Memory,
    ops::FenceOps,
    timeline::Place, //
};
use crate::{
    alloc::Flags,
    prelude::*, //
};

/// The memory of a [`DriverFence`](super::DriverFence).
///
/// Having it is all that can fail when a fence is made, so it is to be had before the point of no
/// return.
///
/// # Examples
///
/// See [`DriverFence`](super::DriverFence).
pub struct FenceAllocation<T: FenceOps> {
    pub(super) memory: Memory<Inner<T>>,
    pub(super) place: Place,
    pub(super) elsewhere: Option<Elsewhere<T>>,
}

impl<T: FenceOps> FenceAllocation<T> {
    /// Allocates the memory. Fails with `ENOMEM`. May sleep if `flags` allow it.
    #[inline]
    pub fn new(flags: Flags) -> Result<Self> {
        Ok(Self {
            memory: Memory::new(flags)?,
            place: Place::new(flags)?,
            elsewhere: Elsewhere::new(flags)?,
        })
    }
}
