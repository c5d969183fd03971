/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The camera of vivid, for the tests that give it buffers. Unless said
 * otherwise all return what the ioctl returned.
 */
#ifndef DMA_BUF_RUST_CAMERA_H
#define DMA_BUF_RUST_CAMERA_H

#include <stdbool.h>
#include <stddef.h>

/* The camera (-1 without), set up to give small frames of that many bytes */
int open_camera(size_t *frame);
int request_buffers(int camera, int count);
int queue_buffer(int camera, int index, int fd, size_t length);
/* Waits for a frame: the index of its buffer, or -1 */
int dequeue_buffer(int camera);
int stream(int camera, bool on);

#endif
