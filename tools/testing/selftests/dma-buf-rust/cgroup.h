/* SPDX-License-Identifier: GPL-2.0 */
/* Memory cgroups (version 2) of a test's own: what is charged to them, and their limits. */
#ifndef DMA_BUF_RUST_CGROUP_H
#define DMA_BUF_RUST_CGROUP_H

#include <stdbool.h>

/*
 * Mounts the hierarchy. False if there are no such groups, or this is not allowed: that is told,
 * and skipped. Groups have names within it: "outer/inner".
 */
bool cgroups_begin(void);
void cgroups_end(void);
void cgroup_make(const char *name);
/* Whether it can be removed, within PATIENCE_MS: when nobody is in it any more. */
bool cgroup_remove(const char *name);
bool cgroup_write(const char *name, const char *file, const char *text);
bool cgroup_limit(const char *name, unsigned long bytes);
/* The calling process moves there. */
bool cgroup_enter(const char *name);
/* A number in a file, behind a key if there are several. */
long cgroup_read(const char *name, const char *file, const char *key);
/* With the groups that were removed in it, and are not gone yet. */
bool cgroup_is_childless(const char *name);
/*
 * Bytes of pages that are charged to it and to those in it as the kernel's, without what it has
 * counters of their own for: buffers, but for a few pages.
 */
long cgroup_buffers(const char *name);

/* Whether heaps charge: dma_heap.mem_accounting=1 on the kernel's command line */
bool heaps_charge(void);

#endif
