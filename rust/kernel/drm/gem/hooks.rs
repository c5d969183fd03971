// SPDX-License-Identifier: GPL-2.0

//! What DRM can do with a driver's objects, beyond counting references and handles.

use super::{
    dumb::{
        self,
        DumbObject, //
    },
    prime::{
        self,
        Dev,
        Obj,
        PrimeClass,
        PrimeObject, //
    },
    DriverAllocImpl,
    DriverObject,
    Object, //
};
use crate::{
    bindings,
    dma_buf::trampoline::{
        four,
        three,
        two,
        Mut,
        Ref,
        Value, //
    },
    prelude::*, //
};
use core::{
    marker::PhantomData,
    mem::offset_of,
    ptr, //
};

type File = *mut bindings::drm_file;
type Device = *mut bindings::drm_device;
type Gem = *mut bindings::drm_gem_object;
type Buf = *mut bindings::dma_buf;
type DumbRequest = *mut bindings::drm_mode_create_dumb;

/// What a [`DriverObject`] has: [`DriverObject::HOOKS`].
///
/// # Examples
///
/// Objects that are dumb buffers, and can be shared with other devices:
///
/// ```ignore
/// impl DriverObject for Buffer {
///     const HOOKS: gem::Hooks<Self> = gem::Hooks::NONE.dumb().prime();
///     // ...
/// }
/// ```
///
/// # Invariants
///
/// The functions may be called by DRM for an object of `T` that has had a handle, and its device.
pub struct Hooks<T> {
    pub(super) export: Option<unsafe extern "C" fn(Gem, c_int) -> Buf>,
    pub(super) mmap: Option<unsafe extern "C" fn(Gem, *mut bindings::vm_area_struct) -> c_int>,
    pub(super) vm_ops: *const bindings::vm_operations_struct,
    pub(super) import: Option<unsafe extern "C" fn(Device, Buf) -> Gem>,
    pub(super) dumb_create: Option<unsafe extern "C" fn(File, Device, DumbRequest) -> c_int>,
    pub(super) dumb_map_offset: Option<unsafe extern "C" fn(File, Device, u32, *mut u64) -> c_int>,
    _object: PhantomData<fn(&T)>,
}

impl<T: DriverObject> Hooks<T> {
    /// Nothing.
    pub const NONE: Self = Self {
        export: None,
        mmap: None,
        vm_ops: ptr::null(),
        import: None,
        dumb_create: None,
        dumb_map_offset: None,
        _object: PhantomData,
    };

    /// And what [`PrimeObject`] says.
    pub const fn prime(self) -> Self
    where
        T: PrimeObject,
    {
        const { assert!(<DriverAllocImpl<T> as PrimeClass>::OFFSET == 0) };

        // INVARIANT: They are those of `T`.
        Self {
            export: Some(two::<Obj<T>, Value<_>, _, _>(prime::export::<T>)),
            import: Some(two::<Dev<T>, Ref<_, _>, _, _>(prime::import::<T>)),
            ..self
        }
    }

    /// And what [`DumbObject`] says.
    pub const fn dumb(self) -> Self
    where
        T: DumbObject,
    {
        const { assert!(offset_of!(Object<T>, obj) == 0) };

        // INVARIANT: They are those of `T`.
        Self {
            mmap: Some(two::<Obj<T>, Ref<_, _>, _, _>(dumb::mmap::<T>)),
            vm_ops: dumb::VM_OPS,
            dumb_create: Some(three::<dumb::File, Dev<T>, Mut<_, _>, _, _>(
                dumb::create::<T>,
            )),
            dumb_map_offset: Some(four::<dumb::File, Dev<T>, Value<_>, Mut<_, _>, _, _>(
                dumb::map_offset::<T>,
            )),
            ..self
        }
    }
}
