// SPDX-License-Identifier: GPL-2.0

//! What C calls to begin and to end.

use crate::state::Core;

kernel::c_module_state! {
    // SAFETY: `exports.c` calls the one at boot, or when the module is loaded, and the other one
    // when nothing uses the module any more: there is no file, and no module that calls it.
    unsafe {
        state: Core,
        init: rust_dma_buf_init,
        exit: rust_dma_buf_exit,
    }
}
