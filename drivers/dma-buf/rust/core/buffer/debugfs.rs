// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/debug/dma_buf/bufinfo`: all buffers, their fences and their devices.

/// Makes the file. That it is missing, if it cannot be made, is no reason to do without buffers.
#[cfg(not(CONFIG_DEBUG_FS))]
pub(crate) fn init() {}

/// Takes the file away.
#[cfg(not(CONFIG_DEBUG_FS))]
pub(crate) fn exit() {}

#[cfg(CONFIG_DEBUG_FS)]
pub(crate) use with_debugfs::{
    exit,
    init, //
};

#[cfg(CONFIG_DEBUG_FS)]
mod with_debugfs {
    use crate::buffer::{
        attachment,
        file,
        name,
        registry, //
    };
    use kernel::{
        bindings,
        dma_buf::DmaBuf,
        error::from_result,
        prelude::*, //
    };

    const DIR: &CStr = c"dma_buf";

    struct Ops(bindings::file_operations);

    // SAFETY: The table is constant.
    unsafe impl Sync for Ops {}

    static OPS: Ops = Ops(bindings::file_operations {
        owner: crate::this_module(),
        open: Some(open),
        read: Some(bindings::seq_read),
        llseek: Some(bindings::seq_lseek),
        release: Some(bindings::single_release),
        ..pin_init::zeroed()
    });

    /// Makes the file. That it is missing, if it cannot be made, is no reason to do without
    /// buffers.
    pub(crate) fn init() {
        // SAFETY: The names and the operations are static. An error pointer for a parent makes the
        // second call do nothing.
        unsafe {
            let dir = bindings::debugfs_create_dir(DIR.as_char_ptr(), core::ptr::null_mut());
            bindings::debugfs_create_file_full(
                c"bufinfo".as_char_ptr(),
                0o444,
                dir,
                core::ptr::null_mut(),
                core::ptr::null(),
                &OPS.0,
            );
        }
    }

    /// Takes the file away, and waits for those who have it open.
    pub(crate) fn exit() {
        // SAFETY: The name is static. Nobody else makes a directory of that name.
        unsafe {
            bindings::debugfs_lookup_and_remove(DIR.as_char_ptr(), core::ptr::null_mut());
        }
    }

    /// # Safety
    ///
    /// Called by the VFS.
    unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: The VFS's guarantee.
        unsafe { bindings::single_open(file, Some(show), core::ptr::null_mut()) }
    }

    /// # Safety
    ///
    /// Called by seq_file.
    unsafe extern "C" fn show(m: *mut bindings::seq_file, _: *mut c_void) -> c_int {
        from_result(|| {
            // SAFETY: The caller's guarantee.
            unsafe { show_all(m) }.map(|()| 0)
        })
    }

    /// Fails with `EINTR` on a signal.
    ///
    /// # Safety
    ///
    /// `m` must be valid.
    unsafe fn show_all(m: *mut bindings::seq_file) -> Result {
        let (mut count, mut bytes) = (0 as c_int, 0usize);

        // SAFETY: `m` is valid, and the format gets what it asks for.
        unsafe {
            bindings::seq_printf(
                m,
                c"\nDma-buf Objects:\n%-8s\t%-8s\t%-8s\t%-8s\texp_name\t%-8s\tname\n".as_char_ptr(),
                c"size".as_char_ptr(),
                c"flags".as_char_ptr(),
                c"mode".as_char_ptr(),
                c"count".as_char_ptr(),
                c"ino".as_char_ptr(),
            )
        };

        for buf in registry::iter() {
            // SAFETY: By this function's contract.
            unsafe {
                if (*m).count == (*m).size {
                    // There is no more room: seq_file will ask again with more.
                    return Ok(());
                }
                show_one(m, &buf)?;
            }
            count += 1;
            // On 32 bits the sizes of all may be more than that: user space can see to it.
            bytes = bytes.wrapping_add(buf.size());
        }

        // SAFETY: As above.
        unsafe {
            bindings::seq_printf(
                m,
                c"\nTotal %d objects, %zu bytes\n".as_char_ptr(),
                count,
                bytes,
            )
        };
        Ok(())
    }

    /// Fails with `EINTR` on a signal.
    ///
    /// # Safety
    ///
    /// `m` must be valid.
    unsafe fn show_one(m: *mut bindings::seq_file, buf: &DmaBuf) -> Result {
        const HEADING: &[u8] = b"\tAttached Devices:\n";

        let _guard = buf.resv().lock_interruptible()?;
        let file = buf.file().as_ptr();
        let raw = buf.as_raw();
        let mut devices: c_int = 0;

        name::with(buf, |name| {
            // SAFETY: `m` is valid, the format gets what it asks for, and what is read is constant
            // or may be a little old. Of the references, one is the registry's iterator's.
            unsafe {
                bindings::seq_printf(
                    m,
                    c"%08zu\t%08x\t%08x\t%08ld\t%s\t%08llu\t%s\n".as_char_ptr(),
                    buf.size(),
                    (*file).f_flags,
                    (*file).f_mode,
                    file::users(buf) - 1,
                    (*raw).exp_name,
                    (*(*file).f_inode).i_ino,
                    name.unwrap_or(c"<none>").as_char_ptr(),
                )
            }
        });

        // SAFETY: `m` is valid, and the reservation object is held.
        unsafe {
            bindings::dma_resv_describe(buf.resv().as_raw(), m);
            bindings::seq_write(m, HEADING.as_ptr().cast(), HEADING.len());
        }

        attachment::for_each(buf, |attachment| {
            devices += 1;
            // SAFETY: `m` is valid, and the device stays while it is attached.
            unsafe {
                let name = bindings::dev_name(attachment.dev_ptr());
                bindings::seq_printf(m, c"\t%s\n".as_char_ptr(), name);
            }
        });

        // SAFETY: `m` is valid.
        unsafe { bindings::seq_printf(m, c"Total %d devices attached\n\n".as_char_ptr(), devices) };
        Ok(())
    }
}
