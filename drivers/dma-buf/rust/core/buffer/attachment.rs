// SPDX-License-Identifier: GPL-2.0

//! Attachments: which devices use a buffer, and their mappings of it.

use super::{
    cpu_access::{
        assert_locked,
        ops, //
    },
    trace, //
};
use crate::{
    kmalloc,
    page_hiding, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    dma_buf::{
        DmaBuf,
        Usage, //
    },
    error::{
        from_err_ptr,
        to_result, //
    },
    page::PAGE_SIZE,
    prelude::*,
    scatterlist::SGTable,
    task::might_sleep,
    types::{
        Opaque,
        ScopeGuard, //
    }, //
};

/// An attachment to the buffer of any exporter.
///
/// # Invariants
///
/// Wraps a `struct dma_buf_attachment` that is attached: its buffer and its device are alive, and
/// all but `node` and `priv` is constant.
#[repr(transparent)]
pub(crate) struct AnyAttachment(Opaque<bindings::dma_buf_attachment>);

impl AnyAttachment {
    /// # Safety
    ///
    /// `ptr` must point to an attachment that is not detached during `'a`.
    pub(crate) unsafe fn from_raw<'a>(ptr: *mut bindings::dma_buf_attachment) -> &'a Self {
        // SAFETY: By the caller's guarantee; the type is transparent.
        unsafe { &*ptr.cast() }
    }

    pub(crate) fn as_raw(&self) -> *mut bindings::dma_buf_attachment {
        self.0.get()
    }

    pub(crate) fn buf(&self) -> &DmaBuf {
        // SAFETY: By the type invariant.
        unsafe { DmaBuf::from_raw((*self.as_raw()).dmabuf) }
    }

    pub(crate) fn dev_ptr(&self) -> *mut bindings::device {
        // SAFETY: By the type invariant.
        unsafe { (*self.as_raw()).dev }
    }

    fn ops(&self) -> &bindings::dma_buf_ops {
        ops(self.buf())
    }

    fn importer_ops(&self) -> Option<&bindings::dma_buf_attach_ops> {
        // SAFETY: NULL or valid as long as the device is attached, by the importer's contract.
        unsafe { (*self.as_raw()).importer_ops.as_ref() }
    }

    /// Whether the importer copes with memory that moves.
    pub(crate) fn is_dynamic(&self) -> bool {
        self.importer_ops().is_some()
    }

    /// Whether the importer gives up its mappings when it is told to.
    pub(crate) fn is_revocable(&self) -> bool {
        self.importer_ops()
            .is_some_and(|ops| ops.invalidate_mappings.is_some())
    }

    /// Whether memory that can move has to be pinned for as long as it is mapped.
    fn pins_on_map(&self) -> bool {
        self.ops().pin.is_some() && !self.is_dynamic()
    }

    /// Keeps the memory where it is. The caller holds the reservation object.
    pub(crate) fn pin(&self) -> Result {
        assert_locked(self.buf());
        match self.ops().pin {
            // SAFETY: As `struct dma_buf_ops` asks for.
            Some(op) => to_result(unsafe { op(self.as_raw()) }),
            None => Ok(()),
        }
    }

    /// Undoes [`pin`](Self::pin). The caller holds the reservation object.
    pub(crate) fn unpin(&self) {
        assert_locked(self.buf());
        if let Some(op) = self.ops().unpin {
            // SAFETY: As `struct dma_buf_ops` asks for.
            unsafe { op(self.as_raw()) };
        }
    }

    /// Makes the buffer accessible to the device. See `dma_buf_map_attachment()`.
    ///
    /// The caller holds the reservation object. Sleeps. On failure everything is as before.
    pub(crate) fn map(
        &self,
        dir: bindings::dma_data_direction,
    ) -> Result<NonNull<bindings::sg_table>> {
        might_sleep();
        assert_locked(self.buf());

        let pinned = if self.pins_on_map() {
            let done = self.pin();

            if done == Err(EBUSY) {
                // The exporter has let the memory go where those who are attached cannot reach it.
                kernel::do_once_lite! {
                    kernel::warn_on!(true);
                }
            }
            done?;
            Some(ScopeGuard::new(|| self.unpin()))
        } else {
            None
        };

        // `export` has checked that the operation is there.
        let op = self.ops().map_dma_buf.ok_or(EINVAL)?;
        // SAFETY: As `struct dma_buf_ops` asks for.
        let table = from_err_ptr(unsafe { op(self.as_raw(), dir) })?;
        let table = NonNull::new(table).ok_or(ENOMEM)?;
        let mapped = ScopeGuard::new(|| self.exporter_unmap(table, dir));

        if !self.is_dynamic() {
            // The importer knows nothing of fences: let moves and clears come to an end first.
            self.buf().resv().wait_interruptible(Usage::Kernel)?;
        }
        // SAFETY: The exporter gave us the table, which stays until it is unmapped.
        let table = unsafe { page_hiding::hide(table) }?;

        if cfg!(CONFIG_DMA_API_DEBUG) {
            // SAFETY: As above, or one of our own.
            check_alignment(unsafe { SGTable::from_raw(table.as_ptr()) });
        }
        mapped.dismiss();
        if let Some(pinned) = pinned {
            pinned.dismiss();
        }
        Ok(table)
    }

