// SPDX-License-Identifier: GPL-2.0

//! What C calls the types of this module.

use super::{
    DmaBuf,
    Fence,
    Resv, //
};
use crate::{
    bindings,
    wrappers, //
};

wrappers! {
    // SAFETY: Transparent.
    unsafe {
        DmaBuf => bindings::dma_buf,
        Fence => bindings::dma_fence,
        Resv => bindings::dma_resv,
    }
}
