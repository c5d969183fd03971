// SPDX-License-Identifier: GPL-2.0

//! What a heap's buffers are like.

/// What can be said of each buffer of a heap before there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// Whether the CPU's mappings go through its caches, so that access wants
    /// `DMA_BUF_IOCTL_SYNC`.
    pub cached: bool,
    /// Whether a buffer is one range of physical memory, as devices without an IOMMU want it.
    pub contiguous: bool,
    /// What the physical address of each range of a buffer is a multiple of, in bytes.
    pub alignment: usize,
    /// Whether memory is zeroed before it is asked for, so that this takes no time then.
    pub zeroed_ahead: bool,
    /// Where the memory is.
    pub memory: Memory,
}

/// Where a heap's memory is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// Anywhere in the machine: pages of the page allocator.
    #[default]
    System,
    /// Anywhere, and the host of a confidential virtual machine can read it.
    Shared,
    /// In a region of the contiguous memory allocator.
    Cma,
    /// Set aside for this, and of no other use meanwhile.
    Reserved,
    /// In a device.
    Device,
}

#[cfg(CONFIG_DMABUF_CORE_RUST)]
impl Memory {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Shared => "shared",
            Self::Cma => "cma",
            Self::Reserved => "reserved",
            Self::Device => "device",
        }
    }
}
