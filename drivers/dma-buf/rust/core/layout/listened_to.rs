// SPDX-License-Identifier: GPL-2.0

//! Whether somebody listens to a tracepoint: for what only they need.

/// Makes a function for each event.
macro_rules! listened_to {
    ($($event:ident),* $(,)?) => {$(
        #[inline(always)]
        pub(crate) fn $event() -> bool {
            #[cfg(CONFIG_TRACEPOINTS)]
            // SAFETY: This is the static key of a tracepoint.
            let listened_to = unsafe {
                kernel::macros::paste! {
                    kernel::jump_label::static_branch_unlikely!(
                        kernel::bindings::[< __tracepoint_ $event >],
                        kernel::bindings::tracepoint,
                        key
                    )
                }
            };
            #[cfg(not(CONFIG_TRACEPOINTS))]
            let listened_to = false;

            listened_to
        }
    )*};
}

listened_to! {
    dma_buf_detach,
    dma_buf_dynamic_attach,
    dma_buf_export,
    dma_buf_fd,
    dma_buf_get,
    dma_buf_mmap,
    dma_buf_mmap_internal,
    dma_buf_put,
    dma_fence_wait_end,
    dma_fence_wait_start,
}
