// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/debug/dma_buf/bufinfo`: all buffers, their fences and their devices.

#[cfg(not(CONFIG_DEBUG_FS))]
pub(super) use without_debugfs::{
    files,
    Files, //
};

#[cfg(CONFIG_DEBUG_FS)]
pub(super) use with_debugfs::{
    files,
    Files, //
};

#[cfg(not(CONFIG_DEBUG_FS))]
mod without_debugfs {
    use kernel::prelude::*;

    /// There is none.
    pub(in crate::buffer) type Files = ();

    pub(in crate::buffer) fn files() -> impl PinInit<Files, Error> {
        Ok::<(), Error>(())
    }
}

#[cfg(CONFIG_DEBUG_FS)]
mod with_debugfs {
    use crate::buffer::{
        layout::{
            body::body,
            locked::Locked,
            owned::Name, //
        },
        registry,
        text::{
            self,
            Facts, //
        }, //
    };
    use kernel::{
        dma_buf::DmaBuf,
        fs::{
            debug_dir::{
                DebugDir,
                DebugFile, //
            },
            show::{
                self,
                print,
                Show,
                ShowTable, //
            }, //
        },
        prelude::*,
        seq_file::SeqFile, //
    };

    /// The directory with the file. Who has that open keeps this module, which can go only
    /// afterwards.
    pub(in crate::buffer) type Files = DebugDir;

    /// The file.
    struct BufInfo;

    static TABLE: ShowTable<BufInfo> = ShowTable::new();
    static FILES: [DebugFile; 1] = [(c"bufinfo", 0o444, TABLE.openable())];

    /// Makes the file. That it is missing, if it cannot be made, is no reason to do without
    /// buffers.
    #[inline(always)]
    pub(in crate::buffer) fn files() -> impl PinInit<Files, Error> {
        DebugDir::new(c"dma_buf", &FILES)
    }

    #[vtable]
    impl Show for BufInfo {
        // Fails with `EINTR` on a signal.
        #[inline(always)]
        fn show(m: &SeqFile) -> Result {
            let (mut count, mut bytes, mut is_full) = (0usize, 0usize, false);

            print(
                m,
                c"\nDma-buf Objects:\n\
                  size    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n",
            );

            registry::for_each(|buf| {
                is_full = show::is_full(m);
                if is_full {
                    return Ok(false);
                }
                show_one(m, buf)?;
                // As many as there is memory for, as the devices below.
                count = count.wrapping_add(1);
                // On 32 bits the sizes of all may be more than that: user space can see to it.
                bytes = bytes.wrapping_add(buf.size());
                Ok(true)
            })?;

            if !is_full {
                text::print_total(m, count, bytes);
            }
            Ok(())
        }
    }

    /// Fails with `EINTR` on a signal.
    fn show_one(m: &SeqFile, buf: &DmaBuf) -> Result {
        Locked::with_interruptible(buf, |locked| show_locked(m, locked))
    }

    fn show_locked(m: &SeqFile, buf: &Locked<'_, DmaBuf>) {
        let body = body(buf);
        let (mode, ino, references) = body.file_facts();
        let mut devices = 0usize;
        let mut name = body.name();
        let facts = Facts {
            size: buf.size(),
            // Less the reference of who walks the registry.
            users: references.wrapping_sub(1),
            exporter: body.exporter_name(),
            name: name.get().as_ref().map(Name::as_c_str),
        };

        text::print_line(m, &facts, (buf.file().flags(), mode, ino));
        drop(name);

        buf.describe(m);
        print(m, c"\tAttached Devices:\n");
        buf.attachments().for_each(|attachment| {
            devices = devices.wrapping_add(1);
            print(m, c"\t");
            print(m, attachment.dev().name());
            print(m, c"\n");
        });
        text::print_devices(m, devices);
    }
}
