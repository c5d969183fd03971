// SPDX-License-Identifier: GPL-2.0

//! Telling lockdep which code fences wait for.

#[cfg(CONFIG_LOCKDEP)]
use crate::bindings;
use crate::types::NotThreadSafe;

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
            // SAFETY: May be called in any context.
            #[cfg(CONFIG_LOCKDEP)]
            cookie: unsafe { bindings::dma_fence_begin_signalling() },
            _not_send: NotThreadSafe,
        }
    }
}

impl Drop for SignallingSection {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The section was begun by this task and gave this cookie.
        #[cfg(CONFIG_LOCKDEP)]
        unsafe {
            bindings::dma_fence_end_signalling(self.cookie)
        };
    }
}
