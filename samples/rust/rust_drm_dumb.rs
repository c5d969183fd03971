// SPDX-License-Identifier: GPL-2.0

//! Rust DRM sample: dumb buffers, and nothing else.
//!
//! The smallest driver that a program can allocate memory for pixels from, map it, and share it
//! with other devices. There is no display: a driver with one would add modes, planes and the
//! programming of the hardware with the addresses of these buffers.
//!
//! `samples/dma-buf/drm_dumb.c` is a program to try it with, and
//! `Documentation/driver-api/dma-buf-rust-drm-sample.rst` says how.

use kernel::{
    device::{
        self,
        Bound,
        Device, //
    },
    devres::Devres,
    dma::{
        attrs::{
            DMA_ATTR_NO_WARN,
            DMA_ATTR_WRITE_COMBINE, //
        },
        Coherent,
        CoherentOwner,
        DataDirection,
        DmaMask, //
    },
    dma_buf::{
        importer::{
            Attachment,
            InDevres,
            Mapping, //
        },
        AttachedDevice,
        Buffer,
        BufferVma,
        DmaBuf,
        ExportInfo,
        Exporter,
        MappedTable,
        Resv,
        VmapAddress, //
    },
    drm::{
        self,
        gem::{
            self,
            dumb::{
                contiguous_address,
                DumbArgs,
                DumbObject,
                ObjectVma, //
            },
            Object, //
        },
    },
    faux,
    prelude::*,
    sync::aref::ARef, //
};

module! {
    type: DumbModule,
    name: "rust_drm_dumb",
    authors: ["Rust DMA-BUF"],
    description: "Rust DRM dumb buffer sample",
    license: "GPL",
    imports_ns: ["DMA_BUF"],
}

/// What the module is: a DRM device. Dropped when the module is unloaded, which the kernel refuses
/// as long as a file of the device or a dma-buf of ours is open.
#[pin_data]
struct DumbModule {
    #[pin]
    _device: drm::faux::Registration<DumbDriver>,
}

impl kernel::InPlaceModule for DumbModule {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            // A device that can address 4 GiB, like many displays.
            _device <- drm::faux::Registration::new(
                c"rust-drm-dumb",
                DmaMask::new::<32>(),
                Ok(()),
                Ok::<_, Error>(()),
            ),
        })
    }
}

/// The driver, as DRM sees it: the types of its objects, and a name.
struct DumbDriver;

type DumbDevice<Ctx = drm::Normal> = drm::Device<DumbDriver, Ctx>;

#[vtable]
impl drm::Driver for DumbDriver {
    type Data = ();
    type RegistrationData<'a> = ();
    type Object = Object<DumbBuffer>;
    type File = File;
    type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;

    const INFO: drm::DriverInfo = drm::DriverInfo {
        major: 1,
        minor: 0,
        patchlevel: 0,
        name: c"rust-drm-dumb",
        desc: c"Rust DRM dumb buffer sample",
    };

    // No ioctls of its own: those of dumb buffers and of PRIME are DRM's.
    kernel::declare_drm_ioctls! {}
}

/// What the driver keeps for an open file of the device: nothing.
struct File;

impl drm::file::DriverFile for File {
    type Driver = DumbDriver;

    fn open(_device: &DumbDevice) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::new(Self, GFP_KERNEL)?.into())
    }
}

/// The memory of a buffer object.
///
/// It goes when this is dropped, that is with the last reference to the object: its handles are
/// such references, and so are areas that map it and a dma-buf that was made of it.
enum DumbBuffer {
    /// Allocated by us.
    Own(Coherent<[u8]>),
    /// Somebody else's, mapped for our device. Our device cannot be unbound while there are
    /// objects, but most others can: `Devres` would take the mapping down before that.
    Imported(#[expect(dead_code)] Devres<Mapping<Attachment<InDevres>>>),
}

impl gem::DriverObject for DumbBuffer {
    type Driver = DumbDriver;
    type Args = Self;
    const HOOKS: gem::Hooks<Self> = gem::Hooks::NONE.dumb().prime();

