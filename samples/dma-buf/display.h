/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The display, by DRM.
 */
#ifndef DISPLAY_H
#define DISPLAY_H

#include <stdbool.h>

#include "heap.h"
#include "options.h"
#include "pixel_format.h"
#include "util.h"

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
bool display_plane_has(struct display *d, __u32 format);

#endif
