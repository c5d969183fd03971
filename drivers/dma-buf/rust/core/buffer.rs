// SPDX-License-Identifier: GPL-2.0

//! Buffers: how they are exported, and given file descriptors.
//!
//! # Locking
//!
//! | what | guarded by |
//! |---|---|
//! | attachments, the kernel mapping and its count | the buffer's reservation object |
//! | the buffer's name | `name_lock` |
//! | the list of all buffers | [`registry`]'s mutex |
//! | which poll callbacks are armed | atomic, see [`poll`] |
//!
//! Everything else in a `struct dma_buf` is constant between export and release. The registry's
//! mutex is taken before a reservation object, which is taken before `name_lock`.

use self::layout::{
    life::{
        from_file,
        into_file,
        Blank, //
    },
    owned::ExportInfo, //
};
use kernel::{
    bindings,
    dma_buf::DmaBuf,
    fs::file::{
        FileDescriptorReservation,
        LocalFile, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            AtomicFlag,
            Relaxed, //
        }, //
    }, //
};

mod abi;
mod attachment;
mod checked;
mod cpu_access;
mod debugfs;
mod event;
mod exporter;
mod file;
mod fs;
mod ioctl;
pub(crate) mod layout;
pub(crate) mod lock;
mod mount;
mod name;
mod poll;
mod registry;
mod release;
mod tables;
mod text;
mod trace;
mod vmapping;

/// Buffers can be made. Dropped when there is none, and nobody can make one.
#[pin_data]
pub(crate) struct Ready {
    // Dropped in this order.
    #[pin]
    _debugfs: debugfs::Files,
    #[pin]
    _fs: fs::Usable,
}

/// Makes everything ready. Comes before anything else here. Fails with `EBUSY` the second time.
#[inline(always)]
pub(crate) fn init() -> impl PinInit<Ready, Error> {
    try_pin_init!(Ready {
        _fs <- {
            init_statics()?;
            fs::init()
        },
        _debugfs <- debugfs::files(),
    }? Error)
}

/// Fails with `EBUSY` the second time.
#[inline(always)]
fn init_statics() -> Result {
    static IS_READY: AtomicFlag = AtomicFlag::new(false);

    // MODEL: none, because only who is first goes on.
    if IS_READY.xchg(true, Relaxed) {
        return Err(EBUSY);
    }
    // SAFETY: Nobody else gets here. What is in a static does not move.
    unsafe {
        registry::BUFFERS.init();
        bindings::INIT_LIST_HEAD(registry::BUFFERS.lock().head());
        #[cfg(MODULE)]
        mount::MOUNT.init();
    }
    Ok(())
}

/// Makes a buffer. See `dma_buf_export()`.
fn export(exporter: ExportInfo<'_>) -> Result<ARef<DmaBuf>> {
    let exporter = exporter.check()?;
    let module = exporter.module()?;
    let blank = Blank::alloc(&exporter)?;
    // Nothing fails from here on: there is no file without a buffer.
    let file = fs::new_file(exporter.info.size, exporter.info.flags as u32)?;
    let buf = registry::insert(blank.fill(exporter, module, file));

    trace::export(&buf);
    Ok(buf)
}

/// Gives `buf` a new descriptor, which gets the reference; on failure the caller keeps it. Returns
/// its number. See `dma_buf_fd()`.
#[inline(always)]
fn fd(buf: ARef<DmaBuf>, flags: c_int) -> Result<c_int> {
    match FileDescriptorReservation::get_unused_fd_flags(flags as u32) {
        Ok(fd) => Ok(install(buf, fd)),
        Err(err) => {
            core::mem::forget(buf);
            Err(err)
        }
    }
}

/// Gives `buf` a descriptor, which gets the reference. Returns its number.
fn install(buf: ARef<DmaBuf>, fd: FileDescriptorReservation) -> c_int {
    let number = fd.reserved_fd() as c_int;

    trace::fd(&buf, number);
    fd.fd_install(into_file(buf));
    number
}

/// The buffer behind a descriptor. Fails with `EBADF`, or `EINVAL` if it is something else.
fn get(fd: c_int) -> Result<ARef<DmaBuf>> {
    let file = LocalFile::fget(fd as u32)?;
    let buf = from_file(file, |file| file::TABLE.data_of(file)).ok_or(EINVAL)?;

    trace::get(&buf, fd);
    Ok(buf)
}
