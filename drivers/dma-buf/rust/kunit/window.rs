// SPDX-License-Identifier: GPL-2.0

//! Buffers that are mapped through another file.

use kernel::prelude::*;

#[kunit_tests(rust_dma_buf_mmap)]
mod tests {
    use super::*;
    use crate::area::Area;
    use kernel::{
        dma_buf::{
            AllocEffort,
            DmaBuf,
            MmapMode,
            PageBlock,
            PageRun,
            PageSource, //
        },
        fs::{
            area::MmapVma,
            file::flags::O_RDWR,
            operations::{
                Operations,
                Table, //
            },
            File, //
        },
        page::PAGE_SIZE,
        sync::aref::ARef, //
    };

    /// The two ways in which pages get into an area.
    struct Pages<const ON_FAULT: bool>(PageBlock);

    #[vtable]
    impl<const ON_FAULT: bool> PageSource for Pages<ON_FAULT> {
        const MMAP: MmapMode = if ON_FAULT {
            MmapMode::OnFault
        } else {
            MmapMode::AtOnce
        };

        fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
            core::iter::once(self.0.run())
        }
    }

    /// What a file of the driver's own does when it is mapped.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Driver {
        Honest,
        /// Sets the area up as something else before.
        Mixed,
        /// Says that all is well.
        Careless,
    }

    /// A window to a buffer, from `page` on.
    struct Window {
        buf: ARef<DmaBuf>,
        page: usize,
        driver: Driver,
    }

    #[vtable]
    impl Operations for Window {
        type Data = Pin<KBox<Self>>;

        fn mmap(me: &Self, vma: MmapVma<'_>, offset: usize) -> Result {
            if me.driver == Driver::Mixed {
                vma.set_mixedmap();
            }
            let result = me.buf.mmap(vma, me.page.wrapping_add(offset));

            if me.driver == Driver::Careless {
                return Ok(());
            }
            result
        }
    }

    static WINDOWS: Table<Window> = Table::new();

    /// Four pages, whose first bytes are their numbers.
    fn buffer<const ON_FAULT: bool>() -> Result<ARef<DmaBuf>> {
        let mut block = PageBlock::alloc(2, AllocEffort::Required, false).ok_or(ENOMEM)?;

        for page in 0..4 {
            block.write(usize::from(page) * PAGE_SIZE, &[page])?;
        }
        DmaBuf::from_pages(c"window", O_RDWR, Pages::<ON_FAULT>(block))
    }

    fn window(buf: &ARef<DmaBuf>, page: usize, driver: Driver) -> Result<ARef<File>> {
        let buf = buf.clone();
        let data = KBox::pin(Window { buf, page, driver }, GFP_KERNEL)?;

        WINDOWS.anon_inode_file(c"[window]", data, O_RDWR)
    }

    fn shows_a_part(buf: ARef<DmaBuf>) -> Result {
        let file = window(&buf, 1, Driver::Honest)?;
        let area = Area::new(&file, 2, 1)?;

        assert_eq!(area.byte(0)?, 2);
        assert_eq!(area.byte(PAGE_SIZE)?, 3);

        // It is the same memory.
        area.slice(7).writer().write(&9u8)?;
        let mut byte = [0];
        buf.vmap()?.read(2 * PAGE_SIZE + 7, &mut byte)?;
        assert_eq!(byte, [9]);

        // The area keeps the buffer, and needs the other file no more.
        drop((file, buf));
        assert_eq!(area.byte(7)?, 9);
        Ok(())
    }

    #[test]
    fn shows_a_part_at_once() -> Result {
        shows_a_part(buffer::<false>()?)
    }

    #[test]
    fn shows_a_part_on_fault() -> Result {
        shows_a_part(buffer::<true>()?)
    }

    #[test]
    fn beyond_the_buffer() -> Result {
        let buf = buffer::<false>()?;

        let file = window(&buf, 1, Driver::Honest)?;
        assert_eq!(Area::new(&file, 3, 1).err(), Some(EINVAL));
        assert_eq!(Area::new(&file, 4, 0).err(), Some(EINVAL));

        let file = window(&buf, usize::MAX, Driver::Honest)?;
        assert_eq!(Area::new(&file, 1, 0).err(), Some(EOVERFLOW));
        Ok(())
    }

    #[test]
    fn set_up_as_something_else() -> Result {
        let file = window(&buffer::<false>()?, 0, Driver::Mixed)?;

        assert_eq!(Area::new(&file, 1, 0).err(), Some(EBUSY));
        Ok(())
    }

    #[test]
    fn nothing_there() -> Result {
        let file = window(&buffer::<true>()?, 4, Driver::Careless)?;
        let area = Area::new(&file, 1, 0)?;

        assert_eq!(area.byte(0).err(), Some(EFAULT));
        Ok(())
    }
}
