// SPDX-License-Identifier: GPL-2.0

//! What C calls for reservation objects.
//!
//! Each function is documented where it is declared, in
//! [`include/linux/dma-resv.h`](srctree/include/linux/dma-resv.h). A [`Sure`] stands for "the lock
//! is held", a [`Cursor`] for an iterator that has begun.

use super::{
    entry::Usage,
    iter::{
        Cursor,
        Object, //
    },
    layout::{
        Held,
        Sure, //
    },
    list,
    read, //
};
use crate::fence::wait::Sleep;
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings::{
        self,
        dma_fence,
        dma_resv,
        dma_resv_iter,
        ktime_t, //
    },
    dma_buf::{
        Fence,
        Resv, //
    },
    interop::export::{
        IntoC,
        Out,
        Wrapper, //
    },
    prelude::*,
    seq_file::SeqFile, //
};

// SAFETY: The layouts are the same, which is checked there.
unsafe impl<O: Object> Wrapper for Cursor<O> {
    type C = dma_resv_iter;
}

kernel::exports! {
    fn dma_resv_init(obj: NonNull<dma_resv>) {
        let obj = obj.as_ptr();

        // SAFETY: There is memory for an object, which nobody else accesses.
        unsafe {
            bindings::ww_mutex_init(&raw mut (*obj).lock, &raw mut bindings::reservation_ww_class);
            // MODEL: none, because nobody else has the object.
            (*obj).fences = ptr::null_mut();
        }
    }

    fn dma_resv_fini(obj: &mut Resv) {
        list::clear(obj);
        // SAFETY: Nobody uses the object any more, so that there is nobody to lock out.
        unsafe { bindings::ww_mutex_destroy(&raw mut (*obj.as_raw()).lock) };
    }

    fn dma_resv_reserve_fences(obj: Sure<'_, Resv>, num_fences: c_uint) -> Result {
        obj.get().reserve(num_fences)
    }

    #[cfg(CONFIG_DEBUG_MUTEXES)]
    fn dma_resv_reset_max_fences(obj: Sure<'_, Resv>) {
        obj.get().reset_limit();
    }

    fn dma_resv_add_fence(obj: Sure<'_, Resv>, fence: &Fence, usage: Usage) {
        obj.get().add(fence, usage);
    }

    fn dma_resv_replace_fences(obj: Sure<'_, Resv>, context: u64, fence: &Fence, usage: Usage) {
        obj.get().replace(context, fence, usage);
    }

    fn dma_resv_iter_first_unlocked(cursor: &mut Cursor<&Resv>) -> *mut dma_fence {
        cursor.first_unlocked().into_c()
    }

    fn dma_resv_iter_next_unlocked(cursor: &mut Cursor<&Resv>) -> *mut dma_fence {
        cursor.next_unlocked().into_c()
    }

    fn dma_resv_iter_first(cursor: &mut Cursor<Held<'_>>) -> *mut dma_fence {
        cursor.first().into_c()
    }

    fn dma_resv_iter_next(cursor: &mut Cursor<Held<'_>>) -> *mut dma_fence {
        cursor.next().into_c()
    }

    fn dma_resv_copy_fences(dst: Sure<'_, Resv>, src: &Resv) -> Result {
        dst.get().copy_from(src)
    }

    // The caller gets the references, and the memory that they are in.
    fn dma_resv_get_fences(
        obj: &Resv,
        usage: Usage,
        num_fences: Out<'_, c_uint>,
        fences: Out<'_, *mut *mut dma_fence>,
    ) -> Result {
        let (status, (array, count)) = read::fences_as_c(obj, usage);

        fences.put(array);
        num_fences.put(count as c_uint);
        status
    }

    fn dma_resv_get_singleton(
        obj: &Resv,
        usage: Usage,
        fence: Out<'_, *mut dma_fence>,
    ) -> Result {
        fence.put(read::singleton(obj, usage)?.into_c());
        Ok(())
    }

    fn dma_resv_wait_timeout(
        obj: &Resv,
        usage: Usage,
        intr: bool,
        timeout: c_ulong,
    ) -> Result<c_long> {
        read::wait(obj, usage, Sleep::new(intr), timeout as c_long)
    }

    fn dma_resv_set_deadline(obj: &Resv, usage: Usage, deadline: ktime_t) {
        read::set_deadline(obj, usage, deadline);
    }

    fn dma_resv_test_signaled(obj: &Resv, usage: Usage) -> bool {
        read::is_signaled(obj, usage)
    }

    fn dma_resv_describe(obj: Sure<'_, Resv>, seq: &SeqFile) {
        obj.get().describe(seq);
    }
}
