// SPDX-License-Identifier: GPL-2.0

//! The driver, as DRM sees it: its objects, what it exports and imports, its ioctls.

use super::{
    exporter::Shared,
    gpu::Gpu,
    import::Import,
    memory::{
        Memory,
        Own, //
    },
    ring::Op,
    submit::{
        Request,
        Signal,
        Use, //
    },
};
use kernel::{
    device,
    dma::{
        Coherent,
        CoherentOwner, //
    },
    dma_buf::{
        DmaBuf,
        SyncFile,
        UserVec, //
    },
    drm::{
        self,
        gem::{
            self,
            dumb::{
                DumbArgs,
                DumbObject,
                ObjectVma, //
            },
            prime::PrimeObject,
            BaseObject,
            Object, //
        },
        ioctl,
        syncobj::SyncObj, //
    },
    faux,
    fs::file::{
        flags,
        FileDescriptorReservation, //
    },
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Relaxed,
        Arc, //
    },
    uapi, //
};

fn allocate(dev: &GpuDevice, gpu: &Gpu, size: usize, movable: bool) -> Result<ARef<Object<Gem>>> {
    let own = Own::new(
        &gpu.vram,
        &gpu.counters,
        size,
        movable,
        SharedGem::tell_importers,
    )?;
    let memory = Arc::new(Memory::Own(own), GFP_KERNEL)?;

    Object::new(dev, size, Gem(memory))
}

pub(crate) struct Driver;

type GpuDevice<Ctx = drm::Normal> = drm::Device<Driver, Ctx>;

#[vtable]
impl drm::Driver for Driver {
    type Data = ();
    type RegistrationData<'a> = Arc<Gpu>;
    type Object = Object<Gem>;
    type File = File;
    type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;

    const INFO: drm::DriverInfo = drm::DriverInfo {
        major: 1,
        minor: 0,
        patchlevel: 0,
        name: c"rust-gpu-sketch",
        desc: c"Rust sample: a sketch of a GPU",
    };
    const FEAT_SYNCOBJ: bool = true;
    const FEAT_SYNCOBJ_TIMELINE: bool = true;

    kernel::declare_drm_ioctls! {
        (GPU_SKETCH_CREATE, drm_gpu_sketch_create, ioctl::AUTH, File::create),
        (GPU_SKETCH_SUBMIT, drm_gpu_sketch_submit, ioctl::AUTH, File::submit),
        (GPU_SKETCH_RESET, drm_gpu_sketch_reset, ioctl::AUTH, File::reset),
        (GPU_SKETCH_INFO, drm_gpu_sketch_info, ioctl::AUTH, File::info),
    }
}

/// An open file of the device. Closing it stops no job.
pub(crate) struct File;

type DrmFile = drm::File<File>;

impl drm::file::DriverFile for File {
    type Driver = Driver;

    fn open(_dev: &GpuDevice) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::new(Self, GFP_KERNEL)?.into())
    }
}

impl File {
    fn create(
        dev: &GpuDevice<drm::Registered>,
        gpu: &Arc<Gpu>,
        args: &mut uapi::drm_gpu_sketch_create,
        file: &DrmFile,
    ) -> Result<u32> {
        let movable = match args.flags {
            0 => false,
            uapi::DRM_GPU_SKETCH_CREATE_VRAM => true,
            _ => return Err(EINVAL),
        };
        let size = usize::try_from(args.size).map_err(|_| EINVAL)?;

        if size == 0 || size % PAGE_SIZE != 0 {
            return Err(EINVAL);
        }
        args.handle = allocate(dev, gpu, size, movable)?.create_handle(file)?;
        Ok(0)
    }

