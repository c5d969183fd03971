// SPDX-License-Identifier: GPL-2.0
/* The cards of the sample module rust_gpu_sketch, their objects and jobs. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "common.h"
#include "gpu_card.h"

int gpu_open(int which)
{
	int card = open_nth_card(DRIVER, which);

	t_need(card >= 0, "the cards of " DRIVER);
	return card;
}

int gpu_try_create(int card, __u64 size, __u32 flags, __u32 *handle)
{
	struct drm_gpu_sketch_create arg = { .size = size, .flags = flags };
	int ret = ioctl(card, DRM_IOCTL_GPU_SKETCH_CREATE, &arg);

	*handle = arg.handle;
	return ret;
}

__u32 gpu_create(int card, __u32 flags)
{
	__u32 handle;

	t_need(!gpu_try_create(card, SIZE, flags, &handle), "create");
	return handle;
}

char *gpu_map(int card, __u32 handle)
{
	struct drm_mode_map_dumb arg = { .handle = handle };
	char *p;

	t_need(!ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &arg), "map");
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, card,
		 arg.offset);
	t_need(p != MAP_FAILED, "mmap");
	return p;
}

int gpu_export(int card, __u32 handle)
{
	struct drm_prime_handle arg = {
		.handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR,
	};

	t_need(!ioctl(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &arg), "export");
	return arg.fd;
}

__u32 gpu_import(int card, int buf)
{
	__u32 handle;

	t_need(!prime_import(card, buf, &handle), "import");
	return handle;
}

struct drm_gpu_sketch_info gpu_info(int card)
{
	struct drm_gpu_sketch_info info;

	t_need(!ioctl(card, DRM_IOCTL_GPU_SKETCH_INFO, &info), "info");
	return info;
}

int gpu_reset(int card, __u32 ring, __u32 *was_busy)
{
	struct drm_gpu_sketch_reset arg = { .ring = ring };
	int ret = ioctl(card, DRM_IOCTL_GPU_SKETCH_RESET, &arg);

	*was_busy = arg.was_busy;
	return ret;
}

int gpu_submit(int card, struct drm_gpu_sketch_submit *arg, __u32 op,
	       const __u32 *handles, unsigned int n)
{
	struct drm_gpu_sketch_object objects[DRM_GPU_SKETCH_MAX_OBJECTS + 1];

	for (unsigned int i = 0; i < n; i++) {
		objects[i].handle = handles[i];
		objects[i].flags = i ? 0 : DRM_GPU_SKETCH_OBJECT_WRITE;
	}
	arg->objects = (uintptr_t)objects;
	arg->object_count = n;
	arg->op = op;
	return ioctl(card, DRM_IOCTL_GPU_SKETCH_SUBMIT, arg);
}

static int submit_fence(int card, __u32 op, __u32 ring, __u32 value,
			const __u32 *handles, unsigned int n)
{
	struct drm_gpu_sketch_submit arg = {
		.ring = ring, .value = value,
		.flags = DRM_GPU_SKETCH_SUBMIT_OUT_FENCE,
	};

	return gpu_submit(card, &arg, op, handles, n) ? -1 : arg.out_fence;
}

int gpu_fill(int card, __u32 handle, __u32 value)
{
	return submit_fence(card, DRM_GPU_SKETCH_FILL, 0, value, &handle, 1);
}

int gpu_copy(int card, __u32 to, __u32 from)
{
	__u32 handles[] = { to, from };

	return submit_fence(card, DRM_GPU_SKETCH_COPY, 0, 0, handles, 2);
}

int gpu_hang(int card, __u32 ring)
{
	return submit_fence(card, DRM_GPU_SKETCH_HANG, ring, 0, NULL, 0);
}

int gpu_nop(int card, __u32 ring)
{
	return submit_fence(card, DRM_GPU_SKETCH_NOP, ring, 0, NULL, 0);
}

int gpu_wait(int fence)
{
	int status = -EBADF;

	if (fence >= 0) {
		poll_signalled(fence);
		status = fence_status(fence);
		close(fence);
	}
	return status;
}

bool is_all(const char *p, __u32 value)
{
	for (size_t i = 0; i < SIZE; i += 4)
		if (*(const __u32 *)(p + i) != value)
			return false;
	return true;
}
