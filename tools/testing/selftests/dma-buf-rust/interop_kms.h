/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The display of the interop matrix. What returns bool says why when it is
 * false, as in interop.h.
 */
#ifndef DMA_BUF_RUST_INTEROP_KMS_H
#define DMA_BUF_RUST_INTEROP_KMS_H

#include <stdbool.h>
#include <linux/types.h>

#ifndef DRM_PLANE_TYPE_PRIMARY
#define DRM_PLANE_TYPE_PRIMARY	1
#endif

struct kms {
	int card;
	__u32 connector;
	__u32 crtc;
	__u32 plane;
	__u32 writeback;	/* 0 if the driver has none */
	__u32 mode;
};

bool kms_open(struct kms *k, const char *driver);
void kms_close(struct kms *k);
bool kms_frame_buffer(struct kms *k, __u32 handle, __u32 format, __u32 pitch,
		      __u32 *fb);
/* Lets go of a frame buffer and its memory, as far as there are any. */
void kms_remove(struct kms *k, __u32 *fb, __u32 *handle);
/* Shows fb; with wb also writes what is shown into that one. */
bool kms_show(struct kms *k, __u32 fb, __u32 wb);
/* The same in two steps: the commit returns at once. */
bool kms_start(struct kms *k, __u32 fb);
bool kms_shown(struct kms *k, int ms);

#endif
