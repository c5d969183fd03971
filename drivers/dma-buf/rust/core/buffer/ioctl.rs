// SPDX-License-Identifier: GPL-2.0

//! The ioctls of a buffer's file.
//!
//! User-space header: [`include/uapi/linux/dma-buf.h`](srctree/include/uapi/linux/dma-buf.h)

use super::{
    cpu_access,
    name, //
};
use kernel::{
    argument,
    bindings,
    bindings::dma_data_direction,
    dma_buf::DmaBuf,
    fs::argument::{
        Answer,
        Argument, //
    },
    ioctl::_IOW,
    prelude::*,
    uaccess::UserPtr, //
};

const BASE: u32 = bindings::DMA_BUF_BASE as u32;
const SYNC: u32 = _IOW::<Sync>(BASE, 0);
// The argument is a string. The two numbers differ because a pointer's size crept into the first
// definition of this ioctl.
const SET_NAME_A: u32 = _IOW::<u32>(BASE, 1);
const SET_NAME_B: u32 = _IOW::<u64>(BASE, 1);

const READ: u64 = bindings::DMA_BUF_SYNC_READ as u64;
const WRITE: u64 = bindings::DMA_BUF_SYNC_WRITE as u64;
const READ_WRITE: u64 = READ | WRITE;
const END: u64 = bindings::DMA_BUF_SYNC_END as u64;

/// Carries out `cmd`. Fails with `ENOTTY` if there is no such command.
#[inline(always)]
pub(crate) fn ioctl(buf: &DmaBuf, cmd: u32, arg: UserPtr) -> Answer {
    match cmd {
        SYNC => Answer::of(buf, arg, sync),
        SET_NAME_A | SET_NAME_B => Answer::of(buf, arg, name::set),
        #[cfg(CONFIG_SYNC_FILE)]
        sync_file::EXPORT => Answer::of(buf, arg, sync_file::export),
        #[cfg(CONFIG_SYNC_FILE)]
        sync_file::IMPORT => Answer::of(buf, arg, sync_file::import),
        _ => ENOTTY.into(),
    }
}

argument! {
    struct Sync = [dma_buf_sync] {
        flags: u64,
    }
}

/// Begins or ends an access of the CPU through a mapping in user space.
#[inline(always)]
fn sync(buf: &DmaBuf, arg: UserPtr) -> Result {
    let Sync { flags } = Sync::read(arg)?;

    if flags & !(READ_WRITE | END) != 0 {
        return Err(EINVAL);
    }
    let dir = match flags & READ_WRITE {
        READ => dma_data_direction::DMA_FROM_DEVICE,
        WRITE => dma_data_direction::DMA_TO_DEVICE,
        READ_WRITE => dma_data_direction::DMA_BIDIRECTIONAL,
        _ => return Err(EINVAL),
    };

    if flags & END != 0 {
        cpu_access::end(buf, dir)
    } else {
        cpu_access::begin(buf, dir)
    }
}

/// The bridge between a buffer's implicit fences and explicit ones.
#[cfg(CONFIG_SYNC_FILE)]
mod sync_file {
    use super::*;
    use crate::{
        fence::{
            stub,
            unwrap, //
        },
        resv::has_no_list,
        sync_file::new_file, //
    };
    use kernel::{
        dma_buf::{
            SyncFile,
            Usage, //
        },
        fs::file::{
            flags::O_CLOEXEC,
            FileDescriptorReservation, //
        },
        ioctl::_IOWR, //
    };

    pub(super) const EXPORT: u32 = _IOWR::<SyncFd>(BASE, 2);
    pub(super) const IMPORT: u32 = _IOW::<SyncFd>(BASE, 3);

    argument! {
        struct SyncFd = [dma_buf_export_sync_file, dma_buf_import_sync_file] {
            flags: u32,
            fd: i32,
        }
    }

    impl SyncFd {
        fn checked(ptr: UserPtr) -> Result<Self> {
            let arg = Self::read(ptr)?;
            let access = u64::from(arg.flags);

            if access & !READ_WRITE != 0 || access & READ_WRITE == 0 {
                return Err(EINVAL);
            }
            Ok(arg)
        }

        fn is_write(&self) -> bool {
            u64::from(self.flags) & WRITE != 0
        }
    }

    /// Gives out the fences that an access of the given kind would have to wait for.
    #[inline(always)]
    pub(super) fn export(buf: &DmaBuf, ptr: UserPtr) -> Result {
        let mut arg = SyncFd::checked(ptr)?;
        let fd = FileDescriptorReservation::get_unused_fd_flags(O_CLOEXEC)?;
        let usage = Usage::before_access(arg.is_write());
        let fence = if has_no_list(buf.resv()) {
            None
        } else {
            buf.resv().singleton(usage)?
        };
        let fence = fence.unwrap_or_else(stub::get);
        // As if it were C that has made it.
        let file = new_file(fence).ok_or(ENOMEM)?;

        arg.fd = fd.reserved_fd() as i32;
        arg.write(ptr)?;
        fd.fd_install(file);
        Ok(())
    }

    /// Makes later users of the buffer wait for the fences of a sync_file. Fails with `EINVAL` if
    /// one is a container, which a reservation object does not take, and pending.
    #[inline(always)]
    pub(super) fn import(buf: &DmaBuf, ptr: UserPtr) -> Result {
        let arg = SyncFd::checked(ptr)?;
        let fence = SyncFile::fence_from_fd(arg.fd)?;
        let usage = if arg.is_write() {
            Usage::Write
        } else {
            Usage::Read
        };

        let count = unwrap::count_leaves(&fence)?;
        if count == 0 {
            return Ok(());
        }

        buf.resv().with_lock(|guard| {
            let mut slots = guard.reserve_fences(count)?;

            unwrap::for_each(&fence, |fence| {
                // A chain may have lost links that were signalled meanwhile, but not grown.
                // A container is signalled.
                if let Some(leaf) = fence.as_leaf() {
                    slots.add(leaf, usage);
                }
                Ok(())
            })
        })
    }
}
