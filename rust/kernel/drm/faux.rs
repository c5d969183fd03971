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
    prelude::*, //
};

/// A DRM device on a faux device of its own.
///
/// For drivers of devices that are not there: for testing, and to share memory between others. The
/// faux device is bound, and user space cannot unbind it, until the registration is dropped; then
/// the DRM device is unplugged first. Like every registration it belongs into the driver's module.
pub struct Registration<T: drm::Driver> {
    // Dropped in this order.
    drm: drm::Registration<'static, T>,
    _faux: faux::Registration,
}

impl<T> Registration<T>
where
    T: drm::Driver<ParentDevice<Bound> = faux::Device<Bound>>,
{
    /// Makes a faux device `name`, which can address for DMA what `mask` says, and a DRM device on
    /// it, which user space sees from then on.
    ///
    /// Fails with `ENODEV` if there is a faux device of that name; with `EIO` if no memory is
    /// within `mask`; with `ENOMEM`. May sleep.
    pub fn new<E>(
        name: &CStr,
        mask: DmaMask,
        data: impl PinInit<T::Data, Error>,
        reg_data: impl PinInit<T::RegistrationData<'static>, E>,
    ) -> Result<Self>
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
        // forgotten, so is `faux`.
        let dev = unsafe { &*core::ptr::from_ref(dev) };
        // SAFETY: Forgetting it is harmless, see above: the registration's data borrows from
        // nothing but what lives for ever.
        let drm = unsafe { drm::Registration::new(dev, drm, reg_data, 0) }?;

        Ok(Self { drm, _faux: faux })
    }

    /// The DRM device.
    #[inline]
    pub fn device(&self) -> &drm::Device<T> {
        self.drm.device()
    }
}
