// SPDX-License-Identifier: GPL-2.0

//! The list of all buffers, newest first.
//!
//! A buffer is in the list from its export until its file is released. The list holds no
//! references: who walks it takes one for each buffer it looks at, which fails for a buffer that
//! is already on its way out.

use super::layout::{
    body::body,
    life::{
        Registered,
        Ring,
        Unregistered, //
    }, //
};
use kernel::{
    dma_buf::DmaBuf,
    prelude::*,
    sync::{
        aref::ARef,
        global_lock, //
    }, //
};

global_lock! {
    // SAFETY: Initialised by the folder's `init()` before anything else uses it.
    pub(super) unsafe(uninit) static BUFFERS: Mutex<Ring> = Ring::uninit();
}

/// Adds a buffer.
pub(super) fn insert(buf: Unregistered) -> ARef<DmaBuf> {
    BUFFERS.lock().insert(buf)
}

/// Takes a buffer off, when its file is released.
#[inline]
pub(super) fn remove(buf: Registered) {
    BUFFERS.lock().remove(buf);
}

/// The newest buffer.
#[inline]
pub(super) fn first() -> Option<ARef<DmaBuf>> {
    BUFFERS.lock().first_alive_after(None)
}

/// The buffer that was exported before `buf`.
#[inline]
pub(super) fn next(buf: &DmaBuf) -> Option<ARef<DmaBuf>> {
    // A live buffer is in the list.
    BUFFERS.lock().first_alive_after(Some(body(buf)))
}

/// Calls `f` with each buffer, as long as that says `true` and does not fail. The registry is
/// locked between them only, so that `f` may sleep.
#[cfg(CONFIG_DEBUG_FS)]
pub(super) fn for_each(mut f: impl FnMut(&DmaBuf) -> Result<bool>) -> Result {
    let mut at = first();

    while let Some(buf) = at {
        let goes_on = f(&buf);

        at = if goes_on == Ok(true) {
            next(&buf)
        } else {
            None
        };
        // Without a trace event, since nobody has got it.
        drop(super::layout::life::into_file(buf));
        goes_on?;
    }
    Ok(())
}
