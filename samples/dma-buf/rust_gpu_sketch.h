/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What the sample samples/rust/rust_gpu_sketch offers to user space: two DRM
 * devices of the driver "rust-gpu-sketch", shaped like GPUs.
 * Documentation/driver-api/dma-buf-rust-gpu-sample.rst shows how to use them.
 *
 * All that is reserved, and flags that are not named, must be 0.
 */
#ifndef RUST_GPU_SKETCH_H
#define RUST_GPU_SKETCH_H

#include <drm/drm.h>

/* Memory that may move to VRAM and back, which the CPU cannot map */
#define DRM_GPU_SKETCH_CREATE_VRAM	0x1

/* What there is of VRAM, and how large an object in it can be */
#define DRM_GPU_SKETCH_VRAM_SIZE	(2 << 20)
#define DRM_GPU_SKETCH_VRAM_OBJECT	(64 << 10)

/**
 * struct drm_gpu_sketch_create - memory, all of it zero
 * @size: in: bytes. What may go to VRAM is as long as %DRM_GPU_SKETCH_VRAM_OBJECT
 * @flags: in: %DRM_GPU_SKETCH_CREATE_VRAM, or 0: memory that stays, and that
 *	       %DRM_IOCTL_MODE_MAP_DUMB gives a place in the file to be mapped at
 * @handle: out: of the object
 */
struct drm_gpu_sketch_create {
	__u64 size;
	__u32 flags;
	__u32 handle;
};

/* The job writes to the object: it waits for readers, and readers for it. */
#define DRM_GPU_SKETCH_OBJECT_WRITE	0x1

/**
 * struct drm_gpu_sketch_object - an object that a job uses
 * @handle: in: of the object
 * @flags: in: %DRM_GPU_SKETCH_OBJECT_WRITE
 */
struct drm_gpu_sketch_object {
	__u32 handle;
	__u32 flags;
};

enum drm_gpu_sketch_op {
	/* Nothing, when it is its turn */
	DRM_GPU_SKETCH_NOP,
	/* Fills the first object with @value, in the CPU's byte order */
	DRM_GPU_SKETCH_FILL,
	/* Copies to the first object from the second, as far as both go */
	DRM_GPU_SKETCH_COPY,
	/* Does not come to an end by itself */
	DRM_GPU_SKETCH_HANG,
};

/* Wait for the sync_file @in_fence; make a sync_file @out_fence */
#define DRM_GPU_SKETCH_SUBMIT_IN_FENCE	0x1
#define DRM_GPU_SKETCH_SUBMIT_OUT_FENCE	0x2

#define DRM_GPU_SKETCH_RINGS		2
#define DRM_GPU_SKETCH_MAX_OBJECTS	64
/* A job that takes longer fails with ETIME. */
#define DRM_GPU_SKETCH_TIMEOUT_MS	2000

/**
 * struct drm_gpu_sketch_submit - a job
 * @objects: in: pointer to struct drm_gpu_sketch_object, those that it uses
 * @object_count: in: how many; the same may be there twice
 * @ring: in: which does one job after the other
 * @op: in: enum drm_gpu_sketch_op
 * @value: in: for %DRM_GPU_SKETCH_FILL
 * @flags: in: of %DRM_GPU_SKETCH_SUBMIT_IN_FENCE, %DRM_GPU_SKETCH_SUBMIT_OUT_FENCE
 * @in_fence: in: sync_file to wait for
 * @out_fence: out: sync_file that signals when the job is done
 * @in_syncobj: in: handle of a syncobj to wait for, 0 for none
 * @out_syncobj: in: handle of a syncobj to get the job's fence, 0 for none
 * @in_point: in: which point of a timeline, 0 for the object as it is
 * @out_point: in: which point to add to the timeline, 0 to replace the fence
 *
 * The fences of the objects are waited for in any case, as implicit
 * synchronisation has it, and the job's is added to them.
 */
struct drm_gpu_sketch_submit {
	__u64 objects;
	__u32 object_count;
	__u32 ring;
	__u32 op;
	__u32 value;
	__u32 flags;
	__s32 in_fence;
	__s32 out_fence;
	__u32 in_syncobj;
	__u32 out_syncobj;
	__u32 reserved;
	__u64 in_point;
	__u64 out_point;
};

/**
 * struct drm_gpu_sketch_reset - fails the job that a ring is doing
 * @ring: in: which
 * @was_busy: out: whether there was one, whose fence signals with ECANCELED
 */
struct drm_gpu_sketch_reset {
	__u32 ring;
	__u32 was_busy;
};

/**
 * struct drm_gpu_sketch_info - what the device has done so far
 * @moves: out: how often an object was moved to VRAM, or out of it
 * @told: out: how often others have said that memory of theirs moves
 * @jobs: out: jobs that came to an end, in whatever way
 * @resets: out: those that took too long, or were reset
 */
struct drm_gpu_sketch_info {
	__u64 moves;
	__u64 told;
	__u64 jobs;
	__u64 resets;
};

#define DRM_GPU_SKETCH_CREATE		0x00
#define DRM_GPU_SKETCH_SUBMIT		0x01
#define DRM_GPU_SKETCH_RESET		0x02
#define DRM_GPU_SKETCH_INFO		0x03

/* An enum, so that bindgen sees the values */
enum {
	DRM_IOCTL_GPU_SKETCH_CREATE = DRM_IOWR(DRM_COMMAND_BASE + DRM_GPU_SKETCH_CREATE,
					       struct drm_gpu_sketch_create),
	DRM_IOCTL_GPU_SKETCH_SUBMIT = DRM_IOWR(DRM_COMMAND_BASE + DRM_GPU_SKETCH_SUBMIT,
					       struct drm_gpu_sketch_submit),
	DRM_IOCTL_GPU_SKETCH_RESET = DRM_IOWR(DRM_COMMAND_BASE + DRM_GPU_SKETCH_RESET,
					      struct drm_gpu_sketch_reset),
	DRM_IOCTL_GPU_SKETCH_INFO = DRM_IOWR(DRM_COMMAND_BASE + DRM_GPU_SKETCH_INFO,
					     struct drm_gpu_sketch_info),
};

#endif
