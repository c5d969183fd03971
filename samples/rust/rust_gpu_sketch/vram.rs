// SPDX-License-Identifier: GPL-2.0

//! Memory of the device's own, of which there is never enough.
//!
//! It consists of blocks, and knows who is in them and who was used last. Who moves out is for
//! [`memory`](super::memory) to say.

use kernel::{
    device::{
        Bound,
        Device, //
    },
    dma::{
        attrs::DMA_ATTR_NO_WARN,
        Coherent, //
    },
    dma_buf::importer::{
        EmulatedDevice,
        KeepsBound, //
    },
    io::{
        io_project,
        Io, //
    },
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};

pub(crate) const BLOCK_SIZE: usize = kernel::uapi::DRM_GPU_SKETCH_VRAM_OBJECT as usize;
pub(crate) const BLOCKS: usize = kernel::uapi::DRM_GPU_SKETCH_VRAM_SIZE as usize / BLOCK_SIZE;

/// Memory that device and CPU see in the same way. Without a word in the log when there is not as
/// much, since user space may ask for anything.
pub(crate) fn allocate(dev: &Device<Bound>, size: usize) -> Result<Coherent<[u8]>> {
    Coherent::zeroed_slice_with_attrs(dev, size, GFP_KERNEL | __GFP_NOWARN, DMA_ATTR_NO_WARN)
}

/// How much is copied at a time, by way of the stack.
pub(crate) const PART: usize = 1024;

pub(crate) fn copy(from: &Coherent<[u8]>, to: &Coherent<[u8]>) -> Result {
    let mut part = [0; PART];

    for offset in (0..from.len().min(to.len())).step_by(PART) {
        let part = part
            .get_mut(..PART.min(from.len() - offset))
            .ok_or(EINVAL)?;

        read(from, offset, part)?;
        write(to, offset, part)?;
    }
    Ok(())
}

pub(crate) fn read(from: &Coherent<[u8]>, offset: usize, to: &mut [u8]) -> Result {
    io_project!(from, [try: offset..offset + to.len()]).copy_to_slice(to);
    Ok(())
}

pub(crate) fn write(to: &Coherent<[u8]>, offset: usize, from: &[u8]) -> Result {
    io_project!(to, [try: offset..offset + from.len()]).copy_from_slice(from);
    Ok(())
}

struct Block<M> {
    is_free: bool,
    /// Who can be moved out.
    resident: Option<Arc<M>>,
    /// When it was used, by the clock of the state.
    used: u64,
}

struct State<M> {
    blocks: [Block<M>; BLOCKS],
    clock: u64,
}

impl<M> State<M> {
    fn used(&mut self, block: usize) -> Option<&mut Block<M>> {
        self.clock += 1;
        let block = self.blocks.get_mut(block)?;

        block.used = self.clock;
        Some(block)
    }
}

/// The blocks. A number that is none of a block stands for memory elsewhere.
#[pin_data]
pub(crate) struct Vram<M: Send + Sync> {
    memory: KVec<Coherent<[u8]>>,
    #[pin]
    state: Mutex<State<M>>,
    /// Dropped after the memory that was allocated for it.
    dev: Arc<EmulatedDevice>,
}

impl<M: Send + Sync> Vram<M> {
    pub(crate) fn new(dev: Arc<EmulatedDevice>) -> Result<Arc<Self>> {
        let mut memory = KVec::with_capacity(BLOCKS, GFP_KERNEL)?;

        for _ in 0..BLOCKS {
            memory.push(allocate(dev.device(), BLOCK_SIZE)?, GFP_KERNEL)?;
        }
        let blocks = [const {
            Block {
                is_free: true,
                resident: None,
                used: 0,
            }
        }; BLOCKS];

        Arc::pin_init(
            pin_init!(Self {
                memory,
                state <- new_mutex!(State { blocks, clock: 0 }),
                dev,
            }),
            GFP_KERNEL,
        )
    }

    /// The device that memory is for.
    pub(crate) fn device(&self) -> &Arc<EmulatedDevice> {
        &self.dev
    }

    pub(crate) fn memory(&self, block: usize) -> Option<&Coherent<[u8]>> {
        self.memory.get(block)
    }

    /// A free block, if there is one. Nobody can be moved out of it before it is settled.
    pub(crate) fn take(&self) -> Option<usize> {
        let mut state = self.state.lock();
        let (number, block) = (0..)
            .zip(&mut state.blocks)
            .find(|(_, block)| block.is_free)?;

        block.is_free = false;
        Some(number)
    }

    /// Says who is in a block that was taken, and was used just now.
    pub(crate) fn settle(&self, block: usize, resident: Arc<M>) {
        if let Some(block) = self.state.lock().used(block) {
            block.resident = Some(resident);
        }
    }

    /// The block was used just now.
    pub(crate) fn touch(&self, block: usize) {
        self.state.lock().used(block);
    }

    /// Gives a block back, which nobody uses any more.
    pub(crate) fn free(&self, block: usize) {
        let mut state = self.state.lock();
        let resident = state.used(block).and_then(|block| {
            block.is_free = true;
            block.resident.take()
        });

        // What goes with it wants to lock this.
        drop(state);
        drop(resident);
    }

    /// Forgets somebody, who is to go: his block is not free before.
    pub(crate) fn forget(&self, who: &Arc<M>) {
        let mut state = self.state.lock();
        let resident = state.blocks.iter_mut().find_map(|block| {
            block
                .resident
                .take_if(|resident| Arc::ptr_eq(resident, who))
        });

        drop(state);
        drop(resident);
    }

    /// Of those that were used after `time` the one that was used first, and when that was.
    pub(crate) fn next_oldest(&self, time: u64) -> Option<(u64, Arc<M>)> {
        let state = self.state.lock();

        state
            .blocks
            .iter()
            .filter(|block| block.used > time)
            .filter_map(|block| Some((block.used, block.resident.clone()?)))
            .min_by_key(|(used, _)| *used)
    }
}
