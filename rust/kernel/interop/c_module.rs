// SPDX-License-Identifier: GPL-2.0

//! Crates whose module is made by C files.

/// Makes what `module!` makes for `#[vtable]`: `LocalModule`, which has to be found in the root of
/// the crate. For crates that have no `module!`, since C files with their `module_init()` are a
/// part of the same module.
///
/// # Examples
///
/// ```ignore
/// kernel::c_module!(c"sw_sync");
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

/// Makes the functions that the C files of a crate call, as [`c_module!`](crate::c_module) has it:
/// `init`, which makes an [`InPlaceModule`](crate::module::InPlaceModule), and `exit`, which drops
/// it. With a name it makes what that makes, too.
///
/// # Safety
///
/// `init` is called once, and nothing uses the module if it fails. If it does not, `exit` is called
/// once, at the end, before the module goes.
///
/// # Examples
///
/// ```ignore
/// kernel::c_module_state! {
///     // SAFETY: `exports.c` calls them in `module_init()` and `module_exit()`.
///     unsafe {
///         state: SwSync,
///         init: rust_sw_sync_init,
///         exit: rust_sw_sync_exit,
///     }
/// }
/// ```
// `LocalModule` is that of the crate which uses this.
#[allow(clippy::crate_in_macro_def)]
#[macro_export]
macro_rules! c_module_state {
    (unsafe {
        $(name: $name:expr,)?
        state: $state:ty,
        init: $init:ident,
        exit: $exit:ident $(,)?
    }) => {
        $($crate::c_module!($name);)?

        static STATE: $crate::interop::object::Object<$state> =
            $crate::interop::object::Object::uninit();

        #[no_mangle]
        extern "C" fn $init() -> $crate::ffi::c_int {
            let module = $crate::module::this_module::<crate::LocalModule>();
            let state = <$state as $crate::module::InPlaceModule>::init(module);

            // SAFETY: This is called once, and a static stays where it is.
            let done = unsafe { $crate::prelude::PinInit::__init(state, STATE.get()) };

            $crate::interop::export::IntoC::into_c(done)
        }

        #[no_mangle]
        extern "C" fn $exit() {
            // SAFETY: This is called once, after `init` has made it.
            unsafe { ::core::ptr::drop_in_place(STATE.get()) };
        }
    };
}
