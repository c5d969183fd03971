/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the memory comes from.
 */
#ifndef HEAP_H
#define HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <linux/types.h>

/* A buffer of the heap, and the two ways the CPU can look at it. */
struct buffer {
	int fd;
	ino_t ino;
	size_t size;
	/* Mapping of the file descriptor that the camera is given. */
	void *camera_view;
	/* Mapping of what the display's handle refers to. */
	int display_fd;
	void *display_view;
	__u32 handle;
	__u32 fb;
};

int heap_open(const char *name);
void heap_alloc(int heap, const char *heap_name, size_t size, struct buffer *b);
void buffer_map(int fd, size_t size, void **view);
void buffer_sync(int fd, bool start);
void buffer_free(struct buffer *b);
__u32 buffer_checksum(int fd, const void *view, size_t size, __u32 mask);

#endif
