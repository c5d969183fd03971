// SPDX-License-Identifier: GPL-2.0

//! What C calls to begin and to end.

use crate::state::SwSync;

kernel::c_module_state! {
    // SAFETY: `exports.c` calls the one at boot, or when the module is loaded, and the other one
    // when nothing uses the module any more: no file is open, and no fence is left.
    unsafe {
        state: SwSync,
        init: rust_sw_sync_init,
        exit: rust_sw_sync_exit,
    }
}
