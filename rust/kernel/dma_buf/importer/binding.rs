// SPDX-License-Identifier: GPL-2.0

//! Why a device stays bound.

use crate::{
    device::{
        Bound,
        Device, //
    },
    faux,
    sync::{
        aref::ARef,
        Arc, //
    },
};

/// Something that keeps a device bound to its driver.
///
/// Mappings for a device are only possible while it is bound. So an attachment owns a value that
/// sees to that:
///
/// - a [`&Device<Bound>`](Device), as `probe()` and other callbacks of a bus have it: the
///   attachment cannot outlive it, and one that was forgotten goes when the device is unbound;
/// - the registration of a device that the driver itself has made, or an [`Arc`] of it;
/// - [`InDevres`], for everything that lives longer, such as what belongs to an open file: then it
///   comes in a [`Devres`](crate::devres::Devres), and goes when the device is unbound.
///
/// # Safety
///
/// As long as the value exists, wherever it is moved to, [`device`](Self::device) gives the same
/// device, and that is bound. Unless [`FORGETTABLE`](Self::FORGETTABLE) is set, a value that is
/// [forgotten](core::mem::forget) exists for ever.
pub unsafe trait KeepsBound {
    /// Whether the device may be unbound although the value has been forgotten. An attachment is
    /// then detached by a [`Devres`](crate::devres::Devres) at the latest.
    const FORGETTABLE: bool = true;

    /// The device.
    fn device(&self) -> &Device<Bound>;
}

// SAFETY: The device is bound as long as the reference is valid.
unsafe impl KeepsBound for &Device<Bound> {
    #[inline]
    fn device(&self) -> &Device<Bound> {
        self
    }
}

// SAFETY: A faux device is bound as long as it is registered.
unsafe impl KeepsBound for faux::Registration {
    const FORGETTABLE: bool = false;

    #[inline]
    fn device(&self) -> &Device<Bound> {
        self.as_ref().as_ref()
    }
}

// SAFETY: The value inside exists as long as there is an `Arc` of it, and it is the same.
unsafe impl<T: KeepsBound> KeepsBound for Arc<T> {
    const FORGETTABLE: bool = T::FORGETTABLE;

    #[inline]
    fn device(&self) -> &Device<Bound> {
        (**self).device()
    }
}

/// The word of [`Devres`](crate::devres::Devres) that a device is bound.
///
/// # Invariants
///
/// Is part of what a `Devres` for this device holds, or is on the way there while the device is
/// bound.
pub struct InDevres(ARef<Device>);

impl InDevres {
    /// # Safety
    ///
    /// The value must become part of what a `Devres` for `dev` holds, or be dropped while `dev` is
    /// bound.
    #[inline]
    pub(super) unsafe fn new(dev: &Device<Bound>) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self(dev.into())
    }
}

// SAFETY: By the type invariant: a `Devres` drops what it holds before its device is unbound, and
// lets nobody have it to forget it.
unsafe impl KeepsBound for InDevres {
    const FORGETTABLE: bool = false;

    #[inline]
    fn device(&self) -> &Device<Bound> {
        // SAFETY: The reference count is ours, and by the type invariant the device is bound.
        unsafe { Device::from_raw(self.0.as_raw()) }
    }
}
