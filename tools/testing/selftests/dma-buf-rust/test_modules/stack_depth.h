/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How deep a call goes: the stack below us is filled with a pattern first,
 * and what is left of that is looked at afterwards.
 */
#ifndef DMA_BUF_RUST_STACK_DEPTH_H
#define DMA_BUF_RUST_STACK_DEPTH_H

#include <linux/compiler.h>
#include <linux/sched/task_stack.h>

#define STACK_PATTERN	(0x5aa5c33cUL * (~0UL / 0xffffffffUL))
/* Below us, where who fills may be at work */
#define STACK_MARGIN	64

static inline unsigned long *stack_lowest(void)
{
	/* Above the magic word that tells of an overflow */
	return (unsigned long *)end_of_stack(current) + 8;
}

/* Without calls of a sanitizer, which would be at work further below than the margin */
static noinline __no_sanitize_address void stack_fill(unsigned long *top, unsigned long with)
{
	for (unsigned long *at = stack_lowest(); at < top; at++)
		WRITE_ONCE(*at, with);
}

static noinline __no_sanitize_address unsigned long *stack_deepest(unsigned long *top)
{
	unsigned long *at = stack_lowest();

	while (at < top && READ_ONCE_NOCHECK(*at) == STACK_PATTERN)
		at++;
	return at;
}

#endif
