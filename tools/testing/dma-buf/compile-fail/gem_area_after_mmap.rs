// SPDX-License-Identifier: GPL-2.0
//~ NEEDS CONFIG_DRM

//! What a GEM object is mapped into is not made something else afterwards.

use kernel::{
    dma::CoherentOwner,
    drm::gem::{
        dumb::ObjectVma,
        DriverObject, //
    },
    prelude::*,
};

fn mixed<T: DriverObject + CoherentOwner>(vma: ObjectVma<'_, T>) -> Result {
    vma.set_dontcopy();
    vma.map_coherent()?;
    #[cfg(misuse)]
    vma.set_mixedmap(); //~ ERROR borrow of moved value: `vma`
    Ok(())
}
