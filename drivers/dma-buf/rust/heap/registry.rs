// SPDX-License-Identifier: GPL-2.0

//! The table of all heaps.

use crate::{
    heap::{
        Heap,
        InUse,
        OpenHeap, //
    },
    layout::{
        class::Registered,
        description::Description,
        groups::Groups,
        owner::Owner, //
    }, //
};
use core::mem::forget;
#[cfg(CONFIG_MODULES)]
use kernel::bindings;
use kernel::{
    fs::operations::Openable,
    prelude::*,
    sync::{
        new_mutex,
        Arc,
        Mutex,
        MutexGuard,
        PinnedOnce,
        Publication,
        Published, //
    }, //
};

/// How many heaps there can be: each has a minor of the same major.
const MAX_HEAPS: usize = 128;

/// All heaps.
struct Heaps {
    /// `None` while there is no character device.
    devices: Option<Registered>,
    /// By minor.
    table: [Option<Publication<InUse>>; MAX_HEAPS],
}

/// The heaps of the table, for those who open files.
static OPENABLE: [Published<InUse>; MAX_HEAPS] = [const { Published::new() }; MAX_HEAPS];

/// There is none at first: drivers that are built in may be too early.
static HEAPS: PinnedOnce<Mutex<Heaps>> = PinnedOnce::new();

/// Fails with `ENODEV` before [`init`]. Sleeps.
#[inline]
fn lock() -> Result<MutexGuard<'static, Heaps>> {
    Ok(HEAPS.get().ok_or(ENODEV)?.lock())
}

/// Heaps can be added. Dropped, it takes the devices away, and sleeps.
pub(crate) struct Ready;

impl Drop for Ready {
    #[inline(never)]
    fn drop(&mut self) {
        let devices = lock().ok().and_then(|mut heaps| heaps.devices.take());

        drop(devices);
    }
}

/// Makes the registry usable, and registers the devices of heaps, for files with the operations
/// `files`. Called once. Sleeps.
///
/// Fails with `ENOMEM`, or `EBUSY` if all majors are taken. No heap can be added then.
#[inline(always)]
pub(crate) fn init(files: Openable) -> Result<Ready> {
    HEAPS.init(new_mutex!(init!(Heaps {
        devices: None,
        // One by one, since all of them would be much for the stack.
        table <- pin_init::init_array_from_fn(|_| -> Option<Publication<InUse>> { None }),
    })));
    // Who opens a file meanwhile finds no heap.
    let devices = Registered::new(MAX_HEAPS as u32, files)?;

    // There were none.
    forget(lock()?.devices.replace(devices));
    Ok(Ready)
}

/// Makes a heap of what its driver says, and adds it. What is returned is the driver's reference.
/// Fails as [`InUse::new`] and [`add`]. Sleeps.
pub(crate) fn add_described(info: &Description, owner: Owner, groups: Groups) -> Result<Arc<Heap>> {
    let heap = InUse::new(info, owner, groups).and_then(|heap| {
        let heap = Arc::new(heap, GFP_KERNEL)?;

        // There is one place where what is not added goes.
        add(&heap).map(|()| heap.heap().clone())
    });

    if let Err(err) = &heap {
        refused(info, *err);
    }
    heap
}

#[cold]
fn refused(info: &Description, err: Error) {
    let name = info.name.unwrap_or(c"without a name");

    pr_err!("Cannot add heap {name}: {err:?}\n");
}

/// Adds a heap, and with it its device.
///
/// A heap can be found exactly when this has succeeded: who opens the device's file early waits. On
/// failure nothing of the heap was ever visible, unless creating the device failed halfway.
///
/// Fails with `EEXIST` if there is a heap of that name, `EBUSY` if all minors are taken, `ENODEV`
/// if there is no character device (it is too early), or what creating the device gave. Sleeps.
#[inline(never)]
fn add(heap: &Arc<InUse>) -> Result {
    let name = heap.name();
    let mut heaps = lock()?;
    let Heaps { devices, table } = &mut *heaps;
    let devices = devices.as_ref().ok_or(ENODEV)?;

    if table.iter().flatten().any(|other| other.name() == name) {
        return Err(EEXIST);
    }

    let mut slots = table.iter_mut().zip(&OPENABLE).zip(0..);
    let free = slots.find(|((slot, _), _)| slot.is_none());
    let ((slot, openable), minor) = free.ok_or(EBUSY)?;

    devices.create_device(minor, heap)?;
    // Nobody else publishes.
    if let Ok(published) = openable.publish(heap.clone()) {
        // There was none.
        forget(slot.replace(published));
    }
    Ok(())
}

/// Takes a heap away, and with it its device. When this returns nobody allocates from it, nor will.
///
/// Name and minor are free again before the allocations that are under way have ended. To be
/// called once, for a heap that was added; sleeps until then.
pub(crate) fn remove(heap: &Heap) {
    // It was added.
    let Ok(mut heaps) = lock() else {
        return;
    };
    let Heaps { devices, table } = &mut *heaps;
    let found = table.iter_mut().zip(0..).find(|(slot, _)| {
        slot.as_ref()
            .is_some_and(|other| core::ptr::eq(&***other, heap))
    });

    if let Some((slot, minor)) = found {
        if let Some(devices) = devices.as_ref() {
            devices.destroy_device(minor);
        }
        // Nobody opens it any more, and it is closed.
        *slot = None;
    }
    drop(heaps);
    // Also if it was somebody else who has closed it: both go on when nobody is inside any more.
    heap.wait_until_unused();
}

/// Takes away what a module has left that is being unloaded: after this nobody could. Sleeps.
#[cfg(CONFIG_MODULES)]
pub(crate) fn remove_left_by(module: *mut bindings::module) {
    let next = || {
        let heaps = lock().ok()?;
        let mut table = heaps.table.iter().flatten();

        table
            .find(|heap| core::ptr::eq(heap.owner().as_ptr(), module))
            .map(|heap| heap.heap().clone())
    };

    while let Some(heap) = next() {
        pr_warn!("Heap {} is left by a module that goes\n", heap.name());
        remove(&heap);
    }
}

/// The heap that `minor` belongs to, for an open file. Sleeps.
///
/// Fails with `ENXIO`, as for any device that is not there, if the minor belongs to no heap, and
/// with `ENODEV` if the heap is about to go with its module.
#[inline(always)]
pub(crate) fn open(minor: usize) -> Result<OpenHeap> {
    let openable = OPENABLE.get(minor).ok_or(ENXIO)?;

    let mut has_waited = false;

    loop {
        if let Some(opened) = openable.with(|heap| OpenHeap::new(&heap)) {
            return opened;
        }
        if has_waited {
            return Err(ENXIO);
        }
        // Who adds it may not be done.
        drop(lock()?);
        has_waited = true;
    }
}
