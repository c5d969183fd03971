// SPDX-License-Identifier: GPL-2.0

//! The file operations of a buffer.

use super::{
    cpu_access,
    ioctl,
    layout::{
        body::body,
        life::Registered, //
    },
    poll,
    registry,
    text, //
};
use kernel::{
    bindings,
    dma_buf::DmaBuf,
    fs::{
        operations::{
            Operations,
            Table, //
        },
        File, //
    },
    mm::virt::VmaNew,
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::poll::PollTable,
    uaccess::UserPtr, //
};

/// The operations of a buffer's file.
pub(super) struct BufferFile;

// SAFETY: All files of this table are made in `fs.rs`, and given a `Registered` buffer there. Each
// holds a reference to the mount of their file system, which keeps this module.
pub(super) static TABLE: Table<BufferFile> = unsafe { Table::new(core::ptr::null_mut()) };

#[vtable]
impl Operations for BufferFile {
    type Data = Registered;

    fn release(buf: Registered) {
        registry::remove(buf);
    }

    fn mmap(buf: &DmaBuf, area: &VmaNew, offset: usize) -> Result {
        cpu_access::mmap_file(buf, area, offset)
    }

    // Seeking serves to learn the size: only the very start and the very end can be gone to.
    fn llseek(buf: &DmaBuf, offset: i64, whence: u32) -> Result<i64> {
        let base = match whence {
            bindings::SEEK_END => buf.size() as i64,
            bindings::SEEK_SET => 0,
            _ => return Err(EINVAL),
        };

        if offset != 0 {
            return Err(EINVAL);
        }
        Ok(base)
    }

    fn poll(buf: &DmaBuf, _file: &File, table: PollTable<'_>) -> u32 {
        poll::poll(buf, table)
    }

    fn ioctl(buf: &DmaBuf, cmd: u32, arg: UserPtr) -> Result<isize> {
        ioctl::ioctl(buf, cmd, arg).map(|()| 0)
    }

    fn show_fdinfo(buf: &DmaBuf, m: &SeqFile) {
        let body = body(buf);
        let (_, _, references) = body.file_facts();

        // Less the reference that procfs holds while it calls.
        seq_print!(
            m,
            "size:\t{}\ncount:\t{}\nexp_name:\t",
            buf.size(),
            references - 1
        );
        text::print(m, body.exporter_name());
        if let Some(name) = body.name().get() {
            text::print(m, c"\nname:\t");
            text::print(m, name.as_c_str());
        }
        text::print(m, c"\n");
    }
}
