// SPDX-License-Identifier: GPL-2.0

//! What a dumb buffer is to be like.

use crate::{
    bindings,
    drm,
    error::to_result,
    prelude::*, //
};

/// What user space asks for when it creates a dumb buffer, and what that takes.
///
/// # Invariants
///
/// `height` lines of `pitch` bytes fit in `size`, which is a number of whole pages and not zero.
pub struct DumbArgs {
    width: u32,
    height: u32,
    bpp: u32,
    pitch: u32,
    size: usize,
}

impl DumbArgs {
    /// Works out pitch and size. Fails with `EINVAL` if there are no pixels, or too many for the
    /// size to fit in 32 bits.
    pub(super) fn new<T: drm::Driver>(
        dev: &drm::Device<T>,
        args: &mut bindings::drm_mode_create_dumb,
        pitch_align: usize,
    ) -> Result<Self> {
        // SAFETY: The device is valid. DRM has checked that none of the arguments is zero.
        to_result(unsafe { bindings::drm_mode_size_dumb(dev.as_raw(), args, pitch_align, 0) })?;

        // INVARIANT: `drm_mode_size_dumb()` has seen to it.
        Ok(Self {
            width: args.width,
            height: args.height,
            bpp: args.bpp,
            pitch: args.pitch,
            size: args.size.try_into().map_err(|_| EINVAL)?,
        })
    }

    /// Width in pixels.
    #[inline]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in lines.
    #[inline]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Bits per pixel.
    #[inline]
    pub fn bpp(&self) -> u32 {
        self.bpp
    }

    /// Bytes from one line to the next.
    #[inline]
    pub fn pitch(&self) -> u32 {
        self.pitch
    }

    /// Size of the buffer in bytes, whole pages.
    #[inline]
    pub fn size(&self) -> usize {
        self.size
    }
}
