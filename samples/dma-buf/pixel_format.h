/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pixels, under the names that V4L2 and DRM give them.
 */
#ifndef PIXEL_FORMAT_H
#define PIXEL_FORMAT_H

#include <linux/types.h>

/* One pixel layout, under the names that V4L2 and DRM give it. */
struct pixel_format {
	const char *name;
	__u32 v4l2;
	__u32 drm;
	unsigned int bytes;
	/* Bits that carry colour: what the checksum looks at. */
	__u32 mask;
};

#endif
