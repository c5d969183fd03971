// SPDX-License-Identifier: GPL-2.0

//! Typed views of what [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h) declares.
//!
//! Each is a structure of Rust that has the size and the offsets of the one in C, which the
//! compiler checks, and for each field a type that says what the header says about it.

pub(crate) mod attachment;
pub(super) mod body;
pub(super) mod dentry;
pub(super) mod life;
pub(crate) mod locked;
pub(crate) mod mapped;
pub(super) mod operation;
mod ops;
pub(super) mod owned;
pub(super) mod pointer;
pub(super) mod vfs;

use self::{
    attachment::{
        AnyAttachment,
        Device,
        Incomplete, //
    },
    body::Body, //
};
use kernel::{
    bindings,
    wrappers, //
};

wrappers! {
    // SAFETY: Laid out in the same way, which is checked where they are, or transparent.
    unsafe {
        AnyAttachment => bindings::dma_buf_attachment,
        Body => bindings::dma_buf,
        Device => bindings::device,
        Incomplete => bindings::dma_buf_attachment,
    }
}
