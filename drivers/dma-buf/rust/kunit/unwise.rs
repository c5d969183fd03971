// SPDX-License-Identifier: GPL-2.0

//! What a driver can do without `unsafe`, and had better not. Nobody else may suffer from it.

use kernel::prelude::*;

#[kunit_tests(rust_dma_buf_unwise)]
mod tests {
    use super::*;
    use crate::{
        exporter::*,
        importing::unlocked, //
    };
    use core::{
        iter,
        mem,
        ptr, //
    };
    use kernel::{
        dma::{
            DataDirection,
            DmaMask, //
        },
        dma_buf::{
            importer::{
                Attachment,
                EmulatedDevice,
                KeepsBound, //
            },
            AcquireCtx,
            AllocEffort,
            DmaBuf,
            PageBlock,
            PageRun,
            PageSource,
            Resv, //
        },
        fs::file::flags::O_RDWR,
        sync::atomic::Relaxed,
    };
    #[cfg(all(MODULE, CONFIG_MODULE_UNLOAD))]
    use {
        crate::mock::Plain,
        kernel::{
            dma_buf::{
                importer::Vmap,
                AfterSignal,
                Fence,
                JobQueue,
                MaySleep,
                Signalling,
                SignallingJob,
                SignallingWork, //
            },
            sync::Arc,
        },
    };

    const DIR: DataDirection = DataDirection::ToDevice;

    // Each test has its own: one that fails leaves the device there.
    fn device(name: &CStr) -> Result<EmulatedDevice> {
        EmulatedDevice::new(name, DmaMask::new::<64>())
    }

    /// A page that is there `shown` times, and `counted` times if one asks how often.
    struct Lying {
        block: PageBlock,
        shown: usize,
        counted: usize,
    }

    #[vtable]
    impl PageSource for Lying {
        fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
            iter::repeat_n(self.block.run(), self.shown)
        }

