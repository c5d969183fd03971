/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ioctls of DRM's synchronisation objects, for the tests of them. All
 * return what the ioctl returned, unless said otherwise.
 */
#ifndef DMA_BUF_RUST_SYNCOBJ_H
#define DMA_BUF_RUST_SYNCOBJ_H

#include <drm/drm.h>
#include <linux/types.h>

#define ALL		DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL
#define FOR_SUBMIT	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT
#define AVAILABLE	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE
#define LAST_SUBMITTED	DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED

/* The card of which the objects are */
extern int syncobj_card;

/* A new object, and its end */
__u32 create(__u32 flags);
int destroy(__u32 handle);
int signal_point(__u32 handle, __u64 point);
/* How far the timeline has come; with LAST_SUBMITTED: how far it goes. */
__u64 query(__u32 handle, __u32 flags);
int transfer(__u32 from, __u64 from_point, __u32 to, __u64 to_point,
	     __u32 flags);
/*
 * Waits for so many milliseconds. Returns which one of n was first, if not all
 * were waited for.
 */
int wait_many(const __u32 *handles, const __u64 *points, __u32 n, __u32 flags,
	      long ms);
int wait_point(__u32 handle, __u64 point, __u32 flags, long ms);
/* The fence of a point as a sync_file's fd; point 0: of a binary object */
int export_point(__u32 handle, __u64 point);
int import_point(__u32 handle, __u64 point, int fence);
/* The object tells an eventfd of a point; -1 without eventfds in this kernel. */
int tell_eventfd(__u32 obj, __u64 point);
/* Puts value "value" of an sw_sync timeline on a point. */
void pending_point(__u32 handle, __u64 point, int line, unsigned int value);

#endif
