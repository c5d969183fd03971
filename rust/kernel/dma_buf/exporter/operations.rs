// SPDX-License-Identifier: GPL-2.0

//! The C operations of an [`Exporter`].

use super::{
    attaching::Attaching,
    buffer::{
        AttachedDevice,
        Buffer,
        Exporter, //
    },
    handed_out::{
        BufferVma,
        MappedTable,
        VmapAddress, //
    },
};
use crate::{
    bindings,
    device::Device,
    dma::DataDirection,
    dma_buf::trampoline::{
        one,
        three,
        two,
        Arg,
        Mut,
        Ref,
        Value, //
    },
    interop::linked::Linked,
    prelude::*,
    types::{
        ForeignOwnable,
        Opaque, //
    },
};
use core::{
    any::TypeId,
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::NonNull, //
};

/// The C operations of the exporter `T`.
pub(super) struct Operations<T: Exporter>(PhantomData<T>);

/// What the table of an exporter is part of.
///
/// The tables of two exporters may have the same contents: the compiler merges functions that are
/// alike, and then constants that are. The identity keeps them apart, since no two types have the
/// same.
#[repr(C)]
struct Table {
    ops: bindings::dma_buf_ops,
    _identity: fn() -> TypeId,
    _linked: Linked,
}

// What the core passes to an operation of `T`, as `struct dma_buf_ops` documents: a buffer that was
// exported with the table, and lives meanwhile;
type Buf<T> = Ref<Buffer<T>, bindings::dma_buf>;
// an attachment to one, before it is in the list or after it was taken off, when nobody else looks
// at it;
type Loose = Mut<bindings::dma_buf_attachment, bindings::dma_buf_attachment>;
// one in between, with the reservation object held;
type Attached<T> = AttachedDevice<'static, T>;
// and a direction, which an importer may have made up.
type Direction = Value<bindings::dma_data_direction>;

// SAFETY: An attachment is a pointer to the C attachment.
unsafe impl<T: Exporter> Arg for AttachedDevice<'static, T> {
    type Raw = *mut bindings::dma_buf_attachment;
    type Typed<'a> = AttachedDevice<'a, T>;
}

/// What an importer gives back.
///
/// # Invariants
///
/// A table that `map` gave out for the attachment that it comes with, and that does not come again.
#[repr(transparent)]
struct Returned(Option<NonNull<bindings::sg_table>>);

// SAFETY: A pointer that may be NULL.
unsafe impl Arg for Returned {
    type Raw = *mut bindings::sg_table;
    type Typed<'a> = Returned;
}

impl<T: Exporter> Operations<T> {
    /// The table of `T` and of no other type. Always the same within a module.
    // Inlined, it could be another constant at each place.
    #[inline(never)]
    pub(super) fn table() -> &'static bindings::dma_buf_ops {
        let table: &'static Table = &Self::TABLE;

