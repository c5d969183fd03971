// SPDX-License-Identifier: GPL-2.0

//! The fields of a buffer: `struct dma_buf`.

use super::{
    attachment::AttachmentList,
    owned::Name,
    pointer::Kept, //
};
use crate::{
    buffer::{
        event::Event,
        tables::Ops,
        vmapping::Vmapping, //
    },
    fence::{
        add_callback,
        Lent, //
    }, //
};
use core::{
    cell::UnsafeCell,
    mem::{
        forget,
        offset_of, //
    },
    ptr::NonNull, //
};
use kernel::{
    bindings,
    dma_buf::{
        DmaBuf,
        Fence, //
    },
    fs::File,
    interop::{
        export::FromC,
        module_ref::ModuleRef, //
    },
    prelude::*,
    same_layout,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        lock::{
            spinlock::SpinLockBackend,
            Guard,
            Lock, //
        },
        poll::PollTable, //
    },
    types::Opaque, //
};

/// A buffer, with or without anybody who uses it.
///
/// What is not behind a lock, or atomic, is constant.
#[repr(C)]
pub(in crate::buffer) struct Body {
    pub(super) size: usize,
    pub(super) file: *mut bindings::file,
    // Guarded by the reservation object.
    pub(super) attachments: AttachmentList,
    pub(super) ops: Kept<Ops>,
    // Guarded by the reservation object.
    pub(super) vmapping: Vmapping,
    pub(super) exp_name: *const c_char,
    // Guarded by `name_lock`.
    pub(super) name: UnsafeCell<Option<Name>>,
    pub(super) name_lock: Opaque<bindings::spinlock_t>,
    pub(super) owner: ModuleRef,
    // Belongs to the registry.
    pub(super) list_node: Opaque<bindings::list_head>,
    pub(super) private: Opaque<*mut c_void>,
    pub(super) resv: *mut bindings::dma_resv,
    pub(super) poll: WaitQueue,
    pub(super) cb_in: Slot,
    pub(super) cb_out: Slot,
}

same_layout!(
    Body, bindings::dma_buf, size, file, attachments, ops, vmapping: vmapping_counter, exp_name,
    name, name_lock, owner, list_node, private: priv_, resv, poll, cb_in, cb_out
);

const _: () =
    assert!(offset_of!(Body, vmapping) + Vmapping::MAP == offset_of!(bindings::dma_buf, vmap_ptr));

/// What is in a buffer.
#[inline(always)]
pub(in crate::buffer) fn body(buf: &DmaBuf) -> &Body {
    // SAFETY: All buffers are made here, of a `Body`.
    unsafe { &*buf.as_raw().cast() }
}

impl Body {
    /// What the exporter does, to be looked at.
    #[inline(always)]
    pub(in crate::buffer) fn ops(&self) -> &Ops {
        &self.ops
    }

    /// The name of the exporter, as C prints it.
    #[inline]
    pub(in crate::buffer) fn exporter_name(&self) -> &CStr {
        if self.exp_name.is_null() {
            return c"(null)";
        }
        // SAFETY: `dma_buf_export()` asks for a string that stays, if there is one.
        unsafe { CStr::from_char_ptr(self.exp_name) }
    }

    /// The mode and the number of the inode of its file, and how many references there are.
    #[inline]
    pub(in crate::buffer) fn file_facts(&self) -> (u32, u64, c_long) {
        // MODEL: none, because the count is only shown.
        // SAFETY: The file is alive, and what is read is constant, or may be a little old.
        unsafe {
            (
                (*self.file).f_mode,
                (*(*self.file).f_inode).i_ino,
                bindings::file_count(self.file) as c_long,
            )
        }
    }

    /// The name that user space has given, locked. The caller must not sleep.
    #[inline]
    pub(in crate::buffer) fn name(&self) -> NameGuard<'_> {
        // SAFETY: A lock, which lives as long as this.
        let lock = unsafe { Lock::<(), SpinLockBackend>::from_raw(self.name_lock.get()) };

        NameGuard {
            name: &self.name,
            _guard: lock.lock(),
        }
    }

    /// The callback for `event`.
    #[inline(always)]
    pub(in crate::buffer) fn slot(&self, event: Event) -> &Slot {
        match event {
            Event::In => &self.cb_in,
            Event::Out => &self.cb_out,
        }
    }

    /// The queue of those who poll.
    #[inline(always)]
    pub(in crate::buffer) fn pollers(&self) -> &WaitQueue {
        &self.poll
    }
}

/// The name of a buffer, locked.
pub(in crate::buffer) struct NameGuard<'a> {
    name: &'a UnsafeCell<Option<Name>>,
    _guard: Guard<'a, (), SpinLockBackend>,
}

impl NameGuard<'_> {
    #[inline(always)]
    pub(in crate::buffer) fn get(&mut self) -> &mut Option<Name> {
        // SAFETY: The lock is held.
        unsafe { &mut *self.name.get() }
    }
}

/// What wakes those who poll for an event, see [`poll`](crate::buffer::poll).
#[repr(C)]
pub(in crate::buffer) struct Slot {
    cb: Opaque<bindings::dma_fence_cb>,
    // Not NULL. It is part of the buffer that this is part of.
    poll: *const WaitQueue,
    active: Atomic<u32>,
}

