// SPDX-License-Identifier: GPL-2.0
/*
 * The camera: a V4L2 capture device that fills buffers it did not allocate.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <linux/videodev2.h>

#include "camera.h"

#define CAMERA_HINT "load its module (modprobe vivid), or name another driver with --camera"

static bool is_camera(int fd, struct camera *c, const char *wanted)
{
	struct v4l2_capability cap = { 0 };
	const __u32 need = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;

	if (xioctl(fd, VIDIOC_QUERYCAP, &cap) ||
	    (cap.device_caps & need) != need ||
	    strcmp((const char *)cap.driver, wanted))
		return false;
	snprintf(c->driver, sizeof(c->driver), "%s", cap.driver);
	snprintf(c->bus, sizeof(c->bus), "%s", cap.bus_info);
	return true;
}

static void camera_set_format(struct camera *c, const struct options *o,
			      const struct pixel_format *format)
{
	struct v4l2_format f = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct v4l2_streamparm rate = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	int input = 0;

	/* The first input of vivid is a webcam: progressive, any frame rate. */
	if (xioctl(c->fd, VIDIOC_S_INPUT, &input))
		fail_errno(CAMERA_HINT, "%s: cannot select input 0", c->node);
	f.fmt.pix.width = o->width;
	f.fmt.pix.height = o->height;
	f.fmt.pix.pixelformat = format->v4l2;
	f.fmt.pix.field = V4L2_FIELD_NONE;
	if (xioctl(c->fd, VIDIOC_S_FMT, &f))
		fail_errno(CAMERA_HINT, "%s: cannot set the format", c->node);
	if (f.fmt.pix.width != o->width || f.fmt.pix.height != o->height ||
	    f.fmt.pix.pixelformat != format->v4l2)
		fail("choose a size that the camera knows with --size",
		     "%s has no %ux%u %s, it offers %ux%u", c->node, o->width,
		     o->height, format->name, f.fmt.pix.width,
		     f.fmt.pix.height);
	c->frame_size = f.fmt.pix.sizeimage;
	c->pitch = f.fmt.pix.bytesperline;

	/* As often as it can; a camera without a choice is fine too. */
	rate.parm.capture.timeperframe.numerator = 1;
	rate.parm.capture.timeperframe.denominator = 30;
	xioctl(c->fd, VIDIOC_S_PARM, &rate);
}

void camera_open(struct camera *c, const struct options *o,
		 const struct pixel_format *format)
{
	for (unsigned int i = 0; i < 64; i++) {
		snprintf(c->node, sizeof(c->node), "/dev/video%u", i);
		c->fd = open(c->node, O_RDWR | O_CLOEXEC);
		if (c->fd < 0)
			continue;
		if (is_camera(c->fd, c, o->camera)) {
			camera_set_format(c, o, format);
			return;
		}
		close(c->fd);
	}
	fail(CAMERA_HINT, "no /dev/video* is a camera of the driver \"%s\"",
	     o->camera);
}

void camera_queue(struct camera *c, const struct buffer *b, unsigned int index)
{
	struct v4l2_buffer buf = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.index = index,
		.m.fd = b->fd,
		.length = b->size,
	};

	if (xioctl(c->fd, VIDIOC_QBUF, &buf))
		fail_errno("a camera that wants contiguous memory needs a CMA --heap",
			   "%s does not take buffer %u", c->node, index);
}

void camera_start(struct camera *c, const struct buffer *b, unsigned int count)
{
	struct v4l2_requestbuffers req = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.count = count,
	};
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	if (xioctl(c->fd, VIDIOC_REQBUFS, &req))
		fail_errno("the driver must know V4L2_MEMORY_DMABUF, and be idle",
			   "%s refuses dma-bufs", c->node);
	if (req.count != count)
		fail("try another number of --buffers",
		     "%s wants %u buffers instead of %u", c->node, req.count,
		     count);
	for (unsigned int i = 0; i < count; i++)
		camera_queue(c, &b[i], i);
	if (xioctl(c->fd, VIDIOC_STREAMON, &type))
		fail_errno(LOG_HINT,
			   "%s does not start", c->node);
}

unsigned int camera_dequeue(struct camera *c, __u32 *sequence)
{
	struct v4l2_buffer buf = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};

	if (!wait_readable(c->fd))
		fail(LOG_HINT,
		     "%s: no frame within a minute", c->node);
	if (xioctl(c->fd, VIDIOC_DQBUF, &buf))
		fail_errno(LOG_HINT,
			   "%s gives no frame back", c->node);
	if (buf.flags & V4L2_BUF_FLAG_ERROR)
		fail(LOG_HINT,
		     "%s says that frame %u is damaged", c->node, buf.sequence);
	*sequence = buf.sequence;
	return buf.index;
}

void camera_stop(struct camera *c)
{
	struct v4l2_requestbuffers req = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	if (xioctl(c->fd, VIDIOC_STREAMOFF, &type) ||
	    xioctl(c->fd, VIDIOC_REQBUFS, &req))
		fail_errno(LOG_HINT,
			   "%s does not stop", c->node);
	close(c->fd);
}
