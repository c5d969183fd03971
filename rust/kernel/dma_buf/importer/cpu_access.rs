// SPDX-License-Identifier: GPL-2.0

//! Access by the CPU.

use super::raw::raw_direction;
use crate::{
    bindings::dma_data_direction,
    c_functions,
    dma::DataDirection,
    dma_buf::buffer::DmaBuf,
    error::to_result,
    prelude::*, //
};
use core::mem::ManuallyDrop;

c_functions! {
    // SAFETY: A reference is a valid buffer, whose exporter copes with any direction, and with an
    // end that had no beginning.
    unsafe extern "C" {
        safe fn dma_buf_begin_cpu_access(buf: &DmaBuf, dir: dma_data_direction) -> c_int;
        safe fn dma_buf_end_cpu_access(buf: &DmaBuf, dir: dma_data_direction) -> c_int;
    }
}

/// An access of the CPU to a buffer's contents. Dropping it ends the access.
///
/// # Invariants
///
/// The access has begun in direction `dir`, and only this object ends it.
///
/// # Examples
///
/// See [`DmaBuf::begin_cpu_access`].
#[must_use = "the access ends when this is dropped"]
pub struct CpuAccess<'a> {
    buf: &'a DmaBuf,
    dir: DataDirection,
}

impl DmaBuf {
    /// Begins an access of the CPU to the contents: waits for what devices are doing with them, and
    /// lets the CPU see what they have written.
    ///
    /// [`FromDevice`](DataDirection::FromDevice) is for reading,
    /// [`ToDevice`](DataDirection::ToDevice) for writing. An access does not keep devices away, nor
    /// others that access by CPU.
    ///
    /// Fails with `EINVAL` for [`DataDirection::None`], with `ERESTARTSYS` if a signal ends the
    /// wait, or with what the exporter fails with. Sleeps; the reservation object must not be held.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{dma::DataDirection, dma_buf::DmaBuf, prelude::*};
    ///
    /// fn first_byte(buf: &DmaBuf) -> Result<u8> {
    ///     let mut byte = [0];
    ///     let access = buf.begin_cpu_access(DataDirection::FromDevice)?;
    ///
    ///     buf.vmap()?.read(0, &mut byte)?;
    ///     access.end()?;
    ///     Ok(byte[0])
    /// }
    /// ```
    #[inline]
    pub fn begin_cpu_access(&self, dir: DataDirection) -> Result<CpuAccess<'_>> {
        let raw_dir = raw_direction(dir)?;

        self.resv().assert_not_held();
        to_result(dma_buf_begin_cpu_access(self, raw_dir))?;

        // INVARIANT: Begun just above.
        Ok(CpuAccess { buf: self, dir })
    }
}

impl CpuAccess<'_> {
    /// Ends the access: lets devices see what the CPU has written.
    ///
    /// Fails with what the exporter fails with. May sleep; the reservation object must not be held.
    #[inline]
    pub fn end(self) -> Result {
        let this = ManuallyDrop::new(self);

        to_result(this.finish())
    }

    #[inline]
    fn finish(&self) -> c_int {
        self.buf.resv().assert_not_held();
        dma_buf_end_cpu_access(self.buf, self.dir.into())
    }
}

impl Drop for CpuAccess<'_> {
    #[inline]
    fn drop(&mut self) {
        // Who wants to know calls `end`.
        let _ = self.finish();
    }
}
