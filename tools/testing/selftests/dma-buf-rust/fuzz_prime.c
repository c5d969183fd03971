// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's calls to DRM cards about buffers: vgem's own, and imported ones;
 * virtio-gpu imports only, because its host has fences of its own.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <drm/vgem_drm.h>

#include "fuzz.h"

static void dumb_create(struct run *r, const __u8 *a)
{
	static const __u32 sides[] = { 16, 64, 1, 0, 33, 0xffffffff, 0x10000, 128 };
	struct drm_mode_create_dumb arg = {
		.width = PICK(sides, SELDOM(a[1]) ? a[1] : a[1] & 1),
		.height = PICK(sides, SELDOM(a[2]) ? a[2] : a[2] & 1),
		.bpp = SELDOM(a[3]) ? a[3] : 32,
		.flags = SELDOM(a[4]) ? a[4] : 0,
	};
	int card = fd_of(r, VGEM, a[0]);
	long ret;

	/* these two would be 4 GiB and more, or nearly */
	if (arg.width == 0x10000 && arg.height == 0x10000)
		arg.height = 1;
	ret = ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &arg);
	got_handle(r, ret, GEM, card, arg.handle);
	if (!ret)
		say(r, ",%u,%llu", arg.pitch, (unsigned long long)arg.size);
}

static void gem_close_op(struct run *r, const __u8 *a)
{
	struct slot *s = slot_of(r, GEM, a[0]);
	struct drm_gem_close arg = { .handle = s->handle };

	said(r, ioctl(s->fd, DRM_IOCTL_GEM_CLOSE, &arg));
}

static void prime_export(struct run *r, const __u8 *a)
{
	static const __u32 flags[] = {
		DRM_CLOEXEC | DRM_RDWR, DRM_RDWR, DRM_CLOEXEC, 0, O_NONBLOCK, 1U << 31,
	};
	struct slot *s = slot_of(r, GEM, a[0]);
	struct drm_prime_handle arg = {
		.handle = SELDOM(a[1]) ? a[1] : s->handle,
		.flags = PICK(flags, SELDOM(a[2]) ? a[2] : a[2] & 1),
		.fd = -1,
	};
	long ret = ioctl(s->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, arg_at(a[3], &arg, sizeof(arg)));

	got_fd(r, BUF, ret < 0 ? ret : arg.fd);
}

static void prime_import_op(struct run *r, const __u8 *a)
{
	int card = fd_of(r, SELDOM(a[2]) ? GPU : VGEM, a[0]);
	struct drm_prime_handle arg = {
		.fd = SELDOM(a[3]) ? any_slot(r, a[1])->fd : fd_of(r, BUF, a[1]),
	};
	long ret = ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &arg);

	got_handle(r, ret, GEM, card, arg.handle);
}

static void dumb_map(struct run *r, const __u8 *a)
{
	struct slot *s = slot_of(r, GEM, a[0]), *m;
	struct drm_mode_map_dumb arg = { .handle = s->handle };
	char *at;

	if (said(r, ioctl(s->fd, DRM_IOCTL_MODE_MAP_DUMB, &arg)))
		return;
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, arg.offset);
	if (at == MAP_FAILED) {
		said(r, -1);
		return;
	}
	m = put_slot(r, MAPPING, -1);
	if (m->kind == MAPPING) {
		m->map = at;
		m->len = 4096;
	} else {
		munmap(at, 4096);
	}
}

static void vgem_attach(struct run *r, const __u8 *a)
{
	struct slot *s = slot_of(r, GEM, a[0]);
	struct drm_vgem_fence_attach arg = {
		.handle = s->handle,
		.flags = SELDOM(a[1]) ? a[1] : a[1] & VGEM_FENCE_WRITE,
		.pad = SELDOM(a[2]) ? a[2] : 0,
	};

	if (!said(r, ioctl(s->fd, DRM_IOCTL_VGEM_FENCE_ATTACH, &arg)))
		say(r, ",%u", arg.out_fence);
}

static void vgem_signal(struct run *r, const __u8 *a)
{
	struct drm_vgem_fence_signal arg = {
		.fence = a[1] & 3,
		.flags = SELDOM(a[2]) ? a[2] : 0,
	};

	said(r, ioctl(fd_of(r, VGEM, a[0]), DRM_IOCTL_VGEM_FENCE_SIGNAL, &arg));
}

const struct op prime_ops[] = {
	{ "dumb_create", dumb_create }, { "gem_close", gem_close_op },
	{ "prime_export", prime_export }, { "prime_import", prime_import_op },
	{ "dumb_map", dumb_map }, { "vgem_attach", vgem_attach },
	{ "vgem_signal", vgem_signal },
	{ }
};
