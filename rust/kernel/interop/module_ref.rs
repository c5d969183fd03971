// SPDX-License-Identifier: GPL-2.0

//! Keeping modules loaded.

use crate::{
    bindings,
    interop::any_thread::AnyThread,
    module::{
        this_module,
        ModuleMetadata, //
    },
    prelude::*,
    sync::atomic::{
        Atomic,
        Full, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::{
        self,
        NonNull, //
    }, //
};

/// A reference to a module, until this is dropped. What is built in needs none.
///
/// Whoever gives the last reference to the module back that is running needs another reason why
/// its code stays. One is an RCU read-side critical section: the memory of a module is freed a
/// grace period after it was unloaded.
///
/// # Invariants
///
/// If there is a module, it has a reference that belongs to this object.
#[repr(transparent)]
pub struct ModuleRef(Option<AnyThread<bindings::module>>);

impl ModuleRef {
    /// A reference to `module`; `None` if it is about to be unloaded. May be called in any context.
    ///
    /// # Safety
    ///
    /// NULL, or a module that is there. Who gives the reference back while the code of the module
    /// is running has another reason why it stays, see above.
    #[inline(always)]
    pub unsafe fn get(module: *mut bindings::module) -> Option<Self> {
        // SAFETY: By this function's contract.
        // MODEL: none, because it fails if that is too late.
        let got = module.is_null() || unsafe { bindings::try_module_get(module) };

        // INVARIANT: Taken just above.
        got.then(|| Self::of_owned(module))
    }

    /// With NULL, or a module whose reference is the caller's to give.
    #[inline(always)]
    fn of_owned(module: *mut bindings::module) -> Self {
        Self(NonNull::new(module).map(AnyThread::new))
    }

    #[inline(always)]
    fn as_ptr(&self) -> *mut bindings::module {
        self.0.map_or(ptr::null_mut(), AnyThread::as_ptr)
    }

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
        unsafe {
            #[cfg(CONFIG_MODULES)]
            let module = bindings::__module_address(addr);
            #[cfg(not(CONFIG_MODULES))]
            let (module, _) = (ptr::null_mut(), addr);

            Self::get(module)
        }
        .ok_or(ENOENT)
    }

    /// Another reference to the same module; `None` if it is about to go. May be called in any
    /// context.
    #[inline]
    pub(crate) fn again(&self) -> Option<Self> {
        // SAFETY: By the type invariant NULL, or a module that is there.
        unsafe { Self::get(self.as_ptr()) }
    }

    /// A reference to the module `M`, which is running this code.
    ///
    /// Fails with `ENOENT` if it is about to be unloaded. May be called in any context.
    #[inline]
    pub(crate) fn this<M: ModuleMetadata>() -> Result<Self> {
        // SAFETY: NULL, for what is built in, or the module that is running this code.
        unsafe { Self::get(this_module::<M>().as_ptr()) }.ok_or(ENOENT)
    }

    /// As [`of`](Self::of) the code at `code`, for something at `place`; `None` if that is in the
    /// memory of the same module, where what is pinned is dropped before the module goes: that is
    /// the guarantee of [`Pin`](core::pin::Pin).
    ///
    /// Also fails with `ENOENT` while that module is being loaded, if `place` is somewhere else: no
    /// reference keeps a module that cannot be loaded.
    // Once, and not in each module.
    #[cfg(any(CONFIG_DRM = "y", CONFIG_DEBUG_FS, CONFIG_MODULES))]
    #[inline(never)]
    pub(crate) fn unless_inside(place: usize, code: usize) -> Result<Option<Self>> {
        let (home, module) = (Self::of(place)?, Self::of(code)?);

        if home.as_ptr() == module.as_ptr() {
            return Ok(None);
        }
        if !module.is_live() {
            return Err(ENOENT);
        }
        Ok(Some(module))
    }

    /// Whether the code stays for sure as long as this reference is held: it does not while a
    /// module is being loaded, since that may fail.
    #[inline]
    pub(crate) fn is_live(&self) -> bool {
        let module = self.as_ptr();

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
}

/// A [`ModuleRef`] that may be taken out earlier.
///
/// # Invariants
///
/// Holds NULL, or a module with a reference that belongs to this object.
pub(crate) struct EarlyModuleRef(Atomic<*mut bindings::module>);

impl EarlyModuleRef {
    /// The reference, unless it was taken already. May be called in any context.
    #[inline]
    pub(crate) fn take(&self) -> ModuleRef {
        // INVARIANT: NULL from here on. The reference is that of what is returned.
        // MODEL: module-ref
        ModuleRef::of_owned(self.0.xchg(ptr::null_mut(), Full))
    }
}

impl From<ModuleRef> for EarlyModuleRef {
    #[inline]
    fn from(module: ModuleRef) -> Self {
        // INVARIANT: The reference is that of `module`.
        Self(Atomic::new(ManuallyDrop::new(module).as_ptr()))
    }
}

impl Drop for EarlyModuleRef {
    #[inline]
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// A reference to the module `M`, for its own objects. What is built in has none, and no code for
/// it.
///
/// # Invariants
///
/// Stands for the reference.
pub struct OwnModuleRef<M: ModuleMetadata>(PhantomData<fn() -> M>);

impl<M: ModuleMetadata> OwnModuleRef<M> {
    /// `None` if the module is about to be unloaded. May be called in any context.
    ///
    /// # Safety
    ///
    /// As for [`ModuleRef::get`]: the module is there. Who drops the result has another reason why
    /// its own code stays.
    #[inline(always)]
    pub unsafe fn get() -> Option<Self> {
        let module = this_module::<M>().as_ptr();

        // SAFETY: By this function's contract.
        // INVARIANT: Taken here.
        // MODEL: none, because it fails if that is too late.
        (module.is_null() || unsafe { bindings::try_module_get(module) })
            .then_some(Self(PhantomData))
    }
}

impl<M: ModuleMetadata> Drop for OwnModuleRef<M> {
    #[inline(always)]
    fn drop(&mut self) {
        let module = this_module::<M>().as_ptr();

        if !module.is_null() {
            // By the type invariant the reference is ours.
            // MODEL: module-text
            drop(ModuleRef::of_owned(module));
        }
    }
}

impl Drop for ModuleRef {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(module) = self.0 {
            // SAFETY: By the type invariant a module whose reference is ours.
            // MODEL: module-text
            unsafe { bindings::module_put(module.as_ptr()) };
        }
    }
}
