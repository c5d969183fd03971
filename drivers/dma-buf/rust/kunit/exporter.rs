// SPDX-License-Identifier: GPL-2.0

//! Buffers to test importers with.

use core::ptr::NonNull;
use kernel::{
    bindings,
    device::Device,
    dma::{
        DataDirection,
        DmaAddress, //
    },
    dma_buf::{
        AllocEffort,
        AttachedDevice,
        Attaching,
        Buffer,
        DmaBuf,
        ExportInfo,
        Exporter,
        MappedTable,
        PageBlock,
        PageRun,
        PageSource, //
    },
    error::to_result,
    fs::file::flags::O_RDWR,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    types::Opaque,
};

/// Where the memory of a [`Moving`] buffer is, as far as devices are told.
pub(crate) const ADDRESS: DmaAddress = if cfg!(CONFIG_X86) {
    0xc000_0000
} else {
    0x1000
};

/// What has happened to a [`Moving`] buffer, and what is to fail.
pub(crate) struct Log {
    pub(crate) attached: Atomic<i32>,
    pub(crate) mapped: Atomic<i32>,
    pub(crate) pinned: Atomic<i32>,
    pub(crate) cpu: Atomic<i32>,
    pub(crate) released: Atomic<i32>,
    pub(crate) refuse: Atomic<bool>,
    /// How often it still has to move when it is mapped or pinned.
    pub(crate) moves: Atomic<i32>,
    /// Whether only importers may attach that let go of it.
    pub(crate) only_revocable: Atomic<bool>,
    /// Whether devices can reach memory without pages, and whether the last that mapped does.
    pub(crate) peer2peer: Atomic<bool>,
    pub(crate) mapped_peer2peer: Atomic<bool>,
}

impl Log {
    /// How many attachments, mappings, pins and accesses of the CPU there are.
    pub(crate) fn counts(&self) -> [i32; 4] {
        [&self.attached, &self.mapped, &self.pinned, &self.cpu].map(|count| count.load(Relaxed))
    }

    fn move_for(&self, attachment: &mut AttachedDevice<'_, Moving>) {
        if self.moves.load(Relaxed) > 0 {
            self.moves.add(-1, Relaxed);
            attachment.invalidate_mappings();
        }
    }

    fn check(&self) -> Result {
        if self.refuse.load(Relaxed) {
            return Err(ENOSPC);
        }
        Ok(())
    }
}

/// An exporter whose memory can move. There is none, in fact: only an address for devices.
pub(crate) struct Moving(Arc<Log>);

/// Counts an attachment as long as it exists.
pub(crate) struct Attached(Arc<Log>);

impl Drop for Attached {
    fn drop(&mut self) {
        self.0.attached.add(-1, Relaxed);
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        self.0.released.add(1, Relaxed);
    }
}

type Table = KBox<Opaque<bindings::sg_table>>;

#[vtable]
impl Exporter for Moving {
    type Attachment = KBox<Attached>;

    fn accept(buf: &Buffer<Self>, importer: &mut Attaching<'_>) -> Result {
        let log = &buf.data().0;

        if !log.peer2peer.load(Relaxed) {
            importer.refuse_peer2peer();
            assert!(!importer.peer2peer());
        }
        if log.only_revocable.load(Relaxed) && !importer.is_revocable() {
            return Err(EOPNOTSUPP);
        }
        Ok(())
    }

    fn attach(buf: &Buffer<Self>, _dev: &Device) -> Result<KBox<Attached>> {
        let log = &buf.data().0;

        log.check()?;
        log.attached.add(1, Relaxed);
        Ok(KBox::new(Attached(log.clone()), GFP_KERNEL)?)
    }

