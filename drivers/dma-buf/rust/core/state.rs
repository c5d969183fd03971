// SPDX-License-Identifier: GPL-2.0

//! What there is as long as the module is there.

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

/// All of it.
#[pin_data]
pub(crate) struct Core {
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
