// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's calls to a V4L2 camera about buffers. It streams for threads only:
 * frames come at their own time. And how what a program needs is opened.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/videodev2.h>

#include "camera.h"
#include "fuzz.h"

#define CAPTURE	V4L2_BUF_TYPE_VIDEO_CAPTURE
/* As the handle of a slot: the camera that is not the first */
#define OTHER	1

static const __u32 memories[] = {
	V4L2_MEMORY_DMABUF, V4L2_MEMORY_MMAP, V4L2_MEMORY_DMABUF, V4L2_MEMORY_USERPTR, 0, 77,
};

static void cam_request(struct run *r, const __u8 *a)
{
	struct v4l2_requestbuffers arg = {
		.count = SELDOM(a[1]) ? 0 : 1 + (a[1] & 3),
		.type = CAPTURE,
		.memory = PICK(memories, SELDOM(a[2]) ? a[2] : a[2] & 1),
	};

	if (!said(r, ioctl(fd_of(r, CAMERA, a[0]), VIDIOC_REQBUFS, &arg)))
		say(r, ",%u", arg.count);
}

static void cam_queue(struct run *r, const __u8 *a)
{
	static const unsigned long cmds[] = {
		VIDIOC_QBUF, VIDIOC_PREPARE_BUF, VIDIOC_DQBUF, VIDIOC_QUERYBUF,
	};
	struct v4l2_buffer b = {
		.index = a[1] & 3,
		.type = CAPTURE,
		.memory = PICK(memories, SELDOM(a[2]) ? a[2] : a[2] & 1),
		.m.fd = SELDOM(a[4]) ? any_slot(r, a[3])->fd : fd_of(r, BUF, a[3]),
		.length = SELDOM(a[4]) ? a[4] : 0,
	};

	struct slot *camera = slot_of(r, CAMERA, a[0]);

	/* V4L2 loses the buffer when there is no memory to attach it, which set_faults() knows */
	if (r->faults && r->world->racing) {
		say(r, "=no");
		return;
	}
	/* whether what is longer than the system heap takes at once is in one piece is luck */
	if (camera->handle == OTHER && !r->world->racing &&
	    lseek(b.m.fd, 0, SEEK_END) > 65536) {
		say(r, "=no");
		return;
	}
	if (!said(r, ioctl(camera->fd, PICK(cmds, a[5] < 0x80 ? 0 : a[5]), &b)))
		say(r, ",%x,%u,%u", b.flags & ~V4L2_BUF_FLAG_TIMESTAMP_MASK, b.length,
		    b.bytesused);
}

/* More of them, beside those that there are, in the format that is set */
static void cam_create(struct run *r, const __u8 *a)
{
	struct v4l2_create_buffers arg = {
		.count = SELDOM(a[1]) ? 0 : 1 + (a[1] & 3),
		.memory = PICK(memories, SELDOM(a[2]) ? a[2] : a[2] & 1),
		.format.type = CAPTURE,
	};
	int camera = fd_of(r, CAMERA, a[0]);

	ioctl(camera, VIDIOC_G_FMT, &arg.format);
	if (!said(r, ioctl(camera, VIDIOC_CREATE_BUFS, &arg)))
		say(r, ",%u,%u", arg.index, arg.count);
}

static void cam_remove(struct run *r, const __u8 *a)
{
	struct v4l2_remove_buffers arg = {
		.index = a[1] & 7,
		.count = SELDOM(a[2]) ? a[2] : a[2] & 3,
		.type = CAPTURE,
	};

	said(r, ioctl(fd_of(r, CAMERA, a[0]), VIDIOC_REMOVE_BUFS, &arg));
}

static void cam_export(struct run *r, const __u8 *a)
{
	struct v4l2_exportbuffer arg = {
		.type = CAPTURE,
		.index = a[1] & 3,
		.flags = O_CLOEXEC | (a[2] & 1 ? O_RDWR : 0),
	};
	long ret = ioctl(fd_of(r, CAMERA, a[0]), VIDIOC_EXPBUF, &arg);

	got_fd(r, BUF, ret < 0 ? ret : arg.fd);
}

