// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of DRM's synchronisation objects.
 */
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common.h"
#include "syncobj.h"

int syncobj_card = -1;

__u32 create(__u32 flags)
{
	struct drm_syncobj_create arg = { .flags = flags };

	t_need(!ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_CREATE, &arg),
	       "SYNCOBJ_CREATE");
	return arg.handle;
}

int destroy(__u32 handle)
{
	struct drm_syncobj_destroy arg = { .handle = handle };

	return ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_DESTROY, &arg);
}

int signal_point(__u32 handle, __u64 point)
{
	struct drm_syncobj_timeline_array arg = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	return ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &arg);
}

__u64 query(__u32 handle, __u32 flags)
{
	__u64 point = UINT64_MAX;
	struct drm_syncobj_timeline_array arg = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.count_handles = 1,
		.flags = flags,
	};

	t_need(!ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_QUERY, &arg),
	       "SYNCOBJ_QUERY");
	return point;
}

int transfer(__u32 from, __u64 from_point, __u32 to, __u64 to_point,
	     __u32 flags)
{
	struct drm_syncobj_transfer arg = {
		.src_handle = from,
		.dst_handle = to,
		.src_point = from_point,
		.dst_point = to_point,
		.flags = flags,
	};

	return ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_TRANSFER, &arg);
}

int wait_many(const __u32 *handles, const __u64 *points, __u32 n, __u32 flags,
	      long ms)
{
	struct drm_syncobj_timeline_wait arg = {
		.handles = (uintptr_t)handles,
		.points = (uintptr_t)points,
		.timeout_nsec = ms ? now_ns() + ms * 1000000LL : 0,
		.count_handles = n,
		.flags = flags,
	};

	return ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &arg) ?
		-1 : (int)arg.first_signaled;
}

int wait_point(__u32 handle, __u64 point, __u32 flags, long ms)
{
	return wait_many(&handle, &point, 1, flags, ms);
}

int export_point(__u32 handle, __u64 point)
{
	struct drm_syncobj_handle arg = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE |
			 DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_TIMELINE,
		.fd = -1,
		.point = point,
	};

	return ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &arg) ?
		-1 : arg.fd;
}

int import_point(__u32 handle, __u64 point, int fence)
{
	struct drm_syncobj_handle arg = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE |
			 DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_TIMELINE,
		.fd = fence,
		.point = point,
	};

	return ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &arg);
}

void pending_point(__u32 handle, __u64 point, int line, unsigned int value)
{
	int fence = timeline_fence(line, value);

	t_need(!import_point(handle, point, fence), "import a fence");
	close(fence);
}

int tell_eventfd(__u32 obj, __u64 point)
{
	struct drm_syncobj_eventfd arg = { .handle = obj, .point = point };

	arg.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (arg.fd < 0)
		t_skip("no eventfd: %s (CONFIG_EVENTFD)", strerror(errno));
	else
		t_err(ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_EVENTFD, &arg), 0,
		      "an eventfd for point %llu", point);
	return arg.fd;
}
