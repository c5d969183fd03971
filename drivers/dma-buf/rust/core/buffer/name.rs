// SPDX-License-Identifier: GPL-2.0

//! The name that user space may give a buffer.

use kernel::{
    bindings,
    dma_buf::DmaBuf,
    error::from_err_ptr,
    prelude::*,
    sync::lock::{
        spinlock::SpinLockBackend,
        Lock, //
    },
    uaccess::UserPtr, //
};

/// The longest name, with the terminating NUL.
const MAX_LEN: usize = bindings::DMA_BUF_NAME_LEN as usize;

/// An owned C string from `kmalloc()`, or none.
///
/// # Invariants
///
/// The pointer is NULL, or a NUL-terminated string that this object owns and that `kfree()` frees.
struct Name(*const c_char);

impl Name {
    /// Copies a name from user space.
    ///
    /// Fails with `EFAULT`, with `EINVAL` if it is longer than 31 bytes, and with `ENOMEM`.
    fn from_user(ptr: UserPtr) -> Result<Self> {
        // SAFETY: `strndup_user()` copes with any pointer.
        let name = from_err_ptr(unsafe {
            bindings::strndup_user(ptr.as_const_ptr().cast(), MAX_LEN as c_long)
        })?;

        // INVARIANT: A string of its own on success.
        Ok(Self(name))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::kfree(self.0.cast()) };
    }
}

fn lock(buf: &DmaBuf) -> &Lock<(), SpinLockBackend> {
    // SAFETY: The lock is initialised at export and lives as long as the buffer.
    unsafe { Lock::from_raw(&raw mut (*buf.as_raw()).name_lock) }
}

/// Exchanges the name of `buf`.
fn replace(buf: &DmaBuf, new: Name) -> Name {
    let new = core::mem::ManuallyDrop::new(new);
    let _guard = lock(buf).lock();

    // SAFETY: `name` is guarded by `name_lock`.
    // INVARIANT: The buffer owns its name, which comes from `Name` or is NULL.
    Name(unsafe { core::ptr::replace(&raw mut (*buf.as_raw()).name, new.0) })
}

/// Gives `buf` the name that user space has at `ptr`. Fails as [`Name::from_user`].
pub(crate) fn set(buf: &DmaBuf, ptr: UserPtr) -> Result {
    // The old name is freed after the lock is released.
    drop(replace(buf, Name::from_user(ptr)?));
    Ok(())
}

/// Calls `f`, which must not sleep, with `name_lock` held: it may lead to code that reads the name.
#[cold]
pub(crate) fn locked(buf: &DmaBuf, f: impl FnOnce()) {
    let _guard = lock(buf).lock();

    f();
}

/// Calls `f` with the name of `buf`, if it has one. `f` must not sleep: `name_lock` is held.
pub(crate) fn with<R>(buf: &DmaBuf, f: impl FnOnce(Option<&CStr>) -> R) -> R {
    let _guard = lock(buf).lock();

    // SAFETY: `name` is guarded by `name_lock`; it is NULL or a C string.
    let name = unsafe {
        let name = (*buf.as_raw()).name;
        (!name.is_null()).then(|| CStr::from_char_ptr(name))
    };
    f(name)
}
