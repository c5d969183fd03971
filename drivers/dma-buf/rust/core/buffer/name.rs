// SPDX-License-Identifier: GPL-2.0

//! The name that user space may give a buffer.

use super::layout::{
    body::body,
    owned::Name, //
};
use kernel::{
    dma_buf::DmaBuf,
    prelude::*,
    uaccess::UserPtr, //
};

/// Gives `buf` the name that user space has at `ptr`. Fails as [`Name::from_user`].
#[inline(always)]
pub(super) fn set(buf: &DmaBuf, ptr: UserPtr) -> Result {
    let new = Name::from_user(ptr)?;
    let old = body(buf).name().get().replace(new);

    // The lock is released.
    drop(old);
    Ok(())
}
