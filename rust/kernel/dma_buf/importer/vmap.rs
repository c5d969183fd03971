// SPDX-License-Identifier: GPL-2.0

//! The contents of a buffer in the kernel's address space.
//!
//! C header: [`include/linux/iosys-map.h`](srctree/include/linux/iosys-map.h)

use crate::{
    bindings,
    dma_buf::{
        DmaBuf,
        ResvGuard, //
    },
    error::to_result,
    io::{
        io_project,
        Io,
        IoBackend,
        IoSysMap,
        Mmio,
        MmioBackend,
        MmioRaw,
        Region,
        SysMem, //
    },
    prelude::*,
    sync::aref::ARef,
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ptr, //
};

/// A mapping of a buffer, and what can be done with it.
///
/// # Invariants
///
/// `map` is what the exporter mapped all of `buf` at, and it stays. If it is I/O memory, address
/// and size are multiples of 4.
struct Contents {
    map: bindings::iosys_map,
    buf: ARef<DmaBuf>,
}

/// An empty `struct iosys_map`.
#[inline]
fn unmapped() -> bindings::iosys_map {
    // SAFETY: Zeroes are a NULL pointer to memory.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

impl Contents {
    /// Checks what was mapped. On failure the caller has to undo it.
    ///
    /// # Safety
    ///
    /// The first sentence of the type invariant must hold.
    #[inline]
    unsafe fn new(buf: &DmaBuf, map: bindings::iosys_map) -> Result<Self> {
        // SAFETY: Both members are pointers in the same place.
        let addr = unsafe { map.__bindgen_anon_1.vaddr };

        if addr.is_null() {
            return Err(EINVAL);
        }
        if map.is_iomem {
            MmioRaw::<Region>::new_region(addr.addr(), buf.size())?;
        }
        // INVARIANT: By the caller's guarantee, and checked above.
        Ok(Self {
            map,
            buf: buf.into(),
        })
    }

    #[inline]
    fn view(&self) -> IoSysMap<'_, [u8]> {
        let size = self.buf.size();
        // SAFETY: Both members are pointers in the same place.
        let addr = unsafe { self.map.__bindgen_anon_1.vaddr }.cast::<u8>();
        let bytes = ptr::slice_from_raw_parts_mut(addr, size);

        if !self.map.is_iomem {
            // SAFETY: By the type invariant there are as many bytes of memory.
            return IoSysMap::Sys(unsafe { SysMem::new(bytes) });
        }
        match MmioRaw::<Region>::new_region(addr.addr(), size) {
            // SAFETY: By the type invariant there is I/O memory of this size, and its bytes are a
            // projection of it.
            Ok(raw) => IoSysMap::Io(unsafe {
                let view = Mmio::from_raw(raw);
                MmioBackend::project_view(view, MmioBackend::as_ptr(view) as *mut [u8])
            }),
            // By the type invariant this does not happen. An empty view does no harm.
            //
            // SAFETY: No bytes are always there.
            Err(_) => IoSysMap::Sys(unsafe {
                SysMem::new(ptr::slice_from_raw_parts_mut(ptr::dangling_mut(), 0))
            }),
        }
    }

    #[inline]
    fn part(&self, offset: usize, len: usize) -> Result<IoSysMap<'_, [u8]>> {
        let end = offset.checked_add(len).ok_or(ERANGE)?;

        if end > self.buf.size() {
            return Err(ERANGE);
        }
        Ok(io_project!(self.view(), [try: offset..end]))
    }

    #[inline]
    fn read(&self, offset: usize, to: &mut [u8]) -> Result {
        self.part(offset, to.len())?.copy_to_slice(to);
        Ok(())
    }

    #[inline]
    fn write(&self, offset: usize, from: &[u8]) -> Result {
        self.part(offset, from.len())?.copy_from_slice(from);
        Ok(())
    }
}

macro_rules! impl_access {
    ($($type:tt)*) => {
        impl $($type)* {
            /// The buffer.
            #[inline]
            pub fn buffer(&self) -> &DmaBuf {
                &self.contents.buf
            }

            /// The contents: memory, or I/O memory, which has to be accessed differently. The
            /// methods of [`Io`] do the one or the other.
            #[inline]
            pub fn view(&self) -> IoSysMap<'_, [u8]> {
                self.contents.view()
            }

            /// Copies from the contents, from `offset` on. Fails with `ERANGE` if there are not as
            /// many bytes.
            ///
            /// Others may change them at the same time. What `to` holds then is any mixture.
            #[inline]
            pub fn read(&self, offset: usize, to: &mut [u8]) -> Result {
                self.contents.read(offset, to)
            }

            /// Copies to the contents, from `offset` on. Fails with `ERANGE` if there is not as
            /// much room.
            #[inline]
            pub fn write(&self, offset: usize, from: &[u8]) -> Result {
                self.contents.write(offset, from)
            }
        }
    };
}

