// SPDX-License-Identifier: GPL-2.0

//! One device: its memory, and what works on it.

use super::{
    import::Counters,
    memory::Memory,
    ring::Ring,
    vram::Vram, //
};
use kernel::{
    dma::DmaMask,
    dma_buf::{
        importer::EmulatedDevice,
        JobQueue, //
    },
    prelude::*,
    sync::{
        atomic::Atomic,
        Arc, //
    },
    uapi, //
};

const RINGS: usize = uapi::DRM_GPU_SKETCH_RINGS as usize;

pub(crate) struct Gpu {
    rings: [Arc<Ring>; RINGS],
    queue: Arc<JobQueue>,
    pub(crate) vram: Arc<Vram<Memory>>,
    pub(crate) counters: Arc<Counters>,
}

impl Gpu {
    /// `name` is that of the engine that accesses memory.
    pub(crate) fn new(name: &CStr) -> Result<Arc<Self>> {
        let engine = Arc::new(EmulatedDevice::new(name, DmaMask::new::<64>())?, GFP_KERNEL)?;
        let counters = Arc::new(
            Counters {
                moves: Atomic::new(0),
                told: Atomic::new(0),
                jobs: Atomic::new(0),
                resets: Atomic::new(0),
            },
            GFP_KERNEL,
        )?;
        let queue = Arc::new(JobQueue::new(c"rust-gpu-sketch")?, GFP_KERNEL)?;

        Ok(Arc::new(
            Self {
                rings: [Ring::new(&queue, &counters)?, Ring::new(&queue, &counters)?],
                queue,
                vram: Vram::new(engine)?,
                counters,
            },
            GFP_KERNEL,
        )?)
    }

    pub(crate) fn ring(&self, ring: u32) -> Result<&Arc<Ring>> {
        // CAST: An index is at least as wide.
        self.rings.get(ring as usize).ok_or(EINVAL)
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        // Files may be closed while there are jobs. Jobs that wait for others keep the module, so
        // that all that are left can run.
        self.queue.flush();
    }
}
