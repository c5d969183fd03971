// SPDX-License-Identifier: GPL-2.0

//! What is not to be touched before fences are signalled.

use super::token::{
    MaySleep,
    Signalling, //
};

/// Something of which a part at most may be used before fences are signalled.
pub trait SignallingView {
    /// That part.
    type View<'a>
    where
        Self: 'a;

    /// Shows it. Neither this nor anything of the view sleeps, allocates, takes a reservation
    /// object or waits for a fence.
    fn signalling_view(&self) -> Self::View<'_>;
}

/// What a job keeps until its fence is signalled: buffers, attachments, mappings.
///
/// Nothing can be done with it meanwhile, because that might take a reservation object, allocate
/// or sleep; but for what [its view](SignallingView) shows. That is enough of a
/// [`Mapping`](crate::dma_buf::importer::Mapping) for its addresses, and of a
/// [`Vmap`](crate::dma_buf::importer::Vmap) for its contents.
///
/// To drop it may sleep, too: it goes with the job.
///
/// # Examples
///
/// ```
/// use kernel::{
///     dma::DmaAddress,
///     dma_buf::{
///         importer::{Attachment, KeepsBound, Mapping},
///         AfterSignal, DmaBuf, MaySleep, Signalling,
///     },
///     prelude::*,
/// };
///
/// struct Job<D: KeepsBound> {
///     source: AfterSignal<Mapping<Attachment<D>>>,
/// }
///
/// impl<D: KeepsBound> Job<D> {
///     fn first_address(&self, signalling: &Signalling) -> Result<DmaAddress> {
///         let table = self.source.view(signalling);
///
///         Ok(table.iter().next().ok_or(EINVAL)?.dma_address())
///     }
///
///     fn buffer<'a>(&'a self, may_sleep: &'a MaySleep) -> &'a DmaBuf {
///         self.source.get(may_sleep).attachment().buffer()
///     }
/// }
/// ```
pub struct AfterSignal<T>(T);

impl<T> AfterSignal<T> {
    /// Puts something away.
    #[inline]
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// All of it, when fences are signalled.
    #[inline]
    pub fn get<'a>(&'a self, _may_sleep: &'a MaySleep) -> &'a T {
        &self.0
    }

    /// Takes it out, when fences are signalled.
    #[inline]
    pub fn into_inner(self, _may_sleep: &MaySleep) -> T {
        self.0
    }
}

impl<T: SignallingView> AfterSignal<T> {
    /// What may be used before.
    #[inline]
    pub fn view<'a>(&'a self, _signalling: &'a Signalling) -> T::View<'a> {
        self.0.signalling_view()
    }
}
