/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GPU_CARD_H
#define GPU_CARD_H

#include "rust_gpu_sketch.h"

/* The cards of the sample module rust_gpu_sketch, their objects and jobs */
#define DRIVER		"rust-gpu-sketch"
#define MODULE		"rust_gpu_sketch"
#define VRAM		DRM_GPU_SKETCH_CREATE_VRAM
#define SIZE		DRM_GPU_SKETCH_VRAM_OBJECT
#define BLOCKS		(DRM_GPU_SKETCH_VRAM_SIZE / SIZE)

/* Loads the module. As system calls return */
int gpu_load(void);
/* One of the two cards; stops if it is not there. */
int gpu_open(int which);
int gpu_try_create(int card, __u64 size, __u32 flags, __u32 *handle);
/* Of SIZE bytes */
__u32 gpu_create(int card, __u32 flags);
char *gpu_map(int card, __u32 handle);
int gpu_export(int card, __u32 handle);
__u32 gpu_import(int card, int buf);
struct drm_gpu_sketch_info gpu_info(int card);
int gpu_reset(int card, __u32 ring, __u32 *was_busy);

/* A job on ring 0, unless arg says otherwise. Objects after the first are read. */
int gpu_submit(int card, struct drm_gpu_sketch_submit *arg, __u32 op,
	       const __u32 *handles, unsigned int n);
/* These return a sync_file, or -1. */
int gpu_fill(int card, __u32 handle, __u32 value);
int gpu_copy(int card, __u32 to, __u32 from);
int gpu_hang(int card, __u32 ring);
int gpu_nop(int card, __u32 ring);
/* Waits for a sync_file, and closes it. Its status: 1, or the error */
int gpu_wait(int fence);
bool is_all(const char *p, __u32 value);

/* The tests of gpu_sample_prime.c and gpu_sample_stress.c */
void test_prime(void);
void test_exported_to(const char *driver);
void test_imported(void);
void test_stress(void);

#endif
