// SPDX-License-Identifier: GPL-2.0

//! The file operations of a buffer.

use super::{
    cpu_access,
    ioctl,
    layout::{
        body::body,
        life::Registered,
        owned::Name, //
    },
    poll,
    registry,
    text::{
        self,
        Facts, //
    }, //
};
use kernel::{
    bindings,
    dma_buf::DmaBuf,
    fs::{
        area::MmapVma,
        argument::Answer,
        operations::{
            Operations,
            Table, //
        },
        File, //
    },
    prelude::*,
    seq_file::SeqFile,
    sync::poll::PollTable,
    uaccess::UserPtr, //
};

/// The operations of a buffer's file.
pub(super) struct BufferFile;

// SAFETY: All files of this table are made in `fs.rs`. Each holds a reference to the mount of their
// file system, which keeps this module.
pub(super) static TABLE: Table<BufferFile> = unsafe { Table::unowned() };

#[vtable]
impl Operations for BufferFile {
    type Data = Registered;

    #[inline(always)]
    fn release(buf: Registered) {
        registry::remove(buf);
    }

    #[inline(always)]
    fn mmap(buf: &DmaBuf, area: MmapVma<'_>, offset: usize) -> Result {
        cpu_access::mmap_file(buf, &area, offset)
    }

    // Seeking serves to learn the size: only the very start and the very end can be gone to.
    #[inline(always)]
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

    #[inline(always)]
    fn poll(buf: &DmaBuf, _file: &File, table: PollTable<'_>) -> u32 {
        poll::poll(buf, table)
    }

    #[inline(always)]
    fn ioctl(buf: &DmaBuf, cmd: u32, arg: UserPtr) -> Answer {
        ioctl::ioctl(buf, cmd, arg)
    }

    #[inline(always)]
    fn show_fdinfo(buf: &DmaBuf, m: &SeqFile) {
        let body = body(buf);
        let (_, _, references) = body.file_facts();

        let mut name = body.name();
        let facts = Facts {
            size: buf.size(),
            // Less the reference that procfs holds while it calls.
            users: references.wrapping_sub(1),
            exporter: body.exporter_name(),
            name: name.get().as_ref().map(Name::as_c_str),
        };
        text::print_lines(m, &facts);
    }
}
