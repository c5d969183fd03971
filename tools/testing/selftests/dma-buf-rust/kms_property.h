/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Properties of what a display consists of.
 */
#ifndef DMA_BUF_RUST_KMS_PROPERTY_H
#define DMA_BUF_RUST_KMS_PROPERTY_H

#include <stdint.h>

#include <linux/types.h>

static inline __u64 ptr64(const void *p)
{
	return (uintptr_t)p;
}

/* A property by its name: its id, and its value; 0 without */
__u32 kms_property(int card, __u32 object, const char *name, __u64 *value);

#endif