same_layout!(Slot, bindings::dma_buf_dma_buf_poll_cb_t, cb, poll, active);

impl Slot {
    /// The slot of the buffer that will be at `body`.
    #[inline(always)]
    pub(super) fn new(body: *mut Body) -> Self {
        Self {
            cb: Opaque::uninit(),
            poll: body.wrapping_byte_add(offset_of!(Body, poll)).cast(),
            active: Atomic::new(0),
        }
    }

    /// Whether the callback is armed.
    #[inline(always)]
    pub(in crate::buffer) fn is_armed(&self) -> bool {
        // MODEL: poll-release, poll-wake
        self.active.load(Relaxed) != 0
    }
}

/// The right to use the callback of a slot.
///
/// # Invariants
///
/// Who has this has set `active` from zero, so that no fence has the callback. `_file` is that
/// of the buffer.
pub(in crate::buffer) struct Claim<'a> {
    slot: &'a Slot,
    _file: ARef<File>,
}

impl<'a> Claim<'a> {
    /// `None` if the callback for `event` is armed.
    #[inline(always)]
    pub(in crate::buffer) fn new(buf: &'a DmaBuf, event: Event) -> Option<Self> {
        let slot = body(buf).slot(event);

        // MODEL: poll-rearm, poll-slot, poll-slot-idle, poll-turns, poll-wake
        slot.active.cmpxchg(0, event.bit(), Full).ok()?;
        // INVARIANT: Set just above.
        Some(Self {
            slot,
            _file: buf.file().into(),
        })
    }

    /// Has those who poll woken when `fence` is signalled. Gives the claim back if it is already.
    #[inline(always)]
    pub(in crate::buffer) fn arm(self, fence: ARef<Fence>) -> Result<(), Self> {
        // SAFETY: By the type invariant no fence has the callback. What it needs stays until it has
        // run: the two references belong to it once it is armed.
        let callback = unsafe { Lent::from_c(self.slot.cb.get()) };

        if add_callback(&fence, callback, fence_signaled).is_err() {
            return Err(self);
        }
        forget((fence, self));
        Ok(())
    }
}

impl Drop for Claim<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // Nobody has seen `active` set: that needs the reservation object.
        // MODEL: poll-slot-idle
        self.slot.active.store(0, Release);
    }
}

/// The callback of a slot that was armed, and has run: what it has kept.
struct Fired<'a> {
    slot: &'a Slot,
    body: &'a Body,
    _file: ARef<File>,
}

/// A callback that [`Claim::arm`] has armed.
impl FromC for Fired<'_> {
    type C = *mut bindings::dma_fence_cb;

    #[inline(always)]
    unsafe fn from_c(value: *mut bindings::dma_fence_cb) -> Self {
        // SAFETY: It is part of a slot, and that of a buffer, whose file has a reference for this.
        unsafe {
            let slot: &Slot = &*value.cast::<Slot>();
            let place = slot.poll.byte_sub(offset_of!(Body, poll));
            let buf = DmaBuf::from_raw(place.cast_mut().cast());

            Self {
                slot,
                body: body(buf),
                _file: ARef::from_raw(NonNull::from(buf.file())),
            }
        }
    }
}

kernel::callbacks! {
    /// Called when a fence that the callback was armed on is signalled, in any context.
    fn fence_signaled(fence: Option<ARef<Fence>>, fired: Fired<'_>) {
        // From here on another poller may arm the callback again.
        // MODEL: poll-rearm, poll-release, poll-slot, poll-turns, poll-wake
        let events = fired.slot.active.xchg(0, Full);

        // What is ready is so for everybody.
        fired.body.pollers().wake(events);

        // Before the file, which keeps the buffer and this module: to put that comes last.
        drop(fence);
        drop(fired);
    }
}

/// A queue of those who wait for something that has a file, which keeps it longer than they wait.
#[repr(transparent)]
pub(in crate::buffer) struct WaitQueue(pub(super) Opaque<bindings::wait_queue_head>);

impl WaitQueue {
    /// Wakes those who wait for one of `events`.
    #[inline(always)]
    pub(in crate::buffer) fn wake(&self, events: u32) {
        let key = core::ptr::without_provenance_mut(events as usize);

        // SAFETY: The queue is initialised. The key of a poll wake-up is its events.
        unsafe { bindings::__wake_up(self.0.get(), bindings::TASK_NORMAL, 0, key) };
    }
}

/// Puts who polls into the queue of `buf`. Returns which events it polls for.
#[inline(always)]
pub(in crate::buffer) fn poll_wait(buf: &DmaBuf, table: PollTable<'_>) -> u32 {
    // SAFETY: A table is NULL or valid, and nothing but the pointer. The queue lives as long as
    // the file of the buffer, whose release takes out who polls.
    unsafe {
        let table: *mut bindings::poll_table = core::mem::transmute(table);

        bindings::poll_wait(buf.file().as_ptr(), body(buf).poll.0.get(), table);
        table.as_ref().map_or(!0, |table| table._key)
    }
}
