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
    unwrap, //
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

type Name = [c_char; NAME_SIZE];

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

/// An argument of an ioctl, which is read and written as a whole.
#[repr(transparent)]
struct Arg<T>(T);

/// # Safety
///
/// All bytes of `Self` are parts of integers.
unsafe trait Plain {}

// SAFETY: Names and numbers without padding.
unsafe impl Plain for bindings::sync_merge_data {}

// SAFETY: Names and numbers without padding.
unsafe impl Plain for bindings::sync_file_info {}

// SAFETY: Names and numbers without padding.
unsafe impl Plain for bindings::sync_fence_info {}

// SAFETY: Numbers without padding.
unsafe impl Plain for bindings::sync_set_deadline {}

// SAFETY: Any bytes are integers.
unsafe impl<T: Plain> FromBytes for Arg<T> {}

// SAFETY: There is no padding.
unsafe impl<T: Plain> AsBytes for Arg<T> {}

impl<T: Plain> Arg<T> {
    const SIZE: usize = size_of::<T>();

    fn read(ptr: UserPtr) -> Result<T> {
        let arg: Self = UserSlice::new(ptr, Self::SIZE).reader().read()?;

        Ok(arg.0)
    }

    fn write(self, ptr: UserPtr) -> Result {
        UserSlice::new(ptr, Self::SIZE).writer().write(&self)
    }
}

/// Makes another sync_file with the fences of both.
fn merge_with(sync_file: &SyncFile, ptr: UserPtr) -> Result {
    let fd = FileDescriptorReservation::get_unused_fd_flags(O_CLOEXEC)?;
    let mut arg: bindings::sync_merge_data = Arg::read(ptr)?;

    if arg.flags != 0 || arg.pad != 0 {
        return Err(EINVAL);
    }
    let other = LocalFile::fget(arg.fd2 as u32).map_err(|_| ENOENT)?;
    let other = of(&other).ok_or(ENOENT)?;
    let (file, _) = merge(sync_file, other, terminated(&arg.name)).map_err(|_| ENOMEM)?;

    arg.name[NAME_SIZE - 1] = 0;
    arg.fence = fd.reserved_fd() as i32;
    Arg(arg).write(ptr)?;
    fd.fd_install(file);
    Ok(())
}

/// `name` up to its end, with zeroes behind that. The last is always one.
fn terminated(name: &Name) -> Name {
    let mut result = [0; NAME_SIZE];
    let (chars, _) = name.split_at(NAME_SIZE - 1);

    for (to, &from) in result.iter_mut().zip(chars.iter().take_while(|&&c| c != 0)) {
        *to = from;
    }
    result
}

fn copy_name(to: &mut Name, from: &CStr) {
    let mut name = [0; NAME_SIZE];

    for (to, &from) in name.iter_mut().zip(from.to_bytes()) {
        *to = from as c_char;
    }
    *to = terminated(&name);
}

/// Tells about the sync_file and, if there is room, about its fences.
fn file_info(sync_file: &SyncFile, ptr: UserPtr) -> Result {
    let mut arg: bindings::sync_file_info = Arg::read(ptr)?;

    if arg.flags != 0 || arg.pad != 0 {
        return Err(EINVAL);
    }

    let mut count: u32 = 0;
    unwrap::for_each(sync_file.fence(), |_| {
        count += 1;
        Ok(())
    })?;

    if arg.num_fences == 0 {
        arg.status = fence::status(sync_file.fence());
    } else if arg.num_fences < count {
        return Err(EINVAL);
    } else {
        (count, arg.status) = fence_infos(sync_file.fence(), arg.sync_fence_info as usize, count)?;
    }

    arg.num_fences = count;
    // SAFETY: The buffer is as large as the call is told.
    unsafe { write_name(sync_file, arg.name.as_mut_ptr(), NAME_SIZE) };
    Arg(arg).write(ptr)
}

/// Writes to user space what there is to know about the fences in `head`, up to `limit` of them.
/// Returns how many these were and their common status.
fn fence_infos(head: &Fence, addr: usize, limit: u32) -> Result<(u32, c_int)> {
    let mut count: u32 = 0;
    let mut common = 1;

    unwrap::for_each(head, |fence| {
        if count == limit {
            return Ok(());
        }
        let info = fence_info(fence);
        let offset = count as usize * Arg::<bindings::sync_fence_info>::SIZE;

        if common > 0 {
            common = info.status;
        }
        count += 1;
        Arg(info).write(UserPtr::from_addr(addr.wrapping_add(offset)))
    })?;
    Ok((count, common))
}

fn fence_info(fence: &Fence) -> bindings::sync_fence_info {
    let mut info = bindings::sync_fence_info::default();

    fence::with_names(fence, |driver, timeline| {
        copy_name(&mut info.obj_name, timeline);
        copy_name(&mut info.driver_name, driver);
    });
    info.status = fence::status(fence);
    info.timestamp_ns = fence.timestamp().map_or(0, |at| at.as_nanos()) as u64;
    info
}

fn set_deadline(sync_file: &SyncFile, ptr: UserPtr) -> Result {
    let arg: bindings::sync_set_deadline = Arg::read(ptr)?;

    if arg.pad != 0 {
        return Err(EINVAL);
    }
    fence::set_deadline(sync_file.fence(), arg.deadline_ns as fence::Time);
    Ok(())
}
