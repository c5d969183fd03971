// SPDX-License-Identifier: GPL-2.0

//! The life of a buffer: export, file descriptors, release.

use crate::kmalloc;
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    dma_buf::DmaBuf,
    fs::file::{
        FileDescriptorReservation,
        LocalFile, //
    },
    prelude::*,
    static_lock_class,
    sync::aref::ARef,
    warn_on, //
};

mod abi;
pub(crate) mod attachment;
pub(crate) mod cpu_access;
pub(crate) mod debugfs;
mod file;
pub(crate) mod fs;
mod ioctl;
pub(crate) mod mount;
mod name;
mod poll;
pub(crate) mod registry;
mod trace;

/// A reference to a module's code.
///
/// # Invariants
///
/// The pointer is NULL, for what is built in, or this object owns a reference to the module.
struct Module(*mut bindings::module);

impl Module {
    /// Fails with `ENOENT` if the module is being unloaded.
    fn get(module: *mut bindings::module) -> Result<Self> {
        // SAFETY: NULL or a module, by the contract of `dma_buf_export()`.
        if unsafe { bindings::try_module_get(module) } {
            // INVARIANT: Taken just above.
            Ok(Self(module))
        } else {
            Err(ENOENT)
        }
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::module_put(self.0) };
    }
}

/// The memory of a buffer, with its own reservation object if the exporter has none for it.
///
/// `R` is `dma_resv`, or a byte. The byte keeps the next object in memory from starting where the
/// buffer ends: [`has_own_resv`] could mistake its reservation object for the buffer's own.
#[repr(C)]
struct Storage<R> {
    buf: bindings::dma_buf,
    tail: R,
}

fn own_resv(buf: *mut bindings::dma_buf) -> *mut bindings::dma_resv {
    // Only an address: whether there is an object is another question.
    buf.cast::<Storage<bindings::dma_resv>>()
        .wrapping_byte_add(core::mem::offset_of!(Storage<bindings::dma_resv>, tail))
        .cast()
}

/// The zeroed memory of a buffer that has not become one yet.
///
/// # Invariants
///
/// Points to memory that `kfree()` frees and that this object owns.
struct Blank(NonNull<bindings::dma_buf>);

impl Blank {
    /// Fails with `ENOMEM`.
    fn alloc<R>() -> Result<Self> {
        // INVARIANT: Just allocated, with `kmalloc()`.
        kmalloc::buffer(size_of::<Storage<R>>()).map(|memory| Self(memory.cast()))
    }
}

impl Drop for Blank {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::kfree(self.0.as_ptr().cast()) };
    }
}

/// Whether `info` describes something that can be exported.
fn check(info: &bindings::dma_buf_export_info) -> Result {
    // SAFETY: NULL or valid, by the contract of `dma_buf_export()`.
    let ops = unsafe { info.ops.as_ref() };
    let complete = ops.is_some_and(|ops| {
        ops.map_dma_buf.is_some() && ops.unmap_dma_buf.is_some() && ops.release.is_some()
    });

    if warn_on!(info.priv_.is_null() || !complete) {
        return Err(EINVAL);
    }
    // Who can pin must be able to unpin.
    if warn_on!(ops.is_some_and(|ops| ops.pin.is_some() != ops.unpin.is_some())) {
        return Err(EINVAL);
    }
    Ok(())
}

