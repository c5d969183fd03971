// SPDX-License-Identifier: GPL-2.0

//! Areas of user space that page faults fill.

use super::{
    handed_out::Shown,
    source::{
        MmapMode,
        PageSource, //
    },
};
use crate::{
    bindings,
    dma_buf::trampoline::{
        one,
        Ref, //
    },
    mm::virt::{
        flags as vm,
        VmaNew,
        VmaRef, //
    },
    page::{
        BorrowedPage,
        PAGE_SIZE, //
    },
    prelude::*,
    types::Opaque, //
};
use core::{
    marker::PhantomData,
    ptr, //
};

/// Lets page faults fill `vma` with the pages of `source`.
///
/// # Safety
///
/// `source` must stay, and must not be borrowed mutably, as long as there is `vma`, or an area that
/// becomes of it when it is split or inherited.
#[inline]
pub(super) unsafe fn fault_in<S: PageSource>(source: &S, vma: &VmaNew) -> Result {
    if vma.flags() & (vm::SHARED | vm::MAYSHARE) == 0 {
        return Err(EINVAL);
    }
    if S::MMAP == MmapMode::OnFault {
        vma.set_io();
    }
    vma.set_dontexpand();
    vma.set_dontdump();

    let raw = vma.as_ptr();
    // SAFETY: `vma` is being set up and not shared yet. Only page frames of a shared mapping will
    // enter it. The operations find the source there, which stays.
    unsafe {
        (*raw).__bindgen_anon_2.vm_flags |= vm::PFNMAP;
        (*raw).vm_ops = &Operations::<S>::TABLE;
        (*raw).vm_private_data = ptr::from_ref(source).cast_mut().cast();
    }
    Ok(())
}

/// A page fault.
///
/// # Invariants
///
/// It is in an area that [`fault_in`] has set up for an `S`, and that is locked meanwhile.
#[repr(transparent)]
struct Fault<S>(Opaque<bindings::vm_fault>, PhantomData<S>);

impl<S: PageSource> Fault<S> {
    #[inline(always)]
    fn view(&self) -> FaultView<'_, S> {
        // SAFETY: By the type invariant; the fields are constant during the fault.
        unsafe {
            let fault = ptr::from_ref(&self.0).cast::<bindings::vm_fault>();
            let fault = &raw const (*fault).__bindgen_anon_1;
            let vma = (*fault).vma;

            FaultView {
                vma: VmaRef::from_raw(vma),
                page: (*fault).pgoff,
                addr: (*fault).address,
                source: &*(*vma).vm_private_data.cast(),
            }
        }
    }
}

/// Where a fault is, and what is to be seen there.
///
/// # Invariants
///
/// `vma` takes the page frames of `source`, and is locked.
struct FaultView<'a, S> {
    vma: &'a VmaRef,
    page: usize,
    addr: usize,
    source: &'a S,
}

impl<S: PageSource> FaultView<'_, S> {
    /// Inserts `page`, which is one of the source, at `addr`. Returns what C says.
    #[inline]
    fn insert(&self, addr: usize, page: BorrowedPage<'_>, decrypted: bool) -> bindings::vm_fault_t {
        // SAFETY: By the type invariant. An address that is not inside is refused.
        unsafe { bindings::vmf_insert_page_pfn(self.vma.as_ptr(), addr, page.as_ptr(), decrypted) }
    }

    /// Inserts the other pages of the area, too, as long as that goes well. Who touches one that
    /// is missing has a fault of its own.
    fn fill(&self, decrypted: bool) {
        let (mut addr, end) = (self.vma.start(), self.vma.end());

        let first = Shown::by(self.vma).page;
        self.source.all_runs_after(first, |run| {
            run.pages().all(|page| {
                if addr != self.addr && self.insert(addr, page, decrypted) != INSERTED {
                    return false;
                }
                addr = addr.wrapping_add(PAGE_SIZE);
                addr != end
            })
        });
    }
}

/// The C operations of an area that faults fill.
struct Operations<S>(PhantomData<S>);

impl<S: PageSource> Operations<S> {
    const TABLE: bindings::vm_operations_struct = bindings::vm_operations_struct {
        fault: Some(one::<Ref<Fault<S>, _>, _, _>(Self::fault)),
        ..pin_init::zeroed()
    };

    #[inline(always)]
    fn fault(fault: &Fault<S>) -> bindings::vm_fault_t {
        let fault = fault.view();
        let mut runs = fault.source.runs_after(fault.page);
        let Some(page) = runs.next().and_then(|run| run.page(0)) else {
            return bindings::vm_fault_reason_VM_FAULT_SIGBUS;
        };
        let decrypted = fault.source.decrypted();
        let result = fault.insert(fault.addr, page, decrypted);

        if S::MMAP == MmapMode::OnFirstFault && result == INSERTED {
            fault.fill(decrypted);
        }
        result
    }
}

/// What C says when a page was inserted, or was there already.
const INSERTED: bindings::vm_fault_t = bindings::vm_fault_reason_VM_FAULT_NOPAGE;
