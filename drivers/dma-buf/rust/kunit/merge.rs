// SPDX-License-Identifier: GPL-2.0

//! Merging fences.

use kernel::prelude::*;

#[kunit_tests(rust_dma_fence_merge)]
mod tests {
    use crate::mock::*;
    use core::ptr;
    use kernel::{
        dma_buf::{
            ChainLink,
            Fence,
            FenceArray,
            FenceStatus, //
        },
        prelude::*,
        time::{
            Delta,
            Instant, //
        },
    };

    #[test]
    fn nothing() -> Result {
        assert!(Fence::merge(&[])?.is_signaled());
        Ok(())
    }

    #[test]
    fn one() -> Result {
        let owner = fence()?;

        assert!(ptr::eq(
            &*Fence::merge(&[owner.as_fence()])?,
            owner.as_fence()
        ));
        Ok(())
    }

    #[test]
    fn the_same_twice() -> Result {
        let owner = fence()?;
        let fence = owner.as_fence();

        assert!(ptr::eq(&*Fence::merge(&[fence, fence])?, fence));
        Ok(())
    }

    #[test]
    fn the_latest_of_a_context() -> Result {
        let context = context()?;
        let (a, b, c) = (fence_of(&context)?, fence_of(&context)?, fence()?);

        assert!(ptr::eq(
            &*Fence::merge(&[a.as_fence(), b.as_fence()])?,
            b.as_fence()
        ));
        assert!(ptr::eq(
            &*Fence::merge(&[b.as_fence(), a.as_fence()])?,
            b.as_fence()
        ));

        let merged = Fence::merge(&[b.as_fence(), c.as_fence(), a.as_fence()])?;
        let fences = merged.as_array().ok_or(EINVAL)?.fences();
        assert_eq!(fences.len(), 2);
        assert!(fences.iter().any(|fence| ptr::eq(*fence, b.as_fence())));
        assert!(fences.iter().any(|fence| ptr::eq(*fence, c.as_fence())));
        Ok(())
    }

    #[test]
    fn signaled_ones_do_not_count() -> Result {
        let (a, b) = (fence()?, fence()?);
        let signaled = share(&b);

        b.signal(Ok(()));
        let merged = Fence::merge(&[&signaled, a.as_fence(), &Fence::stub()])?;
        assert!(ptr::eq(&*merged, a.as_fence()));
        Ok(())
    }

    #[test]
    fn the_last_timestamp() -> Result {
        let now = Instant::now();
        let late = now + Delta::from_micros(5);
        let early = Fence::private_stub(now)?;
        let merged = Fence::merge(&[&early, &*Fence::private_stub(late)?, &early])?;

        assert_eq!(merged.status(), FenceStatus::Signaled(Ok(())));
        assert!(merged.timestamp().is_some_and(|at| (at - late).is_zero()));
        Ok(())
    }

    #[test]
    fn containers_are_taken_apart() -> Result {
        let owners = fences(4)?;
        let array = FenceArray::new(shares(&owners[..2])?)?;
        let first = ChainLink::new(GFP_KERNEL)?.link(None, array.try_into()?, 1);
        let chain = ChainLink::new(GFP_KERNEL)?.link(Some(first), share(&owners[2]).try_into()?, 2);

        let merged = Fence::merge(&[&chain, owners[3].as_fence(), owners[0].as_fence()])?;
        let fences = merged.as_array().ok_or(EINVAL)?.fences();
        assert_eq!(fences.len(), 4);
        for owner in &owners {
            assert!(fences.iter().any(|fence| ptr::eq(*fence, owner.as_fence())));
        }
        Ok(())
    }

    #[test]
    fn errors() -> Result {
        let (a, b, failed) = (fence()?, fence()?, fence()?);
        let done = share(&failed);

        // What has failed before is not seen any more...
        failed.signal(Err(EIO));
        assert_eq!(
            Fence::merge(&[&done, &done])?.status(),
            FenceStatus::Signaled(Ok(()))
        );
        // ... but what fails afterwards is.
        let merged = Fence::merge(&[a.as_fence(), b.as_fence(), &done])?;
        merged.enable_signaling();
        a.signal(Ok(()));
        b.signal(Err(ETIME));
        merged.wait();
        assert_eq!(merged.status(), FenceStatus::Signaled(Err(ETIME)));
        Ok(())
    }
}
