// SPDX-License-Identifier: GPL-2.0

//! `struct sync_file`.

use crate::{
    fence::{
        self,
        Lent, //
    },
    kmalloc, //
};
use kernel::{
    bindings,
    container_of,
    dma_buf::Fence,
    interop::{
        export::FromC,
        object::Object, //
    },
    prelude::*,
    same_layout,
    static_lock_class,
    sync::{
        aref::ARef,
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        poll::PollCondVar,
        rcu, //
    }, //
};

/// The size of the buffers for names, with the terminating zero.
pub(super) const NAME_SIZE: usize = 32;

/// How many words the node of a list that nobody keeps has.
const NODE: usize = if cfg!(CONFIG_DEBUG_FS) { 2 } else { 0 };

/// What the flags are when the callback was given to the fence, as C has it.
const ARMED: usize = 1 << bindings::POLL_ENABLED;
/// What they are when it has been called, or the fence was signalled already.
const CALLED: usize = ARMED | ARMED << 1;

/// A fence with a file.
///
/// # Invariants
///
/// - `queue` is initialised. Nobody waits there any more when this is dropped: who polls has the
///   file, and epoll leaves when that is released.
/// - `cb` has been given to the fence if `flags` says so, and only then; and the fence is done with
///   it if they say that.
#[repr(C)]
#[pin_data(PinnedDrop)]
pub(crate) struct SyncFile {
    file: Atomic<*mut bindings::file>,
    user_name: [u8; NAME_SIZE],
    _list: [usize; NODE],
    #[pin]
    queue: Object<bindings::wait_queue_head>,
    flags: Atomic<usize>,
    fence: ARef<Fence>,
    #[pin]
    cb: Object<bindings::dma_fence_cb>,
}

same_layout!(PollCondVar, bindings::wait_queue_head);
same_layout!(SyncFile, bindings::sync_file, user_name, queue: wq, flags, fence, cb);

impl SyncFile {
    /// A sync_file without a file. Fails with `ENOMEM`. Sleeps.
    #[inline(always)]
    pub(super) fn new(
        fence: ARef<Fence>,
        user_name: Option<&[u8; NAME_SIZE]>,
    ) -> Result<Pin<KBox<Self>>> {
        let init = pin_init!(Self {
            file: Atomic::new(core::ptr::null_mut()),
            user_name: [0; NAME_SIZE],
            _list: [0; NODE],
            // SAFETY: The memory is ours; the name and the key are static.
            queue <- Object::ffi_init(|queue| unsafe {
                bindings::__init_waitqueue_head(
                    queue,
                    c"&sync_file->wq".as_char_ptr(),
                    static_lock_class!().as_ptr(),
                )
            }),
            flags: Atomic::new(0),
            fence,
            cb: Object::zeroed(),
        }? Error);

        let mut sync_file = kmalloc::sync_file()?.write_pin_init(init)?;

        if let Some(name) = user_name {
            *sync_file.as_mut().project().user_name = *name;
        }
        Ok(sync_file)
    }

    /// The file, for C.
    pub(super) fn file(&self) -> &Atomic<*mut bindings::file> {
        &self.file
    }

    /// The name that user space has given; empty if it has not.
    pub(super) fn user_name(&self) -> &[u8; NAME_SIZE] {
        &self.user_name
    }

    pub(super) fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Where those wait who poll.
    pub(super) fn queue(&self) -> &PollCondVar {
        // SAFETY: By the type invariant; that is all there is in the other type.
        unsafe { &*self.queue.get().cast() }
    }

    /// Makes sure that those who poll are woken when the fence is signalled. Fails with `ENOENT`
    /// if it is, once: all others have been told.
    #[inline]
    pub(super) fn arm(&self) -> Result {
        // MODEL: sync-file-armed, sync-file-poll, sync-file-release
        if self.flags.load(Relaxed) != 0 || self.flags.xchg(ARMED, Full) != 0 {
            return Ok(());
        }
        // INVARIANT: The flag was not set, so that nobody else has given the callback away.
        let callback = Callback(self).lent();

        fence::add_callback(&self.fence, callback, fence_signaled).inspect_err(|_| {
            // MODEL: none, because it was not given away, and who is to see that has a reference.
            self.flags.store(CALLED, Relaxed);
        })
    }
}

/// The callback of a sync_file.
///
/// # Invariants
///
/// There is one of these for who is to give it to the fence, which is done once, and one for who
/// takes it off, before the sync_file goes.
struct Callback<'a>(&'a SyncFile);

impl Callback<'_> {
    #[inline(always)]
    fn lent(self) -> Lent {
        // SAFETY: By the type invariant. It stays where it is until it has been taken off.
        unsafe { Lent::from_c(self.0.cb.get()) }
    }
}

#[pinned_drop]
impl PinnedDrop for SyncFile {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        // MODEL: sync-file-release
        if self.flags.load(Relaxed) == 0 {
            return;
        }
        // The lock of a fence that has called back, or was signalled before, may be gone. Until it
        // has, issuers owe the lock a grace period.
        let _guard = rcu::read_lock();

        // MODEL: fence-callback-left
        if self.flags.load(Acquire) == ARMED {
            // INVARIANT: By that of the sync_file its fence has it, and nobody else comes any more.
            let callback = Callback(&self).lent();

            fence::remove_callback(&self.fence, callback);
        }
    }
}

/// # Safety
///
/// Called by the fence with the callback that [`SyncFile::arm`] gave it.
unsafe extern "C" fn fence_signaled(
    _fence: *mut bindings::dma_fence,
    cb: *mut bindings::dma_fence_cb,
) {
    // SAFETY: The callback is part of a sync_file, whose drop waits until this is done with it.
    let sync_file = unsafe { &*container_of!(cb.cast::<Object<_>>(), SyncFile, cb) };

    sync_file.queue().notify_all();
    // With this it may be gone.
    // MODEL: fence-callback-left
    sync_file.flags.store(CALLED, Release);
}