        fn count(&self) -> Result<usize> {
            Ok(self.counted)
        }
    }

    #[test]
    fn source_that_lies() -> Result {
        let dev = device(c"rust-dma-unwise-lies")?;

        for (shown, counted, result) in [
            (2, 2, None),
            (1, 2, Some(EINVAL)),
            (3, 2, Some(EINVAL)),
            (0, 1, Some(EINVAL)),
        ] {
            let block = PageBlock::alloc(0, AllocEffort::Required, false).ok_or(ENOMEM)?;
            let source = Lying {
                block,
                shown,
                counted,
            };
            let buf = DmaBuf::from_pages(c"lying", O_RDWR, source)?;

            let attachment = Attachment::new(buf, dev.device())?;
            // Once more: what has failed leaves nothing behind.
            assert_eq!(attachment.map_unlocked(DIR).err(), result);
            assert_eq!(attachment.map_unlocked(DIR).err(), result);
        }
        Ok(())
    }

    /// Forgets `value`, and tells kmemleak that this is meant.
    fn forget<T>(value: T) -> Result {
        let value = KBox::new(value, GFP_KERNEL).map(KBox::into_raw)?;

        // SAFETY: The object was allocated just above.
        #[cfg(CONFIG_DEBUG_KMEMLEAK)]
        unsafe {
            kernel::bindings::kmemleak_not_leak(value.cast())
        };
        let _meant = value;
        Ok(())
    }

    #[test]
    fn forgets_mappings() -> Result {
        let (dev, (buf, log)) = (device(c"rust-dma-unwise-mappings")?, moving()?);
        let mut attachment = Attachment::new(buf.into(), dev.device())?;

        // The last of three goes as it should.
        mem::forget(attachment.map_unlocked(DIR)?);
        mem::forget(attachment.lock().map(DIR)?.unlock());
        let mapping = attachment.map_unlocked(DIR)?;
        assert_eq!(log.counts(), [1, 3, 3, 0]);
        drop(mapping);
        assert_eq!(log.counts(), [1, 2, 2, 0]);
        drop(attachment);
        assert_eq!(log.counts(), [0; 4]);
        release_all();
        assert_eq!(log.released.load(Relaxed), 1);

        let buf = pages()?;
        let attachment = Attachment::new(buf.clone(), dev.device())?;
        mem::forget(attachment.map_unlocked(DIR)?);
        mem::forget(attachment.map_unlocked(DIR)?);
        drop(attachment);
        drop(dev);
        // Would synchronise for all who are attached.
        drop(buf.begin_cpu_access(DIR)?);
        Ok(())
    }

    #[test]
    fn forgets_an_attachment() -> Result {
        let (dev, (buf, log)) = (device(c"rust-dma-unwise-attachment")?, moving()?);
        let attachment = Attachment::new(buf.into(), dev.device())?;

        mem::forget(attachment.map_unlocked(DIR)?);
        forget(attachment)?;
        assert_eq!(log.counts(), [1, 1, 1, 0]);
        drop(dev);
        assert_eq!(log.counts(), [0; 4]);
        release_all();
        assert_eq!(log.released.load(Relaxed), 1);

        // So does a mapping that owns its attachment.
        let (dev, (buf, log)) = (device(c"rust-dma-unwise-attachment")?, moving()?);
        forget(Attachment::new(buf.into(), dev.device())?.into_mapping(DIR)?)?;
        assert_eq!(log.counts(), [1, 1, 1, 0]);
        drop(dev);
        assert_eq!(log.counts(), [0; 4]);
        Ok(())
    }

    // On a stack of a few pages there is no room for a function that calls itself as often.
    #[test]
    fn maps_again_and_again() -> Result {
        let (dev, buf) = (device(c"rust-dma-unwise-again")?, pages()?);
        let attachment = Attachment::new(buf.clone(), dev.device())?;
        let mut mappings = KVVec::new();

        for _ in 0..2000 {
            mappings.push(attachment.map_unlocked(DIR)?, GFP_KERNEL)?;
        }
        drop(buf.begin_cpu_access(DIR)?);
        while let Some(mapping) = mappings.pop() {
            assert_eq!(mapping.iter().count(), 2);
            drop(mapping);
            if mappings.len() == 1000 {
                // Neither in the order in which they were made nor in reverse.
                drop(mappings.drain_all());
                drop(attachment.map_unlocked(DIR)?);
            }
        }
        drop(mappings);
        drop(attachment);
        Ok(())
    }

    // With lockdep these would be reported, as they should.
    #[test]
    fn forgets_what_is_locked() -> Result {
        let (buf, log) = moving()?;
        let ctx = AcquireCtx::new;

        if cfg!(CONFIG_LOCKDEP) {
            return Ok(());
        }
        forget(ctx()?.until_all_locked(|exec| exec.lock(&buf))?)?;
        assert!(!unlocked(&buf));
        // An error, and no wait for oneself.
        let again = ctx()?.until_all_locked(|exec| exec.lock(&buf));
        assert_eq!(again.err(), Some(EALREADY));
        drop(buf);
        release_all();
        assert_eq!(log.released.load(Relaxed), 0);
        Ok(())
    }

    /// Who waits for a lock looks at the task that has it, so that has to stay.
    #[test]
    fn forgets_guards() -> Result {
        const EACH: usize = 16;
        // SAFETY: This task is there. Others may have it for a moment, too.
        let users = || unsafe {
            let task = current!().as_ptr();
            ptr::read_volatile(&raw const (*task).usage.refs.counter) as usize
        };
        let before = users();

        if cfg!(CONFIG_LOCKDEP) {
            return Ok(());
        }
        for _ in 0..EACH {
            let (alone, among) = (crate::resv::new()?, crate::resv::new()?);
            let resvs: [&Resv; 1] = [&among];

            mem::forget(alone.lock());
            forget(AcquireCtx::new()?.lock_all(&resvs)?)?;
            assert!(alone.try_lock().is_none() && among.try_lock().is_none());
            forget((alone, among))?;
        }
        // Those who had it before are not as many.
        assert!(users() - before > EACH + EACH / 2);
        Ok(())
    }

    /// What takes the lock when it is cleaned up, in a queue that nobody else has.
    #[cfg(all(MODULE, CONFIG_MODULE_UNLOAD))]
    struct Left(Arc<JobQueue>, AfterSignal<Vmap>);

    #[cfg(all(MODULE, CONFIG_MODULE_UNLOAD))]
    impl SignallingWork for Left {
        type Ops = Plain;

        fn queue(&self) -> &JobQueue {
            &self.0
        }

        fn run(&self, _fence: &Fence, _signalling: &Signalling) -> Result {
            Ok(())
        }

        fn clean_up(&self, may_sleep: &MaySleep) {
            drop(self.1.get(may_sleep).buffer().resv().lock());
        }
    }

    /// What is left of a job, and what drops it, is code of its module.
    #[cfg(all(MODULE, CONFIG_MODULE_UNLOAD))]
    #[test]
    fn leaves_a_job() -> Result {
        let queue = Arc::new(JobQueue::new(c"rust-dma-unwise")?, GFP_KERNEL)?;
        let buf = text(0)?;
        let left = Left(queue.clone(), AfterSignal::new(buf.vmap()?));
        let module = kernel::module::this_module::<crate::Tests>();
        // SAFETY: The module is there, and running.
        let users = || unsafe { kernel::bindings::module_refcount(module.as_ptr()) };

        release_all();
        let (guard, before) = (buf.resv().lock(), users());
        let job = SignallingJob::new(left)?;
        assert_eq!(users(), before + 1);
        job.start();
        assert_eq!(users(), before + 1);
        drop(guard);
        queue.flush();
        assert_eq!(users(), before);
        Ok(())
    }

    #[test]
    fn locks_within_locks() -> Result {
        let (a, b) = (crate::resv::new()?, crate::resv::new()?);
        let ctx = AcquireCtx::new;

        if cfg!(CONFIG_LOCKDEP) {
            return Ok(());
        }
        let alone = a.lock();
        let result = ctx()?.until_all_locked_interruptible(|exec| exec.prepare(&a, 1));
        assert_eq!(result.err(), Some(EALREADY));
        drop(alone);

        let result = ctx()?.until_all_locked(|outer| {
            outer.lock(&a)?;
            ctx()?.until_all_locked(|inner| inner.lock(&a)).map(drop)
        });
        assert_eq!(result.err(), Some(EALREADY));

        let mut locked = ctx()?.until_all_locked(|outer| {
            outer.lock(&a)?;
            let mut inner = ctx()?.until_all_locked(|inner| {
                inner.lock(&b)?;
                mem::swap(outer, inner);
                Ok(())
            })?;
            assert!(inner.guard(&a).is_some() && inner.guard(&b).is_none());
            assert!(outer.guard(&b).is_some() && outer.guard(&a).is_none());
            Ok(())
        })?;
        assert!(locked.guard(&b).is_some());
        assert!(a.try_lock().is_some() && b.try_lock().is_none());
        drop(locked);
        assert!(b.try_lock().is_some());
        Ok(())
    }
}