/// Makes a buffer. See `dma_buf_export()`.
pub(crate) fn export(info: &bindings::dma_buf_export_info) -> Result<ARef<DmaBuf>> {
    check(info)?;

    let module = Module::get(info.owner)?;
    let blank = if info.resv.is_null() {
        Blank::alloc::<bindings::dma_resv>()
    } else {
        Blank::alloc::<u8>()
    }?;
    // Nothing fails from here on: there is no file without a buffer.
    let file = fs::new_file(info.size, info.flags as u32)?;
    let buf = ManuallyDrop::new(blank).0;

    // SAFETY: The buffer is zeroed memory of our own.
    unsafe {
        let buf = buf.as_ptr();

        (*buf).priv_ = info.priv_;
        (*buf).ops = info.ops;
        (*buf).size = info.size;
        (*buf).exp_name = info.exp_name;
        (*buf).owner = info.owner;
        (*buf).file = file.as_ptr();
        bindings::__spin_lock_init(
            &raw mut (*buf).name_lock,
            c"dma_buf::name_lock".as_char_ptr(),
            static_lock_class!().as_ptr(),
        );
        bindings::__init_waitqueue_head(
            &raw mut (*buf).poll,
            c"dma_buf::poll".as_char_ptr(),
            static_lock_class!().as_ptr(),
        );
        (*buf).cb_in.poll = &raw mut (*buf).poll;
        (*buf).cb_out.poll = &raw mut (*buf).poll;
        bindings::INIT_LIST_HEAD(&raw mut (*buf).attachments);

        (*buf).resv = info.resv;
        if info.resv.is_null() {
            (*buf).resv = own_resv(buf);
            bindings::dma_resv_init((*buf).resv);
        }
        fs::connect(file, buf);
    }
    // The buffer keeps the module from here on.
    core::mem::forget(module);

    // SAFETY: The buffer is complete, and the file's only reference is ours.
    let buf = unsafe { ARef::<DmaBuf>::from_raw(buf.cast()) };
    registry::insert(&buf);
    trace::export(&buf);
    Ok(buf)
}

/// Frees a buffer, unless somebody still uses it: then it is left as it is, and its module stays
/// loaded, since nothing that could be freed is sure not to be written to any more.
///
/// # Safety
///
/// `buf` must be a complete buffer whose file and directory entry are gone.
pub(crate) unsafe fn release(buf: NonNull<bindings::dma_buf>) {
    let raw = buf.as_ptr();

    // SAFETY: The buffer is complete. Who uses it without a reference does so by mistake, and is
    // left a buffer to do so.
    unsafe {
        let attachments = &raw mut (*raw).attachments;
        let is_mapped = warn_on!((*raw).vmapping_counter != 0);
        let is_polled = warn_on!((*raw).cb_in.active != 0 || (*raw).cb_out.active != 0);
        let is_attached = warn_on!((*attachments).next != attachments);

        if is_mapped || is_polled || is_attached {
            return;
        }
        if let Some(release) = (*(*raw).ops).release {
            release(raw);
        }
        if (*raw).resv == own_resv(raw) {
            bindings::dma_resv_fini((*raw).resv);
        }
        // INVARIANT: `export` left the reference with the buffer.
        drop(Module((*raw).owner));
        bindings::kfree((*raw).name.cast());
        bindings::kfree(raw.cast());
    }
}

/// Gives `buf` a descriptor in the calling process. See `dma_buf_fd()`.
///
/// On success the caller's reference goes over to the descriptor; on failure it stays with the
/// caller.
pub(crate) fn fd(buf: &DmaBuf, flags: u32) -> Result<c_int> {
    let fd = FileDescriptorReservation::get_unused_fd_flags(flags)?;
    let number = fd.reserved_fd() as c_int;

    // SAFETY: The descriptor is reserved, and the caller leaves its reference to us.
    unsafe { fd_install(buf, number) };
    core::mem::forget(fd);
    Ok(number)
}

/// Makes a reserved descriptor usable.
///
/// # Safety
///
/// `fd` must be reserved in the calling process, and the caller must own a reference to `buf`,
/// which goes over to the descriptor.
pub(crate) unsafe fn fd_install(buf: &DmaBuf, fd: c_int) {
    trace::fd(buf, fd);
    // SAFETY: By the caller's guarantee.
    unsafe { bindings::fd_install(fd as c_uint, buf.file().as_ptr()) };
}

/// The buffer behind a descriptor. Fails with `EBADF`, or `EINVAL` if it is something else.
pub(crate) fn get(fd: c_int) -> Result<ARef<DmaBuf>> {
    let file = LocalFile::fget(fd as u32)?;
    let buf = file::buffer_of(&file).ok_or(EINVAL)?;

    trace::get(buf, fd);
    // The file's reference is the buffer's.
    let buf = NonNull::from(buf);
    core::mem::forget(file);
    // SAFETY: We own the reference that `fget()` took.
    Ok(unsafe { ARef::from_raw(buf) })
}
