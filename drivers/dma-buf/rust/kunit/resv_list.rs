// SPDX-License-Identifier: GPL-2.0

//! The lists in reservation objects: their size, their identity, and what is added without room.

use kernel::prelude::*;

#[kunit_tests(rust_dma_resv_list)]
mod tests {
    use super::*;
    use crate::{
        jobs::Jobs,
        mock::*,
        resv::new,
        warnings::warnings_of, //
    };
    use core::ptr;
    use kernel::{
        bindings,
        dma_buf::{
            Fence,
            Resv,
            ResvGuard,
            Usage, //
        },
        error::to_result,
        sync::{
            atomic::{
                Atomic,
                Relaxed, //
            },
            Arc, //
        },
        time::{
            delay::fsleep,
            Delta, //
        },
    };

    /// The address of the list.
    fn list(guard: &ResvGuard<'_>) -> *const bindings::dma_resv_list {
        // SAFETY: The lock is held. The list is not looked into.
        unsafe { (*guard.resv().as_raw()).fences }
    }

    fn reserve(guard: &mut ResvGuard<'_>, count: usize) -> Result {
        let count = count.try_into()?;

        // SAFETY: The lock is held.
        to_result(unsafe { bindings::dma_resv_reserve_fences(guard.resv().as_raw(), count) })
    }

    /// Adds a fence as a C driver can, which may have forgotten to reserve room.
    fn add(guard: &mut ResvGuard<'_>, fence: &Fence) {
        let usage = bindings::dma_resv_usage_DMA_RESV_USAGE_BOOKKEEP;

        // SAFETY: The lock is held.
        unsafe { bindings::dma_resv_add_fence(guard.resv().as_raw(), fence.as_raw(), usage) };
    }

    fn copy(guard: &mut ResvGuard<'_>, src: &Resv) -> Result {
        // SAFETY: The lock is held, and the other object is valid.
        to_result(unsafe { bindings::dma_resv_copy_fences(guard.resv().as_raw(), src.as_raw()) })
    }

    /// How many fences a list has room for in C, where someone has asked for `count`.
    fn capacity(count: usize) -> usize {
        let header = size_of::<bindings::callback_head>() + 2 * size_of::<u32>();
        let slot = size_of::<*mut bindings::dma_fence>();
        let wanted = header + count.next_power_of_two().max(4) * slot;

        // SAFETY: May be called with any size.
        (unsafe { bindings::kmalloc_size_roundup(wanted) } - header) / slot
    }

    #[test]
    fn as_much_room_as_in_c() -> Result {
        for count in [1, 4, 5, 8, 16, 32, 64] {
            let resv = new()?;
            let mut guard = resv.lock();

            reserve(&mut guard, count)?;
            let first = list(&guard);
            // What there is need not be made.
            reserve(&mut guard, capacity(count))?;
            assert!(ptr::eq(list(&guard), first));
        }
        Ok(())
    }

    /// Fences that are done, and that nobody has asked, do not make lists larger and larger.
    #[test]
    fn no_more_room_for_what_is_done() -> Result {
        let resv = new()?;
        let pending = fences(32)?;

        for _ in 0..256 {
            let fence = done_when_asked()?;
            let mut guard = resv.lock();

            reserve(&mut guard, 1)?;
            add(&mut guard, &fence);
        }

        let mut guard = resv.lock();
        let first = list(&guard);
        for owner in &pending {
            reserve(&mut guard, 1)?;
            add(&mut guard, owner.as_fence());
        }
        // There was no room for all of them.
        assert!(!ptr::eq(list(&guard), first));
        assert_eq!(guard.fences(Usage::Bookkeep).count(), 32);
        Ok(())
    }

