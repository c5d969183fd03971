// SPDX-License-Identifier: GPL-2.0

//! `UDMABUF_CREATE` and `UDMABUF_CREATE_LIST`.

use crate::{
    limits,
    memory::{
        export,
        Memory, //
    }, //
};
use core::{
    mem::take,
    ops::Range, //
};
use kernel::{
    argument,
    bindings,
    dma_buf::{
        memfd::{
            seal,
            PinnedPages,
            SealedMemfd, //
        },
        FdReservation,
        UserVec, //
    },
    fs::{
        argument::Argument,
        file::flags,
        LocalFile, //
    },
    ioctl::_IOW,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
    uaccess::UserPtr, //
};

const CREATE: u32 = _IOW::<Create>(b'u' as u32, 0x42);
const CREATE_LIST: u32 = _IOW::<List>(b'u' as u32, 0x43);

argument! {
    struct Create = [udmabuf_create] {
        memfd: u32,
        flags: u32,
        offset: u64,
        size: u64,
    }
}

argument! {
    /// [`Item`]s follow it.
    struct List = [udmabuf_create_list] {
        flags: u32,
        count: u32,
        list: [Item; 0],
    }
}

argument! {
    #[derive(Clone)]
    struct Item = [udmabuf_create_item] {
        memfd: u32,
        /// Not looked at: the ABI was always this way.
        __pad: u32,
        offset: u64,
        size: u64,
    }
}

impl Item {
    /// The pages of the file that are asked for.
    ///
    /// Fails with `EINVAL` if they are not whole pages, or if there cannot be such a file.
    fn pages(&self) -> Result<Range<usize>> {
        if (self.offset | self.size) % PAGE_SIZE as u64 != 0 {
            return Err(EINVAL);
        }
        let first = usize::try_from(self.offset >> PAGE_SHIFT)?;
        let count = usize::try_from(self.size >> PAGE_SHIFT)?;
        Ok(first..first.checked_add(count).ok_or(EINVAL)?)
    }

    /// As [`pages`](Self::pages) has said.
    fn checked_pages(&self) -> Range<usize> {
        let first = (self.offset >> PAGE_SHIFT) as usize;

        first..first.wrapping_add((self.size >> PAGE_SHIFT) as usize)
    }

    /// Adds the pages to a buffer's. There was no error in [`pages`](Self::pages).
    ///
    /// Fails with `EBADFD` if the file is not a memory file, or is not open, `EINVAL` if its seals
    /// are not as they must be or it is too short, and with `ENOMEM`.
    fn pin_into(&self, buffer: &mut PinnedPages) -> Result {
        let file = LocalFile::fget(self.memfd).map_err(|_| EBADFD)?;
        let memfd = SealedMemfd::lock(&file)?;
        let seals = memfd.seals();

        // Devices do not survive the loss of pages, and write where user space could not.
        if seals & seal::SHRINK == 0 || seals & (seal::WRITE | seal::FUTURE_WRITE) != 0 {
            return Err(EINVAL);
        }
        buffer.pin(&memfd, self.checked_pages())
    }
}

/// Makes a buffer of the items, one after the other, and a file descriptor for it.
///
/// Fails with `EINVAL` if nothing or too much is asked for, and as [`Item::pages`],
/// [`Item::pin_into`] and [`publish`].
fn create(items: &[Item], flags: u32) -> Result<u32> {
    let limit = limits::pages();
    let total = items.iter().try_fold(0usize, |sum, item| {
        let sum = sum.checked_add(item.pages()?.len()).ok_or(EINVAL)?;
        if sum > limit {
            Err(EINVAL)
        } else {
            Ok(sum)
        }
    })?;
    if total == 0 {
        return Err(EINVAL);
    }

    let mut memory = Memory(PinnedPages::with_capacity(total)?);
    for item in items {
        item.pin_into(&mut memory.0)?;
    }

    publish(&mut memory, flags)
}

/// Makes a buffer of what is in `memory`, and a file descriptor for it. By itself, so that its
/// stack does not come on top of what [`Item::pin_into`] needs, which goes deep; and it is not
/// moved, which would take it twice.
///
/// Fails as [`export`] and [`FdReservation::new`].
#[inline(never)]
fn publish(memory: &mut Memory, flags: u32) -> Result<u32> {
    let fd_flags = if flags & bindings::UDMABUF_FLAGS_CLOEXEC != 0 {
        flags::O_CLOEXEC
    } else {
        0
    };
    let fd = FdReservation::new(export(take(memory))?, fd_flags)?;
    let number = fd.number();
    fd.install();
    Ok(number)
}

/// Fails with `EFAULT`, and as [`create`].
fn create_one(arg: UserPtr) -> Result<u32> {
    let request = Create::read(arg)?;
    let item = Item {
        memfd: request.memfd,
        offset: request.offset,
        size: request.size,
        ..Item::default()
    };
    create(&[item], request.flags)
}

/// Fails with `EFAULT`, `EINVAL` if there are too many items, `ENOMEM`, and as [`create`].
fn create_list(arg: UserPtr) -> Result<u32> {
    let list = List::read(arg)?;
    let count = usize::try_from(list.count)?;
    if count > limits::items() {
        return Err(EINVAL);
    }
    // There may be no limit: that so much is not to be had is no news for the log.
    let items = UserVec::<Item>::copy(arg.wrapping_byte_add(size_of::<List>()), count)?;

    create(&items, list.flags)
}

/// Serves a command on the device's file. Returns a file descriptor. Sleeps.
///
/// Fails with `ENOTTY` if there is no such command, otherwise as [`create_one`] and
/// [`create_list`]. On failure nothing is left behind.
#[inline]
pub(crate) fn dispatch(cmd: u32, arg: UserPtr) -> Result<isize> {
    let fd = match cmd {
        CREATE => create_one(arg),
        CREATE_LIST => create_list(arg),
        _ => Err(ENOTTY),
    }?;

    // An `int` for C.
    Ok(fd as isize)
}
