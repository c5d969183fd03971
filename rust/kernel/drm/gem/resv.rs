// SPDX-License-Identifier: GPL-2.0

//! The reservation objects of GEM objects.
//!
//! C header: [`include/drm/drm_gem.h`](srctree/include/drm/drm_gem.h)

use super::{
    DriverObject,
    IntoGEMObject,
    Object, //
};
use crate::{
    dma_buf::{
        HasResv,
        Resv, //
    },
    drm::DeviceContext,
};

/// Every GEM object has one, of its own or of what it shares it with: objects can be locked
/// together, by an [`AcquireCtx`](crate::dma_buf::AcquireCtx).
///
/// # Examples
///
/// What a job of a driver uses, whatever class of objects that has:
///
/// ```
/// use kernel::{
///     dma_buf::{AcquireCtx, LeafFence, Usage},
///     drm::gem::IntoGEMObject,
///     prelude::*,
///     sync::aref::{ARef, AlwaysRefCounted},
/// };
///
/// fn publish<O: IntoGEMObject + AlwaysRefCounted + 'static>(
///     objects: &[ARef<O>],
///     done: &LeafFence,
/// ) -> Result {
///     let mut locked = AcquireCtx::new()?.until_all_locked(|exec| {
///         objects.iter().try_for_each(|obj| exec.prepare(obj, 1))
///     })?;
///
///     locked.slots()?.add_to_all(done, Usage::Write);
///     Ok(())
/// }
/// ```
impl<T: IntoGEMObject> HasResv for T {
    #[inline]
    fn resv(&self) -> &Resv {
        // SAFETY: The object is initialised, and keeps what has the reservation object.
        unsafe { Resv::from_raw((*self.as_raw()).resv) }
    }
}

impl<T: DriverObject, Ctx: DeviceContext> Object<T, Ctx> {
    /// The reservation object: the lock and the implicit fences of the object.
    #[inline]
    pub fn resv(&self) -> &Resv {
        HasResv::resv(self)
    }
}
