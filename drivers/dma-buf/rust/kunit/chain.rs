// SPDX-License-Identifier: GPL-2.0

//! Chains of fences.

use kernel::prelude::*;

#[kunit_tests(rust_dma_fence_chain)]
mod tests {
    use crate::mock::*;
    use kernel::{
        dma_buf::{
            ChainLink,
            ChainMember,
            Fence,
            FenceChain,
            FenceStatus,
            WaitResult, //
        },
        prelude::*,
        sync::aref::ARef,
        time::msecs_to_jiffies,
    };

    /// A chain of `owners`, with their places, from one, as numbers.
    fn chain(owners: &[PlainFence]) -> Result<ARef<Fence>> {
        let mut head = None;

        for (seqno, owner) in (1..).zip(owners) {
            let link = ChainLink::new(GFP_KERNEL)?;
            head = Some(link.link(head, share(owner).try_into()?, seqno));
        }
        head.ok_or(EINVAL)
    }

    /// A chain of `length` links that all have the same fence.
    fn long_chain(fence: &ARef<Fence>, length: u64) -> Result<ARef<Fence>> {
        let mut head = None;

        for seqno in 1..=length {
            let link = ChainLink::new(GFP_KERNEL)?;
            head = Some(link.link(head, fence.clone().try_into()?, seqno));
        }
        head.ok_or(EINVAL)
    }

    #[test]
    fn members() -> Result {
        let owners = fences(3)?;
        let head = chain(&owners)?;

        assert!(head.is_chain() && head.is_container() && !head.is_array());
        assert_eq!(head.seqno(), 3);
        // A chain is no member of a chain.
        assert!(ChainMember::try_from(head.clone()).is_err());

        let mut seqno = 3;
        for link in FenceChain::walk(head.clone()) {
            let link = link.as_chain().ok_or(EINVAL)?;
            assert_eq!(link.seqno(), seqno);
            assert_eq!(link.context(), head.context());
            seqno -= 1;
            assert!(core::ptr::eq(
                link.member(),
                owners[seqno as usize].as_fence()
            ));
        }
        assert_eq!(seqno, 0);
        assert_eq!(head.unwrap().count(), 3);
        Ok(())
    }

    #[test]
    fn going_back_begins_a_context() -> Result {
        let owners = fences(2)?;
        let first = ChainLink::new(GFP_KERNEL)?.link(None, share(&owners[0]).try_into()?, 5);
        let second =
            ChainLink::new(GFP_KERNEL)?.link(Some(first.clone()), share(&owners[1]).try_into()?, 4);

        assert!(first.context() != second.context());
        assert_eq!(second.seqno(), 5);
        Ok(())
    }

    #[test]
    fn waits_for_all() -> Result {
        let mut owners = fences(3)?;
        let head = chain(&owners)?;

        owners.remove(1).map_err(|_| EINVAL)?.signal(Ok(()));
        assert_eq!(head.wait_timeout(0), WaitResult::TimedOut);
        owners.pop().ok_or(EINVAL)?.signal(Ok(()));
        assert_eq!(head.wait_timeout(0), WaitResult::TimedOut);
        owners.pop().ok_or(EINVAL)?.signal(Ok(()));
        head.wait();
        assert!(head.is_signaled());
        Ok(())
    }

    #[test]
    fn errors_stay_with_the_member() -> Result {
        let owner = fence()?;
        let head = ChainLink::new(GFP_KERNEL)?.link(None, share(&owner).try_into()?, 1);

        owner.signal(Err(EIO));
        head.wait();
        assert_eq!(head.status(), FenceStatus::Signaled(Ok(())));
        assert_eq!(
            head.as_chain().ok_or(EINVAL)?.member().status(),
            FenceStatus::Signaled(Err(EIO))
        );
        Ok(())
    }

    #[test]
    fn walking_takes_out_what_is_signaled() -> Result {
        let mut owners = fences(4)?;
        let head = chain(&owners)?;
        let count = || FenceChain::walk(head.clone()).count();

        assert_eq!(count(), 4);
        owners.remove(1).map_err(|_| EINVAL)?.signal(Ok(()));
        assert_eq!(count(), 3);
        owners.remove(0).map_err(|_| EINVAL)?.signal(Ok(()));
        assert_eq!(count(), 2);
        drop(owners);
        // The head is where one begins.
        assert_eq!(count(), 1);
        Ok(())
    }

    #[test]
    fn finds_points() -> Result {
        let mut owners = fences(3)?;
        let head = chain(&owners)?;
        let find = |seqno| -> Result<Option<u64>> {
            let fence = FenceChain::find_seqno(head.clone(), seqno)?;
            Ok(fence.map(|fence| fence.seqno()))
        };

        assert_eq!(find(0), Ok(Some(3)));
        for seqno in 1..=3 {
            assert_eq!(find(seqno), Ok(Some(seqno)));
        }
        assert_eq!(find(4), Err(EINVAL));
        assert_eq!(FenceChain::find_seqno(Fence::stub(), 1).err(), Some(EINVAL));

        // Without the second one its point is reached together with the first one.
        owners.remove(1).map_err(|_| EINVAL)?.signal(Ok(()));
        assert_eq!(find(2), Ok(Some(1)));
        assert_eq!(find(1), Ok(Some(1)));
        assert_eq!(find(3), Ok(Some(3)));
        owners.remove(0).map_err(|_| EINVAL)?.signal(Ok(()));
        assert_eq!(find(2), Ok(None));
        assert_eq!(find(3), Ok(Some(3)));
        Ok(())
    }

    /// Must not recurse: not even a link's frame of a few words would fit the stack so often.
    #[test]
    fn long_chain_is_dropped() -> Result {
        drop(long_chain(&Fence::stub(), 1_000)?);
        drop(long_chain(&share(&fence()?), 100_000)?);
        Ok(())
    }

    #[test]
    fn long_chain_is_signaled() -> Result {
        let owner = fence()?;
        let head = long_chain(&share(&owner), 1_000)?;

        head.enable_signaling();
        owner.signal(Ok(()));
        assert!(matches!(
            head.wait_timeout(msecs_to_jiffies(60_000)),
            WaitResult::Done { .. }
        ));
        Ok(())
    }

    /// Somebody holds on to the middle of a chain whose ends are dropped.
    #[test]
    fn long_chain_in_parts() -> Result {
        let owner = fence()?;
        let head = long_chain(&share(&owner), 1_000)?;
        let middle = FenceChain::find_seqno(head.clone(), 500)?.ok_or(EINVAL)?;

        drop(head);
        assert_eq!(middle.seqno(), 500);
        assert_eq!(FenceChain::walk(middle).count(), 500);
        Ok(())
    }
}
