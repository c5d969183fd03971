// SPDX-License-Identifier: GPL-2.0

//! Sync files, with their ioctls.

use kernel::{
    argument,
    bindings,
    dma_buf::{
        Fence,
        SyncFile, //
    },
    error::to_result,
    fs::{
        argument::Argument,
        file::{
            flags::O_CLOEXEC,
            FileDescriptorReservation, //
        },
        File, //
    },
    ioctl::_IOWR,
    prelude::*,
    sync::aref::ARef,
    types::NotThreadSafe,
    uaccess::UserPtr, //
};

argument! {
    struct MergeData = [sync_merge_data] {
        name: [u8; 32],
        fd2: i32,
        fence: i32,
        flags: u32,
        pad: u32,
    }
}

argument! {
    struct FileInfo = [sync_file_info] {
        name: [u8; 32],
        status: i32,
        flags: u32,
        num_fences: u32,
        pad: u32,
        sync_fence_info: u64,
    }
}

const MERGE: u32 = _IOWR::<MergeData>(b'>' as u32, 3);
const FILE_INFO: u32 = _IOWR::<FileInfo>(b'>' as u32, 4);

/// What who polls the file is told at once.
fn poll(file: &File) -> u32 {
    let file = file.as_ptr();

    // SAFETY: The file is open, and without a table nobody waits.
    unsafe {
        (*(*file).f_op)
            .poll
            .map_or(0, |poll| poll(file, core::ptr::null_mut()))
    }
}

/// An open sync file. Dropping it closes the descriptor.
struct Open {
    file: ARef<File>,
    fd: i32,
}

impl Open {
    fn new(fence: &Fence) -> Result<Self> {
        let file = SyncFile::new(fence)?.into_file();
        let reserved = FileDescriptorReservation::get_unused_fd_flags(O_CLOEXEC)?;
        let fd = reserved.reserved_fd() as i32;

        reserved.fd_install(file.clone());
        Ok(Self { file, fd })
    }

    fn fence(&self) -> Result<ARef<Fence>> {
        SyncFile::fence_from_fd(self.fd)
    }

    /// Carries out an ioctl whose argument is `arg`.
    fn ioctl<T: Argument>(&self, cmd: u32, arg: T) -> Result<T> {
        let page = UserPage::new()?;

        arg.write(page.ptr())?;
        // SAFETY: The file is open, and the argument is a pointer to user space.
        to_result(unsafe {
            let file = self.file.as_ptr();
            let ioctl = (*(*file).f_op).unlocked_ioctl.ok_or(ENOTTY)?;
            ioctl(file, cmd, page.addr) as c_int
        })?;
        T::read(page.ptr())
    }

    fn merge(&self, other: &Self) -> Result<ARef<Fence>> {
        let mut name = [0; 32];
        name[..6].copy_from_slice(b"merged");

        let arg = MergeData {
            name,
            fd2: other.fd,
            fence: -1,
            ..MergeData::default()
        };
        let fd = self.ioctl(MERGE, arg)?.fence;
        let fence = SyncFile::fence_from_fd(fd);
        close(fd);
        fence
    }

    fn info(&self) -> Result<FileInfo> {
        self.ioctl(FILE_INFO, FileInfo::default())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        close(self.fd);
    }
}

fn close(fd: i32) {
    // SAFETY: May be called with any number. Nobody else uses this one.
    unsafe { bindings::close_fd(fd as u32) };
}

/// A page of user memory of this task.
///
/// # Invariants
///
/// The task has an address space that KUnit has given to it.
struct UserPage {
    addr: usize,
    _not_send: NotThreadSafe,
}

impl UserPage {
    fn new() -> Result<Self> {
        const PROT_READ_WRITE: usize = 3;
        const MAP_PRIVATE_ANONYMOUS: usize = 0x22;

        // SAFETY: A test is running, in this task.
        let addr = unsafe {
            bindings::kunit_vm_mmap(
                bindings::kunit_get_current_test(),
                core::ptr::null_mut(),
                0,
                bindings::PAGE_SIZE,
                PROT_READ_WRITE,
                MAP_PRIVATE_ANONYMOUS,
                0,
            )
        };

        // An error is a number near the end of the address space.
        if addr == 0 || addr % bindings::PAGE_SIZE != 0 {
            return Err(ENOMEM);
        }
        // INVARIANT: KUnit has attached an address space if there was none.
        Ok(Self {
            addr,
            _not_send: NotThreadSafe,
        })
    }

