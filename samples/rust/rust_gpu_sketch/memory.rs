// SPDX-License-Identifier: GPL-2.0

//! What objects are made of, and where it is.

use super::{
    import::{
        Counters,
        Import, //
    },
    vram::{
        allocate,
        copy,
        read,
        write,
        Vram,
        BLOCKS,
        BLOCK_SIZE, //
    },
};
use kernel::{
    dma::Coherent,
    dma_buf::{
        importer::{
            KeepsBound,
            Vmap, //
        },
        AfterSignal,
        DmaBuf,
        Exec,
        HasResv,
        Resv,
        ResvGuard,
        Signalling,
        Usage, //
    },
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
};

/// The memory of an object. Jobs keep it, so that an object may go before them.
pub(crate) enum Memory {
    Own(Pin<KBox<Own>>),
    Imported(Import),
}

impl HasResv for Memory {
    fn resv(&self) -> &Resv {
        match self {
            Self::Own(own) => &own.resv,
            Self::Imported(import) => import.buffer().resv(),
        }
    }
}

/// How importers of a buffer of ours are told that it moves.
pub(crate) type Tell = fn(&DmaBuf, &mut ResvGuard<'_>) -> Result;

/// Memory of ours.
///
/// All of it has a place in system memory. What is movable may be in VRAM instead. It moves only
/// with the reservation object held, and waits for all fences there: whoever has the lock, or a
/// fence that is pending, finds it where it is.
#[pin_data(PinnedDrop)]
pub(crate) struct Own {
    #[pin]
    resv: Resv,
    system: Coherent<[u8]>,
    movable: bool,
    /// The block that it is in, or none of a block.
    block: Atomic<usize>,
    /// How many want it to stay where it is.
    pins: Atomic<u32>,
    /// The buffer, and how many devices are attached to it, if any are. With a reference for as
    /// long as the buffer exists, neither would ever go.
    #[pin]
    attached: Mutex<Option<(ARef<DmaBuf>, u32)>>,
    tell: Tell,
    counters: Arc<Counters>,
    vram: Arc<Vram<Memory>>,
}

impl Own {
    pub(crate) fn new(
        vram: &Arc<Vram<Memory>>,
        counters: &Arc<Counters>,
        size: usize,
        movable: bool,
        tell: Tell,
    ) -> Result<Pin<KBox<Self>>> {
        if movable && size != BLOCK_SIZE {
            return Err(EINVAL);
        }
        let system = allocate(vram.device().device(), size)?;

        KBox::pin_init(
            pin_init!(Self {
                resv <- Resv::new(),
                system,
                movable,
                block: Atomic::new(BLOCKS),
                pins: Atomic::new(0),
                attached <- new_mutex!(None),
                tell,
                counters: counters.clone(),
                vram: vram.clone(),
            }),
            GFP_KERNEL,
        )
    }

    fn at(&self, block: usize) -> &Coherent<[u8]> {
        self.vram.memory(block).unwrap_or(&self.system)
    }

    /// Where it is now.
    pub(crate) fn place(&self) -> &Coherent<[u8]> {
        self.at(self.block.load(Relaxed))
    }

    pub(crate) fn is_movable(&self) -> bool {
        self.movable
    }

    pub(crate) fn is_in_vram(&self) -> bool {
        self.block.load(Relaxed) < BLOCKS
    }

    pub(crate) fn is_pinned(&self) -> bool {
        self.pins.load(Relaxed) != 0
    }

    /// The reservation object is held, here and in `unpin`.
    pub(crate) fn pin(&self) {
        self.pins.add(1, Relaxed);
    }

    pub(crate) fn unpin(&self) {
        self.pins.fetch_sub(1, Relaxed);
    }

    /// A device is attached to `buf`, which is the only one of this memory.
    pub(crate) fn attach(&self, buf: &DmaBuf) -> Result {
        let mut attached = self.attached.lock();
        let (known, count) = attached.get_or_insert_with(|| (buf.into(), 0));

        if !core::ptr::eq(&**known, buf) {
            return Err(EBUSY);
        }
        *count += 1;
        Ok(())
    }

    /// It is not any more.
    pub(crate) fn detach(&self) {
        let mut attached = self.attached.lock();
        let last = match &mut *attached {
            Some((_, count)) if *count > 1 => {
                *count -= 1;
                None
            }
            _ => attached.take(),
        };

        drop(attached);
        drop(last);
    }

    /// Moves it, with the reservation object held. Importers have been told. Sleeps until nobody
    /// uses it any more. A signal ends that, and nothing has moved then.
    fn move_to(&self, block: usize) -> Result {
        let before = self.block.load(Relaxed);

        self.resv.wait_interruptible(Usage::Bookkeep)?;
        copy(self.at(before), self.at(block))?;
        self.block.store(block, Relaxed);
        self.vram.free(before);
        self.counters.moves.add(1, Relaxed);
        Ok(())
    }

    /// Moves it out of VRAM, as [`move_to`](Self::move_to).
    pub(crate) fn move_out(&self) -> Result {
        self.move_to(BLOCKS)
    }

    fn tell_importers(&self, mut guard: ResvGuard<'_>) -> Result {
        let attached = self.attached.lock().as_ref().map(|(buf, _)| buf.clone());

        match attached {
            Some(buf) => (self.tell)(&buf, &mut guard),
            None => Ok(()),
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Own {
    fn drop(self: Pin<&mut Self>) {
        self.vram.free(self.block.load(Relaxed));
    }
}

impl Memory {
    /// Fails with `EINVAL` if it is that of others.
    pub(crate) fn own(&self) -> Result<&Own> {
        match self {
            Self::Own(own) => Ok(own),
            Self::Imported(_) => Err(EINVAL),
        }
    }

    /// Nobody has a handle or a buffer of it any more. Jobs may still use it.
    pub(crate) fn forget(this: &Arc<Self>) {
        if let Ok(own) = this.own() {
            own.vram.forget(this);
        }
    }

    /// Has it where a job can use it best, which `exec` has locked.
    pub(crate) fn prepare(this: &Arc<Self>, exec: &mut Exec) -> Result {
        match &**this {
            Self::Imported(import) => import.map(exec.guard(this.resv()).ok_or(EINVAL)?),
            Self::Own(own) if own.is_in_vram() => {
                own.vram.touch(own.block.load(Relaxed));
                Ok(())
            }
            Self::Own(own) if own.movable && !own.is_pinned() => Self::move_in(this, own, exec),
            // A device can use system memory, too.
            Self::Own(_) => Ok(()),
        }
    }

    fn move_in(this: &Arc<Self>, own: &Own, exec: &mut Exec) -> Result {
        let Some(block) = Self::make_room(&own.vram, exec)? else {
            return Ok(());
        };

        own.tell_importers(exec.guard(&own.resv).ok_or(EINVAL)?)
            .and_then(|()| own.move_to(block))
            .inspect_err(|_| own.vram.free(block))?;
        own.vram.settle(block, this.clone());
        Ok(())
    }

    /// A block of VRAM; `None` if all that is there is needed for the job, or has to stay.
    fn make_room(vram: &Vram<Self>, exec: &mut Exec) -> Result<Option<usize>> {
        loop {
            if let Some(block) = vram.take() {
                return Ok(Some(block));
            }
            // Rather one that nobody has locked. Otherwise the oldest, which is waited for. Who has
            // it may wait for one of ours: then the younger of us begins again.
            if !Self::evict_one(vram, exec, false)? && !Self::evict_one(vram, exec, true)? {
                return Ok(vram.take());
            }
        }
    }

    /// Moves the one out that was used first. Returns whether there is one.
    fn evict_one(vram: &Vram<Self>, exec: &mut Exec, wait: bool) -> Result<bool> {
        let mut time = 0;

        while let Some((used, victim)) = vram.next_oldest(time) {
            time = used;
            // The job needs it, too.
            if exec.guard(victim.resv()).is_some() {
                continue;
            }
            match if wait {
                exec.lock(&victim)
            } else {
                exec.try_lock(&victim)
            } {
                Ok(()) => {}
                Err(EBUSY) => continue,
                Err(err) => return Err(err),
            }
            let evicted = victim.evict(exec);
            exec.unlock(victim.resv());
            if evicted? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Moves it out of VRAM, if it is still there and may be moved.
    fn evict(&self, exec: &mut Exec) -> Result<bool> {
        match self {
            Self::Own(own) if own.is_in_vram() && !own.is_pinned() => {
                own.tell_importers(exec.guard(&own.resv).ok_or(EINVAL)?)?;
                own.move_out()?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// The bytes of some memory, for a job. Where they are is only asked when the job runs: as long as
/// its fence is pending they stay there.
pub(crate) enum Bytes {
    Own(Arc<Memory>),
    /// Pinned where it is. To undo that needs the lock.
    Imported(AfterSignal<Vmap>),
}

impl Bytes {
    /// May sleep; the reservation object must not be held.
    pub(crate) fn of(memory: &Arc<Memory>) -> Result<Self> {
        Ok(match &**memory {
            Memory::Own(_) => Self::Own(memory.clone()),
            Memory::Imported(import) => Self::Imported(AfterSignal::new(import.buffer().vmap()?)),
        })
    }

    pub(crate) fn size(&self, signalling: &Signalling) -> Result<usize> {
        Ok(match self {
            Self::Own(memory) => memory.own()?.place().len(),
            Self::Imported(contents) => contents.view(signalling).size(),
        })
    }

    pub(crate) fn read(&self, signalling: &Signalling, offset: usize, to: &mut [u8]) -> Result {
        match self {
            Self::Own(memory) => read(memory.own()?.place(), offset, to),
            Self::Imported(contents) => contents.view(signalling).read(offset, to),
        }
    }

    pub(crate) fn write(&self, signalling: &Signalling, offset: usize, from: &[u8]) -> Result {
        match self {
            Self::Own(memory) => write(memory.own()?.place(), offset, from),
            Self::Imported(contents) => contents.view(signalling).write(offset, from),
        }
    }
}
