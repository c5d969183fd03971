// SPDX-License-Identifier: GPL-2.0
/*
 * How deep into the stack a call of a test goes; and, to be told from that,
 * what an interrupt takes of the stack, or an allocation, and a recursion.
 */
#include <linux/delay.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "stack_depth.h"

/* As large as fences of user space are, and more than a CPU keeps for itself */
#define OBJECT_SIZE	192
#define OBJECTS		2000

static long do_ioctl(unsigned long fd, unsigned long command, unsigned long arg)
{
	struct file *file = fget(fd);
	long ret = -EBADF;

	if (!file)
		return ret;
	if (file->f_op->unlocked_ioctl)
		ret = file->f_op->unlocked_ioctl(file, command, arg);
	fput(file);
	return ret;
}

/* Nobody is told, but all is done so that somebody could be. */
static long do_poll(unsigned long fd, unsigned long unused, unsigned long unused2)
{
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	vfs_poll(file, NULL);
	fput(file);
	return 0;
}

/* The last reference goes here, and not on the way back to user space. */
static long do_close(unsigned long fd, unsigned long unused, unsigned long unused2)
{
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	close_fd(fd);
	/* ours is the last one */
	__fput_sync(file);
	return 0;
}

/* Interrupts come meanwhile, and others who want the CPU get it. */
static long do_spin(unsigned long ms, unsigned long unused, unsigned long unused2)
{
	u64 end = ktime_get_ns() + ms * NSEC_PER_MSEC;

	while (ktime_get_ns() < end) {
		cpu_relax();
		cond_resched();
	}
	return 0;
}

struct object {
	struct object *next;
	struct rcu_head rcu;
	char rest[OBJECT_SIZE];
};

/* Many at once, so that the caches have to be filled and emptied, and large ones. */
static long do_allocate(unsigned long bytes, unsigned long unused, unsigned long unused2)
{
	struct object *all = NULL, *object;
	void *large = kvmalloc(bytes, GFP_KERNEL);

	for (int i = 0; i < OBJECTS; i++) {
		object = kzalloc_obj(*object);
		if (!object)
			break;
		object->next = all;
		all = object;
	}
	for (int i = 0; all; i++) {
		object = all;
		all = object->next;
		if (i % 2)
			kfree(object);
		else
			kfree_rcu(object, rcu);
	}
	kvfree(large);
	return large ? 0 : -ENOMEM;
}

/* Little more than what a walk down a list of fences has to know of each */
static noinline __no_sanitize_address
long recurse(unsigned long n, unsigned long unused, unsigned long unused2)
{
	unsigned long frame[4] = { n };

	if (n)
		frame[1] = recurse(n - 1, 0, 0);
	/* or else it would be a loop */
	barrier_data(frame);
	return frame[1];
}

static const struct {
	const char *name;
	long (*call)(unsigned long a, unsigned long b, unsigned long c);
} calls[] = {
	{ "ioctl", do_ioctl },
	{ "poll", do_poll },
	{ "close", do_close },
	{ "spin", do_spin },
	{ "allocate", do_allocate },
	{ "recurse", recurse },
};

static int depth;

/* NAME NUMBER [NUMBER [NUMBER]], of who writes it */
static int set_call(const char *text, const struct kernel_param *kp)
{
	unsigned long here = current_stack_pointer, flags, arg[3] = { };
	unsigned long *top = (unsigned long *)(here - STACK_MARGIN);
	char name[16];
	long ret;

	if (sscanf(text, "%15s %lu %lu %lu", name, &arg[0], &arg[1], &arg[2]) < 2)
		return -EINVAL;
	for (int i = 0; i < ARRAY_SIZE(calls); i++) {
		if (strcmp(calls[i].name, name))
			continue;
		raw_local_irq_save(flags);
		stack_fill(top, STACK_PATTERN);
		raw_local_irq_restore(flags);
		ret = calls[i].call(arg[0], arg[1], arg[2]);
		raw_local_irq_save(flags);
		depth = here - (unsigned long)stack_deepest(top);
		/* who looks at what a task has left of its stack looks for what is not zero */
		stack_fill(top, 0);
		raw_local_irq_restore(flags);
		return ret < 0 ? ret : 0;
	}
	return -ENOENT;
}

static const struct kernel_param_ops call_ops = {
	.set = set_call,
};
module_param_cb(call, &call_ops, NULL, 0200);
MODULE_PARM_DESC(call, "Do this");

module_param(depth, int, 0444);
MODULE_PARM_DESC(depth, "How many bytes of stack the last one took");

MODULE_DESCRIPTION("How deep into the stack calls of tests go");
MODULE_LICENSE("GPL");
