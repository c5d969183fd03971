// SPDX-License-Identifier: GPL-2.0

//! What there is as long as the module is there.

use crate::{
    file::{
        files,
        Files, //
    },
    registry, //
};
use kernel::{
    prelude::*,
    InPlaceModule, //
};

/// All of it.
#[pin_data]
pub(crate) struct SwSync {
    #[pin]
    _files: Files,
}

impl InPlaceModule for SwSync {
    #[inline(always)]
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        registry::init();
        try_pin_init!(Self {
            _files <- files(),
        }? Error)
    }
}
