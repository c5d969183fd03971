// SPDX-License-Identifier: GPL-2.0

//! A directory of debugfs stays where it is: that says whether it keeps the module.

use kernel::{
    fs::debug_dir::DebugDir,
    prelude::*, //
};

fn probe() -> Result<Pin<KBox<DebugDir>>> {
    let dir = KBox::pin_init(DebugDir::new(c"example", &[]), GFP_KERNEL)?;

    #[cfg(misuse)]
    let moved = Pin::into_inner(dir); //~ ERROR cannot be unpinned
    #[cfg(not(misuse))]
    let moved = dir;
    Ok(moved) //~ ERROR mismatched types
}
