// SPDX-License-Identifier: GPL-2.0

//! Synchronisation objects: fences that user space knows by a handle.
//!
//! C header: [`include/drm/drm_syncobj.h`](srctree/include/drm/drm_syncobj.h)

use crate::{
    bindings,
    dma_buf::{
        ChainLink,
        ChainMember,
        Fence, //
    },
    drm::{
        self,
        file::DriverFile, //
    },
    error::to_result,
    interop::object::Object,
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
};
use core::ptr::{
    self,
    NonNull, //
};

/// A place for a fence, which may be empty, and that user space shares between processes and
/// devices.
///
/// Wraps the C `struct drm_syncobj`. A *binary* object has one fence, which another
/// [replaces](Self::replace_fence). A *timeline* has one for each [point](Self::add_point), and
/// keeps those that are pending, as a [`FenceChain`](crate::dma_buf::FenceChain). Point 0 stands
/// for the object as it is, whichever it is.
///
/// Only drivers that say so ([`drm::Driver::FEAT_SYNCOBJ`]) have handles of such objects.
///
/// # Invariants
///
/// The wrapped object came out of `drm_syncobj_create()`, and its reference count is not zero.
///
/// # Examples
///
/// A job of a driver that waits for one object and signals another, or the next point of it:
///
/// ```
/// use kernel::{
///     dma_buf::{ChainLink, DriverFenceAllocation, Fence, FenceContextOps},
///     drm::{self, file::DriverFile, syncobj::SyncObj},
///     prelude::*,
///     sync::aref::ARef,
/// };
///
/// fn submit<F: DriverFile, T: FenceContextOps>(
///     file: &drm::File<F>,
///     wait: u32,
///     signal: (u32, u64),
///     job: DriverFenceAllocation<'_, T>,
/// ) -> Result {
///     // What may fail, as long as nobody knows of the job.
///     let before: ARef<Fence> = SyncObj::find_fence(file, wait, 0)?;
///     let (syncobj, point) = (SyncObj::find(file, signal.0)?, signal.1);
///     let link = ChainLink::new(GFP_KERNEL)?;
///
///     let job = job.new_fence();
///     let fence = ARef::from(job.as_fence());
///     syncobj.add_point(link, fence.try_into()?, point);
///
///     before.wait_interruptible()?; // Or rather in a work item.
///     job.signal(Ok(()));
///     Ok(())
/// }
/// ```
#[repr(transparent)]
pub struct SyncObj(Object<bindings::drm_syncobj>);

// SAFETY: `refcount` counts the references, and the object lives while it is not zero.
unsafe impl AlwaysRefCounted for SyncObj {
    #[inline]
    fn inc_ref(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::drm_syncobj_get(self.as_raw()) };
    }

    #[inline]
    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller owns a reference and gives it up.
        unsafe { bindings::drm_syncobj_put(obj.cast().as_ptr()) };
    }
}

impl SyncObj {
    /// A new object with this fence, if there is one.
    ///
    /// Fails with `ENOMEM`. May sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{dma_buf::Fence, drm::syncobj::SyncObj};
    ///
    /// let syncobj = SyncObj::new(None)?;
    ///
    /// assert!(syncobj.fence().is_none());
    /// syncobj.replace_fence(Some(&Fence::stub()));
    /// assert!(syncobj.fence().is_some_and(|fence| fence.is_signaled()));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn new(fence: Option<&Fence>) -> Result<ARef<Self>> {
        let mut obj = ptr::null_mut();

