/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the udmabuf test programs share: memory files and buffers of them.
 */
#ifndef DMA_BUF_RUST_UDMABUFS_H
#define DMA_BUF_RUST_UDMABUFS_H

#include <linux/udmabuf.h>

#include "common.h"

#define UDMABUF_PARAM	"/sys/module/udmabuf/parameters/"

/* The device, which all tests use; -1, and the test skipped, if there is none. */
int udmabuf_open(void);

/* A memory file of so many pages that has these seals. */
int new_memfd(size_t pages, unsigned int seals);
/*
 * The same in huge pages of 2 MiB; -1 if the machine has none to give. Asking
 * for them before a group of tests, and giving them back after it, helps.
 */
int new_huge_memfd(size_t huge_pages);
void want_huge_pages(bool want);

/* Pages of a memory file as an item of a list */
struct udmabuf_create_item pages_of(int memfd, size_t first, size_t count);
/* Buffers: the fd, or -1 and errno */
int udmabuf_of(int memfd, __u32 flags, __u64 offset, __u64 size);
int udmabuf_of_pages(int memfd, size_t first, size_t count);
int udmabuf_of_list(const struct udmabuf_create_item *items, __u32 count);

/* A shared mapping of so many pages from the beginning */
char *map_pages(int fd, size_t pages);
void unmap_pages(char *at, size_t pages);

#endif