    fn map(attachment: &mut AttachedDevice<'_, Self>, _dir: DataDirection) -> Result<MappedTable> {
        let buf = attachment.buffer();
        buf.data().0.check()?;
        buf.data().0.move_for(attachment);
        buf.data()
            .0
            .mapped_peer2peer
            .store(attachment.peer2peer(), Relaxed);
        let table: Table = KBox::new(Opaque::zeroed(), GFP_KERNEL)?;

        // SAFETY: The table is ours, and has one entry after that.
        unsafe {
            to_result(bindings::sg_alloc_table(
                table.get(),
                1,
                bindings::GFP_KERNEL,
            ))?;
            bindings::sg_set_dma((*table.get()).sgl, ADDRESS, buf.size() as u32);
        }
        buf.data().0.mapped.add(1, Relaxed);
        // SAFETY: A box is not NULL; there is no memory to be mapped, and nobody changes the table.
        Ok(unsafe { MappedTable::from_raw(NonNull::new_unchecked(KBox::into_raw(table)).cast()) })
    }

    fn unmap(attachment: &mut AttachedDevice<'_, Self>, mapping: MappedTable, _dir: DataDirection) {
        // SAFETY: From `map`.
        let table = unsafe { Table::from_raw(mapping.as_raw().cast().as_ptr()) };

        // SAFETY: Nobody uses the table any more.
        unsafe { bindings::sg_free_table(table.get()) };
        attachment.buffer().data().0.mapped.add(-1, Relaxed);
    }

    fn pin(attachment: &mut AttachedDevice<'_, Self>) -> Result {
        let log = &attachment.buffer().data().0;

        log.check()?;
        log.move_for(attachment);
        log.pinned.add(1, Relaxed);
        Ok(())
    }

    fn unpin(attachment: &mut AttachedDevice<'_, Self>) {
        attachment.buffer().data().0.pinned.add(-1, Relaxed);
    }

    fn begin_cpu_access(buf: &Buffer<Self>, _dir: DataDirection) -> Result {
        let log = &buf.data().0;

        log.check()?;
        log.cpu.add(1, Relaxed);
        Ok(())
    }

    fn end_cpu_access(buf: &Buffer<Self>, _dir: DataDirection) -> Result {
        let log = &buf.data().0;

        log.cpu.add(-1, Relaxed);
        log.check()
    }
}

/// A buffer of two pages that can move, and its log.
pub(crate) fn moving() -> Result<(ARef<Buffer<Moving>>, Arc<Log>)> {
    let zero = || Atomic::new(0);
    let log = Arc::new(
        Log {
            attached: zero(),
            mapped: zero(),
            pinned: zero(),
            cpu: zero(),
            released: zero(),
            refuse: Atomic::new(false),
            moves: zero(),
            only_revocable: Atomic::new(false),
            peer2peer: Atomic::new(true),
            mapped_peer2peer: Atomic::new(false),
        },
        GFP_KERNEL,
    )?;
    let info = ExportInfo {
        name: c"moving",
        size: 2 * PAGE_SIZE,
        flags: O_RDWR,
    };

    let data = KBox::new(Moving(log.clone()), GFP_KERNEL)?;
    Ok((Buffer::export(info, data)?, log))
}

/// Says that the memory of a buffer moves.
pub(crate) fn move_away(buf: &Buffer<Moving>) {
    buf.lock().invalidate_mappings();
}

/// Lets buffers whose last reference is gone be released. A kernel thread leaves that to others.
pub(crate) fn release_all() {
    // SAFETY: May be called where one can sleep.
    unsafe { bindings::flush_delayed_fput() };
}

struct Pages<const N: usize>([PageBlock; N]);

#[vtable]
impl<const N: usize> PageSource for Pages<N> {
    fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
        self.0.iter().map(PageBlock::run)
    }
}

fn block(order: u8) -> Result<PageBlock> {
    PageBlock::alloc(order, AllocEffort::Required, false).ok_or(ENOMEM)
}

/// A buffer of three pages in two pieces.
pub(crate) fn pages() -> Result<ARef<DmaBuf>> {
    DmaBuf::from_pages(c"pages", O_RDWR, Pages([block(1)?, block(0)?]))
}

/// A buffer of two pages with "text" in it.
pub(crate) fn text(flags: u32) -> Result<ARef<DmaBuf>> {
    let mut block = block(1)?;

    block.write(0, b"text")?;
    DmaBuf::from_pages(c"text", flags, Pages([block]))
}
