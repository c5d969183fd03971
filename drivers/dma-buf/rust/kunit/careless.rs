// SPDX-License-Identifier: GPL-2.0

//! Importers in C that do not undo what they did, or not as they did it.

use kernel::prelude::*;

#[kunit_tests(rust_dma_careless)]
mod tests {
    use super::*;
    use crate::{
        exporter::*,
        warnings::warnings_of, //
    };
    use core::ptr;
    use kernel::{
        bindings,
        dma::DmaMask,
        dma_buf::{
            importer::{
                EmulatedDevice,
                KeepsBound, //
            },
            AllocEffort,
            DmaBuf,
            PageBlock,
            PageRun,
            PageSource, //
        },
        error::{
            from_err_ptr,
            to_result, //
        },
        fs::file::flags::O_RDWR,
        sync::{
            aref::ARef,
            atomic::{
                Atomic,
                Relaxed, //
            },
            Arc, //
        },
    };

    fn device() -> Result<EmulatedDevice> {
        EmulatedDevice::new(c"rust-dma-careless-kunit", DmaMask::new::<64>())
    }

    fn raw_device(dev: &EmulatedDevice) -> *mut bindings::device {
        // The type has C's layout.
        ptr::from_ref(dev.device()).cast_mut().cast()
    }

    #[test]
    fn unmaps_in_no_direction() -> Result {
        let (dev, (buf, log)) = (device()?, moving()?);
        let buf: ARef<DmaBuf> = buf.into();

        // SAFETY: The device stays, and the buffer is held.
        unsafe {
            let attachment =
                from_err_ptr(bindings::dma_buf_attach(buf.as_raw(), raw_device(&dev)))?;
            let table = from_err_ptr(bindings::dma_buf_map_attachment_unlocked(
                attachment,
                bindings::dma_data_direction::DMA_TO_DEVICE,
            ))?;

            assert_eq!(log.counts(), [1, 1, 1, 0]);
            warnings_of(|| {
                bindings::dma_buf_unmap_attachment_unlocked(
                    attachment,
                    table,
                    bindings::dma_data_direction::DMA_NONE,
                )
            });
            assert_eq!(log.counts(), [1, 0, 0, 0]);
            bindings::dma_buf_detach(buf.as_raw(), attachment);
        }
        Ok(())
    }

    /// Where importers get a table of their own (`CONFIG_DMABUF_DEBUG`), too.
    #[test]
    fn keeps_what_an_unmap_is_refused_for() -> Result {
        const DIR: bindings::dma_data_direction = bindings::dma_data_direction::DMA_TO_DEVICE;

        let (dev, (buf, log)) = (device()?, moving()?);
        let buf: ARef<DmaBuf> = buf.into();

        // SAFETY: As above. An attachment without a buffer is refused, and gets it back.
        unsafe {
            let attachment =
                from_err_ptr(bindings::dma_buf_attach(buf.as_raw(), raw_device(&dev)))?;
            let table = from_err_ptr(bindings::dma_buf_map_attachment_unlocked(attachment, DIR))?;
            let unmap = move || bindings::dma_buf_unmap_attachment_unlocked(attachment, table, DIR);
            let entries = (*table).nents;

            (*attachment).dmabuf = ptr::null_mut();
            let ((), warnings) = warnings_of(unmap);
            (*attachment).dmabuf = buf.as_raw();

            assert!(warnings > 0);
            assert_eq!(log.counts(), [1, 1, 1, 0]);
            assert_eq!((*table).nents, entries);
            assert_eq!(warnings_of(unmap).1, 0);
            assert_eq!(log.counts(), [1, 0, 0, 0]);
            bindings::dma_buf_detach(buf.as_raw(), attachment);
        }
        Ok(())
    }

