// SPDX-License-Identifier: GPL-2.0

//! From what user space wants to a job.

use super::{
    memory::{
        Bytes,
        Memory, //
    },
    ring::{
        Op,
        Ring,
        Waits,
        Work, //
    },
};
use kernel::{
    dma_buf::{
        AcquireCtx,
        ChainLink,
        Fence,
        HasResv,
        SyncFile,
        Usage, //
    },
    drm::{
        self,
        file::DriverFile,
        syncobj::SyncObj, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
};

/// An object that a job uses.
pub(crate) struct Use {
    pub(crate) memory: Arc<Memory>,
    pub(crate) is_written: bool,
}

/// Who gets the fence of a job, besides the objects.
pub(crate) enum Signal {
    Replace(ARef<SyncObj>),
    AddPoint(ARef<SyncObj>, ChainLink, u64),
}

impl Signal {
    /// The object that `handle` stands for, if that is not 0.
    pub(crate) fn find<F: DriverFile>(
        file: &drm::File<F>,
        handle: u32,
        point: u64,
    ) -> Result<Option<Self>> {
        if handle == 0 {
            return Ok(None);
        }
        let syncobj = SyncObj::find(file, handle)?;

        Ok(Some(match point {
            0 => Self::Replace(syncobj),
            _ => Self::AddPoint(syncobj, ChainLink::new(GFP_KERNEL)?, point),
        }))
    }
}

/// What a job is to be.
pub(crate) struct Request<'a> {
    pub(crate) ring: &'a Arc<Ring>,
    pub(crate) op: Op,
    pub(crate) uses: &'a [Use],
    pub(crate) wait_for: &'a [ARef<Fence>],
    pub(crate) signal: Option<Signal>,
    pub(crate) wants_file: bool,
}

impl Request<'_> {
    /// Submits it. Returns the file, if one is wanted.
    ///
    /// First all that can fail, sleep or need memory, as long as nobody knows of the job. From the
    /// moment others can see the fence it must be certain that it will be signalled.
    pub(crate) fn submit(self) -> Result<Option<SyncFile>> {
        let mut bytes = KVec::with_capacity(2, GFP_KERNEL)?;
        for each in self.uses.iter().take(2) {
            bytes.push(Bytes::of(&each.memory)?, GFP_KERNEL)?;
        }
        // Before anything is locked: it goes after all is unlocked.
        let job = Work::new(self.ring, self.op, bytes)?;
        let allocation = self.ring.context.new_fence_allocation(())?;

        // All objects are locked, in whatever order others lock them, and moved to where the job
        // wants them. To make room, others are locked and moved away.
        let mut locked = AcquireCtx::new()?.until_all_locked_interruptible(|exec| {
            for each in self.uses {
                exec.prepare(&each.memory, 1)?;
            }
            self.uses
                .iter()
                .try_for_each(|each| Memory::prepare(&each.memory, exec))
        })?;

        let mut waits = Waits::new();
        for fence in self.wait_for {
            Work::wait_for(&job, fence, &mut waits)?;
        }
        for each in self.uses {
            let mut guard = locked.guard(each.memory.resv()).ok_or(EINVAL)?;

            for fence in guard.fences(Usage::before_access(each.is_written)) {
                Work::wait_for(&job, fence, &mut waits)?;
            }
        }
        // Who submits to the same ring has to wait from here on: jobs run in the order of their
        // fences.
        let mut last = self.ring.last.lock();
        if let Some(fence) = &*last {
            Work::wait_for(&job, fence, &mut waits)?;
        }
        let mut slots = locked.slots()?;

        // The fence is made here because the file wants it. Nobody else has seen it if that fails.
        let fence = allocation.new_fence().detach();
        let file = if self.wants_file {
            match SyncFile::new(fence.as_fence()) {
                Ok(file) => Some(file),
                Err(err) => {
                    fence.signal(Err(err));
                    return Err(err);
                }
            }
        } else {
            None
        };

        // Now it becomes visible, and nothing can fail any more.
        job.publish(fence, |fence| {
            for each in self.uses {
                let usage = if each.is_written {
                    Usage::Write
                } else {
                    Usage::Read
                };
                slots.add(each.memory.resv(), fence, usage);
            }
            match self.signal {
                Some(Signal::Replace(syncobj)) => syncobj.replace_fence(Some(fence)),
                Some(Signal::AddPoint(syncobj, link, point)) => {
                    syncobj.add_point(link, fence.into(), point);
                }
                None => {}
            }
            *last = Some(ARef::from(&**fence));
        });
        // It may be done with before this returns. Then ours is the last reference, and what the
        // job has takes locks when it goes: that is after all is unlocked.
        Work::submit(job.clone(), waits);
        Ok(file)
    }
}
