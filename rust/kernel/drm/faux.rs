// SPDX-License-Identifier: GPL-2.0

//! DRM devices without hardware.
//!
//! C headers: [`include/drm/drm_drv.h`](srctree/include/drm/drm_drv.h),
//! [`include/linux/device/faux.h`](srctree/include/linux/device/faux.h)

use crate::{
    bindings,
    device::{
        self,
        Bound, //
    },
    dma::DmaMask,
    drm,
    error::to_result,
    faux,
    interop::module_ref::ModuleRef,
    prelude::*, //
};
use core::marker::PhantomPinned;

/// A DRM device on a faux device of its own.
///
/// For drivers of devices that are not there: for testing, and to share memory between others. The
/// faux device is bound, and user space cannot unbind it, until the registration is dropped; then
/// the DRM device is unplugged first.
///
/// It belongs into the structure that is the driver's module, with which it goes. Anywhere else it
/// keeps the module loaded, so that it may be forgotten there.
#[pin_data]
pub struct Registration<T: drm::Driver> {
    // Dropped in this order.
    drm: drm::Registration<'static, T>,
    _faux: faux::Registration,
    _module: Option<ModuleRef>,
    #[pin]
    _pinned: PhantomPinned,
}

impl<T> Registration<T>
where
    T: drm::Driver<ParentDevice<Bound> = faux::Device<Bound>>,
{
    /// Makes a faux device `name`, which can address for DMA what `mask` says, and a DRM device on
    /// it, which user space sees from then on.
    ///
    /// Fails with `ENODEV` if there is a faux device of that name; with `EIO` if no memory is
    /// within `mask`; with `ENOENT` if the module is about to be unloaded, or is being loaded and
    /// this is not in its own structure; with `ENOMEM`. May sleep.
    pub fn new<E>(
        name: &'static CStr,
        mask: DmaMask,
        data: impl PinInit<T::Data, Error>,
        reg_data: impl PinInit<T::RegistrationData<'static>, E>,
    ) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        pin_init::pin_init_scope(move || {
            let (drm, faux) = Self::register(name, mask, data, reg_data)?;

            Ok(try_pin_init!(&this in Self {
                drm,
                _faux: faux,
                _module: ModuleRef::unless_inside(
                    this.addr().get(),
                    Self::device as *const () as usize,
                )?,
                _pinned: PhantomPinned,
            }? Error))
        })
    }

    fn register<E>(
        name: &CStr,
        mask: DmaMask,
        data: impl PinInit<T::Data, Error>,
        reg_data: impl PinInit<T::RegistrationData<'static>, E>,
    ) -> Result<(drm::Registration<'static, T>, faux::Registration)>
    where
        Error: From<E>,
    {
        let faux = faux::Registration::new(name, None)?;
        let parent: &faux::Device<Bound> = faux.as_ref();
        let dev: &device::Device<Bound> = parent.as_ref();

        let raw = dev.as_raw();
        // SAFETY: The device is new: nobody else uses it for DMA. It has no mask of its own beside
        // the coherent one, which lives as long.
        to_result(unsafe {
            (*raw).dma_mask = &raw mut (*raw).coherent_dma_mask;
            bindings::dma_set_mask_and_coherent(raw, mask.value())
        })?;

        let drm = drm::UnregisteredDevice::<T>::new(parent, data)?;
        // SAFETY: The faux device stays bound until `faux` is dropped. Whoever has the reference
        // from here on, which is `drm::Registration`, is dropped before; and when that is
        // forgotten, so is `faux`. That is harmless: the registration's data borrows from nothing
        // but what lives for ever.
        let drm = unsafe {
            let dev = &*core::ptr::from_ref(dev);

            drm::Registration::new(dev, drm, reg_data, 0)
        }?;

        Ok((drm, faux))
    }

    /// The DRM device.
    #[inline]
    pub fn device(&self) -> &drm::Device<T> {
        self.drm.device()
    }
}
