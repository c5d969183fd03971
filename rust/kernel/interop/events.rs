// SPDX-License-Identifier: GPL-2.0

//! Tracepoints with the types of Rust.

/// Makes functions that hit tracepoints which a C header declares.
///
/// Each argument is an implementation of [`IntoC`](crate::interop::export::IntoC). A caller's duty
/// beyond what its type says is to be an argument, as an [`rcu::Guard`](crate::sync::rcu::Guard)
/// behind a semicolon, which is not passed on.
///
/// # Safety
///
/// Anybody may call such a function, from where it can be seen: all that the tracepoint asks for
/// must be what the types of the arguments say. They must be those of the tracepoint.
///
/// # Examples
///
/// ```ignore
/// trace_events! {
///     // SAFETY: The tracepoint wants a fence that is locked.
///     unsafe {
///         /// Its issuer has signalled a fence.
///         pub(super) fn dma_fence_signaled(fence: &Fence; _locked: &Locked<'_>);
///     }
/// }
/// ```
#[macro_export]
macro_rules! trace_events {
    (unsafe {$(
        $(#[$attr:meta])*
        $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)? $(; $proof:ident: $proof_ty:ty)?);
    )*}) => {$(
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
