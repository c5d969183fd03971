/* SPDX-License-Identifier: GPL-2.0 */
/*
 * camera_to_display: what its parts tell each other.
 */
#ifndef CAMERA_TO_DISPLAY_H
#define CAMERA_TO_DISPLAY_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include <linux/types.h>

#define MAX_BUFFERS	8
#define NAME_MAX_LEN	64

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define BUG_HINT	"this is a kernel bug, please report it"
#define LOG_HINT	"read the kernel's log (dmesg)"

struct options {
	const char *heap;
	const char *camera;
	const char *display;
	const char *dump;
	unsigned int buffers;
	unsigned int frames;
	unsigned int width;
	unsigned int height;
	bool hold;
};

/* One pixel layout, under the names that V4L2 and DRM give it. */
struct pixel_format {
	const char *name;
	__u32 v4l2;
	__u32 drm;
	unsigned int bytes;
	/* Bits that carry colour: what the checksum looks at. */
	__u32 mask;
};

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

/* util.c: talking to the person who runs this */
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

/* heap.c: where the memory comes from */
int heap_open(const char *name);
void heap_alloc(int heap, const char *heap_name, size_t size, struct buffer *b);
void buffer_map(int fd, size_t size, void **view);
void buffer_sync(int fd, bool start);
void buffer_free(struct buffer *b);
__u32 buffer_checksum(int fd, const void *view, size_t size, __u32 mask);

/* camera.c: V4L2 */
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

/* display.c, atomic.c: DRM */
struct display_props {
	__u32 conn_crtc;
	__u32 crtc_mode, crtc_active;
	__u32 plane_fb, plane_crtc;
	__u32 plane_src_x, plane_src_y, plane_src_w, plane_src_h;
	__u32 plane_crtc_x, plane_crtc_y, plane_crtc_w, plane_crtc_h;
	__u32 wb_crtc, wb_fb, wb_fence;
};

struct display {
	int fd;
	unsigned int minor;
	char driver[NAME_MAX_LEN];
	char node[NAME_MAX_LEN];
	__u32 connector;
	__u32 crtc;
	__u32 plane;
	/* Zero when the driver cannot give the composed picture back. */
	__u32 writeback;
	__u32 mode_blob;
	struct display_props prop;
	bool lit;
	unsigned int writebacks;
};

void display_open(struct display *d, const struct options *o);
void display_import(struct display *d, struct buffer *b, unsigned int width,
		    unsigned int height, unsigned int pitch,
		    const struct pixel_format *format);
void display_release(struct display *d, struct buffer *b);
void display_close(struct display *d);
void display_find_props(struct display *d);
bool display_plane_has(struct display *d, __u32 format);
void display_show(struct display *d, const struct buffer *b,
		  const struct buffer *wb, unsigned int width,
		  unsigned int height);

/* evidence.c: what the running kernel itself says about all this */
struct evidence {
	char exporters[4 * NAME_MAX_LEN];
	char importers[4 * NAME_MAX_LEN];
};

const char *running_core(void);
void look_at_bufinfo(const struct buffer *b, unsigned int count,
		     struct evidence *e);
bool still_in_bufinfo(ino_t ino);
bool scanout_address(const struct display *d, __u64 *address);
void *scanout_map(__u64 address, size_t size);

#endif
