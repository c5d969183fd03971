// SPDX-License-Identifier: GPL-2.0

//! Devices that a driver emulates, for tests and to try things out without hardware.
//!
//! What reads like a device turns bus addresses back into memory, which importers must not do. So
//! only emulated devices have it, and these are there only in kernels with tests or samples that
//! need them (`CONFIG_DMABUF_EMULATED_DEVICE`).

use super::{
    binding::KeepsBound,
    dynamic::DynamicAttachment,
    locked_dynamic::{
        DynamicImporter,
        LockedDynamic, //
    },
    mapping::{
        AttachmentHandle,
        Mapping, //
    },
};
use crate::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    dma::{
        DmaAddress,
        DmaMask, //
    },
    error::to_result,
    faux,
    io::PhysAddr,
    page::{
        PAGE_MASK,
        PAGE_SIZE, //
    },
    prelude::*,
    scatterlist::{
        SGTable,
        SGTableIter, //
    },
    sync::Arc,
};
use core::ptr;

/// A [faux device](faux) that memory can be mapped for, as if it could access it by itself.
///
/// C header: [`include/linux/device/faux.h`](srctree/include/linux/device/faux.h)
///
/// # Examples
///
/// ```
/// use kernel::{dma::DmaMask, dma_buf::importer::{EmulatedDevice, KeepsBound}};
///
/// let dev = EmulatedDevice::new(c"rust-doctest-emulated", DmaMask::new::<64>())?;
///
/// dev_info!(dev.device(), "hello\n");
/// # Ok::<(), Error>(())
/// ```
pub struct EmulatedDevice(faux::Registration);

impl EmulatedDevice {
    /// Registers a device that reaches the addresses in `mask`.
    ///
    /// No other faux device may have this name. Fails with `ENODEV` if the device cannot be
    /// registered, and with `EIO` if the machine has no way to map memory for such a device.
    /// Sleeps.
    #[inline]
    pub fn new(name: &CStr, mask: DmaMask) -> Result<Self> {
        let this = Self(faux::Registration::new(name, None)?);

        // SAFETY: The device is registered, and nobody has mapped anything for it yet.
        to_result(unsafe {
            bindings::dma_coerce_mask_and_coherent(this.device().as_raw(), mask.value())
        })?;
        Ok(this)
    }
}

// SAFETY: As for the registration.
unsafe impl KeepsBound for EmulatedDevice {
    const FORGETTABLE: bool = false;

    #[inline]
    fn device(&self) -> &Device<Bound> {
        self.0.device()
    }
}

mod private {
    pub trait Sealed {}

    impl Sealed for super::EmulatedDevice {}
    impl<T: super::Emulated> Sealed for super::Arc<T> {}
}

/// What keeps an emulated device bound: [`EmulatedDevice`], or an [`Arc`] of it.
pub trait Emulated: KeepsBound + private::Sealed {}

impl Emulated for EmulatedDevice {}
impl<T: Emulated> Emulated for Arc<T> {}

/// Reads what the addresses of a mapping stand for, as the device would.
///
/// It does what hardware does: takes the addresses of the table one after the other, through the
/// IOMMU if there is one, to memory. So the CPU gets there without a mapping for the CPU and
/// without knowing the exporter's pages. Only for devices that are [emulated](Emulated): for others
/// the mapping belongs to the hardware, and the CPU uses
/// [`DmaBuf::vmap`](crate::dma_buf::DmaBuf::vmap).
///
/// # Examples
///
/// See [`Mapping::reader`].
pub struct DeviceReader<'a> {
    dev: &'a Device<Bound>,
    entries: SGTableIter<'a>,
    addr: DmaAddress,
    left: usize,
}

impl<'a> DeviceReader<'a> {
    /// `table` must be mapped for `dev`.
    #[inline]
    fn new(dev: &'a Device<Bound>, table: &'a SGTable) -> Self {
        Self {
            dev,
            entries: table.iter(),
            addr: 0,
            left: 0,
        }
    }