        &table.ops
    }

    const TABLE: Table = Table {
        ops: Self::OPS,
        _identity: TypeId::of::<T>,
        _linked: Linked::into::<T::OwnerModule>(),
    };

    const OPS: bindings::dma_buf_ops = bindings::dma_buf_ops {
        attach: Some(two::<Buf<T>, Loose, _, _>(Self::attach)),
        detach: Some(two::<Buf<T>, Loose, _, _>(Self::detach)),
        pin: if T::HAS_PIN {
            Some(one::<Attached<T>, _, _>(Self::pin))
        } else {
            None
        },
        unpin: if T::HAS_UNPIN {
            Some(one::<Attached<T>, _, _>(Self::unpin))
        } else {
            None
        },
        map_dma_buf: Some(two::<Attached<T>, Direction, _, _>(Self::map)),
        unmap_dma_buf: Some(three::<Attached<T>, Returned, Direction, _, _>(Self::unmap)),
        release: Some(one::<Ref<Opaque<_>, _>, _, _>(Self::release)),
        begin_cpu_access: if T::HAS_BEGIN_CPU_ACCESS {
            Some(two::<Buf<T>, Direction, _, _>(Self::begin_cpu_access))
        } else {
            None
        },
        end_cpu_access: if T::HAS_END_CPU_ACCESS {
            Some(two::<Buf<T>, Direction, _, _>(Self::end_cpu_access))
        } else {
            None
        },
        mmap: if T::HAS_MMAP {
            Some(two::<Buf<T>, BufferVma<'static>, _, _>(Self::mmap))
        } else {
            None
        },
        vmap: if T::HAS_VMAP {
            Some(two::<Buf<T>, Mut<MaybeUninit<_>, _>, _, _>(Self::vmap))
        } else {
            None
        },
        vunmap: if T::HAS_VUNMAP {
            Some(two::<Buf<T>, Mut<_, _>, _, _>(Self::vunmap))
        } else {
            None
        },
    };

    #[inline(always)]
    fn attach(buf: &Buffer<T>, attachment: &mut bindings::dma_buf_attachment) -> Result {
        T::accept(buf, &mut Attaching::new(attachment))?;

        // SAFETY: The importer keeps its device as long as it is attached.
        let dev = unsafe { Device::from_raw(attachment.dev) };

        attachment.priv_ = T::attach(buf, dev)?.into_foreign();
        Ok(())
    }

    #[inline(always)]
    fn detach(_buf: &Buffer<T>, attachment: &mut bindings::dma_buf_attachment) {
        // SAFETY: Put there by `attach`. The core detaches once, and then nobody uses it any more.
        drop(unsafe { T::Attachment::from_foreign(attachment.priv_) });
    }

    #[inline(always)]
    fn pin(mut attachment: AttachedDevice<'_, T>) -> Result {
        T::pin(&mut attachment)
    }

    #[inline(always)]
    fn unpin(mut attachment: AttachedDevice<'_, T>) {
        T::unpin(&mut attachment);
    }

    #[inline(always)]
    fn map(
        mut attachment: AttachedDevice<'_, T>,
        dir: bindings::dma_data_direction,
    ) -> Result<NonNull<bindings::sg_table>> {
        let mapping = T::map(&mut attachment, direction(dir)?)?;

        // Of another attachment: a bug of the exporter, and lost.
        if crate::warn_on!(!mapping.is_for(attachment.as_raw())) {
            return Err(EINVAL);
        }
        Ok(mapping.as_raw())
    }

    #[inline(always)]
    fn unmap(
        mut attachment: AttachedDevice<'_, T>,
        table: Returned,
        dir: bindings::dma_data_direction,
    ) {
        // An importer that has forgotten the direction must not keep its mapping for that.
        let dir = direction(dir);
        crate::warn_on!(dir.is_err());

        if let Some(table) = table.0 {
            // SAFETY: By the type invariant it was given out for this attachment, and not since.
            let mapping = unsafe { MappedTable::from_raw(table) };
            T::unmap(
                &mut attachment,
                mapping,
                dir.unwrap_or(DataDirection::Bidirectional),
            );
        }
    }

    #[inline(always)]
    fn release(buf: &Opaque<bindings::dma_buf>) {
        // SAFETY: The core releases a buffer once, when nobody uses it any more. `export` has put
        // the data there.
        drop(unsafe { KBox::<T>::from_foreign((*buf.get()).priv_) });
    }

    #[inline(always)]
    fn begin_cpu_access(buf: &Buffer<T>, dir: bindings::dma_data_direction) -> Result {
        T::begin_cpu_access(buf, direction(dir)?)
    }

    #[inline(always)]
    fn end_cpu_access(buf: &Buffer<T>, dir: bindings::dma_data_direction) -> Result {
        T::end_cpu_access(buf, direction(dir)?)
    }

    #[inline(always)]
    fn mmap(buf: &Buffer<T>, vma: BufferVma<'_>) -> Result {
        T::mmap(buf, vma)
    }

    #[inline(always)]
    fn vmap(buf: &Buffer<T>, map: &mut MaybeUninit<bindings::iosys_map>) -> Result {
        let addr = T::vmap(buf)?;

        // Of another buffer: a bug of the exporter.
        if crate::warn_on!(!addr.is_for(buf)) {
            return Err(EINVAL);
        }
        map.write(addr.to_raw());
        Ok(())
    }

    #[inline(always)]
    fn vunmap(buf: &Buffer<T>, map: &mut bindings::iosys_map) {
        // SAFETY: This is what `vmap` has told, coming back.
        if let Some(addr) = unsafe { VmapAddress::from_raw(map, buf) } {
            T::vunmap(buf, addr);
            // Who uses it once more shall find that it is gone.
            *map = bindings::iosys_map::default();
        }
    }
}

/// The direction that C passed, checked: an importer could pass anything.
#[inline]
fn direction(dir: bindings::dma_data_direction) -> Result<DataDirection> {
    match dir {
        bindings::dma_data_direction::DMA_BIDIRECTIONAL => Ok(DataDirection::Bidirectional),
        bindings::dma_data_direction::DMA_TO_DEVICE => Ok(DataDirection::ToDevice),
        bindings::dma_data_direction::DMA_FROM_DEVICE => Ok(DataDirection::FromDevice),
        _ => Err(EINVAL),
    }
}
