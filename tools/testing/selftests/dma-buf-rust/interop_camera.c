// SPDX-License-Identifier: GPL-2.0
/*
 * The cameras of vivid in the interop matrix: one exports the memory that its
 * driver allocated, another captures into memory that it is given. V4L2 knows
 * nothing of fences: it neither waits for those of a buffer nor adds any.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/dma-buf.h>
#include <linux/videodev2.h>

#include "interop.h"

#define CAPTURE		V4L2_BUF_TYPE_VIDEO_CAPTURE
/* Two of vivid's own controls: the picture, and what it writes into it */
#define TEST_PATTERN	0x00f0f000
#define OSD_TEXT_MODE	0x00f0f001
#define OSD_NONE	2
/* Test patterns in which nothing moves: colour bars, darker and brighter */
#define NR_PATTERNS	2

static bool set_control(int camera, __u32 id, int value)
{
	struct v4l2_control c = { .id = id, .value = value };

	return !ioctl(camera, VIDIOC_S_CTRL, &c);
}

static bool set_up(int camera)
{
	struct v4l2_format fmt = {
		.type = CAPTURE,
		.fmt.pix = {
			.width = WIDTH,
			.height = HEIGHT,
			.pixelformat = V4L2_PIX_FMT_XBGR32,
		},
	};
	int input = 0;

	return !ioctl(camera, VIDIOC_S_INPUT, &input) &&
	       !ioctl(camera, VIDIOC_S_FMT, &fmt) &&
	       fmt.fmt.pix.sizeimage == FRAME &&
	       set_control(camera, OSD_TEXT_MODE, OSD_NONE);
}

int vivid_open(enum vivid which)
{
	char path[64], bus[32];

	snprintf(bus, sizeof(bus), "platform:vivid-%03d", which);
	for (int i = 0; i < 64; i++) {
		struct v4l2_capability cap = { 0 };
		int fd;

		snprintf(path, sizeof(path), "/dev/video%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!ioctl(fd, VIDIOC_QUERYCAP, &cap) &&
		    !strcmp((char *)cap.bus_info, bus) &&
		    cap.device_caps & V4L2_CAP_VIDEO_CAPTURE && set_up(fd))
			return fd;
		close(fd);
	}
	return -1;
}

static int request(int camera, enum v4l2_memory memory, int count)
{
	struct v4l2_requestbuffers req = {
		.count = count,
		.type = CAPTURE,
		.memory = memory,
	};

	return ioctl(camera, VIDIOC_REQBUFS, &req);
}

bool vivid_get(struct shared *s, enum vivid which)
{
	struct v4l2_buffer b = { .type = CAPTURE, .memory = V4L2_MEMORY_MMAP };
	struct v4l2_exportbuffer out = {
		.type = CAPTURE,
		.flags = O_CLOEXEC | O_RDWR,
	};

	s->device = vivid_open(which);
	if (s->device < 0)
		return missing("vivid");
	if (request(s->device, V4L2_MEMORY_MMAP, 1) ||
	    ioctl(s->device, VIDIOC_QUERYBUF, &b))
		return refused("VIDIOC_REQBUFS");
	s->view_size = b.length;
	s->view = map_shared(s->device, b.length, b.m.offset);
	if (!s->view)
		return refused("the exporter's mmap");
	if (!ioctl(s->device, VIDIOC_EXPBUF, &out))
		s->fd = out.fd;
	return true;
}

static struct {
	int camera;
	int fd;
	bool queued;
} own = { .camera = -1 };

/* What each pattern looks like, as the camera itself gives it by read() */
static __u32 pattern[NR_PATTERNS][WORDS];

static bool set_pattern(int camera, unsigned int seed)
{
	return set_control(camera, TEST_PATTERN, seed % NR_PATTERNS);
}

static bool look_at_patterns(enum vivid which)
{
	static bool known;

	for (unsigned int i = 0; !known && i < NR_PATTERNS; i++) {
		int camera = vivid_open(which);
		bool fine = set_pattern(camera, i) &&
			    read(camera, pattern[i], FRAME) == (ssize_t)FRAME;

		close(camera);
		if (!fine)
			return refused("read of a camera");
	}
	known = true;
	return true;
}

static bool open_one(enum vivid which)
{
	own.camera = vivid_open(which);
	if (own.camera < 0)
		return missing("vivid");
	return look_at_patterns(which);
}

static bool open_vmalloc(void)
{
	return open_one(VIVID_IMPORT);
}

static bool open_contig(void)
{
	return open_one(VIVID_IMPORT_CONTIG);
}

static bool queue(void)
{
	struct v4l2_buffer b = {
		.type = CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.m.fd = own.fd,
	};

	if (own.queued)
		return true;
	own.queued = !ioctl(own.camera, VIDIOC_QBUF, &b);
	return own.queued || refused("VIDIOC_QBUF");
}

static bool import(const struct shared *s)
{
	own.fd = s->fd;
	if (request(own.camera, V4L2_MEMORY_DMABUF, 1))
		return refused("VIDIOC_REQBUFS");
	return queue();
}

static bool keep(const struct shared *s)
{
	(void)s;
	return queue();
}

static bool writes(const __u32 *view, unsigned int seed)
{
	struct v4l2_buffer b = {
		.type = CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};
	struct pollfd p = { .fd = own.camera, .events = POLLIN };
	int type = CAPTURE;

	if (!set_pattern(own.camera, seed))
		return refused("VIDIOC_S_CTRL");
	if (!queue())
		return false;
	if (ioctl(own.camera, VIDIOC_STREAMON, &type))
		return refused("VIDIOC_STREAMON");
	if (poll(&p, 1, PATIENCE_MS) != 1)
		return wrong("no frame");
	own.queued = false;
	if (ioctl(own.camera, VIDIOC_DQBUF, &b))
		return refused("VIDIOC_DQBUF");
	if (b.flags & V4L2_BUF_FLAG_ERROR || b.bytesused != FRAME)
		return wrong("a bad frame of %u bytes", b.bytesused);
	if (ioctl(own.camera, VIDIOC_STREAMOFF, &type))
		return refused("VIDIOC_STREAMOFF");
	return same_words(view, pattern[seed % NR_PATTERNS]);
}

/* It heeds none: the frame comes though somebody is at work on the buffer. */
static bool heeds(const struct shared *s, int line, bool writer)
{
	bool fine = writes(s->view, writer);

	timeline_inc(line, 1);
	return fine;
}

static void release(void)
{
	int type = CAPTURE;

	ioctl(own.camera, VIDIOC_STREAMOFF, &type);
	request(own.camera, V4L2_MEMORY_DMABUF, 0);
	own.queued = false;
}

static void shut(void)
{
	if (own.camera >= 0)
		close(own.camera);
	own.camera = -1;
}

/* Its memory operations see a buffer by vmap alone: they attach nothing. */
const struct importer vivid_importer = {
	.name = "vivid",
	.attaches = 0,
	.open = open_vmalloc,
	.import = import,
	.keep = keep,
	.writes = writes,
	.heeds = heeds,
	.release = release,
	.close = shut,
};

/* As a camera that does DMA: attaches, maps, wants one piece of memory */
const struct importer vivid_contig_importer = {
	.name = "vivid_contig",
	.attaches = 1,
	.open = open_contig,
	.import = import,
	.keep = keep,
	.writes = writes,
	.heeds = heeds,
	.release = release,
	.close = shut,
};
