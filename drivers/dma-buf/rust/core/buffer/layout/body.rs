// SPDX-License-Identifier: GPL-2.0

//! The fields of a buffer: `struct dma_buf`.

use super::{
    attachment::AttachmentList,
    owned::Name,
    pointer::Kept,
    tables::Ops, //
};
use core::cell::{
    Cell,
    UnsafeCell, //
};
use kernel::{
    bindings::{
        self,
        iosys_map,
        EPOLLOUT, //
    },
    dma_buf::DmaBuf,
    interop::{
        export::Wrapper,
        module_ref::ModuleRef, //
    },
    prelude::*,
    same_layout,
    sync::{
        atomic::Atomic,
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

// SAFETY: Laid out in the same way, see above.
unsafe impl Wrapper for Body {
    type C = bindings::dma_buf;
}

/// What is in a buffer.
#[inline(always)]
pub(in crate::buffer) fn body(buf: &DmaBuf) -> &Body {
    // SAFETY: All buffers are made here, of a `Body`.
    unsafe { &*buf.as_raw().cast() }
}

impl Body {
    /// The name of the exporter, as C prints it.
    pub(in crate::buffer) fn exporter_name(&self) -> &CStr {
        if self.exp_name.is_null() {
            return c"(null)";
        }
        // SAFETY: `dma_buf_export()` asks for a string that stays, if there is one.
        unsafe { CStr::from_char_ptr(self.exp_name) }
    }

    /// The mode and the number of the inode of its file, and how many references there are.
    pub(in crate::buffer) fn file_facts(&self) -> (u32, u64, c_long) {
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
    pub(in crate::buffer) fn slot(&self, event: u32) -> &Slot {
        match event {
            EPOLLOUT => &self.cb_out,
            _ => &self.cb_in,
        }
    }

    /// The queue of those who poll.
    #[inline(always)]
    pub(in crate::buffer) fn pollers(&self) -> &WaitQueue {
        &self.poll
    }

    /// Whether somebody uses it who has no reference to it, which is a mistake.
    #[inline(always)]
    pub(in crate::buffer) fn misuse(&self) -> [bool; 3] {
        // MODEL: poll-release
        let is_armed = |slot: &Slot| slot.active.load(kernel::sync::atomic::Relaxed) != 0;

        [
            self.vmapping.count.get() != 0,
            is_armed(&self.cb_in) || is_armed(&self.cb_out),
            !self.attachments.is_empty(),
        ]
    }
}

/// The mapping of a buffer into the kernel's address space, and how many use it.
#[repr(C)]
pub(in crate::buffer) struct Vmapping {
    pub(in crate::buffer) count: Cell<c_uint>,
    pub(in crate::buffer) map: Cell<iosys_map>,
}

impl Vmapping {
    /// What `struct dma_buf` says when there is no mapping.
    pub(in crate::buffer) const UNMAPPED: iosys_map = iosys_map {
        is_iomem: false,
        __bindgen_anon_1: bindings::iosys_map__bindgen_ty_1 {
            vaddr: core::ptr::null_mut(),
        },
    };

    /// None.
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self {
            count: Cell::new(0),
            map: Cell::new(Self::UNMAPPED),
        }
    }
}

/// The address in `map`, of memory or of I/O memory.
#[inline(always)]
pub(in crate::buffer) fn address(map: &iosys_map) -> (bool, *mut c_void) {
    // SAFETY: Both members are pointers in the same place.
    (map.is_iomem, unsafe { map.__bindgen_anon_1.vaddr })
}

const _: () = assert!(
    core::mem::offset_of!(Body, vmapping) + core::mem::offset_of!(Vmapping, map)
        == core::mem::offset_of!(bindings::dma_buf, vmap_ptr)
);

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
    pub(in crate::buffer) cb: Opaque<bindings::dma_fence_cb>,
    // Not NULL. It is part of the buffer that this is part of.
    poll: *const WaitQueue,
    pub(in crate::buffer) active: Atomic<u32>,
}

same_layout!(Slot, bindings::dma_buf_dma_buf_poll_cb_t, cb, poll, active);

impl Slot {
    /// The slot of the buffer that will be at `body`.
    #[inline(always)]
    pub(super) fn new(body: *mut Body) -> Self {
        Self {
            cb: Opaque::uninit(),
            poll: body
                .wrapping_byte_add(core::mem::offset_of!(Body, poll))
                .cast(),
            active: Atomic::new(0),
        }
    }

    /// The slot with the callback, and what it is part of.
    ///
    /// # Safety
    ///
    /// `cb` must be the callback of a slot of a buffer that lives for `'a`.
    #[inline(always)]
    pub(in crate::buffer) unsafe fn of<'a>(
        cb: *mut bindings::dma_fence_cb,
    ) -> (&'a Self, &'a DmaBuf) {
        // SAFETY: By the caller's guarantee.
        unsafe {
            let slot: &Self = &*cb.cast::<Self>();
            let body = slot.poll.byte_sub(core::mem::offset_of!(Body, poll));

            (slot, DmaBuf::from_raw(body.cast_mut().cast()))
        }
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
