// SPDX-License-Identifier: GPL-2.0

//! A buffer before anybody knows it, in the registry, and when nobody knows it any more.

use super::{
    attachment::AttachmentList,
    body::{
        Body,
        Slot,
        WaitQueue, //
    },
    owned::CompleteInfo,
    pointer::Kept,
    vfs::NewFile, //
};
use crate::{
    buffer::vmapping::Vmapping,
    kmalloc, //
};
use core::{
    cell::UnsafeCell,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    container_of,
    dma_buf::DmaBuf,
    fs::{
        operations::PrivateData,
        File,
        LocalFile, //
    },
    interop::{
        module_ref::ModuleRef,
        object::Object, //
    },
    prelude::*,
    static_lock_class,
    sync::aref::ARef,
    types::Opaque, //
};

/// The memory of a buffer, with its own reservation object if the exporter has none for it.
///
/// `R` is `dma_resv`, or a byte. The byte keeps the next object in memory from starting where the
/// buffer ends: what is there could be mistaken for the buffer's own reservation object.
#[repr(C)]
struct Storage<R> {
    buf: Body,
    tail: R,
}

/// Where the buffer's own reservation object is, if it has one.
#[inline(always)]
fn own_resv(buf: NonNull<Body>) -> *mut bindings::dma_resv {
    // Only an address: whether there is an object is another question.
    buf.as_ptr()
        .wrapping_byte_add(core::mem::offset_of!(Storage<bindings::dma_resv>, tail))
        .cast()
}

/// The memory of a buffer that has not become one yet.
///
/// # Invariants
///
/// Points to memory that is large enough, that `kfree()` frees and that this object owns.
pub(in crate::buffer) struct Blank(NonNull<Body>);

impl Blank {
    /// Fails with `ENOMEM`.
    #[inline(always)]
    pub(in crate::buffer) fn alloc(exporter: &CompleteInfo<'_>) -> Result<Self> {
        let memory = if exporter.info.resv.is_null() {
            NonNull::from(KBox::leak(kmalloc::buffer::<Storage<bindings::dma_resv>>()?)).cast()
        } else {
            NonNull::from(KBox::leak(kmalloc::buffer::<Storage<u8>>()?)).cast()
        };

        // INVARIANT: Just allocated, with `kmalloc()`.
        Ok(Self(memory))
    }

    /// Makes it a buffer. It has `file`, which with its directory entry is what owns it.
    #[inline(always)]
    pub(in crate::buffer) fn fill(
        self,
        exporter: CompleteInfo<'_>,
        owner: ModuleRef,
        file: NewFile,
    ) -> Unregistered {
        let buf = ManuallyDrop::new(self).0;
        let CompleteInfo { info, ops } = exporter;
        let file = file.as_ptr();
        let has_own_resv = info.resv.is_null();
        let resv = if has_own_resv {
            own_resv(buf)
        } else {
            info.resv
        };
        let body = Body {
            size: info.size,
            file,
            attachments: AttachmentList(Opaque::uninit()),
            ops,
            vmapping: Vmapping::new(),
            exp_name: info.exp_name,
            name: UnsafeCell::new(None),
            name_lock: Opaque::uninit(),
            owner,
            list_node: Opaque::uninit(),
            private: Opaque::new(info.priv_),
            resv,
            poll: WaitQueue(Opaque::uninit()),
            cb_in: Slot::new(buf.as_ptr()),
            cb_out: Slot::new(buf.as_ptr()),
        };

        // SAFETY: The memory is our own, and does not move. It has room for a reservation object
        // if it was allocated for one. The file is ours, and knows what it has once it is seen.
        unsafe {
            buf.write(body);

            let body = buf.as_ref();
            let (lock, queue) = (body.name_lock.get(), body.poll.0.get());
            bindings::__spin_lock_init(
                lock,
                c"dma_buf::name_lock".as_char_ptr(),
                static_lock_class!().as_ptr(),
            );
            bindings::__init_waitqueue_head(
                queue,
                c"dma_buf::poll".as_char_ptr(),
                static_lock_class!().as_ptr(),
            );
            bindings::INIT_LIST_HEAD(body.attachments.0.get());
            if has_own_resv {
                bindings::dma_resv_init(resv);
            }

            let path = &raw const (*file).__bindgen_anon_1.f_path;
            (*file).private_data = buf.as_ptr().cast();
            (*(*path).dentry).d_fsdata = buf.as_ptr().cast();
            // INVARIANT: Complete, and in no list.
            Unregistered(Kept::new(buf))
        }
    }
}

impl Drop for Blank {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::kfree(self.0.as_ptr().cast()) };
    }
}

/// A buffer that nobody else knows yet, with the only reference to it.
///
/// # Invariants
///
/// It is complete, and not in the registry.
pub(in crate::buffer) struct Unregistered(Kept<Body>);

