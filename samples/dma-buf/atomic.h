/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Showing a frame by atomic mode setting.
 */
#ifndef ATOMIC_H
#define ATOMIC_H

#include "display.h"
#include "heap.h"

void display_find_props(struct display *d);
void display_show(struct display *d, const struct buffer *b,
		  const struct buffer *wb, unsigned int width,
		  unsigned int height);

#endif
