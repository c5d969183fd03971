/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The camera, by V4L2.
 */
#ifndef CAMERA_H
#define CAMERA_H

#include <stddef.h>

#include "heap.h"
#include "options.h"
#include "pixel_format.h"
#include "util.h"

struct camera {
	int fd;
	char driver[NAME_MAX_LEN];
	char bus[NAME_MAX_LEN];
	char node[NAME_MAX_LEN];
	size_t frame_size;
	unsigned int pitch;
};

void camera_open(struct camera *c, const struct options *o,
		 const struct pixel_format *format);
void camera_start(struct camera *c, const struct buffer *b, unsigned int count);
void camera_queue(struct camera *c, const struct buffer *b, unsigned int index);
unsigned int camera_dequeue(struct camera *c, __u32 *sequence);
void camera_stop(struct camera *c);

#endif
