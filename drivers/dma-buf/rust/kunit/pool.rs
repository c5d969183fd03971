// SPDX-License-Identifier: GPL-2.0

//! Pages that wait for the next buffer.

use kernel::prelude::*;

#[kunit_tests(rust_dma_heap_pool)]
mod tests {
    use kernel::{
        bindings,
        dma_buf::{
            heap::{
                PagePool,
                PoolCounts,
                PoolLimits,
                PooledBlocks, //
            },
            AllocEffort,
            PageRun, //
        },
        page::PAGE_SIZE,
        prelude::*,
        time::{
            delay::fsleep,
            Delta, //
        },
    };

    const PATTERN: [u8; 64] = [0xa5; 64];

    /// More milliseconds than any test takes.
    const NEVER: u32 = 3_600_000;

    /// A pool for so many pages, which are zeroed and not needed for long after so many
    /// milliseconds. `None` where none does what is tested here.
    fn pool(pages: usize, zero_after_ms: u32, idle_ms: u32) -> Result<Option<PagePool>> {
        let limits = PoolLimits {
            pages,
            idle_ms,
            zero_after_ms,
        };
        let pool = PagePool::new(c"kunit_pool", limits)?;

        Ok(keeps(&pool).then_some(pool))
    }

    /// Whether it does what is tested here. It says why not.
    fn keeps(pool: &PagePool) -> bool {
        // SAFETY: Anybody may ask.
        let nodes = unsafe { bindings::page_pool_nodes() };

        if pool.limit() == 0 {
            pr_info!("skipped: freed pages are written to (init_on_free or page_poison)\n");
            return false;
        }
        if nodes > 1 {
            pr_info!("skipped: with {nodes} nodes the pages may be those of another\n");
            return false;
        }
        true
    }

    fn large() -> Result<Option<PagePool>> {
        pool(1024, 10, NEVER)
    }

    /// In which nothing is zeroed before it is wanted.
    fn lazy(pages: usize) -> Result<Option<PagePool>> {
        pool(pages, NEVER, NEVER)
    }

    /// So many blocks of the pool.
    fn blocks(pool: &PagePool, order: u8, count: usize) -> Result<PooledBlocks> {
        let mut blocks = PooledBlocks::from(Some(pool), false);

        for _ in 0..count {
            if !blocks.add(order, AllocEffort::Required) {
                return Err(ENOMEM);
            }
        }
        Ok(blocks)
    }

    /// Leaves something at both ends of each page.
    fn write(run: &PageRun<'_>) -> Result {
        for page in run.pages() {
            // SAFETY: The pages are the test's, and nobody else looks at them.
            unsafe {
                page.write_raw(PATTERN.as_ptr(), 0, PATTERN.len())?;
                page.write_raw(PATTERN.as_ptr(), PAGE_SIZE - PATTERN.len(), PATTERN.len())?;
            }
        }
        Ok(())
    }

    /// Whether there is nothing in any of the pages.
    fn is_zero(blocks: &PooledBlocks) -> Result<bool> {
        let mut zero = true;

        for run in blocks.runs() {
            let mut bytes = [1; 256];

            for offset in (0..run.size()).step_by(bytes.len()) {
                run.read(offset, &mut bytes)?;
                zero &= bytes.iter().all(|&byte| byte == 0);
            }
        }
        Ok(zero)
    }

    /// Whether it comes to that, in a time that is too long.
    fn becomes(pool: &PagePool, what: impl Fn(PoolCounts) -> bool) -> bool {
        for _ in 0..6000 {
            if what(pool.counts()) {
                return true;
            }
            fsleep(Delta::from_millis(10));
        }
        false
    }

    #[test]
    fn what_comes_back_is_kept_and_zeroed() -> Result {
        for order in [0, 4] {
            let Some(pool) = large()? else {
                return Ok(());
            };

            let pages = 1 << order;
            let used = blocks(&pool, order, 3)?;

            assert!(is_zero(&used)?);
            for run in used.runs() {
                write(&run)?;
            }
            assert!(!is_zero(&used)?);
            drop(used);
            assert_eq!(pool.counts().held, 3 * pages);
            assert!(becomes(&pool, |now| now.used == 0));
            assert_eq!(pool.counts().zeroed, 3 * pages);

            let again = blocks(&pool, order, 3)?;

            assert_eq!(pool.counts().hits, 3);
            assert_eq!(pool.counts().held, 0);
            assert!(is_zero(&again)?);
        }
        Ok(())
    }

    #[test]
    fn what_is_not_zeroed_yet_is_zeroed_at_once() -> Result {
        let Some(pool) = lazy(1024)? else {
            return Ok(());
        };

        let used = blocks(&pool, 2, 3)?;

        for run in used.runs() {
            write(&run)?;
        }
        drop(used);
        assert_eq!(pool.counts().used, 12);
        assert!(is_zero(&blocks(&pool, 2, 3)?)?);
        assert_eq!(pool.counts().late, 3);
        assert_eq!(pool.counts().hits, 0);
        assert_eq!(pool.counts().zeroed, 0);
        Ok(())
    }

