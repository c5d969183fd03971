/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that DMA-BUF and its drivers are there for, once.
 */
#ifndef DMA_BUF_RUST_MODULE_USE_H
#define DMA_BUF_RUST_MODULE_USE_H

#include "common.h"

#define MODULE_BUFFER_LEN	(16 * page_size())

/* New buffers, each with nothing open but itself */
int system_buffer(void);
int cma_buffer(void);
int udmabuf_buffer(void);

/*
 * Maps buffers of each kind, adds fences and takes them off, and lets vgem
 * import them, if there are drivers; whether all of it went well.
 */
bool use_dma_buf(bool with_drivers);
/* A frame of vivid's camera, in a buffer of the system heap */
bool use_camera(void);

#endif
