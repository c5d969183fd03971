// SPDX-License-Identifier: GPL-2.0

//! What happens when a file is used.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use crate::{
    bindings, callbacks,
    error::{
        from_err_ptr,
        VTABLE_DEFAULT_ERROR, //
    },
    fs::{
        area::MmapVma,
        argument::Answer,
        File,
        LocalFile, //
    },
    interop::{
        export::{
            AsC,
            FromC, //
        },
        linked::Linked,
        object::{
            Constant,
            Object, //
        }, //
    },
    module::ModuleMetadata,
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
    any::TypeId,
    marker::PhantomData,
    mem::{
        transmute_copy,
        ManuallyDrop, //
    },
    ptr::{
        self,
        NonNull, //
    }, //
};

/// What a file owns: its `private_data`.
///
/// # Safety
///
/// A value is a pointer, bit by bit, to a `Target`, which is there and does not move as long as the
/// value is.
pub unsafe trait PrivateData: Sized {
    /// What operations get to see. They may run at the same time.
    type Target: Sync;
}

// SAFETY: The pointer is all there is in a reference, which keeps the object.
unsafe impl<T: AlwaysRefCounted + Send + Sync + 'static> PrivateData for ARef<T> {
    type Target = T;
}

// SAFETY: The pointer is all there is in a box, which owns the object.
unsafe impl<T: Send + Sync + 'static> PrivateData for Pin<KBox<T>> {
    type Target = T;
}

/// Hands the object over.
#[inline(always)]
fn into_ptr<D: PrivateData>(data: D) -> *mut c_void {
    const { assert!(size_of::<D>() == size_of::<*mut c_void>()) };

    // SAFETY: By `PrivateData` it is a pointer.
    unsafe { transmute_copy(&ManuallyDrop::new(data)) }
}

/// Takes it back.
///
/// # Safety
///
/// `ptr` must have come from [`into_ptr`], and not be used again.
#[inline(always)]
unsafe fn from_ptr<D: PrivateData>(ptr: *mut c_void) -> D {
    // SAFETY: It was a `D`, which is the caller's.
    unsafe { transmute_copy(&ptr) }
}

