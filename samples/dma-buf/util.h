/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Talking to the person who runs this, and what libc lacks.
 */
#ifndef UTIL_H
#define UTIL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/types.h>

#include "pixel_format.h"

#define NAME_MAX_LEN	64

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define BUG_HINT	"this is a kernel bug, please report it"
#define LOG_HINT	"read the kernel's log (dmesg)"

void fail_begin(void);
void fail_end(const char *hint, int err);

/* What went wrong, like printf; macros, so that the compiler checks both. */
#define fail(hint, ...)						\
	do {							\
		fail_begin();					\
		fprintf(stderr, __VA_ARGS__);			\
		fail_end(hint, 0);				\
		exit(1);					\
	} while (0)

/* The same with what errno says. */
#define fail_errno(hint, ...)					\
	do {							\
		int fail_err = errno;				\
								\
		fail_begin();					\
		fprintf(stderr, __VA_ARGS__);			\
		fail_end(hint, fail_err);			\
		exit(1);					\
	} while (0)

int xioctl(int fd, unsigned long request, void *arg);

/* What is certain to happen is waited for that long. */
#define PATIENCE_MS	60000

/* Whether something can be read, within PATIENCE_MS */
bool wait_readable(int fd);
void wait_for_line(void);
bool read_text(const char *path, char *buf, size_t len);
__u32 checksum(const void *data, size_t size, __u32 mask);
void write_ppm(const char *path, const void *pixels, unsigned int width,
	       unsigned int height, const struct pixel_format *format);

#endif
