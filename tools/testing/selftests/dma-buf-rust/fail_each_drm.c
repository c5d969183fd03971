// SPDX-License-Identifier: GPL-2.0
/*
 * What fail_each lets fail: DRM's ioctls that export buffers, and those that have to do
 * with fences. Where an answer is not copied, the descriptor or handle of it stays.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <drm/vgem_drm.h>

#include "fail_each.h"
#include "syncobj.h"

/* No descriptor is given the number as long as it is not open. */
static int stray_fd;

/* Of vgem: a buffer of its own, which no dma-buf is of yet, and a buffer of a heap */
static __u32 dumb, imported;

static void make_dumb(void)
{
	struct drm_mode_create_dumb arg = { .width = 64, .height = 64, .bpp = 32 };

	t_need(!ioctl(things.card, DRM_IOCTL_MODE_CREATE_DUMB, &arg), "CREATE_DUMB");
	dumb = arg.handle;
}

/* A dma-buf of it lives as long as its handle. */
static void undo_dumb(void)
{
	close(stray_fd);
	t_need(!gem_close(things.card, dumb), "GEM_CLOSE");
	make_dumb();
}

static int export_handle(__u32 handle)
{
	struct drm_prime_handle arg = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };

	return ioctl(things.card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &arg);
}

static int export_dumb(void)
{
	return export_handle(dumb);
}

static int export_imported(void)
{
	return export_handle(imported);
}

static int attach_fence(void)
{
	struct drm_vgem_fence_attach arg = { .handle = dumb, .flags = VGEM_FENCE_WRITE };

	return ioctl(things.card, DRM_IOCTL_VGEM_FENCE_ATTACH, &arg);
}

/* The lowest number is free, and the fence has it, told or not. */
static void signal_fence(void)
{
	struct drm_vgem_fence_signal arg = { .fence = 1 };

	ioctl(things.card, DRM_IOCTL_VGEM_FENCE_SIGNAL, &arg);
	undo_dumb();
}

#define OP_DUMB(text, fn, back)	{ .name = text, .ready = has_card, .act = fn, .undo = back }

static const struct operation card_operations[] = {
	OP_DUMB("DRM_IOCTL_PRIME_HANDLE_TO_FD", export_dumb, undo_dumb),
	OP_DUMB("DRM_IOCTL_PRIME_HANDLE_TO_FD, imported", export_imported, undo_dumb),
	OP_DUMB("DRM_IOCTL_VGEM_FENCE_ATTACH", attach_fence, signal_fence),
};

static void fail_card(void)
{
	if (has_card()) {
		t_need(!prime_import(things.card, things.idle, &imported), "PRIME_FD_TO_HANDLE");
		make_dumb();
		stray_fd = next_fd();
	}
	fail_all(card_operations, ARRAY_SIZE(card_operations));
	if (has_card()) {
		gem_close(things.card, dumb);
		gem_close(things.card, imported);
	}
}

/*
 * Syncobjs: a binary one with two fences, a timeline that has come to 1 and goes to 2, one
 * of an operation's own, and the number of the one that would be made next.
 */
static __u32 binary, timeline, own, stray;
/* The file of the binary one, an eventfd, and the timeline of a fence of the own */
static int binary_fd = -1, event = -1, line = -1;
static bool have_syncobjs;

static bool has_syncobjs(void)
{
	return there_is(have_syncobjs, "card of virtio_gpu with timelines, or no sw_sync");
}

static int to_fd(__u32 handle, int *fd)
{
	struct drm_syncobj_handle arg = { .handle = handle, .fd = -1 };
	int ret = ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &arg);

	*fd = arg.fd;
	return ret;
}

static void begin_syncobjs(void)
{
	struct drm_get_cap cap = { .capability = DRM_CAP_SYNCOBJ_TIMELINE };

	syncobj_card = open_card("virtio_gpu");
	have_syncobjs = syncobj_card >= 0 && has_fences() &&
			!ioctl(syncobj_card, DRM_IOCTL_GET_CAP, &cap) && cap.value;
	if (!have_syncobjs)
		return;
	binary = create(0);
	t_need(!import_point(binary, 0, things.merged), "import a fence");
	timeline = create(0);
	t_need(!signal_point(timeline, 1), "TIMELINE_SIGNAL");
	t_need(!import_point(timeline, 2, things.fences[0]), "import a fence at a point");
	own = create(0);
	stray = own + 1;
	t_need(!to_fd(binary, &binary_fd), "SYNCOBJ_HANDLE_TO_FD");
	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t_need(event >= 0, "eventfd");
	stray_fd = next_fd();
}

static void end_syncobjs(void)
{
	close_one(&line);
	close_one(&event);
	close_one(&binary_fd);
	close_one(&syncobj_card);
}

static void undo_syncobj(void)
{
	close(stray_fd);
	destroy(stray);
	t_need(!destroy(own), "SYNCOBJ_DESTROY");
	own = create(0);
}

static int create_signaled(void)
{
	struct drm_syncobj_create arg = { .flags = DRM_SYNCOBJ_CREATE_SIGNALED };

	return ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_CREATE, &arg);
}

static int syncobj_to_fd(void)
{
	int fd;

	return to_fd(binary, &fd);
}

static int syncobj_from_fd(void)
{
	struct drm_syncobj_handle arg = { .fd = binary_fd };

	return ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &arg);
}

static int export_binary(void)
{
	return export_point(binary, 0);
}

static int export_timeline(void)
{
	return export_point(timeline, 2);
}

