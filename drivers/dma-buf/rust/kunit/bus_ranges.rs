// SPDX-License-Identifier: GPL-2.0

//! Which addresses on a bus a buffer is made of, and what other suites want of such buffers.

use core::ptr::NonNull;
use kernel::{
    bindings,
    device::Device,
    dma::{
        DataDirection,
        DmaMask, //
    },
    dma_buf::{
        importer::{
            EmulatedDevice,
            KeepsBound, //
        },
        AttachedDevice,
        Buffer,
        BusMemory,
        BusRanges,
        ExportInfo,
        Exporter,
        MappedTable, //
    },
    fs::file::flags::O_RDWR,
    interop::object::Object,
    io::ResourceSize,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    }, //
};

pub(crate) const PAGE: ResourceSize = PAGE_SIZE as ResourceSize;

/// A device that stays until it is dropped.
pub(crate) fn device(name: &CStr) -> Result<Arc<EmulatedDevice>> {
    let dev = EmulatedDevice::new(name, DmaMask::new::<64>())?;

    Ok(Arc::new(dev, GFP_KERNEL)?)
}

/// Eight pages of `owner`.
pub(crate) fn memory(owner: &EmulatedDevice) -> Result<Arc<BusMemory>> {
    static PROVIDER: Object<bindings::p2pdma_provider> = Object::zeroed();
    let provider = NonNull::new(PROVIDER.get()).ok_or(EINVAL)?;

    // SAFETY: A provider that leads nowhere. This kernel does not look at it.
    unsafe { BusMemory::from_raw(owner.device(), provider, 16 * PAGE, 8 * PAGE) }
}

/// A buffer in memory that is reached by addresses on a bus.
pub(crate) struct Vram(BusRanges);

#[vtable]
impl Exporter for Vram {
    type Attachment = ();

    fn attach(_buf: &Buffer<Self>, _dev: &Device) -> Result {
        Ok(())
    }

    fn map(attachment: &mut AttachedDevice<'_, Self>, dir: DataDirection) -> Result<MappedTable> {
        attachment.map_bus(&attachment.buffer().data().0, dir)
    }

    fn unmap(attachment: &mut AttachedDevice<'_, Self>, map: MappedTable, _dir: DataDirection) {
        attachment.unmap_bus(map);
    }
}

/// A buffer of `pages`, of which the ranges have two.
pub(crate) fn buffer(memory: &Arc<BusMemory>, pages: usize) -> Result<ARef<Buffer<Vram>>> {
    let mut ranges = BusRanges::new(memory.clone());

    ranges.push(2 * PAGE..3 * PAGE)?;
    ranges.push(0..PAGE)?;
    assert_eq!(ranges.size(), 2 * PAGE_SIZE);

    let info = ExportInfo {
        name: c"vram",
        size: pages * PAGE_SIZE,
        flags: O_RDWR,
    };
    Buffer::export(info, KBox::new(Vram(ranges), GFP_KERNEL)?)
}

#[kunit_tests(rust_dma_buf_bus_ranges)]
mod tests {
    use super::*;
    use core::ops::Range;

    #[test]
    fn ranges_in_the_memory() -> Result {
        let owner = device(c"rust-kunit-bus-ranges")?;
        let memory = memory(&owner)?;
        let mut ranges = BusRanges::new(memory.clone());

        assert_eq!(memory.size(), 8 * PAGE);
        for bad in [
            0..0,
            Range {
                start: PAGE,
                end: 0,
            },
            0..PAGE / 2,
            PAGE / 2..PAGE,
            7 * PAGE..9 * PAGE,
            8 * PAGE..9 * PAGE,
            ResourceSize::MAX - PAGE + 1..ResourceSize::MAX,
            PAGE..ResourceSize::MAX - PAGE + 1,
        ] {
            assert_eq!(ranges.push(bad), Err(EINVAL));
        }
        assert_eq!(ranges.size(), 0);
        for page in 0..8 {
            ranges.push(page * PAGE..(page + 1) * PAGE)?;
        }
        assert_eq!(ranges.size(), 8 * PAGE_SIZE);
        Ok(())
    }
}