/// What the file of a buffer owns: its place in the registry.
///
/// # Invariants
///
/// The buffer is in the registry.
#[repr(transparent)]
pub(in crate::buffer) struct Registered(NonNull<DmaBuf>);

// SAFETY: Transparent. A buffer outlives its file.
unsafe impl PrivateData for Registered {
    type Target = DmaBuf;
}

/// All buffers, newest first.
///
/// # Invariants
///
/// Who has a reference holds the lock. Once initialised, heads a list of buffers whose files are
/// not released.
pub(in crate::buffer) struct Ring(Object<bindings::list_head>);

impl Ring {
    #[inline(always)]
    pub(in crate::buffer) const fn uninit() -> Self {
        Self(Object::uninit())
    }

    /// What is to be made an empty list before anything else.
    pub(in crate::buffer) fn head(&self) -> *mut bindings::list_head {
        self.0.get()
    }

    /// Adds a buffer, which others may use from now on.
    #[inline(always)]
    pub(in crate::buffer) fn insert(&self, buf: Unregistered) -> ARef<DmaBuf> {
        // SAFETY: A new buffer's node is in no list. The reference to the buffer is `buf`'s.
        unsafe {
            bindings::list_add(buf.0.list_node.get(), self.0.get());
            ARef::from_raw(buf.0.as_non_null().cast())
        }
    }

    /// Takes a buffer off.
    #[inline(always)]
    pub(in crate::buffer) fn remove(&self, buf: Registered) {
        // SAFETY: By the type invariant of `Registered` the node is in the list.
        unsafe { bindings::list_del((*buf.0.cast::<Body>().as_ptr()).list_node.get()) };
    }

    /// The first of the buffers after `buf`, or of all, that is alive.
    #[inline(always)]
    pub(in crate::buffer) fn first_alive_after(&self, buf: Option<&Body>) -> Option<ARef<DmaBuf>> {
        let mut node = buf.map_or(self.0.get(), |buf| buf.list_node.get());

        loop {
            // SAFETY: Nodes are in the ring, which does not change while it is borrowed. What is
            // not the head is the node of a buffer. That has not been freed, and neither has its
            // file: the release of the file has to take it off first.
            unsafe {
                // MODEL: buf-registry
                node = (*node).next;
                if node == self.0.get() {
                    return None;
                }
                let buf = container_of!(node, bindings::dma_buf, list_node);
                if bindings::file_ref_get(&raw mut (*(*buf).file).f_ref) {
                    return Some(ARef::from_raw(NonNull::new_unchecked(buf.cast())));
                }
            }
        }
    }
}

/// A buffer that nobody uses any more. Unless it is freed it stays as it is.
///
/// # Invariants
///
/// The file of the buffer and the directory entry of that are gone.
#[repr(transparent)]
pub(in crate::buffer) struct Dying(Kept<Body>);

impl Dying {
    /// Whether somebody uses it who has no reference to it, which is a mistake.
    #[inline(always)]
    pub(in crate::buffer) fn misuse(&self) -> [bool; 3] {
        [
            self.vmapping.is_used(),
            self.cb_in.is_armed() || self.cb_out.is_armed(),
            !self.attachments.is_empty(),
        ]
    }

    /// Tells its exporter, and frees it.
    #[inline(always)]
    pub(in crate::buffer) fn free(self) {
        let buf = self.0.as_non_null();

        if let Some(release) = self.ops.release() {
            release.0((&*self.0).into());
        }
        // SAFETY: By the type invariant, and the exporter, too, knows it no more. The memory is
        // from `kmalloc()`.
        unsafe {
            if self.resv == own_resv(buf) {
                bindings::dma_resv_fini(self.resv);
            }
            buf.drop_in_place();
            bindings::kfree(buf.as_ptr().cast());
        }
    }
}

impl Deref for Dying {
    type Target = Body;

    #[inline(always)]
    fn deref(&self) -> &Body {
        &self.0
    }
}

/// The reference, which is one to the file of the buffer.
#[inline(always)]
pub(in crate::buffer) fn into_file(buf: ARef<DmaBuf>) -> ARef<File> {
    let buf = ManuallyDrop::new(buf);

    // SAFETY: That is how buffers are counted.
    unsafe { ARef::from_raw(NonNull::from(buf.file())) }
}

/// The reference, which is one to the buffer that `find` finds to be the file's.
#[inline(always)]
pub(in crate::buffer) fn from_file(
    file: ARef<LocalFile>,
    find: impl FnOnce(&LocalFile) -> Option<&DmaBuf>,
) -> Option<ARef<DmaBuf>> {
    let buf = NonNull::from(find(&file)?);

    core::mem::forget(file);
    // SAFETY: That is how buffers are counted.
    Some(unsafe { ARef::from_raw(buf) })
}
