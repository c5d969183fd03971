// SPDX-License-Identifier: GPL-2.0

//! What happens when a file is used.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use crate::{
    bindings,
    error::{
        from_err_ptr,
        from_result,
        VTABLE_DEFAULT_ERROR, //
    },
    fs::{
        File,
        LocalFile, //
    },
    mm::virt::VmaNew,
    prelude::*,
    seq_file::SeqFile,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        poll::PollTable, //
    },
    uaccess::UserPtr,
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// What a file owns: its `private_data`.
///
/// # Safety
///
/// What [`into_ptr`](Self::into_ptr) returns must be valid until [`from_ptr`](Self::from_ptr) gets
/// it.
pub unsafe trait PrivateData {
    /// What operations get to see. They may run at the same time.
    type Target: Sync;

    /// Hands the object over.
    fn into_ptr(self) -> NonNull<Self::Target>;

    /// Takes it back.
    ///
    /// # Safety
    ///
    /// `ptr` must have come from [`into_ptr`](Self::into_ptr), and not be used again.
    unsafe fn from_ptr(ptr: NonNull<Self::Target>) -> Self;
}

// SAFETY: The reference keeps the object.
unsafe impl<T: AlwaysRefCounted + Send + Sync + 'static> PrivateData for ARef<T> {
    type Target = T;

    #[inline]
    fn into_ptr(self) -> NonNull<T> {
        ARef::into_raw(self)
    }

    #[inline]
    unsafe fn from_ptr(ptr: NonNull<T>) -> Self {
        // SAFETY: `into_ptr` has handed this reference over.
        unsafe { ARef::from_raw(ptr) }
    }
}

// SAFETY: The box owns the object, which does not move.
unsafe impl<T: Send + Sync + 'static> PrivateData for Pin<KBox<T>> {
    type Target = T;

    #[inline]
    fn into_ptr(self) -> NonNull<T> {
        // SAFETY: Nobody moves what is behind the pointer, see `PrivateData`.
        NonNull::from(KBox::leak(unsafe { Pin::into_inner_unchecked(self) }))
    }

    #[inline]
    unsafe fn from_ptr(ptr: NonNull<T>) -> Self {
        // SAFETY: `into_ptr` has handed this box over.
        KBox::into_pin(unsafe { KBox::from_raw(ptr.as_ptr()) })
    }
}