/// The contents of a buffer in the kernel's address space. Drop undoes that, for which it takes the
/// reservation object: that must not be held.
///
/// # Examples
///
/// See [`DmaBuf::vmap`].
// INVARIANT of `contents`: mapped by `dma_buf_vmap_unlocked()` until this is dropped.
pub struct Vmap {
    contents: Contents,
}

// SAFETY: The mapping is not tied to a thread.
unsafe impl Send for Vmap {}

// SAFETY: All accesses are copies of bytes, and may happen at the same time.
unsafe impl Sync for Vmap {}

impl_access!(Vmap);

impl Drop for Vmap {
    #[inline]
    fn drop(&mut self) {
        let Contents { map, buf } = &mut self.contents;

        buf.resv().assert_not_held();
        // SAFETY: By the type invariant it is mapped.
        unsafe { bindings::dma_buf_vunmap_unlocked(buf.as_raw(), map) };
    }
}

/// As [`Vmap`], but made with the reservation object held, which still is.
///
/// # Examples
///
/// See [`DmaBuf::vmap_locked`].
// INVARIANT of `contents`: mapped by `dma_buf_vmap()` until this is dropped, in `'a`.
#[must_use = "the mapping is undone when this is dropped"]
pub struct LockedVmap<'a> {
    contents: Contents,
    // The lock is held in `'a`, by this task.
    _guard: PhantomData<&'a ResvGuard<'a>>,
}

impl_access!(LockedVmap<'_>);

impl Drop for LockedVmap<'_> {
    #[inline]
    fn drop(&mut self) {
        let Contents { map, buf } = &mut self.contents;

        // SAFETY: By the type invariant it is mapped, and the reservation object is held.
        unsafe { bindings::dma_buf_vunmap(buf.as_raw(), map) };
    }
}

impl DmaBuf {
    /// Maps the contents into the kernel's address space.
    ///
    /// Fails with `EINVAL` if the exporter cannot do that (or if it is I/O memory that does not
    /// consist of words), `ENOMEM`, or what the exporter fails with. Sleeps; the reservation object
    /// must not be held. An access of the CPU has to be announced, see
    /// [`begin_cpu_access`](Self::begin_cpu_access).
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{dma_buf::DmaBuf, io::{Io, IoSysMap}, prelude::*};
    ///
    /// fn stamp(buf: &DmaBuf) -> Result {
    ///     let contents = buf.vmap()?;
    ///
    ///     contents.write(0, b"seen")?;
    ///     assert_eq!(contents.write(buf.size(), b"!"), Err(ERANGE));
    ///     if let IoSysMap::Io(_) = contents.view() {
    ///         pr_info!("{} bytes of I/O memory\n", contents.view().len());
    ///     }
    ///     Ok(())
    /// }
    /// ```
    #[inline]
    pub fn vmap(&self) -> Result<Vmap> {
        let mut map = unmapped();

        self.resv().assert_not_held();
        // SAFETY: The buffer is valid.
        to_result(unsafe { bindings::dma_buf_vmap_unlocked(self.as_raw(), &mut map) })?;
        // SAFETY: Mapped just above.
        match unsafe { Contents::new(self, map) } {
            Ok(contents) => Ok(Vmap { contents }),
            Err(err) => {
                // SAFETY: Mapped just above.
                unsafe { bindings::dma_buf_vunmap_unlocked(self.as_raw(), &mut map) };
                Err(err)
            }
        }
    }

    /// As [`vmap`](Self::vmap), with the reservation object held. May sleep.
    ///
    /// Fails with `EINVAL` if `guard` is for another reservation object.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{dma_buf::DmaBuf, prelude::*};
    ///
    /// fn clear(buf: &DmaBuf) -> Result {
    ///     let guard = buf.resv().lock();
    ///     let contents = buf.vmap_locked(&guard)?;
    ///
    ///     for offset in (0..buf.size()).step_by(64) {
    ///         let rest = buf.size() - offset;
    ///         contents.write(offset, [0; 64].get(..rest).unwrap_or(&[0; 64]))?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    #[inline]
    pub fn vmap_locked<'a>(&self, guard: &'a ResvGuard<'_>) -> Result<LockedVmap<'a>> {
        let mut map = unmapped();

        if !ptr::eq(guard.resv(), self.resv()) {
            return Err(EINVAL);
        }
        // SAFETY: The buffer is valid, and its reservation object is held.
        to_result(unsafe { bindings::dma_buf_vmap(self.as_raw(), &mut map) })?;
        // SAFETY: Mapped just above.
        match unsafe { Contents::new(self, map) } {
            Ok(contents) => Ok(LockedVmap {
                contents,
                _guard: PhantomData,
            }),
            Err(err) => {
                // SAFETY: Mapped just above; the reservation object is still held.
                unsafe { bindings::dma_buf_vunmap(self.as_raw(), &mut map) };
                Err(err)
            }
        }
    }
}
