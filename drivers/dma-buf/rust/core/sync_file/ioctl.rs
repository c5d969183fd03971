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
        operations::Table,
        LocalFile, //
    },
    ioctl::{
        _IOW,
        _IOWR, //
    },
    page::PAGE_SIZE,
    prelude::*,
    time::hrtimer::HrTimerExpires,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
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
    #[derive(Clone, Copy, Zeroable)]
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
) -> Answer {
    match cmd {
        MERGE => answer(table, sync_file, arg, merge_with),
        FILE_INFO => answer(table, sync_file, arg, |_, it, arg| file_info(it, arg)),
        SET_DEADLINE => answer(table, sync_file, arg, |_, it, arg| set_deadline(it, arg)),
        _ => Err::<(), _>(ENOTTY).into(),
    }
}

/// Each is a function that is gone on in, with nothing left to be done here: none of them has the
/// stack of another.
#[inline(never)]
fn answer<T: Kind>(
    table: &'static Table<T>,
    sync_file: &SyncFile,
    arg: UserPtr,
    f: impl FnOnce(&'static Table<T>, &SyncFile, UserPtr) -> Result,
) -> Answer {
    f(table, sync_file, arg).into()
}

/// Makes another sync_file with the fences of both.
#[inline(always)]
fn merge_with<T: Kind>(table: &'static Table<T>, sync_file: &SyncFile, ptr: UserPtr) -> Result {
    let fd = FileDescriptorReservation::get_unused_fd_flags(O_CLOEXEC)?;
    let mut arg = Merge::default();

    arg.fill(ptr)?;

    if arg.flags != 0 || arg.pad != 0 {
        return Err(EINVAL);
    }
    let other = LocalFile::fget(arg.fd2 as u32).map_err(|_| ENOENT)?;
    let other = table.data_of(&other).ok_or(ENOENT)?;

    let fence = unwrap::merge(&[Some(sync_file.fence()), Some(other.fence())]);
    arg.name[NAME_SIZE - 1] = 0;
    let file = fence
        .and_then(|fence| create(table, fence, Some(&arg.name)))
        .map_err(|_| ENOMEM)?;

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
    let mut few = [FenceInfo::default(); FEW];
    let mut many = None;
    let mut out = if limit > FEW as u32 {
        let room = KBox::<[FenceInfo; AT_ONCE]>::init(pin_init::init_zeroed(), GFP_KERNEL)?;

        Output::new(addr, &mut many.insert(room)[..])
    } else {
        Output::new(addr, &mut few)
    };
    let mut count: u32 = 0;
    let mut common = 1;

    unwrap::for_each(head, |fence| {
        if count == limit {
            return Ok(());
        }
        let info = out.next()?;

        info.fill(fence);
        count += 1;
        if common > 0 {
            common = info.status;
        }
        Ok(())
    })?;
    // A chain may have lost links meanwhile. There is nothing to be told of these.
    for _ in count..limit {
        out.next()?;
    }
    out.flush()?;
    Ok((count, common))
}

/// How many are on the stack: a sync_file mostly has no more.
const FEW: usize = 2;

/// As many as are in a page.
const AT_ONCE: usize = PAGE_SIZE / size_of::<FenceInfo>();

/// What goes to user space, several at once.
struct Output<'a> {
    room: &'a mut [FenceInfo],
    used: usize,
    addr: usize,
}

impl<'a> Output<'a> {
    /// Writes to `addr`, through `room`, which must be zero.
    fn new(addr: usize, room: &'a mut [FenceInfo]) -> Self {
        Self {
            room,
            used: 0,
            addr,
        }
    }

    /// The next one, which is zero. Fails with `EFAULT` if there was no room and what is there
    /// cannot be written.
    #[inline(always)]
    fn next(&mut self) -> Result<&mut FenceInfo> {
        if self.used == self.room.len() {
            self.flush()?;
            self.room.fill_with(FenceInfo::default);
        }
        let info = self.room.get_mut(self.used).ok_or(EFAULT)?;

        self.used += 1;
        Ok(info)
    }

    /// Fails with `EFAULT`.
    #[inline(never)]
    fn flush(&mut self) -> Result {
        let bytes = self
            .room
            .get_mut(..self.used)
            .unwrap_or_default()
            .as_mut_bytes();

        let slice = UserSlice::new(UserPtr::from_addr(self.addr), bytes.len());

        slice.writer().write_slice(bytes)?;
        self.addr = self.addr.wrapping_add(bytes.len());
        self.used = 0;
        Ok(())
    }
}

impl FenceInfo {
    #[inline(always)]
    fn fill(&mut self, fence: &Fence) {
        fence::with_names(fence, |driver, timeline| {
            timeline.copy_to(&mut self.obj_name);
            driver.copy_to(&mut self.driver_name);
        });
        self.status = fence::status(fence);
        self.timestamp_ns = fence.timestamp().map_or(0, |at| at.as_nanos()) as u64;
    }
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
