// SPDX-License-Identifier: GPL-2.0

//! What C calls to begin and to end.

#[cfg(CONFIG_LOCKDEP)]
use crate::resv;
use crate::{
    buffer,
    fence,
    unload::WaitForIrqWorks, //
};
use kernel::{
    prelude::*,
    InPlaceModule, //
};

/// What there is as long as the module is there.
#[pin_data]
struct Core {
    // Dropped in this order.
    #[pin]
    _buffer: buffer::Ready,
    _works: WaitForIrqWorks,
}

impl InPlaceModule for Core {
    /// Called before any driver's initialisation.
    #[inline(always)]
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        fence::stub::init();
        #[cfg(CONFIG_LOCKDEP)]
        if resv::lockdep::prime().is_err() {
            pr_warn!("lockdep does not know the order of locks around fences\n");
        }
        try_pin_init!(Self {
            _buffer <- buffer::init(),
            _works: WaitForIrqWorks,
        }? Error)
    }
}

kernel::c_module_state! {
    // SAFETY: `exports.c` calls the one at boot, or when the module is loaded, and the other one
    // when nothing uses the module any more: there is no file, and no module that calls it.
    unsafe {
        state: Core,
        init: rust_dma_buf_init,
        exit: rust_dma_buf_exit,
    }
}
