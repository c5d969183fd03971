// SPDX-License-Identifier: GPL-2.0

//! The ioctls of a sync_file.
//!
//! User-space header: [`include/uapi/linux/sync_file.h`](srctree/include/uapi/linux/sync_file.h)

use super::{
    create::{
        create,
        Kind, //
    },
    layout::{
        SyncFile,
        NAME_SIZE, //
    },
    name, //
};
use crate::fence::{
    self,
    unwrap, //
};
use kernel::{
    argument,
    dma_buf::Fence,
    fs::{
        argument::{
            Answer,
            Argument, //
        },
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
    uaccess::UserPtr, //
};

const MAGIC: u32 = '>' as u32;
const MERGE: u32 = _IOWR::<Merge>(MAGIC, 3);
const FILE_INFO: u32 = _IOWR::<FileInfo>(MAGIC, 4);
const SET_DEADLINE: u32 = _IOW::<SetDeadline>(MAGIC, 5);

argument! {
    struct Merge = [sync_merge_data] {
        name: [u8; NAME_SIZE],
        fd2: i32,
        fence: i32,
        flags: u32,
        pad: u32,
    }
}

argument! {
    struct FileInfo = [sync_file_info] {
        name: [u8; NAME_SIZE],
        status: i32,
        flags: u32,
        num_fences: u32,
        pad: u32,
        sync_fence_info: u64,
    }
}

argument! {
    struct FenceInfo = [sync_fence_info] {
        obj_name: [u8; NAME_SIZE],
        driver_name: [u8; NAME_SIZE],
        status: i32,
        flags: u32,
        timestamp_ns: u64,
    }
}

argument! {
    struct SetDeadline = [sync_set_deadline] {
        deadline_ns: u64,
        pad: u64,
    }
}

/// Carries out `cmd` on a file of this kind. Fails with `ENOTTY` if there is no such command.
#[inline(always)]
pub(super) fn ioctl<T: Kind>(sync_file: &SyncFile, cmd: u32, arg: UserPtr) -> Answer {
    match cmd {
        MERGE => Answer::of(sync_file, arg, merge_with::<T>),
        FILE_INFO => Answer::of(sync_file, arg, file_info),
        SET_DEADLINE => Answer::of(sync_file, arg, set_deadline),
        _ => ENOTTY.into(),
    }
}

/// Makes another sync_file with the fences of both.
#[inline(always)]
fn merge_with<T: Kind>(sync_file: &SyncFile, ptr: UserPtr) -> Result {
    let fd = FileDescriptorReservation::get_unused_fd_flags(O_CLOEXEC)?;
    let mut arg = Merge::default();

    arg.fill(ptr)?;

    if arg.flags != 0 || arg.pad != 0 {
        return Err(EINVAL);
    }
    let other = LocalFile::fget(arg.fd2 as u32).map_err(|_| ENOENT)?;
    let other = T::table().data_of(&other).ok_or(ENOENT)?;

    let fence = unwrap::merge(&[Some(sync_file.fence()), Some(other.fence())]);
    arg.name[NAME_SIZE - 1] = 0;
    let file = fence
        .ok()
        .and_then(|fence| create::<T>(fence, Some(&arg.name)))
        .ok_or(ENOMEM)?;

    arg.fence = fd.reserved_fd() as i32;
    arg.write(ptr)?;
    fd.fd_install(file);
    Ok(())
}

/// Tells about the sync_file and, if there is room, about its fences.
#[inline(always)]
fn file_info(sync_file: &SyncFile, ptr: UserPtr) -> Result {
    let fence = sync_file.fence();
    let mut arg = FileInfo::default();

    arg.fill(ptr)?;
    if arg.flags != 0 || arg.pad != 0 {
        return Err(EINVAL);
    }

    let mut count = unwrap::count(fence);

    if arg.num_fences == 0 {
        arg.status = fence::status(fence);
    } else if arg.num_fences < count {
        return Err(EINVAL);
    } else {
        (count, arg.status) = fence_infos(fence, arg.sync_fence_info as usize, count)?;
    }

    arg.num_fences = count;
    name::write(sync_file, &mut arg.name);
    arg.write(ptr)
}

/// Writes to user space what there is to know about the fences in `head`, up to `limit` of them.
/// Returns how many these were and their common status.
#[inline(always)]
fn fence_infos(head: &Fence, addr: usize, limit: u32) -> Result<(u32, c_int)> {
    let mut room = UserPtr::from_addr(addr);
    let mut count: u32 = 0;
    let mut common = 1;

    unwrap::for_each(head, |fence| {
        if count == limit {
            return Ok(());
        }
        let status = tell(fence, room)?;

        room = room.wrapping_byte_add(size_of::<FenceInfo>());
        count = count.wrapping_add(1);
        if common > 0 {
            common = status;
        }
        Ok(())
    })?;
    // A chain may have lost links meanwhile.
    let lost = limit.saturating_sub(count);
    if lost != 0 {
        tell_of_nothing(lost, room)?;
    }
    Ok((count, common))
}

/// Writes that there is nothing to know about so many fences.
#[cold]
fn tell_of_nothing(count: u32, mut room: UserPtr) -> Result {
    let info = FenceInfo::default();

    for _ in 0..count {
        info.write(room)?;
        room = room.wrapping_byte_add(size_of::<FenceInfo>());
    }
    Ok(())
}

/// Writes what there is to know about `fence`. Returns its status.
#[inline(always)]
fn tell(fence: &Fence, room: UserPtr) -> Result<c_int> {
    let mut info = FenceInfo::default();

    // First, since a fence that is found to be done has other names from then on.
    fence::with_names(fence, |driver, timeline| {
        timeline.copy_to(&mut info.obj_name);
        driver.copy_to(&mut info.driver_name);
    });
    info.status = fence::status(fence);
    info.timestamp_ns = fence.timestamp().map_or(0, |at| at.as_nanos()) as u64;
    info.write(room)?;
    Ok(info.status)
}

#[inline(always)]
fn set_deadline(sync_file: &SyncFile, ptr: UserPtr) -> Result {
    let arg = SetDeadline::read(ptr)?;

    if arg.pad != 0 {
        return Err(EINVAL);
    }
    fence::set_deadline(sync_file.fence(), arg.deadline_ns as fence::Time);
    Ok(())
}
