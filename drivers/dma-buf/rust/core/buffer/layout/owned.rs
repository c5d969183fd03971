// SPDX-License-Identifier: GPL-2.0

//! What a buffer owns beside its memory: its name, and a reference to its exporter's module.

use super::pointer::Kept;
use crate::buffer::tables::Ops;
use core::ptr::NonNull;
use kernel::{
    bindings::{
        self,
        dma_buf_export_info, //
    },
    error::from_err_ptr,
    interop::{
        export::FromC,
        module_ref::ModuleRef, //
    },
    prelude::*,
    uaccess::UserPtr,
    warn_on, //
};

/// What the exporter passes to `dma_buf_export()`.
///
/// # Invariants
///
/// All is as `struct dma_buf_export_info` says, but may be missing.
pub(in crate::buffer) struct ExportInfo<'a> {
    info: &'a dma_buf_export_info,
    ops: Option<Kept<Ops>>,
}

/// As the invariant says.
impl FromC for ExportInfo<'_> {
    type C = *const dma_buf_export_info;

    #[inline(always)]
    unsafe fn from_c(value: *const dma_buf_export_info) -> Self {
        // SAFETY: By the contract above. The operations stay until the buffer is released.
        unsafe {
            let info = &*value;
            // MODEL: none, because the caller keeps it as it is.
            let ops = NonNull::new(info.ops.cast_mut().cast());

            Self {
                info,
                ops: ops.map(|ops| Kept::new(ops)),
            }
        }
    }
}

impl<'a> ExportInfo<'a> {
    /// Fails with `EINVAL` if something is missing.
    #[inline(always)]
    pub(in crate::buffer) fn check(self) -> Result<CompleteInfo<'a>> {
        let complete = self.ops.as_deref().is_some_and(Ops::is_complete);

        if warn_on!(self.info.priv_.is_null() || !complete) {
            return Err(EINVAL);
        }
        let ops = self.ops.ok_or(EINVAL)?;
        if warn_on!(ops.pins_by_halves()) {
            return Err(EINVAL);
        }
        // INVARIANT: As that of this type.
        Ok(CompleteInfo {
            info: self.info,
            ops,
        })
    }
}

/// What describes something that can be exported.
///
/// # Invariants
///
/// All is as `struct dma_buf_export_info` says.
pub(in crate::buffer) struct CompleteInfo<'a> {
    pub(in crate::buffer) info: &'a dma_buf_export_info,
    pub(super) ops: Kept<Ops>,
}

impl CompleteInfo<'_> {
    /// A reference to the module of the exporter. Fails with `ENOENT` if that is being unloaded.
    #[inline(always)]
    pub(in crate::buffer) fn module(&self) -> Result<ModuleRef> {
        // SAFETY: NULL or a module, by the type invariant. What gives it back is this module.
        unsafe { ModuleRef::get(self.info.owner) }.ok_or(ENOENT)
    }
}

/// The longest name, with the terminating NUL.
const MAX_LEN: usize = bindings::DMA_BUF_NAME_LEN as usize;

/// An owned C string.
///
/// # Invariants
///
/// A NUL-terminated string that this object owns and that `kfree()` frees.
#[repr(transparent)]
pub(in crate::buffer) struct Name(NonNull<c_char>);

impl Name {
    /// Copies a name from user space.
    ///
    /// Fails with `EFAULT`, with `EINVAL` if it is longer than 31 bytes, and with `ENOMEM`.
    #[inline]
    pub(in crate::buffer) fn from_user(ptr: UserPtr) -> Result<Self> {
        // SAFETY: `strndup_user()` copes with any pointer.
        let name = from_err_ptr(unsafe {
            bindings::strndup_user(ptr.as_const_ptr().cast(), MAX_LEN as c_long)
        })?;

        // INVARIANT: A string of its own on success.
        NonNull::new(name).map(Self).ok_or(ENOMEM)
    }

    #[inline(always)]
    pub(in crate::buffer) fn as_c_str(&self) -> &CStr {
        // SAFETY: By the type invariant.
        unsafe { CStr::from_char_ptr(self.0.as_ptr()) }
    }
}

impl Drop for Name {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::kfree(self.0.as_ptr().cast()) };
    }
}
