// SPDX-License-Identifier: GPL-2.0

//! Files that are mapped.

use kernel::{
    bindings,
    error::to_result,
    fs::File,
    page::PAGE_SIZE,
    prelude::*,
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};

/// Memory of this task, which is a thread of the kernel and has none of its own.
struct UserMemory;

impl UserMemory {
    /// Fails with `EBUSY` if there is some already.
    fn new() -> Result<Self> {
        // SAFETY: It is this task.
        if unsafe { !(*bindings::get_current()).mm.is_null() } {
            return Err(EBUSY);
        }
        // SAFETY: The test's task is a thread of the kernel.
        to_result(unsafe { bindings::kunit_attach_mm() })?;
        Ok(Self)
    }
}

impl Drop for UserMemory {
    fn drop(&mut self) {
        // The task's end would let go of one of the two references only.
        //
        // SAFETY: The task has what `new` has attached, and both references to it.
        unsafe {
            let mm = (*bindings::get_current()).mm;

            bindings::kthread_unuse_mm(mm);
            bindings::mmput(mm);
        }
    }
}

/// An area of this task.
pub(crate) struct Area {
    addr: usize,
    len: usize,
    _memory: UserMemory,
}

impl Area {
    /// Shows `pages` of `file`, from page `offset` on, as shared memory.
    pub(crate) fn new(file: &File, pages: usize, offset: usize) -> Result<Self> {
        let (len, prot, shared) = (pages * PAGE_SIZE, 3, 1);

        let memory = UserMemory::new()?;

        // SAFETY: There is memory for areas. The file is open.
        let addr =
            unsafe { bindings::vm_mmap(file.as_ptr(), 0, len, prot, shared, offset * PAGE_SIZE) };

        // Errors are at the end of all addresses.
        if addr > usize::MAX - 4095 {
            to_result(addr as c_int)?;
        }
        Ok(Self {
            addr,
            len,
            _memory: memory,
        })
    }

    pub(crate) fn slice(&self, offset: usize) -> UserSlice {
        let len = self.len.saturating_sub(offset);

        UserSlice::new(UserPtr::from_addr(self.addr + offset), len)
    }

    pub(crate) fn byte(&self, offset: usize) -> Result<u8> {
        self.slice(offset).reader().read()
    }
}
