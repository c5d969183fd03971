// SPDX-License-Identifier: GPL-2.0

//! DRM's synchronisation objects, which are made of fences and chains.

use kernel::prelude::*;

#[kunit_tests(rust_dma_syncobj)]
mod tests {
    use crate::mock::*;
    use kernel::{
        dma_buf::{
            ChainLink,
            Fence,
            FenceChain,
            FenceStatus, //
        },
        drm::syncobj::SyncObj,
        prelude::*,
        sync::aref::ARef,
    };

    fn add(timeline: &SyncObj, owner: &PlainFence, point: u64) -> Result {
        timeline.add_point(ChainLink::new(GFP_KERNEL)?, share(owner).try_into()?, point);
        Ok(())
    }

    /// The fence of a point; `None` if it was reached.
    fn find(timeline: &SyncObj, point: u64) -> Result<Option<ARef<Fence>>> {
        FenceChain::find_seqno(timeline.fence().ok_or(ENOENT)?, point)
    }

    #[test]
    fn begins_with() -> Result {
        assert!(SyncObj::new(None)?.fence().is_none());

        let owner = fence()?;
        let syncobj = SyncObj::new(Some(owner.as_fence()))?;
        let found = syncobj.fence().ok_or(ENOENT)?;
        assert!(core::ptr::eq(&*found, owner.as_fence()));

        // What was found stays when the object goes.
        drop(syncobj);
        owner.signal(Ok(()));
        assert!(found.is_signaled());
        Ok(())
    }

    #[test]
    fn replaces() -> Result {
        let owners = fences(2)?;
        let syncobj = SyncObj::new(None)?;
        let again = syncobj.clone();

        for owner in &owners {
            syncobj.replace_fence(Some(owner.as_fence()));
            let found = again.fence().ok_or(ENOENT)?;
            assert!(core::ptr::eq(&*found, owner.as_fence()));
        }
        // By itself.
        syncobj.replace_fence(again.fence().as_deref());
        assert!(again.fence().is_some());
        syncobj.replace_fence(None);
        assert!(again.fence().is_none());
        drop(owners);
        Ok(())
    }

    #[test]
    fn adds_points() -> Result {
        let mut owners = fences(3)?;
        let timeline = SyncObj::new(None)?;

        for (owner, point) in owners.iter().zip([10, 20, 30]) {
            add(&timeline, owner, point)?;
        }
        let head = timeline.fence().ok_or(ENOENT)?;
        assert!(head.is_chain());
        assert_eq!(head.seqno(), 30);
        // Those in between have the next that there is.
        for (point, seqno) in [(1, 10), (10, 10), (11, 20), (30, 30)] {
            let found = find(&timeline, point)?.ok_or(ENOENT)?;
            assert_eq!(found.seqno(), seqno);
        }
        assert_eq!(find(&timeline, 31).err(), Some(EINVAL));

        owners.remove(0).map_err(|_| EINVAL)?.signal(Ok(()));
        assert!(find(&timeline, 10)?.is_none_or(|fence| fence.is_signaled()));
        assert!(find(&timeline, 11)?.is_some_and(|fence| !fence.is_signaled()));
        for owner in owners {
            owner.signal(Ok(()));
        }
        assert!(head.is_signaled());
        Ok(())
    }

    #[test]
    fn adds_points_out_of_order() -> Result {
        let owners = fences(2)?;
        let timeline = SyncObj::new(None)?;

        add(&timeline, owners.first().ok_or(EINVAL)?, 5)?;
        let before = timeline.fence().ok_or(ENOENT)?;
        add(&timeline, owners.last().ok_or(EINVAL)?, 5)?;
        let head = timeline.fence().ok_or(ENOENT)?;
        assert!(head.context() != before.context());

        for owner in owners {
            assert!(!head.is_signaled());
            owner.signal(Err(EIO));
        }
        assert!(head.is_signaled());
        Ok(())
    }

    #[test]
    fn points_before_a_plain_fence() -> Result {
        let owners = fences(2)?;
        let syncobj = SyncObj::new(owners.first().map(|owner| owner.as_fence()))?;

        // The plain one is waited for, too.
        add(&syncobj, owners.last().ok_or(EINVAL)?, 1)?;
        let head = syncobj.fence().ok_or(ENOENT)?;
        for owner in owners {
            assert_eq!(head.status(), FenceStatus::Pending);
            owner.signal(Ok(()));
        }
        assert_eq!(head.status(), FenceStatus::Signaled(Ok(())));
        Ok(())
    }

    #[test]
    fn many_points() -> Result {
        let timeline = SyncObj::new(None)?;
        let owner = fence()?;

        for point in 1..=10_000 {
            add(&timeline, &owner, point)?;
        }
        // All at once, and nothing nests.
        timeline.replace_fence(None);
        owner.signal(Ok(()));
        Ok(())
    }
}
