// SPDX-License-Identifier: GPL-2.0
/*
 * What fail_each lets fail: a camera's ioctls about buffers, of V4L2.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/videodev2.h>

#include "camera.h"
#include "fail_each.h"

#define CAPTURE	V4L2_BUF_TYPE_VIDEO_CAPTURE

/* The buffer that the camera has, and the descriptor that it makes next */
static int camera = -1, buf = -1, stray_fd;

static bool has_camera(void)
{
	return there_is(camera >= 0, "camera of vivid: load it");
}

static int own_buffers(int count)
{
	struct v4l2_requestbuffers arg = {
		.count = count, .type = CAPTURE, .memory = V4L2_MEMORY_MMAP,
	};

	return ioctl(camera, VIDIOC_REQBUFS, &arg);
}

static int export(void)
{
	struct v4l2_exportbuffer arg = { .type = CAPTURE, .flags = O_CLOEXEC | O_RDWR };

	return ioctl(camera, VIDIOC_EXPBUF, &arg);
}

static void close_export(void)
{
	close(stray_fd);
}

static int queue(void)
{
	return queue_buffer(camera, 0, buf, 0);
}

/* The camera gives it back, and stays attached to it. */
static void take_back(void)
{
	t_need(!stream(camera, false), "VIDIOC_STREAMOFF");
}

/* Of a buffer that cannot be exported V4L2 says that this is not possible. */
static const struct operation export_operation = {
	.name = "VIDIOC_EXPBUF", .ready = has_camera, .act = export, .undo = close_export,
	.also = EINVAL,
};

/*
 * The first QBUF of a buffer is left out: where there is no memory to attach it, V4L2
 * loses the reference to it, with either core.
 */
static const struct operation queue_operation = {
	.name = "VIDIOC_QBUF, attached", .ready = has_camera, .act = queue, .undo = take_back,
};

void fail_camera(void)
{
	size_t frame;

	camera = open_camera(&frame);
	if (has_camera()) {
		t_need(!own_buffers(1), "VIDIOC_REQBUFS");
		stray_fd = next_fd();
	}
	fail_each(&export_operation);
	if (has_camera()) {
		t_need(!own_buffers(0) && !request_buffers(camera, 1), "VIDIOC_REQBUFS");
		buf = alloc_fd(things.heap, frame);
		t_need(!queue(), "VIDIOC_QBUF");
		take_back();
	}
	fail_each(&queue_operation);
	if (has_camera())
		request_buffers(camera, 0);
	close_one(&buf);
	close_one(&camera);
}
