// SPDX-License-Identifier: GPL-2.0

//! Reservation objects.
//!
//! C header: [`include/linux/dma-resv.h`](srctree/include/linux/dma-resv.h)

mod abi;
mod acquire;
mod exec;
mod exec_slots;
mod guard;
mod holder;
mod in_use;
mod iter;
mod lock;
mod locks;
mod object;
mod reference;
mod unlocked;
mod usage;

pub(super) use self::abi::fatal_signal_pending;
pub use self::{
    acquire::{
        AcquireCtx,
        LockedResvs, //
    },
    exec::{
        Exec,
        LockedExec, //
    },
    exec_slots::ExecSlots,
    guard::{
        Slot,
        Slots, //
    },
    iter::{
        Fences,
        UnlockedFence,
        UnlockedFences, //
    },
    lock::ResvGuard,
    object::Resv,
    reference::{
        HasResv,
        ResvHandle, //
    },
    usage::Usage, //
};