static int import_binary(void)
{
	return import_point(own, 0, things.fences[0]);
}

/* What is merged is merged anew. */
static int transfer_to_point(void)
{
	return transfer(binary, 0, own, 3, 0);
}

static int transfer_to_binary(void)
{
	return transfer(timeline, 2, own, 0, 0);
}

static int on_own(unsigned long cmd)
{
	struct drm_syncobj_array arg = { .handles = (uintptr_t)&own, .count_handles = 1 };

	return ioctl(syncobj_card, cmd, &arg);
}

static int signal_binary(void)
{
	return on_own(DRM_IOCTL_SYNCOBJ_SIGNAL);
}

static int reset_binary(void)
{
	return on_own(DRM_IOCTL_SYNCOBJ_RESET);
}

static int signal_timeline(void)
{
	return signal_point(own, 1);
}

static int query_timeline(void)
{
	__u64 point;
	struct drm_syncobj_timeline_array arg = {
		.handles = (uintptr_t)&timeline,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	return ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_QUERY, &arg);
}

/* It looks, and does not wait: there is no time for that. */
static int looks(unsigned long cmd, void *arg)
{
	int ret = ioctl(syncobj_card, cmd, arg);

	return ret && errno == ETIME ? 0 : ret;
}

static int wait_binary(void)
{
	struct drm_syncobj_wait arg = {
		.handles = (uintptr_t)&binary,
		.count_handles = 1,
	};

	return looks(DRM_IOCTL_SYNCOBJ_WAIT, &arg);
}

static int wait_timeline(void)
{
	const __u32 handles[] = { binary, timeline, own };
	const __u64 points[] = { 0, 2, 1 };
	struct drm_syncobj_timeline_wait arg = {
		.handles = (uintptr_t)handles,
		.points = (uintptr_t)points,
		.count_handles = ARRAY_SIZE(handles),
		.flags = ALL | FOR_SUBMIT | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE,
		.deadline_nsec = 1,
	};

	return looks(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &arg);
}

static int tell_of(__u32 handle, __u64 point)
{
	struct drm_syncobj_eventfd arg = { .handle = handle, .point = point, .fd = event };

	return ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_EVENTFD, &arg);
}

static int tell_at_once(void)
{
	return tell_of(timeline, 1);
}

static int tell_of_submission(void)
{
	return tell_of(own, 4);
}

static int tell_of_fence(void)
{
	return tell_of(own, 0);
}

static bool make_pending(void)
{
	if (!has_syncobjs())
		return false;
	line = timeline_open();
	t_need(line >= 0, SW_SYNC);
	pending_point(own, 0, line, 1);
	return true;
}

/* Who waits for a fence is let go when it is signalled. */
static void undo_pending(void)
{
	close_one(&line);
	undo_syncobj();
	make_pending();
}

#define OP_SYNCOBJ(text, fn)	\
	{ .name = text, .ready = has_syncobjs, .act = fn, .undo = undo_syncobj }
/* Of a fence that gets no sync_file, DRM says that it is not there. */
#define OP_EXPORT(text, fn)	\
	{ .name = text, .ready = has_syncobjs, .act = fn, .undo = undo_syncobj, .also = EINVAL }

/*
 * FD_TO_HANDLE with a sync_file at a point is left out: without memory for the point DRM
 * loses the fence and the syncobj, with either core. The last one's timeline is open, and
 * may have the number of the stray descriptor.
 */
static const struct operation syncobj_operations[] = {
	OP_SYNCOBJ("SYNCOBJ_CREATE, signalled", create_signaled),
	OP_SYNCOBJ("SYNCOBJ_HANDLE_TO_FD", syncobj_to_fd),
	OP_SYNCOBJ("SYNCOBJ_FD_TO_HANDLE", syncobj_from_fd),
	OP_EXPORT("SYNCOBJ_HANDLE_TO_FD, a sync_file", export_binary),
	OP_EXPORT("SYNCOBJ_HANDLE_TO_FD, a sync_file of a point", export_timeline),
	OP_SYNCOBJ("SYNCOBJ_FD_TO_HANDLE, a sync_file", import_binary),
	OP_SYNCOBJ("SYNCOBJ_TRANSFER to a point", transfer_to_point),
	OP_SYNCOBJ("SYNCOBJ_TRANSFER to a binary one", transfer_to_binary),
	OP_SYNCOBJ("SYNCOBJ_SIGNAL", signal_binary),
	OP_SYNCOBJ("SYNCOBJ_RESET", reset_binary),
	OP_SYNCOBJ("SYNCOBJ_TIMELINE_SIGNAL", signal_timeline),
	OP_SYNCOBJ("SYNCOBJ_QUERY", query_timeline),
	OP_SYNCOBJ("SYNCOBJ_WAIT", wait_binary),
	OP_SYNCOBJ("SYNCOBJ_TIMELINE_WAIT", wait_timeline),
	OP_SYNCOBJ("SYNCOBJ_EVENTFD, signalled", tell_at_once),
	OP_SYNCOBJ("SYNCOBJ_EVENTFD, not submitted", tell_of_submission),
	{
		.name = "SYNCOBJ_EVENTFD, pending",
		.ready = make_pending, .act = tell_of_fence, .undo = undo_pending,
	},
};

void fail_drm(void)
{
	fail_card();
	begin_syncobjs();
	fail_all(syncobj_operations, ARRAY_SIZE(syncobj_operations));
	end_syncobjs();
}
