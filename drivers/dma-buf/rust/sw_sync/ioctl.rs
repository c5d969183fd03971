// SPDX-License-Identifier: GPL-2.0

//! The ioctls of `sync/sw_sync`.
//!
//! There is no header for them: programs bring definitions of their own, see
//! [`tools/testing/selftests/sync/sync.c`](srctree/tools/testing/selftests/sync/sync.c).

use crate::{
    abi::taint_by_lockup,
    layout::objects::{
        Point,
        Timeline, //
    },
    seqno::Seqno, //
};
use kernel::{
    argument,
    dma_buf::SyncFile,
    fs::{
        argument::{
            Answer,
            Argument, //
        },
        file::{
            flags::O_CLOEXEC,
            FileDescriptorReservation, //
        }, //
    },
    ioctl::{
        _IOW,
        _IOWR, //
    },
    prelude::*,
    uaccess::UserPtr, //
};

const MAGIC: u32 = 'W' as u32;
const CREATE_FENCE: u32 = _IOWR::<CreateFence>(MAGIC, 0);
const INC: u32 = _IOW::<Increment>(MAGIC, 1);
const GET_DEADLINE: u32 = _IOWR::<GetDeadline>(MAGIC, 2);

argument! {
    /// The argument of [`CREATE_FENCE`].
    struct CreateFence = [] {
        /// When to signal the fence.
        value: u32,
        /// For the name of the fence. Not used.
        name: [u8; 32],
        /// Returned: a file descriptor of a sync_file.
        fence: i32,
    }
}

argument! {
    /// The argument of [`INC`].
    struct Increment = [] {
        /// How far.
        steps: u32,
    }
}

argument! {
    /// The argument of [`GET_DEADLINE`].
    struct GetDeadline = [] {
        /// Returned: the deadline, in nanoseconds of `CLOCK_MONOTONIC`. Must be zero.
        deadline_ns: u64,
        /// Must be zero.
        pad: u32,
        /// A file descriptor of a sync_file.
        fence_fd: i32,
    }
}

/// Carries out `cmd`. Fails with `ENOTTY` if there is no such command. Sleeps.
#[inline(always)]
pub(crate) fn ioctl(timeline: &Timeline, cmd: u32, arg: UserPtr) -> Answer {
    match cmd {
        CREATE_FENCE => Answer::of(timeline, arg, create_fence),
        INC => Answer::of(timeline, arg, inc),
        GET_DEADLINE => Answer::of(timeline, arg, |_, arg| get_deadline(arg)),
        _ => ENOTTY.into(),
    }
}

/// Gives out a fence on the timeline.
///
/// Fails with `EMFILE`, `EFAULT` and `ENOMEM`.
#[inline(always)]
fn create_fence(timeline: &Timeline, ptr: UserPtr) -> Result {
    let fd = FileDescriptorReservation::get_unused_fd_flags(O_CLOEXEC);

    // Whoever waits for such a fence in the kernel is at the mercy of user space.
    taint_by_lockup();

    let fd = fd?;
    let mut arg = CreateFence::default();

    arg.fill(ptr)?;
    let file = SyncFile::new(&*timeline.fence(Seqno(arg.value))?)?;

    arg.fence = fd.reserved_fd() as i32;
    arg.write(ptr)?;
    fd.fd_install(file.into_file());
    Ok(())
}

/// Advances the timeline. Fails with `EFAULT`.
#[inline(always)]
fn inc(timeline: &Timeline, ptr: UserPtr) -> Result {
    let Increment { steps } = Increment::read(ptr)?;

    timeline.advance(steps);
    Ok(())
}

/// Tells the earliest deadline that was set on a fence, which may be on any timeline.
///
/// Fails with `EFAULT`, with `EINVAL` if the argument is malformed or the file does not stand for
/// one of our fences, and with `ENOENT` if there is no deadline.
#[inline(always)]
fn get_deadline(ptr: UserPtr) -> Result {
    let mut arg = GetDeadline::read(ptr)?;

    if arg.deadline_ns != 0 || arg.pad != 0 {
        return Err(EINVAL);
    }

    let fence = SyncFile::fence_from_fd(arg.fence_fd)?;
    let deadline = Point::of(&fence).ok_or(EINVAL)?.deadline.get();

    arg.deadline_ns = deadline.ok_or(ENOENT)? as u64;
    arg.write(ptr)
}