    fn new(_dev: &DumbDevice, _size: usize, memory: Self) -> impl PinInit<Self, Error> {
        Ok(memory)
    }
}

impl CoherentOwner for DumbBuffer {
    fn coherent(&self) -> Result<&Coherent<[u8]>> {
        match self {
            Self::Own(memory) => Ok(memory),
            Self::Imported(_) => Err(EINVAL),
        }
    }
}

/// The device that does the DMA: the one that the DRM device sits on. Only a DRM device that is
/// registered right now has one that is bound for sure, and memory and mappings need that.
fn dma_device(dev: &DumbDevice<drm::Registered>) -> &Device<Bound> {
    let parent: &faux::Device<Bound> = dev.as_ref();

    parent.as_ref()
}

impl DumbObject for DumbBuffer {
    // DRM_IOCTL_MODE_CREATE_DUMB. The size is checked: height times pitch fits, in whole pages.
    fn create(dev: &DumbDevice<drm::Registered>, args: &DumbArgs) -> Result<ARef<Object<Self>>> {
        // Contiguous, which for more than a few pages means from the CMA area; without a word in
        // the log when there is not as much, since anybody may ask for anything. Zeroed, because
        // user space will see it. Write-combined, as is best for pixels: the CPU writes them in
        // bulk, and does not read them back.
        let memory = Coherent::zeroed_slice_with_attrs(
            dma_device(dev),
            args.size(),
            GFP_KERNEL | __GFP_NOWARN,
            DMA_ATTR_WRITE_COMBINE | DMA_ATTR_NO_WARN,
        )?;

        Object::new(dev, args.size(), Self::Own(memory))
    }

    // mmap() of the device's one file, at the place that DRM_IOCTL_MODE_MAP_DUMB tells. The memory
    // stays where it is, so that all of it can be mapped at once: no page faults later.
    fn mmap(_obj: &Object<Self>, vma: ObjectVma<'_, Self>) -> Result {
        vma.map_coherent()
    }
}

impl gem::prime::PrimeObject for DumbBuffer {
    // DRM_IOCTL_PRIME_HANDLE_TO_FD. Called once: DRM remembers the dma-buf as long as the object
    // has a handle.
    fn export(obj: &Object<Self>, flags: u32) -> Result<ARef<DmaBuf>> {
        let info = ExportInfo {
            name: c"rust_drm_dumb",
            size: obj.coherent()?.size(),
            flags,
        };
        let data = KBox::new(Shared(obj.into()), GFP_KERNEL)?;

        Ok(Buffer::export(info, data)?.into())
    }

    // DRM_IOCTL_PRIME_FD_TO_HANDLE, for a dma-buf that this file has not seen before.
    fn import(dev: &DumbDevice<drm::Registered>, buf: &DmaBuf) -> Result<ARef<Object<Self>>> {
        // Our own memory coming back: the object is there. To attach to ourselves would do, but
        // the same memory would be two objects, and user space could not tell that it is one.
        let own = Buffer::<Shared>::from_dma_buf(buf).map(|own| &own.data().0);
        if let Some(obj) = own.filter(|obj| obj.belongs_to(dev)) {
            return Ok(obj.clone());
        }

        let parent = dma_device(dev);
        let memory = Mapping::new_devres(buf.into(), parent, DataDirection::Bidirectional)?;
        // Our device has no IOMMU and wants all of a buffer in one piece.
        let address = contiguous_address(memory.access(parent)?, buf.size())?;

        dev_dbg!(parent, "imported {} bytes at {:#x}\n", buf.size(), address);
        Object::new_imported(dev, buf.into(), Self::Imported(memory))
    }
}

/// A dma-buf of ours: it keeps the object, and the object its memory.
struct Shared(ARef<Object<DumbBuffer>>);

impl CoherentOwner for Shared {
    fn coherent(&self) -> Result<&Coherent<[u8]>> {
        self.0.coherent()
    }
}

// There is no `begin_cpu_access` and no `end_cpu_access`: the CPU does not cache this memory, so
// that there is nothing to be flushed when it changes hands. There is no `pin` either, because the
// memory never moves.
#[vtable]
impl Exporter for Shared {
    // Nothing is kept for an attached device: each mapping carries what it needs.
    type Attachment = ();

    // Here an exporter could refuse devices that cannot reach its memory.
    fn attach(_buf: &Buffer<Self>, _dev: &Device) -> Result {
        Ok(())
    }

    // A table of the memory, with addresses for the attached device.
    fn map(attachment: &mut AttachedDevice<'_, Self>, dir: DataDirection) -> Result<MappedTable> {
        attachment.map_coherent(dir)
    }

    fn unmap(attachment: &mut AttachedDevice<'_, Self>, mapping: MappedTable, _dir: DataDirection) {
        attachment.unmap_coherent(mapping);
    }

    // User space maps the dma-buf's own file, so that this has nothing to do with the place in the
    // file of the DRM device.
    fn mmap(buf: &Buffer<Self>, vma: BufferVma<'_>) -> Result {
        buf.mmap_coherent(vma)
    }

    // The kernel has coherent memory mapped all the time.
    fn vmap(buf: &Buffer<Self>) -> Result<VmapAddress> {
        buf.vmap_coherent()
    }

    fn vunmap(_buf: &Buffer<Self>, _addr: VmapAddress) {}

    // The object and its dma-buf are the same memory: they have the same lock and the same fences.
    fn resv(&self) -> Option<&Resv> {
        Some(self.0.resv())
    }
}