    fn submit(
        _dev: &GpuDevice<drm::Registered>,
        gpu: &Arc<Gpu>,
        args: &mut uapi::drm_gpu_sketch_submit,
        file: &DrmFile,
    ) -> Result<u32> {
        const FLAGS: u32 =
            uapi::DRM_GPU_SKETCH_SUBMIT_IN_FENCE | uapi::DRM_GPU_SKETCH_SUBMIT_OUT_FENCE;

        if args.flags & !FLAGS != 0
            || args.reserved != 0
            || args.object_count > uapi::DRM_GPU_SKETCH_MAX_OBJECTS
        {
            return Err(EINVAL);
        }
        let op = match args.op {
            uapi::drm_gpu_sketch_op_DRM_GPU_SKETCH_NOP => Op::Nop,
            uapi::drm_gpu_sketch_op_DRM_GPU_SKETCH_FILL => Op::Fill(args.value),
            uapi::drm_gpu_sketch_op_DRM_GPU_SKETCH_COPY => Op::Copy,
            uapi::drm_gpu_sketch_op_DRM_GPU_SKETCH_HANG => Op::Hang,
            _ => return Err(EINVAL),
        };

        let list = UserPtr::from_addr(usize::try_from(args.objects).map_err(|_| EFAULT)?);
        // `struct drm_gpu_sketch_object`: a handle, and flags.
        let list = UserVec::<[u32; 2]>::copy(list, args.object_count as usize)?;
        // The objects stay until the job is submitted: nobody forgets their memory meanwhile.
        let mut objects = KVec::with_capacity(list.len(), GFP_KERNEL)?;
        let mut uses = KVec::with_capacity(list.len(), GFP_KERNEL)?;
        for &[handle, flags] in list.iter() {
            if flags & !uapi::DRM_GPU_SKETCH_OBJECT_WRITE != 0 {
                return Err(EINVAL);
            }
            let object = Object::<Gem>::lookup_handle(file, handle)?;
            let each = Use {
                memory: object.0.clone(),
                is_written: flags != 0,
            };
            uses.push(each, GFP_KERNEL)?;
            objects.push(object, GFP_KERNEL)?;
        }
        // What is written to has to be announced.
        let (first, needed) = (uses.first(), op.objects());
        if uses.len() < needed || needed > 0 && !first.is_some_and(|each| each.is_written) {
            return Err(EINVAL);
        }

        let mut wait_for = KVec::new();
        if args.flags & uapi::DRM_GPU_SKETCH_SUBMIT_IN_FENCE != 0 {
            wait_for.push(SyncFile::fence_from_fd(args.in_fence)?, GFP_KERNEL)?;
        }
        if args.in_syncobj != 0 {
            let fence = SyncObj::find_fence(file, args.in_syncobj, args.in_point)?;
            wait_for.push(fence, GFP_KERNEL)?;
        }
        let fd = match args.flags & uapi::DRM_GPU_SKETCH_SUBMIT_OUT_FENCE {
            0 => None,
            _ => Some(FileDescriptorReservation::get_unused_fd_flags(
                flags::O_CLOEXEC,
            )?),
        };

        let request = Request {
            ring: gpu.ring(args.ring)?,
            op,
            uses: &uses,
            wait_for: &wait_for,
            signal: Signal::find(file, args.out_syncobj, args.out_point)?,
            wants_file: fd.is_some(),
        };
        if let (Some(file), Some(fd)) = (request.submit()?, fd) {
            args.out_fence = fd.reserved_fd() as i32;
            fd.fd_install(file.into_file());
        }
        Ok(0)
    }

    fn reset(
        _dev: &GpuDevice<drm::Registered>,
        gpu: &Arc<Gpu>,
        args: &mut uapi::drm_gpu_sketch_reset,
        _file: &DrmFile,
    ) -> Result<u32> {
        args.was_busy = gpu.ring(args.ring)?.reset().into();
        Ok(0)
    }

    fn info(
        _dev: &GpuDevice<drm::Registered>,
        gpu: &Arc<Gpu>,
        args: &mut uapi::drm_gpu_sketch_info,
        _file: &DrmFile,
    ) -> Result<u32> {
        args.moves = gpu.counters.moves.load(Relaxed);
        args.told = gpu.counters.told.load(Relaxed);
        args.jobs = gpu.counters.jobs.load(Relaxed);
        args.resets = gpu.counters.resets.load(Relaxed);
        Ok(0)
    }
}

/// What is ours of an object.
pub(crate) struct Gem(Arc<Memory>);

type SharedGem = Shared<ARef<Object<Gem>>>;

impl Drop for Gem {
    fn drop(&mut self) {
        Memory::forget(&self.0);
    }
}

impl CoherentOwner for Gem {
    fn coherent(&self) -> Result<&Coherent<[u8]>> {
        Ok(self.0.own()?.place())
    }
}

impl gem::DriverObject for Gem {
    type Driver = Driver;
    type Args = Self;
    const HOOKS: gem::Hooks<Self> = gem::Hooks::NONE.dumb().prime();

    fn new(_dev: &GpuDevice, _size: usize, gem: Self) -> impl PinInit<Self, Error> {
        Ok(gem)
    }
}

impl DumbObject for Gem {
    fn create(dev: &GpuDevice<drm::Registered>, args: &DumbArgs) -> Result<ARef<Object<Self>>> {
        dev.registration_data_with(|gpu| allocate(dev, gpu, args.size(), false))
    }

    fn mmap(obj: &Object<Self>, vma: ObjectVma<'_, Self>) -> Result {
        // It would have to be taken away from those who have it mapped.
        if obj.0.own()?.is_movable() {
            return Err(EINVAL);
        }
        vma.map_coherent()
    }
}

impl PrimeObject for Gem {
    fn export(obj: &Object<Self>, flags: u32) -> Result<ARef<DmaBuf>> {
        Shared::export(&obj.0, ARef::from(obj), flags)
    }

    fn import(dev: &GpuDevice<drm::Registered>, buf: &DmaBuf) -> Result<ARef<Object<Self>>> {
        // Our own memory comes back as the object that it is.
        if let Some(obj) = SharedGem::object(buf).filter(|obj| obj.belongs_to(dev)) {
            return Ok(obj.clone());
        }
        dev.registration_data_with(|gpu| {
            let import = Import::new(buf, gpu.vram.device(), &gpu.counters)?;
            let memory = Arc::new(Memory::Imported(import), GFP_KERNEL)?;

            Object::new_imported(dev, buf.into(), Self(memory))
        })
    }
}