    /// Nor is a list made anew for each of those that come and go, also if it once was full of some
    /// that are done.
    #[test]
    fn room_lasts() -> Result {
        for (count, stay) in [(1, 0), (9, 0), (16, 0), (1, 3), (16, 7)] {
            let (resv, pending) = (new()?, fences(stay)?);
            let mut guard = resv.lock();
            let come_and_go = |guard: &mut ResvGuard<'_>| -> Result {
                for owner in fences(64)? {
                    reserve(guard, count)?;
                    add(guard, owner.as_fence());
                    owner.signal(Ok(()));
                }
                Ok(())
            };

            reserve(&mut guard, count)?;
            let rest = fences(capacity(count) - stay)?;
            for owner in [&pending, &rest].into_iter().flatten() {
                add(&mut guard, owner.as_fence());
            }
            for owner in rest {
                owner.signal(Ok(()));
            }
            come_and_go(&mut guard)?;

            let first = list(&guard);
            come_and_go(&mut guard)?;
            assert!(ptr::eq(list(&guard), first));
        }
        Ok(())
    }

    #[test]
    fn another_list_in_the_same_memory() -> Result {
        let (resv, other) = (new()?, new()?);
        let (a, b, c) = (fence()?, fence()?, fence()?);

        if cfg!(CONFIG_DMABUF_CORE_C) {
            // It takes the other list for the one it knows.
            return Ok(());
        }
        for (resv, fences) in [(&resv, [&a, &b]), (&other, [&b, &c])] {
            let mut guard = resv.lock();

            reserve(&mut guard, 2)?;
            for owner in fences {
                add(&mut guard, owner.as_fence());
            }
        }
        let mut fences = resv.fences_unlocked(Usage::Bookkeep);
        let item = fences.next().ok_or(EINVAL)?;
        assert!(item.restarted && ptr::eq(&*item.fence, a.as_fence()));

        let first = list(&resv.lock());
        let found = (0..64).any(|_| {
            // SAFETY: May be called where one can sleep.
            unsafe { bindings::rcu_barrier() };

            (0..64).any(|_| {
                let mut guard = resv.lock();

                copy(&mut guard, &other).is_ok() && ptr::eq(list(&guard), first)
            })
        });
        if !found {
            pr_info!("another_list_in_the_same_memory: the memory did not come back\n");
        }

        // The second fence has become the first: who goes on after the first does not see it.
        for (owner, restarted) in [(&b, true), (&c, false)] {
            let item = fences.next().ok_or(EINVAL)?;

            assert!(ptr::eq(&*item.fence, owner.as_fence()));
            assert_eq!(item.restarted, restarted);
        }
        assert!(fences.next().is_none());
        Ok(())
    }

    /// The work of a fence may only begin when the fence has been added.
    #[test]
    fn added_without_room() -> Result {
        let resv = new()?;
        let mut owners = fences(40)?;

        if cfg!(CONFIG_DMABUF_CORE_C) {
            // It stops the machine.
            return Ok(());
        }
        let late = owners.pop().ok_or(EINVAL)?;
        let fence = share(&late);
        let mut jobs = Jobs::new()?;
        let added = Arc::new(Atomic::new(false), GFP_KERNEL)?;
        let released = added.clone();
        jobs.add(move || {
            // Signalled at last, so that who waits for it does not wait for ever.
            for _ in 0..2000 {
                if released.load(Relaxed) {
                    break;
                }
                fsleep(Delta::from_millis(10));
            }
            late.signal(Ok(()));
        })?;
        jobs.begin();

        let mut guard = resv.lock();
        let ((), warnings) = warnings_of(|| add(&mut guard, &fence));
        assert!(warnings > 0);
        assert!(!fence.is_signaled());

        // Until the list is full, and beyond.
        warnings_of(|| {
            owners
                .iter()
                .for_each(|owner| add(&mut guard, owner.as_fence()))
        });
        assert!(!fence.is_signaled());
        assert_eq!(guard.fences(Usage::Bookkeep).count(), 40);
        added.store(true, Relaxed);
        Ok(())
    }
}
