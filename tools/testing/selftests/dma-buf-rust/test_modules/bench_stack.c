// SPDX-License-Identifier: GPL-2.0
/*
 * How deep an ioctl goes: the stack below us is filled with a pattern first,
 * and what is left of that is looked at afterwards.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched/task_stack.h>

#include "bench_calls.h"

#define PATTERN	(0x5aa5c33cUL * (~0UL / 0xffffffffUL))
/* Below us, where who fills may be at work */
#define MARGIN	64

static unsigned long *lowest(void)
{
	/* Above the magic word that tells of an overflow */
	return (unsigned long *)end_of_stack(current) + 8;
}

static noinline void fill_stack(unsigned long *top)
{
	for (unsigned long *at = lowest(); at < top; at++)
		WRITE_ONCE(*at, PATTERN);
}

static noinline unsigned long *deepest(unsigned long *top)
{
	unsigned long *at = lowest();

	while (at < top && READ_ONCE_NOCHECK(*at) == PATTERN)
		at++;
	return at;
}

static int depth;

/* FD COMMAND ARGUMENT, of who writes it */
static int set_ioctl(const char *text, const struct kernel_param *kp)
{
	unsigned long here = current_stack_pointer, arg;
	unsigned long *top = (unsigned long *)(here - MARGIN);
	unsigned int fd, command;
	struct file *file;
	long ret;

	if (sscanf(text, "%u %u %lu", &fd, &command, &arg) != 3)
		return -EINVAL;
	file = fget(fd);
	if (!file || !file->f_op->unlocked_ioctl) {
		if (file)
			fput(file);
		return -EBADF;
	}
	fill_stack(top);
	ret = file->f_op->unlocked_ioctl(file, command, arg);
	depth = here - (unsigned long)deepest(top);
	fput(file);
	return ret < 0 ? ret : 0;
}

static const struct kernel_param_ops ioctl_ops = {
	.set = set_ioctl,
};
module_param_cb(ioctl, &ioctl_ops, NULL, 0200);
MODULE_PARM_DESC(ioctl, "Do this ioctl");

module_param(depth, int, 0444);
MODULE_PARM_DESC(depth, "How many bytes of stack the last one took");
