// SPDX-License-Identifier: GPL-2.0

//! The addresses of a mapping are for its device: back to pages they go only where the device is
//! emulated.

use kernel::{
    device::{
        Bound,
        Device, //
    },
    dma::DataDirection,
    dma_buf::{
        importer::{
            Attachment,
            DynamicAttachment,
            DynamicImporter,
            EmulatedDevice,
            InDevres,
            Mapping, //
        },
        DmaBuf, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
};

fn by_hardware(dev: &Device<Bound>, buf: ARef<DmaBuf>) -> Result {
    let attachment = Attachment::new(buf, dev)?;
    let mapping = attachment.map_unlocked(DataDirection::ToDevice)?;

    #[cfg(misuse)]
    mapping.reader().read(&mut [0; 4])?; //~ ERROR trait bounds were not satisfied
    let _ = mapping.iter().count();
    Ok(())
}

fn by_hardware_later(mapping: &Mapping<Attachment<InDevres>>) -> Result {
    #[cfg(misuse)]
    mapping.reader().read(&mut [0; 4])?; //~ ERROR trait bounds were not satisfied
    let _ = mapping.iter().count();
    Ok(())
}

fn by_hardware_that_follows<T: DynamicImporter>(moving: &DynamicAttachment<InDevres, T>) -> Result {
    let locked = moving.lock();
    #[cfg(misuse)]
    moving.reader(&locked).ok_or(EINVAL)?.read(&mut [0; 4])?; //~ ERROR trait bounds were not satisfied
    drop(locked);
    Ok(())
}

fn emulated(mapping: &Mapping<Attachment<Arc<EmulatedDevice>>>) -> Result<usize> {
    mapping.reader().read(&mut [0; 4])
}

fn emulated_that_follows<T: DynamicImporter>(
    moving: &DynamicAttachment<Arc<EmulatedDevice>, T>,
) -> Result<usize> {
    let locked = moving.lock();
    let mut reader = moving.reader(&locked).ok_or(EINVAL)?;

    reader.read(&mut [0; 4])
}