static void cam_off(struct run *r, const __u8 *a)
{
	int type = CAPTURE;

	said(r, ioctl(fd_of(r, CAMERA, a[0]), VIDIOC_STREAMOFF, &type));
}

static void cam_on(struct run *r, const __u8 *a)
{
	int type = CAPTURE, camera = fd_of(r, CAMERA, a[0]);

	if (!r->world->racing) {
		say(r, "=no");
		return;
	}
	said(r, ioctl(camera, VIDIOC_STREAMON, &type));
}

/* The other camera's frames lie where a device would read them, in one piece. */
static void cam_other(struct run *r, const __u8 *a)
{
	struct v4l2_format fmt = {
		.type = CAPTURE,
		.fmt.pix = {
			.width = 320,
			.height = 180,
			.pixelformat = V4L2_PIX_FMT_GREY,
		},
	};
	int fd = open("/dev/video1", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	(void)a;
	if (fd < 0) {
		said(r, fd);
		return;
	}
	said(r, ioctl(fd, VIDIOC_S_FMT, &fmt));
	got_fd(r, CAMERA, fd);
	for (unsigned int i = 0; i < MAX_SLOTS; i++)
		if (r->world->slots[i].fd == fd && r->world->slots[i].kind == CAMERA)
			r->world->slots[i].handle = OTHER;
}

const struct op camera_ops[] = {
	{ "cam_request", cam_request }, { "cam_queue", cam_queue },
	{ "cam_create", cam_create }, { "cam_remove", cam_remove },
	{ "cam_export", cam_export }, { "cam_off", cam_off },
	{ "cam_on", cam_on }, { "cam_other", cam_other },
	{ }
};

static char heap_names[MAX_HEAPS][64];
static int n_heaps;

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

void heaps_begin(void)
{
	n_heaps = list_heaps(heap_names);
	t_need(n_heaps > 0, "a heap");
	qsort(heap_names, n_heaps, sizeof(heap_names[0]), by_name);
}

int open_some_heap(__u8 a, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", heap_names[a % n_heaps]);
	return open(path, flags);
}

/* To look through all cards takes longer than most programs. */
static int open_again(char *path, size_t room, int (*first)(void))
{
	char link[32];
	ssize_t len;
	int fd;

	if (*path)
		return open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	fd = first();
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = fd < 0 ? -1 : readlink(link, path, room - 1);
	path[len < 0 ? 0 : len] = '\0';
	return fd;
}

static int first_vgem(void)
{
	return open_card("vgem");
}

static int first_gpu(void)
{
	return open_card("virtio_gpu");
}

static int first_camera(void)
{
	size_t frame;

	return open_camera(&frame);
}

static int sealed_memfd(void)
{
	int fd = memfd_create("fuzz", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (fd >= 0 && (ftruncate(fd, 16384) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int some_buffer(int more_flags)
{
	int heap = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC), fd, path;
	char link[32];

	if (heap < 0)
		return -1;
	fd = alloc_fd(heap, 8192);
	close(heap);
	if (!(more_flags & O_PATH) || fd < 0)
		return fd;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	path = open(link, O_PATH | O_CLOEXEC);
	close(fd);
	return path;
}

int open_kind(enum thing kind)
{
	static char vgem[64], gpu[64], camera[64];
	int pair[2];

	errno = ENODEV;
	switch (kind) {
	case HEAP:
		return open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);
	case BUF:
		return some_buffer(0);
	case PATH:
		return some_buffer(O_PATH);
	case LINE:
		return timeline_open();
	case MEMFD:
		return sealed_memfd();
	case UDMABUF:
		return open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	case VGEM:
		return open_again(vgem, sizeof(vgem), first_vgem);
	case GPU:
		return open_again(gpu, sizeof(gpu), first_gpu);
	case CAMERA:
		return open_again(camera, sizeof(camera), first_camera);
	case EPOLL:
		return epoll_create1(EPOLL_CLOEXEC);
	case EVENT:
		return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	case SOCKET:
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			return -1;
		close(pair[1]);
		return pair[0];
	default:
		return -1;
	}
}
