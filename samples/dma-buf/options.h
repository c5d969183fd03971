/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the person who runs camera_to_display asks for.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

#define MAX_BUFFERS	8

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

#endif
