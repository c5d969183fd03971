// SPDX-License-Identifier: GPL-2.0

//! What lockdep is told about waiting for fences and about code that others wait for.
//!
//! A critical section of signalling is to lockdep a read lock, and waiting for a fence takes that
//! lock for writing: so locks that are taken inside the section must not be held in a wait.

#[cfg(CONFIG_LOCKDEP)]
pub(crate) use with_lockdep::might_wait;
#[cfg(CONFIG_LOCKDEP)]
pub(super) use with_lockdep::{
    begin,
    end, //
};

#[cfg(not(CONFIG_LOCKDEP))]
pub(super) fn might_wait() {}

/// A critical section of signalling; ends when dropped.
pub(super) struct Section {
    #[cfg(CONFIG_LOCKDEP)]
    cookie: bool,
}

/// Begins a critical section of signalling.
pub(super) fn signalling() -> Section {
    Section {
        #[cfg(CONFIG_LOCKDEP)]
        cookie: begin(signalling as *const () as usize),
    }
}

#[cfg(CONFIG_LOCKDEP)]
impl Drop for Section {
    fn drop(&mut self) {
        end(self.cookie, signalling as *const () as usize);
    }
}

#[cfg(CONFIG_LOCKDEP)]
mod with_lockdep {
    use kernel::{
        bindings,
        str::as_char_ptr_in_const_context,
        types::Opaque, //
    };

    #[repr(transparent)]
    struct Map(Opaque<bindings::lockdep_map>);

    // SAFETY: Only lockdep accesses it.
    unsafe impl Sync for Map {}

    static MAP: Map = Map(Opaque::new(bindings::lockdep_map {
        name: as_char_ptr_in_const_context(c"dma_fence_map"),
        ..pin_init::zeroed()
    }));

    /// A read lock that may recurse, taken without waiting.
    fn acquire(ip: usize) {
        // SAFETY: The map is static.
        unsafe {
            bindings::lock_acquire(MAP.0.get(), 0, 1, 1, 1, core::ptr::null_mut(), ip);
        }
    }

    fn release(ip: usize) {
        // SAFETY: The map is static, and the caller has acquired it.
        unsafe { bindings::lock_release(MAP.0.get(), ip) };
    }

    fn is_held() -> bool {
        // SAFETY: The map is static.
        unsafe { bindings::lock_is_held_type(MAP.0.get(), 1) != 0 }
    }

    /// Begins a critical section for the caller at `ip`. Returns what [`end`] wants.
    pub(crate) fn begin(ip: usize) -> bool {
        // Sections nest, and in atomic context the checks against sleeping say enough.
        // SAFETY: May be called anywhere.
        if is_held() || unsafe { bindings::preempt_count() } != 0 {
            return true;
        }
        acquire(ip);
        false
    }

    /// Ends the critical section that [`begin`] has returned `cookie` for.
    pub(crate) fn end(cookie: bool, ip: usize) {
        if !cookie {
            release(ip);
        }
    }

    /// Says that the caller may wait for a fence.
    pub(crate) fn might_wait() {
        let ip = might_wait as *const () as usize;
        let nested = is_held();

        // Drivers signal opportunistically on their way to a wait.
        if nested {
            release(ip);
        }
        // SAFETY: The map is static.
        unsafe {
            bindings::lock_acquire(MAP.0.get(), 0, 0, 0, 1, core::ptr::null_mut(), ip);
        }
        release(ip);
        if nested {
            acquire(ip);
        }
    }
}