/// The operations of a kind of files, for a [`Table`]. All of them may sleep.
#[vtable]
pub trait Operations: Sized + 'static {
    /// What such a file owns.
    type Data: PrivateData;

    /// Whether [`open`](Self::open) makes files that have no position at all.
    const STREAM: bool = false;

    /// Called when a file of device number `number` is opened. Without it, files are made by
    /// [`Table::anon_inode_file`], or by what knows about `private_data` itself.
    fn open(_number: u32) -> Result<Self::Data> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Called when nobody has the file any more.
    fn release(data: Self::Data) {
        drop(data);
    }

    /// Called for a new area that is to show the file from page `offset` on.
    fn mmap(_data: &Target<Self>, _area: &VmaNew, _offset: usize) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Called to go somewhere in the file. Returns where that is.
    fn llseek(_data: &Target<Self>, _offset: i64, _whence: u32) -> Result<i64> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Called to learn what the file is ready for, in bits of `EPOLL*`.
    fn poll(_data: &Target<Self>, _file: &File, _table: PollTable<'_>) -> u32 {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Called for a command. Those of 32-bit programs come here, too, with pointers extended.
    fn ioctl(_data: &Target<Self>, _cmd: u32, _arg: UserPtr) -> Result<isize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Called to print what `/proc/PID/fdinfo/` says.
    fn show_fdinfo(_data: &Target<Self>, _m: &SeqFile) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// What the operations `T` get to see of a file.
pub type Target<T> = <<T as Operations>::Data as PrivateData>::Target;

/// The `struct file_operations` of a kind of files, which also tells them from all others.
///
/// # Invariants
///
/// From when others can see such a file until it is released, its `private_data` is what
/// [`PrivateData::into_ptr`] has returned, and the file owns that. The module that `T` is in stays
/// as long as there is such a file.
pub struct Table<T>(bindings::file_operations, PhantomData<T>);

// SAFETY: The table is constant.
unsafe impl<T> Sync for Table<T> {}

impl<T: Operations> Table<T> {
    /// The table of `T`, in the module `owner`, or NULL if that needs not be kept.
    ///
    /// # Safety
    ///
    /// Files of this table must have `private_data` as the type's invariant says, wherever they
    /// are not made here, and `owner` be what keeps the module that `T` is in, unless something
    /// else does.
    pub const unsafe fn new(owner: *mut bindings::module) -> Self {
        // INVARIANT: By this function's contract, and that of `open`.
        Self(
            bindings::file_operations {
                owner,
                open: if T::HAS_OPEN { Some(open::<T>) } else { None },
                release: Some(release::<T>),
                mmap: if T::HAS_MMAP { Some(mmap::<T>) } else { None },
                llseek: if T::HAS_LLSEEK {
                    Some(llseek::<T>)
                } else {
                    None
                },
                poll: if T::HAS_POLL { Some(poll::<T>) } else { None },
                unlocked_ioctl: if T::HAS_IOCTL { Some(ioctl::<T>) } else { None },
                compat_ioctl: if T::HAS_IOCTL {
                    bindings::compat_ptr_ioctl
                } else {
                    None
                },
                show_fdinfo: if T::HAS_SHOW_FDINFO {
                    Some(show_fdinfo::<T>)
                } else {
                    None
                },
                ..pin_init::zeroed()
            },
            PhantomData,
        )
    }

    /// What C calls it.
    #[inline]
    pub const fn as_ref(&'static self) -> &'static bindings::file_operations {
        &self.0
    }

    /// A pointer to that.
    #[inline]
    pub const fn as_ptr(&'static self) -> *const bindings::file_operations {
        &raw const self.0
    }

    /// What `file` owns, if it is one of this table.
    #[inline]
    pub fn data_of<'a>(&'static self, file: &'a LocalFile) -> Option<&'a Target<T>> {
        let file = file.as_ptr();

        // SAFETY: The operations of an open file do not change. By the type invariant this one
        // owns its data.
        unsafe { core::ptr::eq((*file).f_op, self.as_ptr()).then(|| data::<T>(file)) }
    }

    /// A file that owns `data` and is in no file system.
    ///
    /// Fails with `ENOMEM` or `ENFILE`. Sleeps.
    #[inline]
    pub fn anon_inode_file(
        &'static self,
        name: &'static CStr,
        data: T::Data,
        flags: u32,
    ) -> Result<ARef<File>> {
        let data = data.into_ptr();

        // SAFETY: The name and the table are static, and the file gets its data.
        let file = from_err_ptr(unsafe {
            bindings::anon_inode_getfile(
                name.as_char_ptr(),
                self.as_ptr(),
                data.as_ptr().cast(),
                flags as c_int,
            )
        })
        .inspect_err(|_| {
            // SAFETY: There is no file that could own it.
            drop(unsafe { T::Data::from_ptr(data) });
        })?;

        // SAFETY: A new file is valid, its reference is ours, and nobody uses its position.
        Ok(unsafe { ARef::from_raw(NonNull::new_unchecked(file.cast())) })
    }
}

/// What `file` owns.
///
/// # Safety
///
/// `file` must be a file of a [`Table`] of `T`, and not be released during `'a`.
#[inline(always)]
unsafe fn data<'a, T: Operations>(file: *mut bindings::file) -> &'a Target<T> {
    // SAFETY: By the invariant of the table.
    unsafe { &*(*file).private_data.cast() }
}

/// # Safety
///
/// For this and all below: called by the VFS with an open file of a [`Table`] of `T`, here one
/// that is being opened.
unsafe extern "C" fn open<T: Operations>(
    inode: *mut bindings::inode,
    file: *mut bindings::file,
) -> c_int {
    from_result(|| {
        // SAFETY: The inode is valid, and the number of its device does not change.
        let data = T::open(unsafe { (*inode).i_rdev })?;

        // SAFETY: Nobody else sees the file while it is being opened.
        unsafe {
            (*file).private_data = data.into_ptr().as_ptr().cast();
            if T::STREAM {
                // Does not fail.
                bindings::nonseekable_open(inode, file);
            }
        }
        Ok(0)
    })
}

/// # Safety
///
/// As for [`open`], after the last use of the file.
unsafe extern "C" fn release<T: Operations>(
    _inode: *mut bindings::inode,
    file: *mut bindings::file,
) -> c_int {
    // SAFETY: By the invariant of the table, and nothing borrows the data any more.
    T::release(unsafe { T::Data::from_ptr(NonNull::new_unchecked((*file).private_data.cast())) });
    0
}

/// # Safety
///
/// As for [`open`], with an area that is being set up.
unsafe extern "C" fn mmap<T: Operations>(
    file: *mut bindings::file,
    area: *mut bindings::vm_area_struct,
) -> c_int {
    from_result(|| {
        // SAFETY: The VFS's guarantee. The area does not change under us.
        let (data, area, offset) =
            unsafe { (data::<T>(file), VmaNew::from_raw(area), (*area).vm_pgoff) };

        T::mmap(data, area, offset).map(|()| 0)
    })
}

/// # Safety
///
/// As for [`open`].
unsafe extern "C" fn llseek<T: Operations>(
    file: *mut bindings::file,
    offset: bindings::loff_t,
    whence: c_int,
) -> bindings::loff_t {
    // SAFETY: The VFS's guarantee.
    let data = unsafe { data::<T>(file) };

    T::llseek(data, offset, whence as u32).unwrap_or_else(|err| err.to_errno().into())
}

/// # Safety
///
/// As for [`open`], with NULL or a valid table.
unsafe extern "C" fn poll<T: Operations>(
    file: *mut bindings::file,
    table: *mut bindings::poll_table,
) -> bindings::__poll_t {
    // SAFETY: The VFS's guarantee. Who polls is in no `fdget_pos()` section.
    let (data, file, table) = unsafe {
        (
            data::<T>(file),
            File::from_raw_file(file),
            PollTable::from_raw(table),
        )
    };

    T::poll(data, file, table)
}

/// # Safety
///
/// As for [`open`].
unsafe extern "C" fn ioctl<T: Operations>(
    file: *mut bindings::file,
    cmd: c_uint,
    arg: c_ulong,
) -> c_long {
    // SAFETY: The VFS's guarantee.
    let data = unsafe { data::<T>(file) };

    match T::ioctl(data, cmd, UserPtr::from_addr(arg)) {
        Ok(ret) => ret,
        Err(err) => err.to_errno() as c_long,
    }
}

/// # Safety
///
/// As for [`open`], with a valid seq_file.
unsafe extern "C" fn show_fdinfo<T: Operations>(
    m: *mut bindings::seq_file,
    file: *mut bindings::file,
) {
    // SAFETY: procfs's guarantee.
    let (data, m) = unsafe { (data::<T>(file), SeqFile::from_raw(m)) };

    T::show_fdinfo(data, m);
}
