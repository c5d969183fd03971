/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FRAMEBUFFER_H
#define FRAMEBUFFER_H

#include <linux/types.h>

/*
 * Waits, not longer than some milliseconds, until the card's driver has let go
 * of a frame buffer, a writeback's target: it does so a little after the fence.
 * vkms of 7.3.4 loses a writeback that begins before: what cleans up after the
 * one turns off what the next one has turned on.
 *
 * Returns how often the frame buffer is in use, our own use included, as debugfs
 * has it; 0, at once, where that cannot be read.
 */
unsigned int framebuffer_let_go(int card, __u32 fb, int most_ms);

#endif
