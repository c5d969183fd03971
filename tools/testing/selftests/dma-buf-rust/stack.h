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
 * A call that is measured, by its name. The shallowest counts, since interrupts come
 * where they like.
 */
struct stack_use {
	const char *name;
	int least;
};

void stack_forget(struct stack_use *uses, int n);
/* Returns what the ioctl does; the others must succeed. */
int stack_try_ioctl(struct stack_use *use, int fd, unsigned long command, const void *arg);
void stack_ioctl(struct stack_use *use, int fd, unsigned long command, const void *arg);
void stack_poll(struct stack_use *use, int fd);
void stack_close(struct stack_use *use, int fd);

/* How much more a long call may take than a short one, in bytes */
int stack_most(void);
/* What a call for each of 200 fences (150 on 32 bits) takes, in bytes */
int stack_recursion(void);

#endif
