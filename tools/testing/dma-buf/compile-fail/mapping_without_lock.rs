// SPDX-License-Identifier: GPL-2.0

//! Memory that may move is mapped with the reservation object held, and by nobody else.

use kernel::{
    dma::DataDirection,
    dma_buf::importer::{
        DynamicAttachment,
        DynamicImporter,
        KeepsBound, //
    },
    prelude::*,
};

fn unlocked<D: KeepsBound + 'static, T: DynamicImporter>(
    attachment: &DynamicAttachment<D, T>,
) -> Result {
    #[cfg(misuse)]
    attachment.map(DataDirection::ToDevice)?; //~ ERROR [E0599]
    #[cfg(misuse)]
    attachment.pin()?; //~ ERROR no method named `pin` found
    attachment.lock().map(DataDirection::ToDevice)?;
    attachment.lock().pin()
}
