/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DRM_CARD_H
#define DRM_CARD_H

#include <drm/drm_mode.h>

#include "rust_samples.h"

/* The card of the sample module rust_drm_dumb, and its dumb buffers */
#define DRIVER		"rust-drm-dumb"
#define MODULE		"rust_drm_dumb"
#define IMPORTER	"rust_dma_buf_importer"
/* What new_dumb() makes, and others here map and fill */
#define SIZE		(240 * 320 * 4)

int card_open(void);
int create(int card, struct drm_mode_create_dumb *arg);
__u32 new_dumb(int card);
int destroy(int card, __u32 handle);
int map_offset(int card, __u32 handle, __u64 *offset);
char *map_at(int fd, __u64 offset, size_t len);
/* What mmap() says: as a system call returns */
int try_map(int fd, __u64 offset, size_t len);
char *map_dumb(int card, __u32 handle);
int handle_to_fd(int card, __u32 handle, __u32 flags);
int export(int card, __u32 handle);
void fill(char *p, size_t len, unsigned int seed);
bool is_filled(const char *p, size_t len, unsigned int seed);
/*
 * Whether less of the CMA area is free than before, by more than what each CPU
 * keeps for itself for a while.
 */
bool cma_is_used(long before);
/* Or comes back */
bool cma_is_back(long before);

/* Maps the buffer for a device, which reads it; what the device has seen */
bool device_reads(int buf, struct rust_dma_buf_importer_submit *cpu,
		  struct rust_dma_buf_importer_result *device);

/* The tests of drm_sample_prime.c */
void test_export(void);
void test_order(void);
void test_import(void);
void test_exported_to(const char *driver);
void test_device(void);

#endif
