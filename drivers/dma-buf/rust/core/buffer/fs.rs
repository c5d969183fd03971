// SPDX-License-Identifier: GPL-2.0

//! The pseudo file system `dmabuf`, which the buffers' files live in.

use super::{
    file,
    layout::{
        body,
        dentry::{
            self,
            FileSystem, //
        },
        life::Dying,
        vfs::NewFile, //
    },
    mount,
    release, //
};
use crate::LocalModule;
use kernel::{
    bindings,
    dma_buf::DmaBuf,
    interop::object::Object,
    module::this_module,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// Of the file system, and of each file in it.
const NAME: &CStr = c"dmabuf";

/// What there is of it.
struct Buffers;

static FS_TYPE: Object<bindings::file_system_type> =
    dentry::file_system::<Buffers>(this_module::<LocalModule>());

/// The file system is usable.
pub(super) use mount::Mountable as Usable;

/// Makes the file system usable. Comes first, at boot or when the module is loaded.
#[inline(always)]
pub(super) fn init() -> impl PinInit<Usable, Error> {
    mount::init(&FS_TYPE)
}

/// Makes the file of a buffer of `size` bytes, not yet connected with the buffer.
///
/// Fails with `ENOMEM`, `ENFILE`, or `ENODEV` before [`init`].
pub(super) fn new_file(size: usize, open_flags: u32) -> Result<NewFile> {
    /// Unique over the life of the system, unlike what `alloc_anon_inode()` gives.
    static LAST_INODE: Atomic<i64> = Atomic::new(0);

    let mount = mount::get(&FS_TYPE)?;
    // MODEL: unique-number
    let number = (LAST_INODE.fetch_add(1, Relaxed) as u64).wrapping_add(1);

    NewFile::new(&mount, NAME, &file::TABLE, (size, number, open_flags))
}

impl FileSystem for Buffers {
    const NAME: &'static CStr = NAME;
    const MAGIC: u32 = bindings::DMA_BUF_MAGIC;

    #[inline(always)]
    fn with_name<R>(buf: &DmaBuf, f: impl FnOnce(&CStr) -> R) -> R {
        let mut name = body::body(buf).name();

        f(name.get().as_ref().map_or(c"", |name| name.as_c_str()))
    }

    #[inline(always)]
    fn release(buf: Dying) {
        release::release(buf);
    }
}
