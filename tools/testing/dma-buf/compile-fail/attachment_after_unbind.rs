// SPDX-License-Identifier: GPL-2.0

//! A device is attached no longer than it is known to be bound.

use kernel::{
    device::{
        Bound,
        Device, //
    },
    dma_buf::{
        importer::Attachment,
        DmaBuf, //
    },
    prelude::*,
    sync::aref::ARef,
};

fn keep(_value: impl Send + 'static) {}

fn probe(dev: &Device<Bound>, buf: ARef<DmaBuf>) -> Result {
    #[cfg(misuse)]
    keep(Attachment::new(buf, dev)?); //~ ERROR borrowed data escapes outside of function
    #[cfg(not(misuse))]
    keep(Attachment::new_devres(buf, dev)?);
    Ok(())
}
