// SPDX-License-Identifier: GPL-2.0

//! Teaches lockdep at boot in which order locks are taken around fences, so that it reports whoever
//! breaks the order, on whatever hardware, the first time:
//!
//! the lock of an address space, then reservation objects, then memory reclaim, in which mappings
//! are taken back, MMU notifiers called and fences waited for.

use crate::fence;
use core::ptr;
use kernel::{
    bindings,
    dma_buf::{
        AcquireCtx,
        Resv, //
    },
    mm::MmWithUser,
    prelude::*,
    sync::aref::ARef, //
};

/// Takes each of these locks once. Fails with `ENOMEM`. Called once, at boot.
pub(crate) fn prime() -> Result {
    // SAFETY: Gives a reference, which is ours, or NULL. The type has C's layout.
    let mm: ARef<MmWithUser> = unsafe {
        let mm = ptr::NonNull::new(bindings::mm_alloc()).ok_or(ENOMEM)?;
        ARef::from_raw(mm.cast())
    };
    let resv = KBox::pin_init(Resv::new(), GFP_KERNEL)?;
    let resvs: [&Resv; 1] = [&resv];
    let mut mapping = KBox::<bindings::address_space>::new_uninit(GFP_KERNEL)?;
    let mapping = mapping.as_mut_ptr();
    let ctx = AcquireCtx::new()?;
    // What stands for a call of an MMU notifier, and who makes it.
    #[cfg(CONFIG_MMU_NOTIFIER)]
    let (notifier, ip) = (
        &raw mut bindings::__mmu_notifier_invalidate_range_start_map,
        prime as *const () as usize,
    );

    let _mm_guard = mm.mmap_read_lock();
    let _resv_guard = ctx.lock_all(&resvs)?;

    // SAFETY: The mapping is ours, the notifiers' map lives for ever, and what is acquired is
    // released in reverse order.
    unsafe {
        bindings::address_space_init_once(mapping);

        bindings::fs_reclaim_acquire(bindings::GFP_KERNEL);
        bindings::down_write(&raw mut (*mapping).i_mmap_rwsem);
        bindings::up_write(&raw mut (*mapping).i_mmap_rwsem);
        #[cfg(CONFIG_MMU_NOTIFIER)]
        bindings::lock_acquire(notifier, 0, 0, 0, 1, ptr::null_mut(), ip);
        fence::might_wait();
        #[cfg(CONFIG_MMU_NOTIFIER)]
        bindings::lock_release(notifier, ip);
        bindings::fs_reclaim_release(bindings::GFP_KERNEL);
    }
    Ok(())
}
