/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What calls take of the kernel's stack. The module call_stack does them for us,
 * and measures that; without it they are done all the same.
 */
#ifndef DMA_BUF_RUST_STACK_H
#define DMA_BUF_RUST_STACK_H

#include <stdbool.h>

/* Whether there is the module */
extern bool stack_measured;

/* Loads the module, at path if that is not NULL, and unloads it. */
void stack_begin(const char *path);
void stack_end(void);
/*
 * "ioctl", "close" or "poll"; returns what that does. *least is lowered to the bytes
 * that it took: the shallowest counts, since interrupts come where they like.
 */
int stack_call(int *least, const char *how, int fd, unsigned long command, const void *arg);
/* How much more a long call may take than a short one, in bytes */
int stack_most(void);
/* What a call for each of 200 fences (150 on 32 bits) takes, in bytes */
int stack_recursion(void);

#endif