    /// Undoes [`map`](Self::map). See `dma_buf_unmap_attachment()`.
    ///
    /// The caller holds the reservation object. Sleeps.
    ///
    /// # Safety
    ///
    /// `table` must have come from `map` with the same direction, and not be unmapped again.
    pub(crate) unsafe fn unmap(
        &self,
        table: NonNull<bindings::sg_table>,
        dir: bindings::dma_data_direction,
    ) {
        might_sleep();
        assert_locked(self.buf());

        // SAFETY: By the caller's guarantee it came from `hide`.
        let table = unsafe { page_hiding::reveal(table) };
        self.exporter_unmap(table, dir);
        if self.pins_on_map() {
            self.unpin();
        }
    }

    fn exporter_unmap(
        &self,
        table: NonNull<bindings::sg_table>,
        dir: bindings::dma_data_direction,
    ) {
        if let Some(op) = self.ops().unmap_dma_buf {
            // SAFETY: As `struct dma_buf_ops` asks for: this is the table that the exporter gave.
            unsafe { op(self.as_raw(), table.as_ptr(), dir) };
        }
    }
}

/// Says which importer gets addresses that are no pages' of a machine that looks for such things.
fn check_alignment(table: &SGTable) {
    let odd = table.iter().find(|entry| {
        // The lowest bits are all that counts.
        let bits = entry.dma_address() as usize | entry.dma_len() as usize;

        bits & (PAGE_SIZE - 1) != 0
    });

    if let Some(entry) = odd {
        pr_debug!(
            "dma_buf_map_attachment: addr {:x} or len {:x} is not page aligned!\n",
            entry.dma_address(),
            entry.dma_len()
        );
    }
}

/// Attaches a device. See `dma_buf_dynamic_attach()`. May sleep.
///
/// Fails with `ENOMEM`, or with what the exporter fails with.
///
/// # Safety
///
/// `dev` and `importer_ops` (unless NULL) must stay valid, and the caller must hold a reference to
/// `buf`, until the device is detached.
pub(crate) unsafe fn attach(
    buf: &DmaBuf,
    dev: NonNull<bindings::device>,
    importer_ops: *const bindings::dma_buf_attach_ops,
    importer_priv: *mut c_void,
) -> Result<NonNull<bindings::dma_buf_attachment>> {
    // SAFETY: Memory from `kmalloc()`, which is valid when it is zeroed.
    let mut attachment = unsafe { KBox::from_raw(kmalloc::attachment()?.as_ptr()) };

    attachment.dev = dev.as_ptr();
    attachment.dmabuf = buf.as_raw();
    // SAFETY: By the caller's guarantee.
    attachment.peer2peer = unsafe { importer_ops.as_ref() }.is_some_and(|ops| ops.allow_peer2peer);
    attachment.importer_ops = importer_ops;
    attachment.importer_priv = importer_priv;

    if let Some(op) = ops(buf).attach {
        // SAFETY: As `struct dma_buf_ops` asks for.
        to_result(unsafe { op(buf.as_raw(), &mut *attachment) })?;
    }

    let attachment = KBox::into_raw(attachment);
    {
        let _guard = buf.resv().lock();
        // SAFETY: The list is guarded by the reservation object, and the node is in no list.
        unsafe {
            bindings::list_add(
                &raw mut (*attachment).node,
                &raw mut (*buf.as_raw()).attachments,
            )
        };
    }
    // SAFETY: Attached just above.
    trace::attach(unsafe { AnyAttachment::from_raw(attachment) });
    NonNull::new(attachment).ok_or(ENOMEM)
}

/// Detaches a device. See `dma_buf_detach()`. May sleep.
///
/// # Safety
///
/// `attachment` must have come from [`attach`] to `buf`, have no mappings, and not be used again.
pub(crate) unsafe fn detach(buf: &DmaBuf, attachment: NonNull<bindings::dma_buf_attachment>) {
    let attachment = attachment.as_ptr();

    {
        let _guard = buf.resv().lock();
        // SAFETY: `attach` put the node into the list, which the reservation object guards.
        unsafe { bindings::list_del(&raw mut (*attachment).node) };
    }
    if let Some(op) = ops(buf).detach {
        // SAFETY: As `struct dma_buf_ops` asks for.
        unsafe { op(buf.as_raw(), attachment) };
    }
    // SAFETY: Not freed yet.
    trace::detach(unsafe { AnyAttachment::from_raw(attachment) });
    // SAFETY: `attach` made it a box.
    drop(unsafe { KBox::from_raw(attachment) });
}

/// Calls `f` with each attachment. The caller holds the reservation object.
pub(crate) fn for_each(buf: &DmaBuf, f: impl FnMut(&AnyAttachment)) {
    assert_locked(buf);

    // SAFETY: The list is initialised, holds attachments only, and does not change while the
    // reservation object is held.
    let list = unsafe {
        kernel::interop::list::clist_create!(
            &raw mut (*buf.as_raw()).attachments,
            AnyAttachment,
            bindings::dma_buf_attachment,
            node
        )
    };
    list.iter().for_each(f);
}

/// Tells revocable importers to give up their mappings. See `dma_buf_invalidate_mappings()`.
///
/// The caller holds the reservation object.
pub(crate) fn invalidate_mappings(buf: &DmaBuf) {
    for_each(buf, |attachment| {
        let op = attachment
            .importer_ops()
            .and_then(|ops| ops.invalidate_mappings);
        if let Some(op) = op {
            // SAFETY: As `struct dma_buf_attach_ops` asks for.
            unsafe { op(attachment.as_raw()) };
        }
    });
}
