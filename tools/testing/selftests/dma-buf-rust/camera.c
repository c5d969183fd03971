// SPDX-License-Identifier: GPL-2.0
/*
 * The camera of vivid, for the tests that give it buffers.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/videodev2.h>

#include "camera.h"
#include "common.h"

#define CAPTURE	V4L2_BUF_TYPE_VIDEO_CAPTURE

int open_camera(size_t *frame)
{
	char path[64];

	for (int i = 0; i < 64; i++) {
		struct v4l2_capability cap = { 0 };
		struct v4l2_format fmt = {
			.type = CAPTURE,
			.fmt.pix = {
				.width = 320,
				.height = 180,
				.pixelformat = V4L2_PIX_FMT_RGB565,
			},
		};
		int fd, input = 0;

		snprintf(path, sizeof(path), "/dev/video%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!ioctl(fd, VIDIOC_QUERYCAP, &cap) &&
		    !strcmp((char *)cap.driver, "vivid") &&
		    cap.device_caps & V4L2_CAP_VIDEO_CAPTURE &&
		    !ioctl(fd, VIDIOC_S_INPUT, &input) &&
		    !ioctl(fd, VIDIOC_S_FMT, &fmt)) {
			*frame = fmt.fmt.pix.sizeimage;
			return fd;
		}
		close(fd);
	}
	return -1;
}

int request_buffers(int camera, int count)
{
	struct v4l2_requestbuffers req = {
		.count = count,
		.type = CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};

	return ioctl(camera, VIDIOC_REQBUFS, &req);
}

int queue_buffer(int camera, int index, int fd, size_t length)
{
	struct v4l2_buffer b = {
		.index = index,
		.type = CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.m.fd = fd,
		.length = length,
	};

	return ioctl(camera, VIDIOC_QBUF, &b);
}

int dequeue_buffer(int camera)
{
	struct v4l2_buffer b = {
		.type = CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};
	struct pollfd p = { .fd = camera, .events = POLLIN };

	if (poll(&p, 1, PATIENCE_MS) != 1)
		return -1;
	return ioctl(camera, VIDIOC_DQBUF, &b) ? -1 : (int)b.index;
}

int stream(int camera, bool on)
{
	int type = CAPTURE;

	return ioctl(camera, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
}
