// SPDX-License-Identifier: GPL-2.0

//! Memory that is given back when it is short.
//!
//! C header: [`include/linux/shrinker.h`](srctree/include/linux/shrinker.h)

use crate::{
    bindings,
    c_functions,
    dma_buf::trampoline::{
        two,
        Mut,
        Ref, //
    },
    interop::{
        any_thread::AnyThread,
        object::Object, //
    },
    prelude::*,
    sync::Arc, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

c_functions! {
    // SAFETY: It is this task's own count.
    unsafe extern "C" {
        #[link_name = "rust_helper_pages_were_reclaimed"]
        safe fn pages_were_reclaimed(pages: usize);
    }
}

/// What can give memory back. Called by whoever needs memory, whatever that holds: nothing is
/// allocated, and no lock waited for under which somebody allocates.
pub(super) trait Shrink: Send + Sync + 'static {
    /// How many pages there are on this node.
    fn count(&self, node: c_int) -> usize;

    /// Frees pages of this node: `pages`, and not many more. Returns how many; with none it is
    /// not asked again at once.
    fn free(&self, node: c_int, pages: usize) -> usize;
}

/// The registration of a [`Shrink`]. Dropping it waits until nobody asks it for memory any more.
///
/// This is only for code that is part of the kernel image: if it is forgotten, that is called for
/// ever.
///
/// # Invariants
///
/// The shrinker is registered, with the functions for `T`, and has a pointer to `data`, which has
/// no other owner than the `Arc`s.
pub(super) struct Shrinker<T: Shrink> {
    shrinker: AnyThread<bindings::shrinker>,
    _data: Arc<T>,
}

impl<T: Shrink> Shrinker<T> {
    /// Registers `data`. Fails with `ENOMEM`. Sleeps.
    pub(super) fn new(name: &'static CStr, data: Arc<T>) -> Result<Self> {
        // SAFETY: The format takes one string. The shrinker is ours until it is registered, with
        // what the functions take, which this keeps until it is taken back.
        unsafe {
            let shrinker = NonNull::new(bindings::shrinker_alloc(
                bindings::SHRINKER_NUMA_AWARE,
                c"%s".as_char_ptr(),
                name.as_char_ptr(),
            ))
            .ok_or(ENOMEM)?;
            let fields = shrinker.as_ptr();

            (*fields).count_objects = Some(two::<Called<T>, Control, _, _>(Registered::count));
            (*fields).scan_objects = Some(two::<Called<T>, Answered, _, _>(Registered::free));
            // It costs no input or output to make up for what is freed.
            (*fields).seeks = 0;
            // No more than is wanted: what comes on top is at most a block.
            (*fields).batch = 32;
            (*fields).private_data = Arc::as_ptr(&data).cast_mut().cast();
            bindings::shrinker_register(fields);
            // INVARIANT: Registered just above.
            Ok(Self {
                shrinker: AnyThread::new(shrinker),
                _data: data,
            })
        }
    }
}

impl<T: Shrink> Drop for Shrinker<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant. It waits for those who are in the functions.
        unsafe { bindings::shrinker_free(self.shrinker.as_ptr()) };
    }
}

type Called<T> = Ref<Registered<T>, bindings::shrinker>;
type Control = Ref<Request, bindings::shrink_control>;
type Answered = Mut<Request, bindings::shrink_control>;

/// A shrinker that C has.
///
/// # Invariants
///
/// It was registered by a [`Shrinker<T>`], which is still there.
#[repr(transparent)]
struct Registered<T>(Object<bindings::shrinker>, PhantomData<T>);

/// What is asked of it. Of the one who asks, and nobody else.
#[repr(transparent)]
struct Request(bindings::shrink_control);

impl<T: Shrink> Registered<T> {
    // CAST: To bindgen these are small negative numbers.
    const EMPTY: c_ulong = bindings::SHRINK_EMPTY as c_ulong;
    const STOP: c_ulong = bindings::SHRINK_STOP as c_ulong;

    fn data(&self) -> &T {
        // SAFETY: By the type invariant, and that of `Shrinker`.
        unsafe { &*(*self.0.get()).private_data.cast() }
    }

    fn count(&self, request: &Request) -> c_ulong {
        match self.data().count(request.0.nid) {
            0 => Self::EMPTY,
            // It is asked for half of that: of one page for none, again and again.
            pages => pages.max(2),
        }
    }

    fn free(&self, request: &mut Request) -> c_ulong {
        let freed = self.data().free(request.0.nid, request.0.nr_to_scan);

        if freed == 0 {
            return Self::STOP;
        }
        // A block may be more than was asked for.
        request.0.nr_scanned = freed;
        pages_were_reclaimed(freed);
        freed
    }
}
