// SPDX-License-Identifier: GPL-2.0

//! What there is as long as the module is there.

use crate::{
    file::TABLE,
    registry, //
};
#[cfg(CONFIG_MODULES)]
use kernel::interop::going::ModuleGoing;
use kernel::{
    prelude::*,
    InPlaceModule, //
};

/// All of it.
#[pin_data]
pub(crate) struct DmaHeap {
    // Dropped in this order.
    #[pin]
    _left: Left,
    _registry: registry::Ready,
}

/// Modules that go and leave heaps behind.
///
/// Who removes a heap is its driver, before its module goes. One that has lost its heap cannot do
/// that, and must not be kept for it: to be unloaded is how modules take their heaps away. So what
/// is left is taken away after the driver's own exit, and before its code is freed.
#[cfg(CONFIG_MODULES)]
type Left = ModuleGoing;

#[cfg(not(CONFIG_MODULES))]
type Left = ();

#[cfg(CONFIG_MODULES)]
fn left() -> impl PinInit<Left, Error> {
    ModuleGoing::new(registry::remove_left_by)
}

#[cfg(not(CONFIG_MODULES))]
fn left() -> impl PinInit<Left, Error> {
    Ok::<(), Error>(())
}

impl InPlaceModule for DmaHeap {
    /// Called before any driver's initialisation.
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _registry: registry::init(TABLE.openable())?,
            _left <- left(),
        }? Error)
    }
}