    #[test]
    fn orders_are_kept_apart() -> Result {
        let Some(pool) = large()? else {
            return Ok(());
        };

        drop(blocks(&pool, 3, 1)?);
        assert_eq!(pool.counts().held, 8);

        let other = blocks(&pool, 0, 1)?;

        assert_eq!(pool.counts().misses, 2);
        assert_eq!(pool.counts().held, 8);
        drop(other);
        assert_eq!(pool.counts().held, 9);
        Ok(())
    }

    #[test]
    fn no_more_than_the_limit_is_kept() -> Result {
        let Some(pool) = lazy(40)? else {
            return Ok(());
        };

        drop(blocks(&pool, 0, 100)?);
        assert_eq!(pool.counts().held, 40);
        assert_eq!(pool.counts().refused, 60);
        // Not a part of one either.
        drop(blocks(&pool, 6, 1)?);
        assert_eq!(pool.counts().held, 40);

        pool.set_limit(7);
        assert_eq!(pool.counts().held, 7);
        pool.set_limit(0);
        assert_eq!(pool.counts().held, 0);
        drop(blocks(&pool, 0, 1)?);
        assert_eq!(pool.counts().held, 0);
        Ok(())
    }

    #[test]
    fn all_of_it_is_freed() -> Result {
        // Zeroed or not. What is just being zeroed would not be there to be freed.
        for (zero_after_ms, used) in [(10, 0), (NEVER, 124)] {
            let Some(pool) = pool(1024, zero_after_ms, NEVER)? else {
                return Ok(());
            };

            drop(blocks(&pool, 0, 100)?);
            drop(blocks(&pool, 3, 3)?);
            assert_eq!(pool.counts().held, 124);
            assert!(becomes(&pool, |now| now.used == used));
            pool.drain();
            assert_eq!(pool.counts().held, 0);
            assert_eq!(pool.counts().used, 0);
            assert_eq!(pool.counts().drained, 124);
        }
        Ok(())
    }

    /// What is freed before an allocation fails has `heap_pool` of the kselftests, by faults.
    #[test]
    fn for_blocks_that_cannot_be_nothing_is_freed() -> Result {
        let Some(pool) = lazy(1024)? else {
            return Ok(());
        };

        let mut more = PooledBlocks::from(Some(&pool), false);

        drop(blocks(&pool, 0, 5)?);
        for effort in [AllocEffort::Opportunistic, AllocEffort::Required] {
            assert!(!more.add(u8::MAX, effort));
            assert_eq!(pool.counts().held, 5);
        }
        Ok(())
    }

    #[test]
    fn what_nobody_needs_is_freed() -> Result {
        let Some(pool) = pool(1024, 10, 400)? else {
            return Ok(());
        };

        drop(blocks(&pool, 0, 50)?);
        assert!(becomes(&pool, |now| now.held == 0));
        assert_eq!(pool.counts().idle, 50);
        assert_eq!(pool.counts().zeroed, 50);
        Ok(())
    }

    #[test]
    fn what_others_refer_to_is_not_kept() -> Result {
        let Some(pool) = large()? else {
            return Ok(());
        };

        for order in [0, 2] {
            let refused = pool.counts().refused;
            let used = blocks(&pool, order, 1)?;
            let last = used
                .runs()
                .flat_map(|run| run.pages())
                .last()
                .ok_or(EINVAL)?
                .as_ptr();

            // SAFETY: The page is there; it stays as long as there is a reference.
            unsafe { bindings::get_page(last) };
            drop(used);
            assert_eq!(pool.counts().held, 0);
            assert_eq!(pool.counts().refused, refused + (1 << order));
            // SAFETY: There is the reference.
            unsafe { bindings::put_page(last) };
        }
        Ok(())
    }

    /// That nobody pays for what is kept has `heap_charge` of the kselftests: here nobody pays at
    /// all, because threads of the kernel are in the root group.
    #[test]
    fn what_is_charged_is_kept() -> Result {
        let Some(pool) = lazy(1024)? else {
            return Ok(());
        };

        for late in [0, 2] {
            let mut charged = PooledBlocks::from(Some(&pool), true);

            assert!(charged.add(0, AllocEffort::Required));
            assert!(charged.add(3, AllocEffort::Opportunistic));
            assert!(is_zero(&charged)?);
            assert_eq!(pool.counts().late, late);
            assert_eq!(pool.counts().held, 0);
            for run in charged.runs() {
                write(&run)?;
            }
            drop(charged);
            assert_eq!(pool.counts().held, 9);
        }
        Ok(())
    }

    #[test]
    fn buffers_outlive_the_pool() -> Result {
        let Some(first) = large()? else {
            return Ok(());
        };

        let kept = blocks(&first, 0, 3)?;

        drop(blocks(&first, 0, 70)?);
        drop(first);

        // There are no traces of it: this has the same name.
        let second = large()?.ok_or(EINVAL)?;

        // Who drops this may be one who must not wait for a work queue: there is none any more.
        drop(kept);
        // What is under way is waited for.
        drop(blocks(&second, 4, 32)?);
        Ok(())
    }
}
