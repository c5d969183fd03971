// SPDX-License-Identifier: GPL-2.0

//! Who has locked a reservation object unlocks it, in the same task. What a job needs for its fence
//! goes with the job.

use kernel::{
    dma_buf::{
        ChainLink,
        DriverFenceAllocation,
        FenceContextOps,
        Resv,
        ResvGuard,
        SignallingSection,
        Slot,
        Slots, //
    },
    sync::aref::ARef,
};

fn send<T: Send>(_value: T) {}

fn from_here(resv: &Resv, guard: ResvGuard<'_>, section: SignallingSection) {
    send(resv);
    #[cfg(misuse)]
    send(guard); //~ ERROR cannot be sent between threads safely
    #[cfg(misuse)]
    send(section); //~ ERROR cannot be sent between threads safely
}

fn with_room(slots: Slots<'_>, slot: Slot<'_>) {
    #[cfg(misuse)]
    send(slots); //~ ERROR cannot be sent between threads safely
    #[cfg(misuse)]
    send(slot); //~ ERROR cannot be sent between threads safely
    let _used = (slots, slot);
}

fn with_a_job<T: FenceContextOps>(fence: DriverFenceAllocation<'_, T>, link: ChainLink) {
    send((fence, link));
}

fn elsewhere(buf: ARef<kernel::dma_buf::DmaBuf>) {
    send(buf);
}
