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
use crate::{
    argument::{
        argument,
        Argument, //
    },
    fence::{
        self,
        unwrap, //
    }, //
};
use kernel::{
    bindings,
    dma_buf::Fence,
    fs::{
        file::{
            flags::O_CLOEXEC,
            FileDescriptorReservation, //
        },
        operations::Table,
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

/// Carries out `cmd` on a file of `table`. Fails with `ENOTTY` if there is no such command.
pub(super) fn ioctl<T: Kind>(
    table: &'static Table<T>,
    sync_file: &SyncFile,
    cmd: u32,
    arg: UserPtr,
) -> Result {
    match cmd {
        MERGE => merge_with(table, sync_file, arg),
        FILE_INFO => file_info(sync_file, arg),
        SET_DEADLINE => set_deadline(sync_file, arg),
        _ => Err(ENOTTY),
    }
}

/// Makes another sync_file with the fences of both.
fn merge_with<T: Kind>(table: &'static Table<T>, sync_file: &SyncFile, ptr: UserPtr) -> Result {
    let fd = FileDescriptorReservation::get_unused_fd_flags(O_CLOEXEC)?;
    let mut arg = Merge::default();

    arg.read(ptr)?;
    if arg.flags != 0 || arg.pad != 0 {
        return Err(EINVAL);
    }
    let other = LocalFile::fget(arg.fd2 as u32).map_err(|_| ENOENT)?;
    let other = table.data_of(&other).ok_or(ENOENT)?;

    let fence = unwrap::merge(&[Some(sync_file.fence()), Some(other.fence())]);
    arg.name[NAME_SIZE - 1] = 0;
    let file = fence
        .and_then(|fence| create(table, fence, &arg.name))
        .map_err(|_| ENOMEM)?;

    arg.fence = fd.reserved_fd() as i32;
    arg.write(ptr)?;
    fd.fd_install(file);
    Ok(())
}

/// Tells about the sync_file and, if there is room, about its fences.
fn file_info(sync_file: &SyncFile, ptr: UserPtr) -> Result {
    let fence = sync_file.fence();
    let mut arg = FileInfo::default();

    arg.read(ptr)?;
    if arg.flags != 0 || arg.pad != 0 {
        return Err(EINVAL);
    }

    let mut count: u32 = 0;
    unwrap::for_each(fence, |_| {
        count += 1;
        Ok(())
    })?;

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
fn fence_infos(head: &Fence, mut addr: usize, limit: u32) -> Result<(u32, c_int)> {
    let mut count: u32 = 0;
    let mut common = 1;

    unwrap::for_each(head, |fence| {
        if count == limit {
            return Ok(());
        }
        let mut info = FenceInfo::default();

        info.fill(fence);
        info.write(UserPtr::from_addr(addr))?;
        addr = addr.wrapping_add(size_of::<FenceInfo>());
        count += 1;
        if common > 0 {
            common = info.status;
        }
        Ok(())
    })?;
    Ok((count, common))
}

impl FenceInfo {
    fn fill(&mut self, fence: &Fence) {
        fence::with_names(fence, |driver, timeline| {
            name::copy(&mut self.obj_name, timeline.as_c_str());
            name::copy(&mut self.driver_name, driver.as_c_str());
        });
        self.status = fence::status(fence);
        self.timestamp_ns = fence.timestamp().map_or(0, |at| at.as_nanos()) as u64;
    }
}

fn set_deadline(sync_file: &SyncFile, ptr: UserPtr) -> Result {
    let mut arg = SetDeadline::default();

    arg.read(ptr)?;
    if arg.pad != 0 {
        return Err(EINVAL);
    }
    fence::set_deadline(sync_file.fence(), arg.deadline_ns as fence::Time);
    Ok(())
}
