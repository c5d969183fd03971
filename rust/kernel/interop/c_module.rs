// SPDX-License-Identifier: GPL-2.0

//! Crates whose module is made by C files.

/// Makes what `module!` makes for `#[vtable]`: `LocalModule`, which has to be found in the root of
/// the crate. For crates that have no `module!`, since C files with their `module_init()` are a
/// part of the same module.
///
/// # Examples
///
/// ```ignore
/// kernel::c_module!(c"dma_heap");
/// ```
#[macro_export]
macro_rules! c_module {
    ($name:expr) => {
        /// The module that this crate is in.
        pub(crate) struct LocalModule;

        impl $crate::module::ModuleMetadata for LocalModule {
            const NAME: &'static $crate::str::CStr = $name;

            // SAFETY: This is this module. What is built in has none.
            const THIS_MODULE: $crate::ThisModule = unsafe {
                #[cfg(MODULE)]
                let module = (&raw const $crate::bindings::__this_module).cast_mut();
                #[cfg(not(MODULE))]
                let module = ::core::ptr::null_mut();

                $crate::ThisModule::from_ptr(module)
            };
        }
    };
}
