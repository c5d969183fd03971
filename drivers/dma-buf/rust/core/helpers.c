// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers of the kernel crate that refer to symbols of this module, and so
 * cannot be in vmlinux.
 */

#include <linux/compiler.h>
#include <linux/export.h>

#define __rust_helper

#include "../../../../rust/helpers/dma-resv.c"

EXPORT_SYMBOL_GPL(rust_helper_dma_resv_lock);
EXPORT_SYMBOL_GPL(rust_helper_dma_resv_unlock);
