// SPDX-License-Identifier: GPL-2.0

//! What may be used of imported memory before fences are signalled.

#[cfg(CONFIG_DMABUF_EMULATED_DEVICE)]
use super::emulated::{
    DeviceReader,
    Emulated, //
};
use super::{
    mapping::{
        AttachmentHandle,
        Mapping, //
    },
    vmap::Vmap, //
};
use crate::{
    dma_buf::signalling::SignallingView,
    io::IoSysMap,
    prelude::*,
    scatterlist::SGTable, //
};
use core::ops::Deref;

/// The addresses of a [`Mapping`], to which it derefs.
pub struct MappingView<'a, A: AttachmentHandle>(&'a Mapping<A>);

impl<A: AttachmentHandle> Deref for MappingView<'_, A> {
    type Target = SGTable;

    #[inline]
    fn deref(&self) -> &SGTable {
        self.0
    }
}

#[cfg(CONFIG_DMABUF_EMULATED_DEVICE)]
impl<'a, A: AttachmentHandle<Binding: Emulated>> MappingView<'a, A> {
    /// As [`Mapping::reader`].
    #[inline]
    pub fn reader(&self) -> DeviceReader<'a> {
        self.0.reader()
    }
}

impl<A: AttachmentHandle> SignallingView for Mapping<A> {
    type View<'a>
        = MappingView<'a, A>
    where
        A: 'a;

    #[inline]
    fn signalling_view(&self) -> MappingView<'_, A> {
        MappingView(self)
    }
}

/// The contents of a [`Vmap`].
pub struct VmapView<'a>(&'a Vmap);

impl<'a> VmapView<'a> {
    /// How many bytes there are.
    #[inline]
    pub fn size(&self) -> usize {
        self.0.buffer().size()
    }

    /// As [`Vmap::view`].
    #[inline]
    pub fn view(&self) -> IoSysMap<'a, [u8]> {
        self.0.view()
    }

    /// As [`Vmap::read`].
    #[inline]
    pub fn read(&self, offset: usize, to: &mut [u8]) -> Result {
        self.0.read(offset, to)
    }

    /// As [`Vmap::write`].
    #[inline]
    pub fn write(&self, offset: usize, from: &[u8]) -> Result {
        self.0.write(offset, from)
    }
}

impl SignallingView for Vmap {
    type View<'a> = VmapView<'a>;

    #[inline]
    fn signalling_view(&self) -> VmapView<'_> {
        VmapView(self)
    }
}
