// SPDX-License-Identifier: GPL-2.0

//! What C calls the types of this module, for those who implement its functions.

use super::{
    DmaBuf,
    Fence,
    Resv, //
};
use crate::{
    bindings,
    interop::export::Wrapper, //
};

// SAFETY: Transparent.
unsafe impl Wrapper for DmaBuf {
    type C = bindings::dma_buf;
}

// SAFETY: Transparent.
unsafe impl Wrapper for Fence {
    type C = bindings::dma_fence;
}

// SAFETY: Transparent.
unsafe impl Wrapper for Resv {
    type C = bindings::dma_resv;
}
