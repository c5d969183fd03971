// SPDX-License-Identifier: GPL-2.0

//! Tracepoints with the types of Rust.

/// Makes functions that hit tracepoints which a C header declares.
///
/// Each argument is an implementation of [`IntoC`](crate::interop::export::IntoC). A function is
/// safe if it says nothing else: then objects that are valid, as references are, must be all that
/// the tracepoint asks for. A caller's duty beyond that is to be an argument, as an
/// [`rcu::Guard`](crate::sync::rcu::Guard) behind a semicolon, which is not passed on.
///
/// # Examples
///
/// ```ignore
/// trace_events! {
///     /// Its issuer has signalled a fence.
///     pub(super) fn dma_fence_signaled(fence: &Fence; _locked: &Locked<'_>);
/// }
/// ```
#[macro_export]
macro_rules! trace_events {
    ($(
        $(#[$attr:meta])*
        $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)? $(; $proof:ident: $proof_ty:ty)?);
    )*) => {$(
        $(#[$attr])*
        #[inline(always)]
        $vis fn $name($($arg: $ty),* $(, $proof: $proof_ty)?) {
            $crate::tracepoint::declare_trace! {
                /// # Safety
                ///
                /// What is passed must be valid.
                unsafe fn $name($($arg: <$ty as $crate::interop::export::IntoC>::C),*);
            }
            // SAFETY: References are valid, and who has declared this says that it is enough.
            unsafe { $name($($crate::interop::export::IntoC::into_c($arg)),*) };
        }
    )*};
}
