// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's calls to DRM's synchronisation objects.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <drm/drm.h>

#include "fuzz.h"

static const __u64 points[] = { 0, 1, 2, 3, 5, 10, ~0ULL, 1ULL << 63 };

static void syncobj_create(struct run *r, const __u8 *a)
{
	struct drm_syncobj_create arg = { .flags = SELDOM(a[1]) ? a[1] : a[1] & 1 };
	int card = fd_of(r, GPU, a[0]);
	long ret = ioctl(card, DRM_IOCTL_SYNCOBJ_CREATE, &arg);

	got_handle(r, ret, SYNCOBJ, card, arg.handle);
}

static void syncobj_destroy(struct run *r, const __u8 *a)
{
	struct slot *s = slot_of(r, SYNCOBJ, a[0]);
	struct drm_syncobj_destroy arg = { .handle = s->handle, .pad = SELDOM(a[1]) };

	said(r, ioctl(s->fd, DRM_IOCTL_SYNCOBJ_DESTROY, &arg));
}

static void syncobj_to_fd(struct run *r, const __u8 *a)
{
	struct slot *s = slot_of(r, SYNCOBJ, a[0]);
	struct drm_syncobj_handle arg = {
		.handle = s->handle,
		.flags = SELDOM(a[1]) ? a[1] : a[1] & 3,
		.fd = -1,
		.point = PICK(points, a[2] & 15),
	};
	bool fence = arg.flags & DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
	long ret = ioctl(s->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &arg);

	got_fd(r, fence ? FENCE : NOTHING, ret < 0 ? ret : arg.fd);
	r->world->chains |= fence;
}

/*
 * Not the fence of a point as that of another, where C is to do the same: DRM lets
 * that happen, and C warns about a chain inside of a chain. And DRM leaks the fence
 * when it gets no memory for a point: threads let any allocation fail.
 */
static bool better_not(struct run *r, __u32 flags)
{
	const __u32 both = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE |
			   DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_TIMELINE;

	if ((flags & both) != both)
		return false;
	return r->world->racing ? r->faults : r->world->chains;
}

static void syncobj_from_fd(struct run *r, const __u8 *a)
{
	struct slot *s = slot_of(r, SYNCOBJ, a[0]);
	struct drm_syncobj_handle arg = {
		.handle = s->handle,
		.flags = SELDOM(a[1]) ? a[1] : a[1] & 3,
		.fd = SELDOM(a[4]) ? any_slot(r, a[3])->fd : fd_of(r, FENCE, a[3]),
		.point = PICK(points, a[2]),
	};
	long ret;

	if (better_not(r, arg.flags)) {
		say(r, "=no");
		return;
	}
	ret = ioctl(s->fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &arg);

	if (arg.flags & DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE)
		said(r, ret);
	else
		got_handle(r, ret, SYNCOBJ, s->fd, arg.handle);
}

/* One object, or two of one card */
struct objects {
	int card;
	__u32 n;
	__u32 handles[2];
	__u64 points[2];
};

static struct objects some(struct run *r, const __u8 *a)
{
	struct slot *s = slot_of(r, SYNCOBJ, a[0]), *t = slot_of(r, SYNCOBJ, a[1]);

	return (struct objects){
		.card = s->fd,
		.n = SELDOM(a[2]) ? 0 : 1 + (a[2] & 1),
		.handles = { s->handle, t->handle },
		.points = { PICK(points, a[3]), PICK(points, a[4]) },
	};
}

static void syncobj_wait(struct run *r, const __u8 *a)
{
	struct objects o = some(r, a);
	struct drm_syncobj_timeline_wait arg = {
		.handles = (uintptr_t)o.handles,
		.points = (uintptr_t)o.points,
		.timeout_nsec = SELDOM(a[6]) ? INT64_MAX : a[6] & 1,
		.count_handles = o.n,
		.flags = SELDOM(a[5]) ? 1U << (a[5] & 31) : a[5] & 15,
	};
	struct drm_syncobj_wait binary = {
		.handles = arg.handles,
		.timeout_nsec = arg.timeout_nsec,
		.count_handles = o.n,
		.flags = arg.flags,
	};
	long ret;

	if (a[3] & 0x80)
		ret = patient_ioctl(r, o.card, DRM_IOCTL_SYNCOBJ_WAIT, &binary);
	else
		ret = patient_ioctl(r, o.card, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &arg);
	if (!said(r, ret))
		say(r, ",%u", a[3] & 0x80 ? binary.first_signaled : arg.first_signaled);
}

static void syncobj_array(struct run *r, const __u8 *a)
{
	static const unsigned long cmds[] = {
		DRM_IOCTL_SYNCOBJ_RESET, DRM_IOCTL_SYNCOBJ_SIGNAL,
	};
	struct objects o = some(r, a);
	struct drm_syncobj_array arg = {
		.handles = (uintptr_t)o.handles,
		.count_handles = o.n,
		.pad = SELDOM(a[4]),
	};

	said(r, ioctl(o.card, PICK(cmds, a[5]), &arg));
}

static void syncobj_points(struct run *r, const __u8 *a)
{
	static const unsigned long cmds[] = {
		DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, DRM_IOCTL_SYNCOBJ_QUERY,
	};
	struct objects o = some(r, a);
	struct drm_syncobj_timeline_array arg = {
		.handles = (uintptr_t)o.handles,
		.points = (uintptr_t)o.points,
		.count_handles = o.n,
		.flags = SELDOM(a[6]) ? a[6] & 31 : 0,
	};

	if (!said(r, ioctl(o.card, PICK(cmds, a[5]), &arg)) && a[5] & 1)
		say(r, ",%llx,%llx", (unsigned long long)o.points[0],
		    (unsigned long long)o.points[1]);
}

static void syncobj_transfer(struct run *r, const __u8 *a)
{
	struct slot *s = slot_of(r, SYNCOBJ, a[0]), *t = slot_of(r, SYNCOBJ, a[1]);
	struct drm_syncobj_transfer arg = {
		.src_handle = s->handle,
		.dst_handle = t->handle,
		.src_point = PICK(points, a[2]),
		.dst_point = PICK(points, a[3]),
		.flags = SELDOM(a[4]) ? 1U << (a[4] & 7) : 0,
		.pad = SELDOM(a[5]),
	};

	/* it waits for a point to be submitted, if it is asked to */
	said(r, patient_ioctl(r, s->fd, DRM_IOCTL_SYNCOBJ_TRANSFER, &arg));
}

static void syncobj_event(struct run *r, const __u8 *a)
{
	struct slot *s = slot_of(r, SYNCOBJ, a[0]);
	struct drm_syncobj_eventfd arg = {
		.handle = s->handle,
		.flags = SELDOM(a[1]) ? a[1] : a[1] & 4,
		.point = PICK(points, a[2]),
		.fd = fd_of(r, EVENT, a[3]),
		.pad = SELDOM(a[4]),
	};

	r->world->polled = true;
	said(r, ioctl(s->fd, DRM_IOCTL_SYNCOBJ_EVENTFD, &arg));
}

const struct op syncobj_ops[] = {
	{ "syncobj_create", syncobj_create }, { "syncobj_destroy", syncobj_destroy },
	{ "syncobj_to_fd", syncobj_to_fd }, { "syncobj_from_fd", syncobj_from_fd },
	{ "syncobj_wait", syncobj_wait }, { "syncobj_array", syncobj_array },
	{ "syncobj_points", syncobj_points }, { "syncobj_transfer", syncobj_transfer },
	{ "syncobj_event", syncobj_event },
	{ }
};
