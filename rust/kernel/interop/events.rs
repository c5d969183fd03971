// SPDX-License-Identifier: GPL-2.0

//! Tracepoints with the types of Rust.

#[cfg(CONFIG_TRACEPOINTS)]
use crate::bindings;

/// Who listens to tracepoints does not go while this lives. Does not sleep.
///
/// In C each tracepoint has a copy of this. It is for [`trace_events!`](crate::trace_events): who
/// forgets one keeps all others from ever unregistering.
///
/// # Invariants
///
/// The read side of `tracepoint_srcu` that gave out the counter is this object's to end.
#[cfg(CONFIG_TRACEPOINTS)]
#[doc(hidden)]
pub struct Listeners(*mut bindings::srcu_ctr);

#[cfg(CONFIG_TRACEPOINTS)]
impl Listeners {
    /// [`None`] on a CPU that is not up, where nobody may be called.
    #[cold]
    pub fn enter() -> Option<Self> {
        // SAFETY: It is initialised statically. Any context may read it.
        let counter = unsafe {
            if !bindings::this_cpu_is_online() {
                return None;
            }
            bindings::srcu_read_lock_fast_notrace(&raw mut bindings::tracepoint_srcu)
        };

        // INVARIANT: It begins here.
        Some(Self(counter))
    }
}

#[cfg(CONFIG_TRACEPOINTS)]
impl Drop for Listeners {
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe {
            bindings::srcu_read_unlock_fast_notrace(&raw mut bindings::tracepoint_srcu, self.0);
        }
    }
}

/// Makes functions that hit tracepoints which a C header declares.
///
/// Each argument is an implementation of [`IntoC`](crate::interop::export::IntoC). A caller's duty
/// beyond what its type says is to be an argument, as an [`rcu::Guard`](crate::sync::rcu::Guard)
/// behind a semicolon, which is not passed on.
///
/// # Safety
///
/// Anybody may call such a function, from where it can be seen: all that the tracepoint asks for
/// must be what the types of the arguments say. They must be those of the tracepoint. Its
/// `TP_CONDITION` is not looked at: that must hold, or callers have to ask.
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
            #[cfg(CONFIG_TRACEPOINTS)]
            $crate::macros::paste! {
                // SAFETY: This is the static key of a tracepoint.
                let is_listened_to = unsafe {
                    $crate::jump_label::static_branch_unlikely!(
                        $crate::bindings::[< __tracepoint_ $name >],
                        $crate::bindings::tracepoint,
                        key
                    )
                };

                // Nothing that it needs costs those to whom nobody listens.
                #[cold]
                fn hit($($arg: $ty),*) {
                    let Some(_listeners) = $crate::interop::events::Listeners::enter() else {
                        return;
                    };

                    // SAFETY: References are valid, and who has declared this says that it is
                    // enough. Listeners do not go meanwhile.
                    unsafe {
                        $crate::bindings::[< __traceiter_ $name >](
                            ::core::ptr::null_mut(),
                            $($crate::interop::export::IntoC::into_c($arg)),*
                        )
                    };
                }

                if is_listened_to {
                    hit($($arg),*);
                }
            }
            #[cfg(not(CONFIG_TRACEPOINTS))]
            let _ = ($($arg,)*);
        }
    )*};
}
