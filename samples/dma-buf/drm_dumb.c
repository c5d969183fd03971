// SPDX-License-Identifier: GPL-2.0
/*
 * A dumb buffer of a DRM driver: creates one, maps it, writes a string, maps it
 * again, reads the string, destroys the buffer.
 *
 *   drm_dumb [CARD]
 *
 * CARD is a device file or the name of a driver; /dev/dri/card0 without it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>
#include <xf86drmMode.h>

#define WIDTH	240
#define HEIGHT	320
#define BPP	32
#define CARDS	16

static void need(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

static int is_of(int fd, const char *driver)
{
	drmVersionPtr version = drmGetVersion(fd);
	int same = version && !strcmp(version->name, driver);

	drmFreeVersion(version);
	return same;
}

static int open_driver(const char *driver)
{
	char path[64];

	for (int i = 0; i < CARDS; i++) {
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && is_of(fd, driver))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	errno = ENODEV;
	return -1;
}

/* Each mapping asks anew where in the card's file the buffer is. */
static char *map(int card, __u32 handle, size_t size)
{
	struct drm_mode_map_dumb arg = { .handle = handle };
	char *p;

	need(!drmIoctl(card, DRM_IOCTL_MODE_MAP_DUMB, &arg),
	     "DRM_IOCTL_MODE_MAP_DUMB");
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, card,
		 arg.offset);
	need(p != MAP_FAILED, "mmap");
	return p;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "/dev/dri/card0";
	struct drm_mode_create_dumb create = {
		.width = WIDTH, .height = HEIGHT, .bpp = BPP,
	};
	struct drm_mode_destroy_dumb destroy = { 0 };
	int card;
	char *p;

	card = strchr(name, '/') ? open(name, O_RDWR | O_CLOEXEC) :
				   open_driver(name);
	need(card >= 0, name);
	need(!drmIoctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &create),
	     "DRM_IOCTL_MODE_CREATE_DUMB");
	printf("handle %u, pitch %u, size %llu\n", create.handle, create.pitch,
	       (unsigned long long)create.size);

	p = map(card, create.handle, create.size);
	snprintf(p, create.size, "Hello from a dumb buffer!");
	munmap(p, create.size);

	p = map(card, create.handle, create.size);
	printf("%s\n", p);
	munmap(p, create.size);

	destroy.handle = create.handle;
	need(!drmIoctl(card, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy),
	     "DRM_IOCTL_MODE_DESTROY_DUMB");
	close(card);
	return 0;
}
