// SPDX-License-Identifier: GPL-2.0

//! Who holds the locks of reservation objects.

use crate::{
    prelude::*,
    sync::aref::ARef,
    task::Task,
    types::NotThreadSafe, //
};

/// The task that holds a lock, for what unlocks it.
///
/// A lock that is held refers to its task, which whoever waits for it looks at: so the task stays,
/// too, if what was to unlock is forgotten. And no other task can have this, since a mutex is
/// unlocked by the task that locked it.
///
/// # Invariants
///
/// `_task` is the task that has made this, and the only one that has it.
pub(super) struct Holder {
    _task: ARef<Task>,
    _not_send: NotThreadSafe,
}

impl Holder {
    /// The task that runs.
    #[inline]
    pub(super) fn current() -> Self {
        let task: &Task = current!();

        // INVARIANT: That is who makes it, and it is not `Send`.
        Self {
            _task: task.into(),
            _not_send: NotThreadSafe,
        }
    }
}
