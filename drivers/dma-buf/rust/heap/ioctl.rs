// SPDX-License-Identifier: GPL-2.0

//! `DMA_HEAP_IOCTL_ALLOC`.
//!
//! # The argument
//!
//! The argument may be of another size than this kernel's `struct dma_heap_allocation_data`, so
//! that the structure can grow: the number of the command says how long it is, and whether it is
//! to be read and written. What is missing counts as zero, and zero asks for nothing new. What is
//! longer than known is left alone. Since the ABI was always this way:
//!
//! - the type of the command is not looked at, only its number within the type;
//! - all of the argument must be readable, and writable, also where nothing is known of it;
//! - an argument that has no room for the file descriptor, or is not to be written, is no error: a
//!   buffer is allocated, and the process is not told where it is.

use crate::heap::Heap;
use kernel::{
    argument, bindings,
    dma_buf::{
        FdReservation,
        UserVec, //
    },
    fs::argument::{
        Answer,
        Argument as _, //
    },
    ioctl::{
        _IOC_DIR,
        _IOC_NR,
        _IOC_SIZE,
        _IOWR, //
    },
    page::page_align,
    prelude::*,
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};

/// The number of the only command.
const ALLOC: u32 = 0;

/// The command, as programs have it that know the argument as we do.
const ALLOC_OF_TODAY: u32 = _IOWR::<Request>(bindings::DMA_HEAP_IOC_MAGIC as u32, ALLOC);

argument! {
    /// What user space asks for, and is told.
    struct Request = [dma_heap_allocation_data] {
        len: u64,
        fd: u32,
        fd_flags: u32,
        heap_flags: u64,
    }
}

impl Request {
    /// Fails with `EINVAL` if something is asked for that nobody knows.
    #[inline(always)]
    fn check(&self) -> Result {
        let unknown_fd_flags = self.fd_flags & !bindings::DMA_HEAP_VALID_FD_FLAGS;
        let unknown_heap_flags = self.heap_flags & !u64::from(bindings::DMA_HEAP_VALID_HEAP_FLAGS);

        if self.fd != 0 || unknown_fd_flags != 0 || unknown_heap_flags != 0 {
            return Err(EINVAL);
        }
        Ok(())
    }

    /// Does what is asked for. The file descriptor is reserved, and its number noted.
    ///
    /// Fails with `EINVAL` if the length makes no sense, and as [`Heap::allocate`] and
    /// [`FdReservation::new`] do.
    // In place, since what is called goes deep.
    #[inline(always)]
    fn serve(&mut self, heap: &Heap) -> Result<FdReservation> {
        // A length that only fits after it was cut to the size of a `size_t` would give user space
        // another buffer than it asked for.
        let len = usize::try_from(self.len)
            .ok()
            .and_then(page_align)
            .filter(|len| *len != 0)
            .ok_or(EINVAL)?;

        let buf = heap.allocate(len, self.fd_flags, self.heap_flags)?;
        let fd = FdReservation::new(buf, self.fd_flags)?;
        self.fd = fd.number();
        Ok(fd)
    }
}

/// Serves a command on the file of `heap`. Sleeps.
///
/// Fails with `EINVAL` if there is no such command, `EFAULT`, and as [`Request::serve`] does. On
/// failure there is no new buffer and no new file descriptor.
#[inline(always)]
pub(crate) fn dispatch(heap: &Heap, cmd: u32, arg: UserPtr) -> Answer {
    match _IOC_NR(cmd) {
        ALLOC if cmd == ALLOC_OF_TODAY => Answer::of(heap, arg, alloc),
        ALLOC => Answer::of(heap, arg, move |heap, arg| {
            alloc_of_another_size(heap, cmd, arg)
        }),
        _ => EINVAL.into(),
    }
}

#[inline(always)]
fn alloc(heap: &Heap, arg: UserPtr) -> Result {
    let mut request = Request::default();

    request.fill(arg)?;
    request.check()?;
    let fd = request.serve(heap)?;
    request.write(arg)?;
    fd.install();
    Ok(())
}

#[cold]
fn alloc_of_another_size(heap: &Heap, cmd: u32, arg: UserPtr) -> Result {
    let size = |direction| {
        if _IOC_DIR(cmd) & direction != 0 {
            _IOC_SIZE(cmd)
        } else {
            0
        }
    };
    let (read, written) = (
        size(kernel::uapi::_IOC_WRITE),
        size(kernel::uapi::_IOC_READ),
    );
    let (known, behind) = (
        size_of::<Request>(),
        arg.wrapping_byte_add(size_of::<Request>()),
    );
    let mut request = Request::default();
    let bytes = request.as_mut_bytes();

    UserSlice::new(arg, known)
        .reader()
        .read_slice(bytes.get_mut(..read.min(known)).unwrap_or_default())?;
    // What is not looked at.
    let rest = UserVec::<u8>::copy(behind, read.saturating_sub(known))?;
    request.check()?;
    let fd = request.serve(heap)?;

    let bytes = request.as_mut_bytes();
    UserSlice::new(arg, known)
        .writer()
        .write_slice(bytes.get(..written.min(known)).unwrap_or_default())?;
    if written > known {
        UserSlice::new(behind, rest.len())
            .writer()
            .write_slice(&rest)?;
    }
    fd.install();
    Ok(())
}
