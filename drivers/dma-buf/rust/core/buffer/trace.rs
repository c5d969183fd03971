// SPDX-License-Identifier: GPL-2.0

//! The tracepoints of [`include/trace/events/dma_buf.h`](srctree/include/trace/events/dma_buf.h).
//!
//! Programs that are attached to them may look at the buffer's name, for which `name_lock` is held.

use super::{
    attachment::AnyAttachment,
    name, //
};
use kernel::{
    bindings,
    dma_buf::DmaBuf,
    prelude::*,
    tracepoint::declare_trace, //
};

mod events {
    use super::*;

    declare_trace! {
        /// # Safety
        ///
        /// `buf` must be a live buffer.
        pub(super) unsafe fn dma_buf_export(buf: *mut bindings::dma_buf);

        /// # Safety
        ///
        /// `buf` must be a live buffer.
        pub(super) unsafe fn dma_buf_mmap_internal(buf: *mut bindings::dma_buf);

        /// # Safety
        ///
        /// `buf` must be a live buffer.
        pub(super) unsafe fn dma_buf_mmap(buf: *mut bindings::dma_buf);

        /// # Safety
        ///
        /// `buf` must be a live buffer.
        pub(super) unsafe fn dma_buf_put(buf: *mut bindings::dma_buf);

        /// # Safety
        ///
        /// `buf` must be a live buffer, `attachment` one of its attachments and `dev` the device of
        /// that.
        pub(super) unsafe fn dma_buf_dynamic_attach(
            buf: *mut bindings::dma_buf,
            attachment: *mut bindings::dma_buf_attachment,
            dynamic: bool,
            dev: *mut bindings::device,
        );

        /// # Safety
        ///
        /// As `dma_buf_dynamic_attach`.
        pub(super) unsafe fn dma_buf_detach(
            buf: *mut bindings::dma_buf,
            attachment: *mut bindings::dma_buf_attachment,
            dynamic: bool,
            dev: *mut bindings::device,
        );

        /// # Safety
        ///
        /// `buf` must be a live buffer.
        pub(super) unsafe fn dma_buf_fd(buf: *mut bindings::dma_buf, fd: c_int);

        /// # Safety
        ///
        /// `buf` must be a live buffer.
        pub(super) unsafe fn dma_buf_get(buf: *mut bindings::dma_buf, fd: c_int);
    }
}

/// Hits an event, if somebody listens, with the buffer's name locked.
macro_rules! hit {
    ($event:ident, $buf:expr, $hit:expr) => {{
        #[cfg(CONFIG_TRACEPOINTS)]
        // SAFETY: This is the static key of a tracepoint.
        let listened_to = unsafe {
            kernel::macros::paste! {
                kernel::jump_label::static_branch_unlikely!(
                    bindings::[< __tracepoint_ $event >],
                    bindings::tracepoint,
                    key
                )
            }
        };
        #[cfg(not(CONFIG_TRACEPOINTS))]
        let listened_to = false;

        // With lockdep always, so that it sees every place.
        if listened_to || cfg!(CONFIG_LOCKDEP) {
            name::locked($buf, $hit);
        }
    }};
}

pub(crate) fn export(buf: &DmaBuf) {
    // SAFETY: A `DmaBuf` is live.
    hit!(dma_buf_export, buf, || unsafe {
        events::dma_buf_export(buf.as_raw())
    });
}

pub(crate) fn mmap_file(buf: &DmaBuf) {
    // SAFETY: A `DmaBuf` is live.
    hit!(dma_buf_mmap_internal, buf, || unsafe {
        events::dma_buf_mmap_internal(buf.as_raw())
    });
}

pub(crate) fn mmap(buf: &DmaBuf) {
    // SAFETY: A `DmaBuf` is live.
    hit!(dma_buf_mmap, buf, || unsafe {
        events::dma_buf_mmap(buf.as_raw())
    });
}

pub(crate) fn put(buf: &DmaBuf) {
    // SAFETY: A `DmaBuf` is live.
    hit!(dma_buf_put, buf, || unsafe {
        events::dma_buf_put(buf.as_raw())
    });
}

pub(crate) fn attach(attachment: &AnyAttachment) {
    // SAFETY: An attachment is live, and so are its buffer and its device.
    hit!(dma_buf_dynamic_attach, attachment.buf(), || unsafe {
        events::dma_buf_dynamic_attach(
            attachment.buf().as_raw(),
            attachment.as_raw(),
            attachment.is_dynamic(),
            attachment.dev_ptr(),
        )
    });
}

pub(crate) fn detach(attachment: &AnyAttachment) {
    // SAFETY: As in `attach`.
    hit!(dma_buf_detach, attachment.buf(), || unsafe {
        events::dma_buf_detach(
            attachment.buf().as_raw(),
            attachment.as_raw(),
            attachment.is_dynamic(),
            attachment.dev_ptr(),
        )
    });
}

pub(crate) fn fd(buf: &DmaBuf, fd: c_int) {
    // SAFETY: A `DmaBuf` is live.
    hit!(dma_buf_fd, buf, || unsafe {
        events::dma_buf_fd(buf.as_raw(), fd)
    });
}

pub(crate) fn get(buf: &DmaBuf, fd: c_int) {
    // SAFETY: A `DmaBuf` is live.
    hit!(dma_buf_get, buf, || unsafe {
        events::dma_buf_get(buf.as_raw(), fd)
    });
}
