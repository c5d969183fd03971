// SPDX-License-Identifier: GPL-2.0

//! What C has for tables, for devices that do DMA, and for memory that is not made of pages.

pub(super) mod dma;
pub(super) mod sg_table;
