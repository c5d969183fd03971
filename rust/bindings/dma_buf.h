/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the DMA-BUF abstractions and the Rust implementation of DMA-BUF need
 * from bindgen beyond bindings_helper.h, which includes this file.
 */

#include <linux/cma.h>
#include <linux/dma-buf.h>
#include <linux/dma-buf-mapping.h>
#include <linux/dma-fence.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-heap.h>
#include <linux/dma-map-ops.h>
#include <linux/iosys-map.h>
#include <linux/mount.h>
#include <linux/pci-p2pdma.h>
#include <linux/pseudo_fs.h>
#include <linux/seq_file.h>
#include <linux/sync_file.h>
#include <linux/vmalloc.h>
#include <trace/events/dma_buf.h>
#include <uapi/linux/dma-buf.h>
#include <uapi/linux/dma-heap.h>
#include <uapi/linux/magic.h>
