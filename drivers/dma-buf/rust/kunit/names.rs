// SPDX-License-Identifier: GPL-2.0

//! What a fence is called.

use kernel::prelude::*;

#[kunit_tests(rust_dma_fence_names)]
mod tests {
    use crate::{
        mock::*,
        text::written, //
    };
    use kernel::{
        dma_buf::Fence,
        prelude::*,
        str::CString,
        sync::rcu, //
    };

    #[test]
    fn names() -> Result {
        let owner = fence()?;
        let fence = share(&owner);
        let guard = rcu::read_lock();

        assert!(fence.driver_name(&guard) == DRIVER_NAME);
        assert!(fence.timeline_name(&guard) == TIMELINE_NAME);
        owner.signal(Ok(()));
        assert!(fence.driver_name(&guard) == c"detached-driver");
        assert!(fence.timeline_name(&guard) == c"signaled-timeline");
        Ok(())
    }

    #[test]
    fn describe() -> Result {
        let owner = fence()?;
        let fence = share(&owner);
        // `u64` divides to be printed, which a 32-bit kernel does not do for Rust.
        let (context, seqno) = (fence.context() as u32, fence.seqno() as u32);

        let pending = CString::try_from_fmt(fmt!(
            "{context}:{seqno} mock-timeline mock-driver unsignalled\n"
        ))?;
        assert!(*written(|m| fence.describe(m))? == *pending.to_bytes());

        owner.signal(Ok(()));
        let signaled = CString::try_from_fmt(fmt!("{context}:{seqno}   signalled\n"))?;
        assert!(*written(|m| fence.describe(m))? == *signaled.to_bytes());

        assert!(*written(|m| Fence::stub().describe(m))? == *b"0:0   signalled\n");
        Ok(())
    }
}
