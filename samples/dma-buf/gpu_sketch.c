// SPDX-License-Identifier: GPL-2.0
/*
 * For the module rust_gpu_sketch: fills more objects than VRAM holds, each with
 * a number of its own, and looks whether they still have them. Says how often
 * objects have moved.
 *
 *	gpu_sketch [/dev/dri/cardN]
 */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "rust_gpu_sketch.h"

#define DRIVER	"rust-gpu-sketch"
#define SIZE	DRM_GPU_SKETCH_VRAM_OBJECT
#define OBJECTS	(2 * DRM_GPU_SKETCH_VRAM_SIZE / SIZE)

static void check(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* The first card of the driver, if none is given */
static int open_card(const char *path)
{
	char found[32], name[32];

	for (int i = 0; !path && i < 16; i++) {
		struct drm_version version = { .name = name, .name_len = 31 };
		int fd;

		snprintf(found, sizeof(found), "/dev/dri/card%d", i);
		fd = open(found, O_RDWR | O_CLOEXEC);
		memset(name, 0, sizeof(name));
		if (fd >= 0 && !ioctl(fd, DRM_IOCTL_VERSION, &version) &&
		    !strcmp(name, DRIVER))
			return fd;
		close(fd);
	}
	return open(path ? path : "/dev/dri/card0", O_RDWR | O_CLOEXEC);
}

static __u32 create(int card, __u32 flags)
{
	struct drm_gpu_sketch_create arg = { .size = SIZE, .flags = flags };

	check(!ioctl(card, DRM_IOCTL_GPU_SKETCH_CREATE, &arg), "create");
	return arg.handle;
}

/* A job that writes to one object, and may read another. Returns a sync_file. */
static int submit(int card, __u32 op, __u32 value, __u32 to, __u32 from)
{
	struct drm_gpu_sketch_object objects[] = {
		{ .handle = to, .flags = DRM_GPU_SKETCH_OBJECT_WRITE },
		{ .handle = from },
	};
	struct drm_gpu_sketch_submit arg = {
		.objects = (uintptr_t)objects,
		.object_count = from ? 2 : 1,
		.op = op,
		.value = value,
		.flags = DRM_GPU_SKETCH_SUBMIT_OUT_FENCE,
	};

	check(!ioctl(card, DRM_IOCTL_GPU_SKETCH_SUBMIT, &arg), "submit");
	return arg.out_fence;
}

int main(int argc, char **argv)
{
	int card = open_card(argc > 1 ? argv[1] : NULL), wrong = 0;
	struct drm_mode_map_dumb map = { 0 };
	struct drm_gpu_sketch_info info;
	__u32 objects[OBJECTS], *contents;

	check(card >= 0, "no card of " DRIVER);
	for (int i = 0; i < OBJECTS; i++) {
		objects[i] = create(card, DRM_GPU_SKETCH_CREATE_VRAM);
		close(submit(card, DRM_GPU_SKETCH_FILL, i, objects[i], 0));
	}

	/* What is in VRAM comes back by way of memory that can be mapped. */
	map.handle = create(card, 0);
	check(!ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map), "map");
	contents = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, card, map.offset);
	check(contents != MAP_FAILED, "mmap");
	for (__u32 i = 0; i < OBJECTS; i++) {
		struct pollfd fence = { .events = POLLIN };

		fence.fd = submit(card, DRM_GPU_SKETCH_COPY, 0, map.handle, objects[i]);
		check(poll(&fence, 1, -1) == 1, "poll");
		close(fence.fd);
		wrong += contents[0] != i || contents[SIZE / 4 - 1] != i;
	}

	check(!ioctl(card, DRM_IOCTL_GPU_SKETCH_INFO, &info), "info");
	fprintf(stderr, "%llu moves, %llu jobs\n", info.moves, info.jobs);
	printf("%d objects, %d of them wrong\n", OBJECTS, wrong);
	return !!wrong;
}
