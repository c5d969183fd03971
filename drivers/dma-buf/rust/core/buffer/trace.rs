// SPDX-License-Identifier: GPL-2.0

//! The tracepoints of [`include/trace/events/dma_buf.h`](srctree/include/trace/events/dma_buf.h).
//!
//! Programs that are attached to them may look at the buffer's name, for which `name_lock` is held.

use super::layout::{
    attachment::{
        AnyAttachment,
        Device, //
    },
    body::body, //
};
use crate::layout::listened_to;
use kernel::{
    dma_buf::DmaBuf,
    prelude::*, //
};

mod events {
    use super::*;

    kernel::trace_events! {
        // SAFETY: They take what is valid. The lock is for programs that are attached.
        unsafe {
            pub(super) fn dma_buf_export(buf: &DmaBuf);
            pub(super) fn dma_buf_mmap_internal(buf: &DmaBuf);
            pub(super) fn dma_buf_mmap(buf: &DmaBuf);
            pub(super) fn dma_buf_put(buf: &DmaBuf);
            pub(super) fn dma_buf_dynamic_attach(
                buf: &DmaBuf,
                attachment: &AnyAttachment,
                dynamic: bool,
                dev: &Device
            );
            pub(super) fn dma_buf_detach(
                buf: &DmaBuf,
                attachment: &AnyAttachment,
                dynamic: bool,
                dev: &Device
            );
            pub(super) fn dma_buf_fd(buf: &DmaBuf, fd: c_int);
            pub(super) fn dma_buf_get(buf: &DmaBuf, fd: c_int);
        }
    }
}

/// Makes functions that hit an event, if somebody listens, with the buffer's name locked.
macro_rules! with_locked_name {
    ($(fn $name:ident: $event:ident(buf $(, $arg:ident: $ty:ty)*);)*) => {
        $(#[inline(always)]
        pub(super) fn $name(buf: &DmaBuf $(, $arg: $ty)*) {
            // With lockdep always, so that it sees every place.
            if listened_to::$event() || cfg!(CONFIG_LOCKDEP) {
                locked(buf, move || events::$event(buf $(, $arg)*));
            }
        })*
    };
}

with_locked_name! {
    fn export: dma_buf_export(buf);
    fn mmap_file: dma_buf_mmap_internal(buf);
    fn mmap: dma_buf_mmap(buf);
    fn put: dma_buf_put(buf);
    fn attach: dma_buf_dynamic_attach(
        buf,
        attachment: &AnyAttachment,
        dynamic: bool,
        dev: &Device
    );
    fn detach: dma_buf_detach(buf, attachment: &AnyAttachment, dynamic: bool, dev: &Device);
    fn fd: dma_buf_fd(buf, fd: c_int);
    fn get: dma_buf_get(buf, fd: c_int);
}

/// Calls `hit`, which must not sleep, with `name_lock` held: it may lead to code that reads the
/// name.
#[cold]
fn locked(buf: &DmaBuf, hit: impl FnOnce()) {
    let _name = body(buf).name();

    hit();
}
