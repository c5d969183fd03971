// SPDX-License-Identifier: GPL-2.0

//! The table of all heaps.

use crate::{
    heap::{
        Heap,
        OpenHeap, //
    },
    layout::class::Registered, //
};
use kernel::{
    bindings,
    prelude::*,
    sync::{
        global_lock,
        Arc,
        SetOnce, //
    },
};

/// How many heaps there can be: each has a minor of the same major.
const MAX_HEAPS: usize = 128;

/// All heaps.
struct Heaps {
    /// `None` while there is no character device.
    devices: Option<Registered>,
    /// By minor. A heap is closed only after it was taken out.
    table: [Option<Arc<Heap>>; MAX_HEAPS],
}

global_lock! {
    // SAFETY: Initialised by `init()` before anything else uses it.
    unsafe(uninit) static HEAPS: Mutex<Heaps> = Heaps {
        devices: None,
        table: [const { None }; MAX_HEAPS],
    };
}

/// Whether [`HEAPS`] is initialised: drivers that are built in may be too early.
static READY: SetOnce<()> = SetOnce::new();

/// Makes the registry usable, and registers the devices of heaps, for files with the operations
/// `fops`. Sleeps.
///
/// Fails with `ENOMEM`, or `EBUSY` if all majors are taken. No heap can be added then.
///
/// # Safety
///
/// Must be called once, before any other function of this module.
pub(crate) unsafe fn init(fops: &'static bindings::file_operations) -> Result {
    // SAFETY: This is the only call, and the first.
    unsafe { HEAPS.init() };
    READY.populate(());
    // Who opens a file meanwhile finds no heap.
    let devices = Registered::new(MAX_HEAPS as u32, fops)?;

    HEAPS.lock().devices = Some(devices);
    Ok(())
}

/// Takes the devices away: no heap can be added any more. Sleeps.
pub(crate) fn exit() {
    let devices = HEAPS.lock().devices.take();

    drop(devices);
}

/// Adds a heap, and with it its device.
///
/// A heap can be found exactly when this has succeeded: who opens the device's file early waits. On
/// failure nothing of the heap was ever visible, unless creating the device failed halfway.
///
/// Fails with `EEXIST` if there is a heap of that name, `EBUSY` if all minors are taken, `ENODEV`
/// if there is no character device (it is too early), or what creating the device gave. Sleeps.
pub(crate) fn add(heap: &Arc<Heap>) -> Result {
    READY.as_ref().ok_or(ENODEV)?;

    let name = heap.name();
    let mut heaps = HEAPS.lock();
    let Heaps { devices, table } = &mut *heaps;
    let devices = devices.as_ref().ok_or(ENODEV)?;

    if table.iter().flatten().any(|other| other.name() == name) {
        pr_err!("There is a heap named {name} already\n");
        return Err(EEXIST);
    }

    let mut slots = table.iter_mut().zip(0..MAX_HEAPS as u32);
    let Some((slot, minor)) = slots.find(|(slot, _)| slot.is_none()) else {
        pr_err!("No minor is left for heap {name}\n");
        return Err(EBUSY);
    };

    devices
        .create_device(minor, name)
        .inspect_err(|err| pr_err!("Cannot create the device of heap {name}: {err:?}\n"))?;
    *slot = Some(heap.clone());
    Ok(())
}

/// Takes a heap away, and with it its device. When this returns nobody allocates from it, nor will.
///
/// Name and minor are free again before the allocations that are under way have ended. To be
/// called once, for a heap that was added; sleeps until then.
pub(crate) fn remove(heap: &Heap) {
    let mut heaps = HEAPS.lock();
    let Heaps { devices, table } = &mut *heaps;
    let mut slots = table.iter_mut().zip(0..MAX_HEAPS as u32);
    let taken = slots
        .find(|(slot, _)| {
            slot.as_ref()
                .is_some_and(|other| core::ptr::eq(&**other, heap))
        })
        .and_then(|(slot, minor)| {
            devices.as_ref()?.destroy_device(minor);
            slot.take()
        });
    heap.close();

    drop(heaps);
    drop(taken);
    heap.wait_until_unused();
}

/// Takes away what a module has left that is being unloaded: after this nobody could. Sleeps.
#[cfg(CONFIG_MODULES)]
pub(crate) fn remove_left_by(module: *mut bindings::module) {
    let next = || {
        HEAPS
            .lock()
            .table
            .iter()
            .flatten()
            .find(|heap| heap.owner().is(module))
            .cloned()
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
pub(crate) fn open(minor: usize) -> Result<OpenHeap> {
    let heaps = HEAPS.lock();
    let heap = heaps
        .table
        .get(minor)
        .and_then(Option::as_ref)
        .ok_or(ENXIO)?;

    // SAFETY: The lock keeps the heap in the table, and so from being closed.
    unsafe { OpenHeap::new(heap) }
}
