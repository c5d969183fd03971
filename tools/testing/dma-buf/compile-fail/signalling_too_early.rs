// SPDX-License-Identifier: GPL-2.0

//! What takes a reservation object, allocates or sleeps is put away until the fence is signalled.
//! What opens then shows nothing before.

use kernel::{
    dma_buf::{
        importer::{
            Attachment,
            EmulatedDevice,
            Mapping,
            Vmap, //
        },
        AfterSignal,
        DmaBuf,
        Fence,
        FenceContext,
        FenceContextOps,
        JobQueue,
        MaySleep,
        Resv,
        Signalling,
        SignallingWork, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
};

struct Ring;

impl FenceContextOps for Ring {
    type FenceDataType = ();
}

struct Job {
    queue: Arc<JobQueue>,
    memory: AfterSignal<Mapping<Attachment<Arc<EmulatedDevice>>>>,
    contents: AfterSignal<Vmap>,
    buf: AfterSignal<ARef<DmaBuf>>,
    resv: AfterSignal<Arc<Resv>>,
    ring: AfterSignal<Pin<KBox<FenceContext<Ring>>>>,
}

impl SignallingWork for Job {
    type Ops = Ring;

    fn queue(&self) -> &JobQueue {
        &self.queue
    }

    fn run(&self, _fence: &Fence, signalling: &Signalling) -> Result {
        let (memory, contents) = (self.memory.view(signalling), self.contents.view(signalling));

        #[cfg(misuse)]
        self.memory.get(signalling); //~ ERROR mismatched types
        #[cfg(misuse)]
        self.memory.attachment(); //~ ERROR no method named `attachment` found
        #[cfg(misuse)]
        memory.attachment(); //~ ERROR no method named `attachment` found
        #[cfg(misuse)]
        contents.buffer(); //~ ERROR no method named `buffer` found
        #[cfg(misuse)]
        self.buf.vmap()?; //~ ERROR no method named `vmap` found
        #[cfg(misuse)]
        self.buf.view(signalling); //~ ERROR trait bounds were not satisfied
        #[cfg(misuse)]
        self.resv.lock(); //~ ERROR no method named `lock` found
        #[cfg(misuse)]
        self.ring.new_fence_allocation(())?; //~ ERROR no method named `new_fence_allocation` found

        contents.write(0, &[0; 4])?;
        memory.reader().read(&mut [0; 4])?;
        Ok(())
    }

    fn clean_up(&self, may_sleep: &MaySleep) {
        #[cfg(misuse)]
        self.memory.view(may_sleep); //~ ERROR mismatched types
        drop(self.resv.get(may_sleep).lock());
        let _ = self.buf.get(may_sleep).vmap();
        let _ = self.ring.get(may_sleep).new_fence_allocation(());
        drop(
            self.memory
                .get(may_sleep)
                .attachment()
                .buffer()
                .resv()
                .lock(),
        );
    }
}