        // SAFETY: The fence, if there is one, is valid, and the call takes a reference of its own.
        // If it does not fail it gives a new object, with a reference for us.
        unsafe {
            to_result(bindings::drm_syncobj_create(
                &mut obj,
                0,
                fence.map_or(ptr::null_mut(), Fence::as_raw),
            ))?;
            NonNull::new(obj).map(|obj| ARef::from_raw(obj.cast()))
        }
        .ok_or(ENOMEM)
    }

    /// The object that user space knows by `handle`.
    ///
    /// Fails with `ENOENT` if there is none.
    #[inline]
    pub fn find<F: DriverFile>(file: &drm::File<F>, handle: u32) -> Result<ARef<Self>> {
        const { assert_has_handles::<F>() };

        // SAFETY: The file is open, and has such handles, as was just checked. What is found comes
        // with a reference for us.
        unsafe {
            NonNull::new(bindings::drm_syncobj_find(file.as_raw(), handle))
                .map(|obj| ARef::from_raw(obj.cast()))
        }
        .ok_or(ENOENT)
    }

    /// The fence of a point of the object that user space knows by `handle`. The stub if the point
    /// was reached already.
    ///
    /// Fails with `ENOENT` if there is no such object, and with `EINVAL` if it is empty or does not
    /// go as far as that.
    #[inline]
    pub fn find_fence<F: DriverFile>(
        file: &drm::File<F>,
        handle: u32,
        point: u64,
    ) -> Result<ARef<Fence>> {
        Self::find_fence_with(file, handle, point, 0)
    }

    /// As [`find_fence`](Self::find_fence), but waits until there is such a fence: for work that
    /// somebody is yet to submit.
    ///
    /// Fails with `ETIME` after five seconds, and with `ERESTARTSYS` if there is a signal. It is
    /// user space that is waited for, so nothing may be locked, or somebody would have to wait for
    /// that one, too. With lockdep in the kernel this is reported; for lockdep it is also a lock
    /// that an ioctl declared with [`declare_drm_ioctls`](crate::declare_drm_ioctls) keeps its
    /// device from being unplugged.
    #[inline]
    pub fn find_submitted_fence<F: DriverFile>(
        file: &drm::File<F>,
        handle: u32,
        point: u64,
    ) -> Result<ARef<Fence>> {
        let flags = bindings::DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;

        Self::find_fence_with(file, handle, point, flags.into())
    }

    #[inline]
    fn find_fence_with<F: DriverFile>(
        file: &drm::File<F>,
        handle: u32,
        point: u64,
        flags: u64,
    ) -> Result<ARef<Fence>> {
        const { assert_has_handles::<F>() };

        let mut fence = ptr::null_mut();
        // SAFETY: As in `find`. If it does not fail it gives a fence with a reference for us.
        unsafe {
            to_result(bindings::drm_syncobj_find_fence(
                file.as_raw(),
                handle,
                point,
                flags,
                &mut fence,
            ))?;
            NonNull::new(fence).map(|fence| ARef::from_raw(fence.cast()))
        }
        .ok_or(EINVAL)
    }

    /// Gives the object a handle, which others of the same file may use at once.
    ///
    /// Fails with `ENOMEM`, and with `EBUSY` if there are too many. May sleep.
    #[inline]
    pub fn create_handle<F: DriverFile>(&self, file: &drm::File<F>) -> Result<u32> {
        const { assert_has_handles::<F>() };

        let mut handle = 0;
        // SAFETY: As in `find`; the call takes a reference of its own.
        to_result(unsafe {
            bindings::drm_syncobj_get_handle(file.as_raw(), self.as_raw(), &mut handle)
        })?;
        Ok(handle)
    }

    /// The fence that is there now. A timeline's is a chain.
    ///
    /// May be called in any context.
    #[inline]
    pub fn fence(&self) -> Option<ARef<Fence>> {
        // SAFETY: By the type invariant. What is there comes with a reference for us.
        unsafe {
            NonNull::new(bindings::drm_syncobj_fence_get(self.as_raw()))
                .map(|fence| ARef::from_raw(fence.cast()))
        }
    }

    /// Puts `fence` in the place of what is there. Who waits for it to be submitted goes on.
    ///
    /// Who has found the fence before keeps it. With interrupts on only, and not in a callback of a
    /// fence.
    #[inline]
    pub fn replace_fence(&self, fence: Option<&Fence>) {
        let fence = fence.map_or(ptr::null_mut(), Fence::as_raw);

        // SAFETY: Both are valid; the call takes a reference of its own to the fence.
        unsafe { bindings::drm_syncobj_replace_fence(self.as_raw(), fence) };
    }

    /// Adds a point to the timeline. Cannot fail. Who waits for it to be submitted goes on.
    ///
    /// A point stands for all before it. One that is not later than what is there begins a timeline
    /// of its own, which is signalled when both are; that is for user space to avoid, which chooses
    /// the points. With interrupts on only, and not in a callback of a fence.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{dma_buf::{ChainLink, Fence}, drm::syncobj::SyncObj, prelude::*};
    ///
    /// let timeline = SyncObj::new(None)?;
    ///
    /// timeline.add_point(ChainLink::new(GFP_KERNEL)?, Fence::stub().try_into()?, 7);
    /// assert_eq!(timeline.fence().map(|fence| fence.seqno()), Some(7));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn add_point(&self, link: ChainLink, fence: ChainMember, point: u64) {
        // SAFETY: The object and the fence are valid, and the fence is no chain. The call takes
        // references of its own, and takes over the memory, which came from `kmalloc()`.
        unsafe {
            bindings::drm_syncobj_add_point(self.as_raw(), link.into_raw(), fence.as_raw(), point);
        }
    }

    /// The C `struct drm_syncobj`.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::drm_syncobj {
        self.0.get()
    }
}

/// The table of handles is only set up for drivers that say so.
const fn assert_has_handles<F: DriverFile>() {
    assert!(
        <F::Driver as drm::Driver>::FEAT_SYNCOBJ,
        "the driver has not said that it has synchronisation objects"
    );
}
