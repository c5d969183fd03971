// SPDX-License-Identifier: GPL-2.0

//! Keeping modules loaded.

use crate::{
    bindings,
    module::{
        this_module,
        ModuleMetadata, //
    },
    prelude::*,
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    },
};
use core::ptr;

/// A reference to a module, until it is released or this is dropped. What is built in needs none.
///
/// Whoever gives the last reference to the module back that is running needs another reason why
/// its code stays. One is an RCU read-side critical section: the memory of a module is freed a
/// grace period after it was unloaded.
///
/// # Invariants
///
/// Holds NULL, or a module with a reference that belongs to this object.
pub(crate) struct ModuleRef(Atomic<*mut bindings::module>);

impl ModuleRef {
    /// A reference to the module that `addr` is in, be it code or data. An address of a generic
    /// function says where the code for its types is, without a word of who has written it.
    ///
    /// Fails with `ENOENT` if that module is about to be unloaded. May be called in any context.
    // In the kernel and not in modules, for which the look-up is not exported.
    #[inline(never)]
    pub(crate) fn of(addr: usize) -> Result<Self> {
        let _guard = crate::sync::rcu::read_lock();
        // SAFETY: Any address may be asked for, in an RCU read-side critical section. The answer is
        // NULL, or a module that is not freed before the grace period is over.
        let (module, got) = unsafe {
            #[cfg(CONFIG_MODULES)]
            let module = bindings::__module_address(addr);
            #[cfg(not(CONFIG_MODULES))]
            let (module, _) = (ptr::null_mut(), addr);

            // MODEL: none, because it fails if that is too late.
            (module, bindings::try_module_get(module))
        };

        // INVARIANT: Taken just above.
        got.then_some(Self(Atomic::new(module))).ok_or(ENOENT)
    }

    /// Another reference to the same module; `None` if it is about to go. May be called in any
    /// context, but not after [`release`](Self::release).
    #[inline]
    pub(crate) fn again(&self) -> Option<Self> {
        // MODEL: none, because it is not released yet, see above.
        let module = self.0.load(Relaxed);
        // SAFETY: By the type invariant NULL, or a module that is there.
        // MODEL: none, because it fails if that is too late.
        let got = unsafe { bindings::try_module_get(module) };

        // INVARIANT: Taken just above.
        got.then_some(Self(Atomic::new(module)))
    }

    /// A reference to the module `M`, which is running this code.
    ///
    /// Fails with `ENOENT` if it is about to be unloaded. May be called in any context.
    #[inline]
    pub(crate) fn this<M: ModuleMetadata>() -> Result<Self> {
        let module = this_module::<M>().as_ptr();
        // SAFETY: NULL, for what is built in, or the module that is running this code.
        // MODEL: none, because it fails if that is too late.
        let got = unsafe { bindings::try_module_get(module) };

        // INVARIANT: Taken just above.
        got.then_some(Self(Atomic::new(module))).ok_or(ENOENT)
    }

    /// As [`of`](Self::of) the code at `code`, for something at `place`; `None` if that is in the
    /// memory of the same module, where what is pinned is dropped before the module goes.
    #[cfg(CONFIG_DRM = "y")]
    #[inline]
    pub(crate) fn unless_inside(place: usize, code: usize) -> Result<Option<Self>> {
        let (home, module) = (Self::of(place)?, Self::of(code)?);

        // MODEL: none, because both are ours.
        Ok((home.0.load(Relaxed) != module.0.load(Relaxed)).then_some(module))
    }

    /// Whether the code stays for sure as long as this reference is held: it does not while a
    /// module is being loaded, since that may fail. Not to be asked after
    /// [`release`](Self::release).
    #[inline]
    pub(crate) fn is_live(&self) -> bool {
        // MODEL: none, because it is not released yet, see above.
        let module = self.0.load(Relaxed);

        #[cfg(CONFIG_MODULES)]
        if !module.is_null() {
            // SAFETY: By the type invariant the module is not freed meanwhile. Others may change
            // its state.
            // MODEL: none, because a module that is live stays so while we have it.
            let state = unsafe { ptr::read_volatile(&raw const (*module).state) };

            return state == bindings::module_state_MODULE_STATE_LIVE;
        }
        module.is_null()
    }

    /// Gives the reference back. Does nothing if it was given back already. May be called in any
    /// context.
    #[inline]
    pub(crate) fn release(&self) {
        // INVARIANT: NULL from here on.
        // MODEL: module-ref
        let module = self.0.xchg(ptr::null_mut(), Full);

        // SAFETY: NULL, or by the type invariant a module whose reference was ours.
        // MODEL: module-text
        unsafe { bindings::module_put(module) };
    }
}

impl Drop for ModuleRef {
    #[inline]
    fn drop(&mut self) {
        self.release();
    }
}
