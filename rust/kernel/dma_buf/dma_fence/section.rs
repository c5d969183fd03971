// SPDX-License-Identifier: GPL-2.0

//! Telling lockdep which code fences wait for.

use crate::types::NotThreadSafe;

#[cfg(CONFIG_LOCKDEP)]
super::declare::c_functions! {
    // SAFETY: Both may be called in any context; that each beginning has an end is between the
    // caller and lockdep.
    unsafe extern "C" {
        safe fn dma_fence_begin_signalling() -> bool;
        safe fn dma_fence_end_signalling(cookie: bool);
    }
}

/// Marks code that has to run before some fence can be signalled. The mark ends when it is dropped.
///
/// Whoever waits for a fence may hold reservation objects or reclaim memory, so the marked code
/// must not do either. With lockdep in the kernel a violation is reported whether or not it
/// deadlocks; without, the mark costs nothing.
///
/// Sections may be nested, in any context. A section that is begun in atomic context marks nothing,
/// because nothing there may sleep anyway.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::SignallingSection;
///
/// fn work_is_done() {
///     let _section = SignallingSection::begin();
///
///     // What is needed to get at the fence, and signalling it.
/// }
/// # work_is_done();
/// ```
#[must_use = "the section ends when this is dropped"]
pub struct SignallingSection {
    #[cfg(CONFIG_LOCKDEP)]
    cookie: bool,
    // Lockdep keeps the mark with the task.
    _not_send: NotThreadSafe,
}

impl SignallingSection {
    /// Begins a section.
    #[inline]
    pub fn begin() -> Self {
        Self {
            #[cfg(CONFIG_LOCKDEP)]
            cookie: dma_fence_begin_signalling(),
            _not_send: NotThreadSafe,
        }
    }
}

impl Drop for SignallingSection {
    #[inline]
    fn drop(&mut self) {
        #[cfg(CONFIG_LOCKDEP)]
        dma_fence_end_signalling(self.cookie);
    }
}
