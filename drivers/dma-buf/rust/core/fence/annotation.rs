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
        interop::object::Object,
        str::as_char_ptr_in_const_context, //
    };

    type Map = Object<bindings::lockdep_map>;

    static MAP: Map = Map::new(bindings::lockdep_map {
        name: as_char_ptr_in_const_context(c"dma_fence_map"),
        ..pin_init::zeroed()
    });

    // Safe, since the map is static, and lockdep only reports what is wrong.
    unsafe extern "C" {
        safe fn lock_acquire(
            map: &'static Map,
            subclass: u32,
            trylock: i32,
            read: i32,
            check: i32,
            nest: Option<&'static Map>,
            ip: usize,
        );
        safe fn lock_release(map: &'static Map, ip: usize);
        safe fn lock_is_held_type(map: &'static Map, read: i32) -> i32;
        #[link_name = "rust_helper_preempt_count"]
        safe fn preempt_count() -> i32;
    }

    /// A read lock that may recurse, taken without waiting.
    fn acquire(ip: usize) {
        lock_acquire(&MAP, 0, 1, 1, 1, None, ip);
    }

    fn is_held() -> bool {
        lock_is_held_type(&MAP, 1) != 0
    }

    /// Begins a critical section for the caller at `ip`. Returns what [`end`] wants.
    pub(crate) fn begin(ip: usize) -> bool {
        // Sections nest, and in atomic context the checks against sleeping say enough.
        if is_held() || preempt_count() != 0 {
            return true;
        }
        acquire(ip);
        false
    }

    /// Ends the critical section that [`begin`] has returned `cookie` for.
    pub(crate) fn end(cookie: bool, ip: usize) {
        if !cookie {
            lock_release(&MAP, ip);
        }
    }

    /// Says that the caller may wait for a fence.
    pub(crate) fn might_wait() {
        let ip = might_wait as *const () as usize;
        let nested = is_held();

        // Drivers signal opportunistically on their way to a wait.
        if nested {
            lock_release(&MAP, ip);
        }
        lock_acquire(&MAP, 0, 0, 0, 1, None, ip);
        lock_release(&MAP, ip);
        if nested {
            acquire(ip);
        }
    }
}
