// SPDX-License-Identifier: GPL-2.0

//! The table of all heaps.

use crate::{
    chardev,
    heap::{
        Heap,
        OpenHeap, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*,
    sync::{
        global_lock,
        Arc, //
    },
};

/// How many heaps there can be: each has a minor of the same major.
pub(crate) const MAX_HEAPS: usize = 128;

/// The heaps by minor. A heap is closed only after it was taken out.
type Table = [Option<Arc<Heap>>; MAX_HEAPS];

global_lock! {
    // SAFETY: Initialised by `init()` before anything else uses it.
    unsafe(uninit) static HEAPS: Mutex<Table> = [const { None }; MAX_HEAPS];
}

/// Makes the registry usable.
///
/// # Safety
///
/// Must be called once, before any other function of this module.
pub(crate) unsafe fn init() {
    // SAFETY: By the caller's guarantee.
    unsafe { HEAPS.init() };
}

/// Adds a heap, and with it its device.
///
/// A heap can be found exactly when this has succeeded: who opens the device's file early waits. On
/// failure nothing of the heap was ever visible, unless creating the device failed halfway.
///
/// Fails with `EEXIST` if there is a heap of that name, `EBUSY` if all minors are taken, `ENODEV`
/// if there is no character device (it is too early), or what creating the device gave. Sleeps.
pub(crate) fn add(heap: &Arc<Heap>) -> Result {
    let chardev = chardev::get().ok_or(ENODEV)?;
    let name = heap.name();
    let mut heaps = HEAPS.lock();

    if heaps.iter().flatten().any(|other| other.name() == name) {
        pr_err!("There is a heap named {name} already\n");
        return Err(EEXIST);
    }

    let mut slots = heaps.iter_mut().zip(0..MAX_HEAPS as u32);
    let Some((slot, minor)) = slots.find(|(slot, _)| slot.is_none()) else {
        pr_err!("No minor is left for heap {name}\n");
        return Err(EBUSY);
    };

    chardev
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
    let mut slots = heaps.iter_mut().zip(0..MAX_HEAPS as u32);
    let taken = slots
        .find(|(slot, _)| {
            slot.as_ref()
                .is_some_and(|other| core::ptr::eq(&**other, heap))
        })
        .and_then(|(slot, minor)| {
            chardev::get()?.destroy_device(minor);
            slot.take()
        });
    heap.close();

    drop(heaps);
    drop(taken);
    heap.wait_until_unused();
}

/// Takes away what a module has left that is being unloaded: after this nobody could. Sleeps.
#[cfg_attr(not(CONFIG_MODULES), allow(dead_code))]
pub(crate) fn remove_left_by(owner: NonNull<bindings::module>) {
    let next = || {
        HEAPS
            .lock()
            .iter()
            .flatten()
            .find(|heap| heap.is_owned_by(owner))
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
    let heap = heaps.get(minor).and_then(Option::as_ref).ok_or(ENXIO)?;

    // SAFETY: The lock keeps the heap in the table, and so from being closed.
    unsafe { OpenHeap::new(heap) }
}
