// SPDX-License-Identifier: GPL-2.0
//~ NEEDS CONFIG_DRM

//! DRM is told to share objects, and to hand them out as dumb buffers, by whoever can, and no one
//! else.

use kernel::{
    drm::gem::{
        dumb::DumbObject,
        prime::PrimeObject,
        DriverObject,
        Hooks, //
    },
    prelude::*,
};

fn shared<T: PrimeObject + DumbObject>() -> Hooks<T> {
    Hooks::NONE.dumb().prime()
}

fn not_shared<T: DriverObject>() -> Hooks<T> {
    #[cfg(misuse)]
    return Hooks::NONE.prime(); //~ ERROR the trait bound `T: PrimeObject` is not satisfied
    Hooks::NONE
}

fn not_dumb<T: PrimeObject>() -> Hooks<T> {
    #[cfg(misuse)]
    return Hooks::NONE.prime().dumb(); //~ ERROR the trait bound `T: DumbObject` is not satisfied
    Hooks::NONE.prime()
}

fn hooks_of_another<T: PrimeObject, U: PrimeObject>() -> Hooks<T> {
    #[cfg(misuse)]
    return shared_of::<U>(); //~ ERROR mismatched types
    shared_of::<T>()
}

fn shared_of<T: PrimeObject>() -> Hooks<T> {
    Hooks::NONE.prime()
}
