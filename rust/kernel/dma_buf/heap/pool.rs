// SPDX-License-Identifier: GPL-2.0

//! Pages that wait for the next buffer.

use super::{
    chore::{
        Chore,
        Tidied, //
    },
    counts::{
        PoolCounts,
        PoolLimits, //
    },
    shrinker::Shrinker,
    store::Store, //
};
use crate::{
    c_functions,
    debugfs::Scope,
    dma_buf::exporter::{
        AllocEffort,
        PageBlockRuns,
        PageBlocks, //
    },
    fmt,
    page::PAGE_SHIFT,
    prelude::*,
    sync::Arc,
    uaccess::UserSliceReader, //
};
use core::mem::take;

c_functions! {
    // SAFETY: Anybody may ask.
    unsafe extern "C" {
        #[link_name = "rust_helper_page_pool_nodes"]
        safe fn page_pool_nodes() -> c_int;
        #[link_name = "rust_helper_freed_pages_are_written"]
        safe fn freed_pages_are_written() -> bool;
    }
}

/// What is in debugfs of a pool.
type Files = Scope<Arc<Chore<Store>>>;

/// Pages that buffers have given back, kept for other buffers, which get them zeroed.
///
/// What comes back is zeroed in the background, by low priority, and given out after that. It is
/// only kept if nobody else has a reference to it, and up to a limit; a shrinker frees all of it
/// when memory is short, and what is not needed for long goes by itself. While it is here it counts
/// as reclaimable memory of the kernel (`KReclaimable` and `MemAvailable` in `/proc/meminfo`).
///
/// Each page stays with its node, and is given to tasks on that node which have no policy for their
/// memory. What is here is charged to no memory cgroup. Where the kernel writes to pages when they
/// are freed (`init_on_free`, `page_poison`), no page is kept: it would miss that.
///
/// Dropping it frees what it holds, and waits for the background work, so it sleeps. Buffers that
/// are still there free their pages in the normal way then; they wait for nothing.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{heap::{PagePool, PoolLimits, PooledBlocks}, AllocEffort};
///
/// let pool = PagePool::new(c"example_pool", PoolLimits::from_mib(16))?;
/// let mut blocks = PooledBlocks::from(Some(&pool), false);
///
/// assert!(blocks.add(0, AllocEffort::Required));
/// assert_eq!(pool.counts().held, 0);
/// drop(blocks);
/// // Nothing where the kernel writes to pages that are freed.
/// assert_eq!(pool.counts().held, pool.limit().min(1));
/// # Ok::<(), Error>(())
/// ```
pub struct PagePool {
    files: Option<Pin<KBox<Files>>>,
    _shrinker: Shrinker<Chore<Store>>,
    store: Tidied<Store>,
}

impl PagePool {
    /// A pool. `name` is that of its directory in debugfs, its shrinker and its work queue. Fails
    /// with `ENOMEM`. Sleeps.
    pub fn new(name: &'static CStr, limits: PoolLimits) -> Result<Self> {
        let pages = allowed(limits.pages);
        let nodes = page_pool_nodes().try_into()?;
        let limits = PoolLimits { pages, ..limits };
        let store = Tidied::new(name, Store::new(nodes, limits))?;
        let shrinker = Shrinker::new(name, Arc::clone(&store))?;
        let files = KBox::pin_init(
            Scope::dir(Ok::<_, Error>(Arc::clone(&store)), name, |store, dir| {
                dir.read_callback_file(c"stats", store, &show_stats);
                dir.read_write_callback_file(c"limit_mib", store, &show_limit, &write_limit);
            }),
            GFP_KERNEL,
        )?;

        Ok(Self {
            files: Some(files),
            _shrinker: shrinker,
            store,
        })
    }

    /// Changes how many pages there may be at most. What is too much is freed. May sleep.
    pub fn set_limit(&self, pages: usize) {
        self.store.set_limit(allowed(pages));
    }

    /// Frees what the pool holds, but for what is just being zeroed. May sleep.
    pub fn drain(&self) {
        self.store.drain();
    }

    /// How many pages there may be at most. It is always 0 where the kernel writes to pages that
    /// are freed.
    pub fn limit(&self) -> usize {
        self.store.stock.lock().limit
    }

    /// What it has done, and holds.
    pub fn counts(&self) -> PoolCounts {
        self.store.stock.lock().counts
    }
}

impl Drop for PagePool {
    fn drop(&mut self) {
        // Nobody changes the limit after that; and nothing comes back any more.
        self.files = None;
        self.store.set_limit(0);
    }
}

/// The limit, on this kernel.
fn allowed(pages: usize) -> usize {
    if freed_pages_are_written() {
        0
    } else {
        pages
    }
}

/// Blocks of pages for a buffer, which go back to where they came from when this is dropped. That
/// is done by tasks, where they may sleep, and by nobody else.
pub struct PooledBlocks {
    blocks: PageBlocks,
    /// Whether the blocks are charged to somebody: all, or none.
    account: bool,
    pool: Option<Arc<Chore<Store>>>,
}

impl PooledBlocks {
    /// No blocks yet; what is [added](Self::add) comes from the pool, if there is one and it is to
    /// hold anything, and goes there. With `account` each page is charged to the caller's memory
    /// cgroup, wherever it comes from, until it goes.
    #[inline]
    pub fn from(pool: Option<&PagePool>, account: bool) -> Self {
        Self {
            blocks: PageBlocks::new(),
            account,
            pool: pool
                .filter(|pool| pool.store.is_on())
                .map(|pool| Arc::clone(&pool.store)),
        }
    }

    /// Adds a block of `2^order` pages, as [`PageBlocks::add`]. Before that fails what the pool
    /// holds is freed, if it is [required](AllocEffort::Required). Returns whether there is one.
    pub fn add(&mut self, order: u8, effort: AllocEffort) -> bool {
        let Some(pool) = &self.pool else {
            return self.blocks.add(order, effort, self.account);
        };

        pool.alloc(order, effort, self.account)
            .map(|block| self.blocks.push(block))
            .is_some()
    }

    /// The pages, block by block.
    #[inline]
    pub fn runs(&self) -> PageBlockRuns<'_> {
        self.blocks.runs()
    }

    /// See [`PageBlocks::is_shared`].
    #[inline]
    pub fn is_shared(&self) -> bool {
        self.blocks.is_shared()
    }

    /// See [`PageBlocks::share`]. Such memory does not go to the pool.
    #[cfg(CONFIG_ARCH_HAS_MEM_ENCRYPT)]
    #[inline]
    pub fn share(&mut self) -> Result {
        self.pool = None;
        self.blocks.share()
    }
}

impl Drop for PooledBlocks {
    #[inline]
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            pool.put(take(&mut self.blocks), self.account);
        }
    }
}

fn show_stats(store: &Arc<Chore<Store>>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (counts, limit) = {
        let stock = store.stock.lock();
        (stock.counts, stock.limit)
    };

    writeln!(f, "limit {limit}")?;
    counts.show(f)
}

fn show_limit(store: &Arc<Chore<Store>>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let pages = store.stock.lock().limit;

    writeln!(f, "{}", pages >> (20 - PAGE_SHIFT))
}

fn write_limit(store: &Arc<Chore<Store>>, reader: &mut UserSliceReader) -> Result {
    let mut text = [0; 24];
    let len = reader.len();

    reader.read_slice(text.get_mut(..len).ok_or(EINVAL)?)?;

    let mib = core::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.trim_matches(['\0', '\n', ' ']).parse().ok())
        .ok_or(EINVAL)?;

    store.set_limit(allowed(PoolLimits::from_mib(mib).pages));
    Ok(())
}