    /// Puts the last reference to `buf` here and now. Gives the buffer, and the number of warnings.
    ///
    /// # Safety
    ///
    /// The reference must be the last one. The buffer may be gone afterwards.
    unsafe fn put_last(buf: ARef<DmaBuf>) -> (*mut bindings::dma_buf, i32) {
        let raw = ARef::into_raw(buf).cast::<bindings::dma_buf>().as_ptr();

        // SAFETY: The file's reference is the buffer's, which we own.
        let ((), warnings) = warnings_of(|| unsafe { bindings::__fput_sync((*raw).file) });
        (raw, warnings)
    }

    /// Frees a buffer that its release has left.
    ///
    /// # Safety
    ///
    /// Nobody uses the buffer, which has a reservation object of its own.
    unsafe fn free(raw: *mut bindings::dma_buf) {
        // SAFETY: By the caller's guarantee.
        unsafe {
            if let Some(release) = (*(*raw).ops).release {
                release(raw);
            }
            bindings::dma_resv_fini((*raw).resv);
            bindings::module_put((*raw).owner);
            bindings::kfree(raw.cast());
        }
    }

    /// A page that says when it is freed.
    struct Watched(PageBlock, Arc<Atomic<bool>>);

    #[vtable]
    impl PageSource for Watched {
        fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
            core::iter::once(self.0.run())
        }
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            self.1.store(true, Relaxed);
        }
    }

    fn watched() -> Result<(ARef<DmaBuf>, Arc<Atomic<bool>>)> {
        let block = PageBlock::alloc(0, AllocEffort::Required, false).ok_or(ENOMEM)?;
        let freed = Arc::new(Atomic::new(false), GFP_KERNEL)?;

        let buf = DmaBuf::from_pages(c"watched", O_RDWR, Watched(block, freed.clone()))?;
        Ok((buf, freed))
    }

    #[test]
    fn lets_go_what_the_kernel_has_mapped() -> Result {
        if cfg!(CONFIG_DMABUF_CORE_C) {
            // It stops the machine.
            return Ok(());
        }
        let (buf, freed) = watched()?;
        let mut map = bindings::iosys_map::default();

        // SAFETY: We hold the buffer. What is left of it is used if it was left.
        unsafe {
            to_result(bindings::dma_buf_vmap_unlocked(buf.as_raw(), &mut map))?;
            let (raw, warnings) = put_last(buf);
            assert!(warnings > 0);
            if freed.load(Relaxed) {
                return Err(EFAULT);
            }
            bindings::dma_buf_vunmap_unlocked(raw, &mut map);
            free(raw);
        }
        assert!(freed.load(Relaxed));
        Ok(())
    }

    #[test]
    fn lets_go_with_a_callback_to_come() -> Result {
        if cfg!(CONFIG_DMABUF_CORE_C) {
            return Ok(());
        }
        let (buf, freed) = watched()?;

        // SAFETY: As above. Nobody polls, so that the mark is ours.
        unsafe {
            (*buf.as_raw()).cb_in.active = bindings::EPOLLIN;
            let (raw, warnings) = put_last(buf);
            assert!(warnings > 0);
            if freed.load(Relaxed) {
                return Err(EFAULT);
            }
            free(raw);
        }
        assert!(freed.load(Relaxed));
        Ok(())
    }

    #[test]
    fn lets_go_what_a_device_is_attached_to() -> Result {
        if cfg!(CONFIG_DMABUF_CORE_C) {
            // It warns, and frees the memory.
            return Ok(());
        }
        let dev = device()?;
        let (buf, freed) = watched()?;

        // SAFETY: As above; the device stays.
        unsafe {
            let attachment =
                from_err_ptr(bindings::dma_buf_attach(buf.as_raw(), raw_device(&dev)))?;
            let (raw, warnings) = put_last(buf);
            assert!(warnings > 0);
            if freed.load(Relaxed) {
                return Err(EFAULT);
            }
            bindings::dma_buf_detach(raw, attachment);
            free(raw);
        }
        assert!(freed.load(Relaxed));
        Ok(())
    }
}