    /// Copies the next bytes. Returns how many: less than asked for only at the end.
    ///
    /// Fails with `ENXIO` if there is no memory at an address, but, say, the registers of another
    /// device, and with `EOPNOTSUPP` if the machine does not tell what an address stands for. Does
    /// not sleep, allocate or lock anything that could be held by others for long: may be called in
    /// any context, and before a fence is signalled.
    #[inline]
    pub fn read(&mut self, to: &mut [u8]) -> Result<usize> {
        let mut done = 0;

        while let Some(rest) = to.get_mut(done..).filter(|rest| !rest.is_empty()) {
            if self.left == 0 {
                let Some(entry) = self.entries.next() else {
                    break;
                };
                self.addr = entry.dma_address();
                // CAST: The length of an entry is 32 bits wide.
                self.left = entry.dma_len() as usize;
                continue;
            }

            let phys = self.translate()?;
            // CAST: Only the offset in the page matters.
            let in_page = PAGE_SIZE - (phys as usize & !PAGE_MASK);
            let count = self.left.min(in_page).min(rest.len());

            copy_from_page(phys, rest.get_mut(..count).ok_or(EINVAL)?)?;
            done += count;
            self.addr = self.addr.wrapping_add(count as DmaAddress);
            self.left -= count;
        }
        Ok(done)
    }

    /// The physical address that the device's access would end up at.
    #[inline]
    fn translate(&self) -> Result<PhysAddr> {
        let dev = self.dev.as_raw();

        // SAFETY: The device is bound, and the address is mapped for it.
        unsafe {
            if bindings::use_dma_iommu(dev) {
                let domain = bindings::iommu_get_domain_for_dev(dev);

                if domain.is_null() {
                    return Err(EOPNOTSUPP);
                }
                return Ok(bindings::iommu_iova_to_phys(domain, self.addr));
            }
            if !bindings::get_dma_ops(dev).is_null() {
                return Err(EOPNOTSUPP);
            }
            Ok(bindings::dma_to_phys(dev, self.addr))
        }
    }
}

/// Copies from physical memory, from one page only. Fails with `ENXIO` if it is no memory.
#[inline]
fn copy_from_page(phys: PhysAddr, to: &mut [u8]) -> Result {
    let offset = phys as usize & !PAGE_MASK;

    // SAFETY: It may be asked of any address what page is there. That is mapped for as long as it
    // is copied from, in which the bytes do not leave the page. If there is no memory, in a gap,
    // the copy fails. Others may write to it meanwhile, as for a copy from memory that is shared
    // with user space.
    unsafe {
        let page = bindings::phys_to_online_page(phys);

        if page.is_null() {
            return Err(ENXIO);
        }
        let addr = bindings::kmap_local_page(page);
        let err = bindings::copy_from_kernel_nofault(
            to.as_mut_ptr().cast(),
            addr.byte_add(offset),
            to.len(),
        );
        bindings::kunmap_local(addr);
        match err {
            0 => Ok(()),
            _ => Err(ENXIO),
        }
    }
}

impl<D: Emulated + 'static, T: DynamicImporter> DynamicAttachment<D, T> {
    /// Reads the [mapping](LockedDynamic::mapping) as the device would; `None` if there is none, or
    /// if `locked` is another attachment.
    #[inline]
    pub fn reader<'a>(&'a self, locked: &'a LockedDynamic<'_, T>) -> Option<DeviceReader<'a>> {
        // Each attachment has its data at an address of its own.
        if !ptr::eq::<T>(&**self, &**locked) {
            return None;
        }
        Some(DeviceReader::new(self.device(), locked.mapping()?))
    }
}

impl<A: AttachmentHandle<Binding: Emulated>> Mapping<A> {
    /// Reads as the device would. Only for [emulated devices](DeviceReader).
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{dma_buf::importer::{AttachmentHandle, Emulated, Mapping}, prelude::*};
    ///
    /// /// The sum of all bytes.
    /// fn sum<A: AttachmentHandle<Binding: Emulated>>(mapping: &Mapping<A>) -> Result<u32> {
    ///     let (mut reader, mut sum) = (mapping.reader(), 0u32);
    ///     let mut part = [0; 64];
    ///
    ///     loop {
    ///         let count = reader.read(&mut part)?;
    ///         if count == 0 {
    ///             return Ok(sum);
    ///         }
    ///         sum = part.iter().take(count).fold(sum, |sum, &byte| sum.wrapping_add(byte.into()));
    ///     }
    /// }
    /// ```
    #[inline]
    pub fn reader(&self) -> DeviceReader<'_> {
        DeviceReader::new(self.attachment().device(), self)
    }
}