    fn ptr(&self) -> UserPtr {
        UserPtr::from_addr(self.addr)
    }
}

impl Drop for UserPage {
    fn drop(&mut self) {
        // KUnit would leave one reference behind.
        // SAFETY: By the type invariant the task has an address space, with two references that
        // nobody else drops: the one that KUnit made it with, and the one for its use.
        unsafe {
            let mm = bindings::current_mm();
            bindings::kthread_unuse_mm(mm);
            bindings::mmput(mm);
        }
    }
}

#[kunit_tests(rust_dma_sync_file)]
mod tests {
    use super::*;
    use crate::mock::*;
    use core::ptr;
    use kernel::dma_buf::FenceStatus;

    #[test]
    fn fence_and_back() -> Result {
        let owner = fence()?;
        let open = Open::new(owner.as_fence())?;

        assert!(ptr::eq(&*open.fence()?, owner.as_fence()));
        let fd = open.fd;
        drop(open);
        assert_eq!(SyncFile::fence_from_fd(fd).err(), Some(EINVAL));
        Ok(())
    }

    #[test]
    fn keeps_the_fence() -> Result {
        let owner = fence()?;
        let open = Open::new(owner.as_fence())?;

        owner.signal(Err(EIO));
        assert_eq!(open.fence()?.status(), FenceStatus::Signaled(Err(EIO)));
        Ok(())
    }

    /// The lock of a C driver may be freed when its fence is signalled.
    #[test]
    fn closed_without_the_lock() -> Result {
        if cfg!(CONFIG_DMABUF_CORE_C) {
            // It takes the lock.
            return Ok(());
        }
        let lent = lent_lock()?;
        let (polled, late) = (Open::new(lent.fence())?, Open::new(lent.fence())?);

        assert_eq!(poll(&polled.file), 0);
        let _fence = lent.end();
        assert_ne!(poll(&polled.file), 0);
        assert_ne!(poll(&late.file), 0);
        Ok(())
    }

    #[test]
    fn merges_duplicates() -> Result {
        let context = context()?;
        let (a, b) = (fence_of(&context)?, fence_of(&context)?);
        let (open_a, open_b) = (Open::new(a.as_fence())?, Open::new(b.as_fence())?);

        assert!(ptr::eq(&*open_a.merge(&open_a)?, a.as_fence()));
        assert!(ptr::eq(&*open_a.merge(&open_b)?, b.as_fence()));
        assert!(ptr::eq(&*open_b.merge(&open_a)?, b.as_fence()));
        Ok(())
    }

    #[test]
    fn merges_what_was_merged() -> Result {
        let (a, b, c) = (fence()?, fence()?, fence()?);
        let (open_a, open_b, open_c) = (
            Open::new(a.as_fence())?,
            Open::new(b.as_fence())?,
            Open::new(c.as_fence())?,
        );

        let ab = Open::new(&*open_a.merge(&open_b)?)?;
        let bc = Open::new(&*open_b.merge(&open_c)?)?;
        let all = Open::new(&*ab.merge(&bc)?)?;
        assert_eq!(all.fence()?.unwrap().count(), 3);
        assert_eq!(all.info()?.num_fences, 3);
        assert_eq!(all.info()?.status, 0);
        a.signal(Ok(()));
        b.signal(Ok(()));
        assert_eq!(all.info()?.status, 0);
        c.signal(Ok(()));
        all.fence()?.wait();
        assert_eq!(all.info()?.status, 1);
        Ok(())
    }

    #[test]
    fn merges_errors() -> Result {
        let (a, b, failed) = (fence()?, fence()?, fence()?);
        let open_a = Open::new(a.as_fence())?;
        let open_b = Open::new(b.as_fence())?;
        let open_failed = Open::new(failed.as_fence())?;

        failed.signal(Err(EIO));
        assert_eq!(open_failed.info()?.status, EIO.to_errno());
        // What has failed before the merge is not seen any more, ...
        assert!(ptr::eq(&*open_a.merge(&open_failed)?, a.as_fence()));
        // ... but what fails afterwards is.
        let both = Open::new(&*open_a.merge(&open_b)?)?;
        let fence = both.fence()?;
        fence.enable_signaling();
        a.signal(Err(ETIME));
        b.signal(Ok(()));
        fence.wait();
        assert_eq!(both.info()?.status, ETIME.to_errno());
        Ok(())
    }
}
