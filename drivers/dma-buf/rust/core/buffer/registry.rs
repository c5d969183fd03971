// SPDX-License-Identifier: GPL-2.0

//! The list of all buffers, newest first.
//!
//! A buffer is in the list from its export until its file is released. The list holds no
//! references: who walks it takes one for each buffer it looks at, which fails for a buffer that
//! is already on its way out.

use core::{
    mem::ManuallyDrop,
    ops::Deref, //
};
use kernel::{
    bindings,
    container_of,
    dma_buf::DmaBuf,
    prelude::*,
    sync::{
        aref::ARef,
        global_lock, //
    },
    types::Opaque, //
};

/// Head of the list.
///
/// # Invariants
///
/// After [`init`], heads a list of the `list_node`s of buffers whose files are not released.
struct Registry(Opaque<bindings::list_head>);

// SAFETY: A list is not tied to a thread.
unsafe impl Send for Registry {}

global_lock! {
    // SAFETY: Initialised by `init()` before anything else uses it.
    unsafe(uninit) static BUFFERS: Mutex<Registry> = Registry(Opaque::uninit());
}

/// Makes the registry usable.
///
/// # Safety
///
/// Must be called once, before any other function of this module.
pub(crate) unsafe fn init() {
    // SAFETY: By the caller's guarantee.
    unsafe { BUFFERS.init() };

    // SAFETY: The list lives in a static, so that it does not move.
    unsafe { bindings::INIT_LIST_HEAD(BUFFERS.lock().0.get()) };
}

impl Registry {
    /// The first of the buffers after `node`, which is the head or in the list, that is alive.
    fn first_alive_after(&self, mut node: *mut bindings::list_head) -> Option<ARef<DmaBuf>> {
        loop {
            // SAFETY: `node` is in the ring, which does not change while the lock is held.
            node = unsafe { (*node).next };
            if node == self.0.get() {
                return None;
            }
            // SAFETY: By the type invariant what is not the head is the node of a buffer. It has
            // not been freed: that needs the lock first.
            let buf = unsafe { try_get(container_of!(node, bindings::dma_buf, list_node)) };
            if buf.is_some() {
                return buf;
            }
        }
    }
}

/// Takes a reference to a buffer, unless the last one is gone.
///
/// # Safety
///
/// `buf` must be in the list, whose lock is held.
unsafe fn try_get(buf: *mut bindings::dma_buf) -> Option<ARef<DmaBuf>> {
    // SAFETY: A file is not freed before its release, which takes the buffer off the list.
    unsafe {
        bindings::file_ref_get(&raw mut (*(*buf).file).f_ref)
            .then(|| ARef::from_raw(core::ptr::NonNull::new_unchecked(buf).cast()))
    }
}

/// Adds a buffer.
pub(crate) fn insert(buf: &DmaBuf) {
    let list = BUFFERS.lock();

    // SAFETY: The lock is held, and a new buffer's node is in no list.
    unsafe { bindings::list_add(&raw mut (*buf.as_raw()).list_node, list.0.get()) };
}

/// Takes a buffer off, when its file is released.
///
/// # Safety
///
/// `buf` must be a buffer that was inserted, and not be removed again.
pub(crate) unsafe fn remove(buf: *mut bindings::dma_buf) {
    let _list = BUFFERS.lock();

    // SAFETY: The lock is held, and the node is in the list.
    unsafe { bindings::list_del(&raw mut (*buf).list_node) };
}

/// The newest buffer.
pub(crate) fn first() -> Option<ARef<DmaBuf>> {
    let list = BUFFERS.lock();

    list.first_alive_after(list.0.get())
}

/// The buffer that was exported before `buf`.
pub(crate) fn next(buf: &DmaBuf) -> Option<ARef<DmaBuf>> {
    // SAFETY: Only the address is computed.
    let node = unsafe { &raw mut (*buf.as_raw()).list_node };

    // A live buffer is in the list.
    BUFFERS.lock().first_alive_after(node)
}

/// A buffer that somebody looks at. It is let go of without a trace event, since nobody has got it.
pub(crate) struct Seen(ManuallyDrop<ARef<DmaBuf>>);

impl Seen {
    fn new(buf: ARef<DmaBuf>) -> Self {
        Self(ManuallyDrop::new(buf))
    }
}

impl Deref for Seen {
    type Target = DmaBuf;

    fn deref(&self) -> &DmaBuf {
        &self.0
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        // SAFETY: A reference to a buffer is one to its file, and this one is not used again.
        unsafe { bindings::fput(self.file().as_ptr()) };
    }
}

/// All buffers. The registry is locked between them only, so that one may sleep over each.
pub(crate) fn iter() -> impl Iterator<Item = Seen> {
    core::iter::successors(first().map(Seen::new), |buf| next(buf).map(Seen::new))
}
