// SPDX-License-Identifier: GPL-2.0

//! The ioctls of a sync_file.
//!
//! User-space header: [`include/uapi/linux/sync_file.h`](srctree/include/uapi/linux/sync_file.h)

use super::{
    merge,
    of,
    write_name,
    SyncFile,
    NAME_SIZE, //
};
use crate::fence::{
    self,
    unwrap,
    Name, //
};
use kernel::{
    bindings,
    dma_buf::Fence,
    fs::{
        file::{
            flags::O_CLOEXEC,
            FileDescriptorReservation, //
        },
        LocalFile, //
    },
    ioctl::{
        _IOW,
        _IOWR, //
    },
    prelude::*,
    time::hrtimer::HrTimerExpires,
    transmute::{
        AsBytes,
        FromBytes, //
    },
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

const MAGIC: u32 = '>' as u32;
const MERGE: u32 = _IOWR::<bindings::sync_merge_data>(MAGIC, 3);
const FILE_INFO: u32 = _IOWR::<bindings::sync_file_info>(MAGIC, 4);
const SET_DEADLINE: u32 = _IOW::<bindings::sync_set_deadline>(MAGIC, 5);

/// Carries out `cmd`. Fails with `ENOTTY` if there is no such command.
pub(super) fn ioctl(sync_file: &SyncFile, cmd: u32, arg: usize) -> Result {
    let arg = UserPtr::from_addr(arg);

    match cmd {
        MERGE => merge_with(sync_file, arg),
        FILE_INFO => file_info(sync_file, arg),
        SET_DEADLINE => set_deadline(sync_file, arg),
        _ => Err(ENOTTY),
    }
}

/// # Safety
///
/// All bytes of `Self` are parts of integers.
unsafe trait Plain: Default {}

// SAFETY: Names and numbers without padding.
unsafe impl Plain for bindings::sync_merge_data {}

// SAFETY: Names and numbers without padding.
unsafe impl Plain for bindings::sync_file_info {}

// SAFETY: Names and numbers without padding.
unsafe impl Plain for bindings::sync_fence_info {}

// SAFETY: Numbers without padding.
unsafe impl Plain for bindings::sync_set_deadline {}

/// An argument of an ioctl, which is read and written as a whole.
#[repr(transparent)]
#[derive(Default)]
struct Arg<T>(T);

// SAFETY: Any bytes are integers.
unsafe impl<T: Plain> FromBytes for Arg<T> {}

// SAFETY: There is no padding.
unsafe impl<T: Plain> AsBytes for Arg<T> {}

impl<T: Plain> Arg<T> {
    const SIZE: usize = size_of::<T>();

    fn read(&mut self, ptr: UserPtr) -> Result {
        UserSlice::new(ptr, Self::SIZE)
            .reader()
            .read_slice(self.as_bytes_mut())
    }

    fn write(&self, ptr: UserPtr) -> Result {
        UserSlice::new(ptr, Self::SIZE)
            .writer()
            .write_slice(self.as_bytes())
    }
}

/// Makes another sync_file with the fences of both.
fn merge_with(sync_file: &SyncFile, ptr: UserPtr) -> Result {
    let fd = FileDescriptorReservation::get_unused_fd_flags(O_CLOEXEC)?;
    let mut arg = Arg::<bindings::sync_merge_data>::default();

    arg.read(ptr)?;
    if arg.0.flags != 0 || arg.0.pad != 0 {
        return Err(EINVAL);
    }
    let other = LocalFile::fget(arg.0.fd2 as u32).map_err(|_| ENOENT)?;
    let other = of(&other).ok_or(ENOENT)?;

    arg.0.name[NAME_SIZE - 1] = 0;
    let file = merge(sync_file, other, &arg.0.name).map_err(|_| ENOMEM)?;

    arg.0.fence = fd.reserved_fd() as i32;
    arg.write(ptr)?;
    fd.fd_install(file);
    Ok(())
}

/// Tells about the sync_file and, if there is room, about its fences.
fn file_info(sync_file: &SyncFile, ptr: UserPtr) -> Result {
    let fence = sync_file.fence();
    let mut arg = Arg::<bindings::sync_file_info>::default();

    arg.read(ptr)?;
    if arg.0.flags != 0 || arg.0.pad != 0 {
        return Err(EINVAL);
    }

    let mut count: u32 = 0;
    unwrap::for_each(fence, |_| {
        count += 1;
        Ok(())
    })?;

    if arg.0.num_fences == 0 {
        arg.0.status = fence::status(fence);
    } else if arg.0.num_fences < count {
        return Err(EINVAL);
    } else {
        (count, arg.0.status) = fence_infos(fence, arg.0.sync_fence_info as usize, count)?;
    }

    arg.0.num_fences = count;
    // SAFETY: The buffer is as large as the call is told.
    unsafe { write_name(sync_file, arg.0.name.as_mut_ptr(), NAME_SIZE) };
    arg.write(ptr)
}

/// Writes to user space what there is to know about the fences in `head`, up to `limit` of them.
/// Returns how many these were and their common status.
fn fence_infos(head: &Fence, mut addr: usize, limit: u32) -> Result<(u32, c_int)> {
    let mut count: u32 = 0;
    let mut common = 1;

    unwrap::for_each(head, |fence| {
        if count == limit {
            return Ok(());
        }
        let mut info = Arg::<bindings::sync_fence_info>::default();

        fill_info(fence, &mut info.0);
        info.write(UserPtr::from_addr(addr))?;
        addr = addr.wrapping_add(Arg::<bindings::sync_fence_info>::SIZE);
        count += 1;
        if common > 0 {
            common = info.0.status;
        }
        Ok(())
    })?;
    Ok((count, common))
}

fn fill_info(fence: &Fence, info: &mut bindings::sync_fence_info) {
    fence::with_names(fence, |driver, timeline| {
        copy_name(&mut info.obj_name, timeline);
        copy_name(&mut info.driver_name, driver);
    });
    info.status = fence::status(fence);
    info.timestamp_ns = fence.timestamp().map_or(0, |at| at.as_nanos()) as u64;
}

fn copy_name(to: &mut [c_char; NAME_SIZE], from: Name<'_>) {
    // SAFETY: The buffer is as large as the call is told, and a name is a string.
    unsafe { bindings::sized_strscpy(to.as_mut_ptr(), from.as_char_ptr(), NAME_SIZE) };
}

fn set_deadline(sync_file: &SyncFile, ptr: UserPtr) -> Result {
    let mut arg = Arg::<bindings::sync_set_deadline>::default();

    arg.read(ptr)?;
    if arg.0.pad != 0 {
        return Err(EINVAL);
    }
    fence::set_deadline(sync_file.fence(), arg.0.deadline_ns as fence::Time);
    Ok(())
}
