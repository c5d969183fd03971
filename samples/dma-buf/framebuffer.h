/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FRAMEBUFFER_H
#define FRAMEBUFFER_H

#include <linux/types.h>

/*
 * How often a frame buffer of the card is in use, our own use included, as
 * debugfs has it; 0 where that cannot be read.
 */
unsigned int framebuffer_uses(int card, __u32 fb);

#endif
