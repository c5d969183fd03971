/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the running kernel itself says about all this.
 */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/types.h>

#include "display.h"
#include "heap.h"

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
