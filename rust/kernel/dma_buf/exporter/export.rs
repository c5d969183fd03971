// SPDX-License-Identifier: GPL-2.0

//! Making a buffer, and knowing it again.

use super::{
    buffer::{
        Buffer,
        Exporter, //
    },
    operations::Operations, //
};
use crate::{
    bindings,
    dma_buf::{
        buffer::DmaBuf,
        resv::{
            HasResv,
            Resv, //
        },
    },
    error::from_err_ptr,
    module::this_module,
    prelude::*,
    sync::aref::ARef,
    types::ForeignOwnable, //
};
use core::ptr::{
    self,
    NonNull, //
};

/// How a buffer presents itself.
pub struct ExportInfo {
    /// Name of the exporter, shown in debugfs and `fdinfo`.
    pub name: &'static CStr,
    /// Size in bytes.
    pub size: usize,
    /// Open flags of the file: `O_RDWR` and the like.
    pub flags: u32,
}

impl<T: Exporter> HasResv for Buffer<T> {
    #[inline]
    fn resv(&self) -> &Resv {
        (**self).resv()
    }
}

impl<T: Exporter> Buffer<T> {
    /// Exports `data` as a buffer.
    ///
    /// On failure (`ENOMEM`, `ENFILE`, `ENOENT` while the module is unloaded) `data` is dropped.
    /// May sleep.
    #[inline]
    pub fn export(info: ExportInfo, data: KBox<T>) -> Result<ARef<Self>> {
        const {
            assert!(
                T::HAS_PIN == T::HAS_UNPIN,
                "an exporter has both pin and unpin or neither"
            );
            assert!(
                T::HAS_VMAP == T::HAS_VUNMAP,
                "an exporter has both vmap and vunmap or neither"
            );
        };

        let mut data = data;
        let resv = data.resv().map_or(ptr::null_mut(), Resv::as_raw);
        let raw_info = bindings::dma_buf_export_info {
            exp_name: info.name.as_char_ptr(),
            owner: this_module::<T::OwnerModule>().as_ptr(),
            ops: Operations::<T>::table(),
            size: info.size,
            flags: info.flags as c_int,
            resv,
            priv_: (&raw mut *data).cast(),
        };

        // SAFETY: `raw_info` is complete and its pointers stay valid: the name and the table are
        // static, `data` belongs to the buffer if there is one. It is never borrowed mutably before
        // it is dropped, after the buffer's last use; so the borrow of `resv` could as well last
        // until then. What is no error is a valid pointer, with the first reference for us.
        // INVARIANT: Exported with `Operations<T>`, and the data is what `into_foreign()` gives.
        let buf = unsafe {
            from_err_ptr(bindings::dma_buf_export(&raw_info))
                .map(|buf| ARef::from_raw(NonNull::new_unchecked(buf).cast()))
        }?;

        let _ = data.into_foreign();
        Ok(buf)
    }

    /// The buffer as one of this exporter's, if it is one: an importer that knows its own buffers
    /// again need not attach to them.
    ///
    /// Buffers that another module's instance of the same generic exporter made are not recognised.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{device::Device, dma::DataDirection, prelude::*, sync::aref::ARef};
    /// use kernel::dma_buf::{AttachedDevice, Buffer, DmaBuf, ExportInfo, Exporter, MappedTable};
    ///
    /// /// Two exporters that do the same, namely nothing.
    /// struct Idle<const N: usize>(u32);
    ///
    /// #[vtable]
    /// impl<const N: usize> Exporter for Idle<N> {
    ///     type Attachment = ();
    ///
    ///     fn attach(_buf: &Buffer<Self>, _dev: &Device) -> Result {
    ///         Ok(())
    ///     }
    ///
    ///     fn map(_at: &mut AttachedDevice<'_, Self>, _: DataDirection) -> Result<MappedTable> {
    ///         Err(EBUSY)
    ///     }
    ///
    ///     fn unmap(_at: &mut AttachedDevice<'_, Self>, _map: MappedTable, _: DataDirection) {}
    /// }
    ///
    /// let info = ExportInfo { name: c"example", size: 4096, flags: 0 };
    /// let buf: ARef<DmaBuf> = Buffer::export(info, KBox::new(Idle::<1>(7), GFP_KERNEL)?)?.into();
    ///
    /// assert!(Buffer::<Idle<1>>::from_dma_buf(&buf).is_some_and(|buf| buf.data().0 == 7));
    /// assert!(Buffer::<Idle<2>>::from_dma_buf(&buf).is_none());
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn from_dma_buf(buf: &DmaBuf) -> Option<&Self> {
        let ops = buf.constant().ops;

        // SAFETY: The table is that of `T` and of no other type, so that this is a `Buffer<T>`,
        // which is transparent.
        ptr::eq(ops, Operations::<T>::table()).then(|| unsafe { &*ptr::from_ref(buf).cast() })
    }
}
