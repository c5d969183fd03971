// SPDX-License-Identifier: GPL-2.0

//! The contents of a buffer in the kernel's address space.
//!
//! C header: [`include/linux/iosys-map.h`](srctree/include/linux/iosys-map.h)

use crate::{
    bindings,
    dma_buf::{
        buffer::DmaBuf,
        resv::ResvGuard, //
    },
    error::to_result,
    ffi::c_void,
    interop::any_thread::AnyThread,
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
    sync::aref::ARef, //
};
use core::ptr::{
    self,
    NonNull, //
};

/// Whether the reservation object is held while a mapping is made and undone.
trait Lock {
    const HELD: bool;

    /// Fails with `EINVAL` if what is held is another one than that of `buf`.
    fn check(&self, buf: &DmaBuf) -> Result;
}

struct NotHeld;

impl Lock for NotHeld {
    const HELD: bool = false;

    #[inline]
    fn check(&self, buf: &DmaBuf) -> Result {
        buf.resv().assert_not_held();
        Ok(())
    }
}

impl Lock for &ResvGuard<'_> {
    const HELD: bool = true;

    #[inline]
    fn check(&self, buf: &DmaBuf) -> Result {
        if ptr::eq(self.resv(), buf.resv()) {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }
}

/// A mapping of a buffer, and what can be done with it. Drop undoes it.
///
/// # Invariants
///
/// The exporter has mapped all of `buf` at `addr`, in I/O memory or not, where it stays. `lock` was
/// what it says when that was made, for `buf`, and is as long as it is there.
struct Contents<L: Lock> {
    addr: Option<AnyThread<c_void>>,
    is_iomem: bool,
    buf: ARef<DmaBuf>,
    lock: L,
}

/// What is at an address.
enum Place {
    Memory(*mut [u8]),
    Io(MmioRaw<Region>),
}

impl<L: Lock> Contents<L> {
    #[inline]
    fn new(buf: &DmaBuf, lock: L) -> Result<Self> {
        let mut map = bindings::iosys_map::default();

        lock.check(buf)?;
        // SAFETY: The buffer is valid, and what is to be held is, as was just checked. Both members
        // of the result are pointers in the same place.
        let addr = unsafe {
            to_result(if L::HELD {
                bindings::dma_buf_vmap(buf.as_raw(), &mut map)
            } else {
                bindings::dma_buf_vmap_unlocked(buf.as_raw(), &mut map)
            })?;
            map.__bindgen_anon_1.vaddr
        };

        // INVARIANT: Mapped just above.
        let contents = Self {
            addr: NonNull::new(addr).map(AnyThread::new),
            is_iomem: map.is_iomem,
            buf: buf.into(),
            lock,
        };
        contents.place()?;
        Ok(contents)
    }

    /// Fails with `EINVAL` for I/O memory whose address or size is no multiple of 4.
    #[inline]
    fn place(&self) -> Result<Place> {
        let (addr, size) = (self.addr.ok_or(EINVAL)?.as_ptr(), self.buf.size());

        Ok(if self.is_iomem {
            Place::Io(MmioRaw::<Region>::new_region(addr.addr(), size)?)
        } else {
            Place::Memory(ptr::slice_from_raw_parts_mut(addr.cast(), size))
        })
    }

    #[inline]
    fn view(&self) -> IoSysMap<'_, [u8]> {
        // There is a place, as `new` has seen. An empty view does no harm.
        let nowhere = ptr::slice_from_raw_parts_mut(ptr::dangling_mut(), 0);

        // SAFETY: By the type invariant there are as many bytes of memory, or I/O memory of this
        // size, whose bytes are a projection of it. All accesses are copies of bytes, and may
        // happen at the same time.
        unsafe {
            match self.place().unwrap_or(Place::Memory(nowhere)) {
                Place::Memory(bytes) => IoSysMap::Sys(SysMem::new(bytes)),
                Place::Io(raw) => {
                    let view = Mmio::from_raw(raw);
                    let bytes = MmioBackend::as_ptr(view) as *mut [u8];

                    IoSysMap::Io(MmioBackend::project_view(view, bytes))
                }
            }
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

impl<L: Lock> Drop for Contents<L> {
    #[inline]
    fn drop(&mut self) {
        let mut map = bindings::iosys_map {
            is_iomem: self.is_iomem,
            __bindgen_anon_1: bindings::iosys_map__bindgen_ty_1 {
                vaddr: self.addr.map_or(ptr::null_mut(), AnyThread::as_ptr),
            },
        };

        // What is held now is what was held.
        let _ = self.lock.check(&self.buf);
        // SAFETY: By the type invariant it is mapped there, with this lock.
        unsafe {
            if L::HELD {
                bindings::dma_buf_vunmap(self.buf.as_raw(), &mut map);
            } else {
                bindings::dma_buf_vunmap_unlocked(self.buf.as_raw(), &mut map);
            }
        }
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
pub struct Vmap {
    contents: Contents<NotHeld>,
}

impl_access!(Vmap);

/// As [`Vmap`], but made with the reservation object held, which still is.
///
/// # Examples
///
/// See [`DmaBuf::vmap_locked`].
#[must_use = "the mapping is undone when this is dropped"]
pub struct LockedVmap<'a> {
    contents: Contents<&'a ResvGuard<'a>>,
}

impl_access!(LockedVmap<'_>);

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
        Ok(Vmap {
            contents: Contents::new(self, NotHeld)?,
        })
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
        Ok(LockedVmap {
            contents: Contents::new(self, guard)?,
        })
    }
}