/// The operations of a kind of files, for a [`Table`]. All of them may sleep.
#[vtable]
pub trait Operations: Sized + 'static {
    /// The module whose code must stay while there is such a file. Filled in by `#[vtable]`.
    type OwnerModule: ModuleMetadata;

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
    fn mmap(_data: &Target<Self>, _area: MmapVma<'_>, _offset: usize) -> Result {
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
    fn ioctl(_data: &Target<Self>, _cmd: u32, _arg: UserPtr) -> Answer {
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
/// `into_ptr` has returned, and the file owns that. The module that the code for `T` is in stays as
/// long as there is such a file.
pub struct Table<T>(Constant<Contents>, PhantomData<fn() -> T>);

/// What is in a table.
///
/// Those of two types may have the same functions: the compiler merges what is alike, and then
/// constants that are. The identity keeps them apart, since no two types have the same.
#[derive(Clone, Copy)]
pub(super) struct Contents {
    pub(super) operations: bindings::file_operations,
    pub(super) _identity: fn() -> TypeId,
    pub(super) _linked: Option<Linked>,
}

impl<T: Operations> Table<T> {
    const UNOWNED: bindings::file_operations = bindings::file_operations {
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
    };

    /// The table of `T`.
    pub const fn new() -> Self {
        // INVARIANT: Whoever makes a file with the pointer argues for that. The VFS keeps
        // the owner.
        let linked = Linked::into::<T::OwnerModule>();

        Self(
            Constant::new(Contents {
                operations: bindings::file_operations {
                    owner: linked.module(),
                    ..Self::UNOWNED
                },
                _identity: TypeId::of::<T>,
                _linked: Some(linked),
            }),
            PhantomData,
        )
    }

    /// The table of `T`, where the VFS does not have to keep the module.
    ///
    /// # Safety
    ///
    /// Something else must keep the module that the code for `T` is in as long as there is a file
    /// of the table.
    pub const unsafe fn unowned() -> Self {
        // INVARIANT: As for `new`, and by this function's contract.
        Self(
            Constant::new(Contents {
                operations: Self::UNOWNED,
                _identity: TypeId::of::<T>,
                _linked: None,
            }),
            PhantomData,
        )
    }

    /// What C calls it. Who makes files with it gives them their `private_data`, or leaves that to
    /// [`open`](Operations::open).
    #[inline]
    pub const fn as_ptr(&'static self) -> *const bindings::file_operations {
        &raw const self.0.get().operations
    }

    /// The table, for those who let files be opened.
    pub const fn openable(&'static self) -> Openable {
        const { assert!(T::HAS_OPEN) };

        // INVARIANT: `open` does it.
        Openable(&self.0)
    }

    /// What `file` owns, if it is one of this table.
    #[inline]
    pub fn data_of<'a>(&'static self, file: &'a LocalFile) -> Option<&'a Target<T>> {
        let file = file.as_ptr();

        // SAFETY: The operations of an open file do not change. If they are these it is a file of
        // this table.
        unsafe { ptr::eq((*file).f_op, self.as_ptr()).then(|| Opened::<T>::from_c(file).data) }
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
        let data = into_ptr(data);

        // SAFETY: The name and the table are static, and the file gets its data; if there is none,
        // nobody does. A new file is valid, its reference is ours, and nobody uses its position.
        unsafe {
            let file = bindings::anon_inode_getfile(
                name.as_char_ptr(),
                self.as_ptr(),
                data,
                flags as c_int,
            );

            from_err_ptr(file)
                .inspect_err(|_| drop(from_ptr::<T::Data>(data)))
                .map(|file| ARef::from_raw(NonNull::new_unchecked(file.cast())))
        }
    }
}

impl<T: Operations> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A `struct file_operations`, for those who let files be opened: devices, debugfs.
///
/// # Invariants
///
/// Opening a file makes all of it that the operations need, and keeps the module that they are in.
#[derive(Clone, Copy)]
pub struct Openable(pub(super) &'static Constant<Contents>);

impl Openable {
    /// What C calls it.
    #[inline]
    pub const fn as_ptr(self) -> *const bindings::file_operations {
        &raw const self.0.get().operations
    }

    /// The module that it is of, or NULL.
    #[cfg(CONFIG_DEBUG_FS)]
    pub(super) fn owner(self) -> *mut bindings::module {
        self.0.get().operations.owner
    }

    /// Where its code is, which is in the same module.
    #[cfg(CONFIG_DEBUG_FS)]
    pub(super) fn code(self) -> usize {
        self.0.get().operations.open.map_or(0, |open| open as usize)
    }
}

/// An open file, and what it owns.
struct Opened<'a, T: Operations> {
    file: *mut bindings::file,
    data: &'a Target<T>,
}

/// A file of a [`Table`] of `T`.
impl<T: Operations> FromC for Opened<'_, T> {
    type C = *mut bindings::file;

    #[inline(always)]
    unsafe fn from_c(file: *mut bindings::file) -> Self {
        // SAFETY: By the contract above, and the invariant of the table; what is read is no NULL.
        let data = unsafe { *(&raw const (*file).private_data).cast::<&Target<T>>() };

        Self { file, data }
    }
}

/// NULL, or a valid table.
// SAFETY: Transparent.
unsafe impl AsC for PollTable<'_> {
    type C = *mut bindings::poll_table;
}

callbacks! {
    /// Called for a file that is being opened.
    fn open<T: Operations>(
        inode: &Object<bindings::inode>,
        file: &Object<bindings::file>,
    ) -> Result {
        // SAFETY: The inode is there, and the number of its device does not change.
        let data = T::open(unsafe { (*inode.get()).i_rdev })?;

        // SAFETY: Nobody else sees the file while it is being opened.
        unsafe {
            (*file.get()).private_data = into_ptr(data);
            if T::STREAM {
                // Does not fail.
                bindings::nonseekable_open(inode.get(), file.get());
            }
        }
        Ok(())
    }

    /// Called after the last use of the file.
    fn release<T: Operations>(
        _inode: &Object<bindings::inode>,
        file: &Object<bindings::file>,
    ) -> c_int {
        // SAFETY: By the invariant of the table, and nothing borrows the data any more.
        T::release(unsafe { from_ptr((*file.get()).private_data) });
        0
    }

    /// Called with an area that is being set up.
    fn mmap<T: Operations>(file: Opened<'_, T>, area: MmapVma<'_>) -> Result {
        // SAFETY: The area does not change under us.
        let offset = unsafe { (*area.as_ptr()).vm_pgoff };

        T::mmap(file.data, area, offset)
    }

    fn llseek<T: Operations>(file: Opened<'_, T>, offset: i64, whence: c_int) -> Result<i64> {
        T::llseek(file.data, offset, whence as u32)
    }

    fn poll<T: Operations>(file: Opened<'_, T>, table: PollTable<'_>) -> u32 {
        // SAFETY: It is open. Who polls is in no `fdget_pos()` section.
        let whole = unsafe { File::from_raw_file(file.file) };

        T::poll(file.data, whole, table)
    }

    fn ioctl<T: Operations>(file: Opened<'_, T>, cmd: c_uint, arg: c_ulong) -> Answer {
        T::ioctl(file.data, cmd, UserPtr::from_addr(arg))
    }

    fn show_fdinfo<T: Operations>(m: &SeqFile, file: Opened<'_, T>) {
        T::show_fdinfo(file.data, m);
    }
}
