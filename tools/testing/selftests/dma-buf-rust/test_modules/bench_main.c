// SPDX-License-Identifier: GPL-2.0
/*
 * What the functions that DMA-BUF exports cost a driver that is written in C:
 * the program bench writes the name of an operation and how often it is to be
 * run to the parameter "run", and reads "cost".
 *
 * The clock counts instructions (QEMU's -icount). What the loop itself takes is
 * measured with an operation that does nothing, and taken off.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "bench_calls.h"

struct dma_buf *bench_buffers[BENCH_BUFFERS];
int bench_buffer_fd = -1;
struct device *bench_device;
const char *bench_failure;

static void nothing(void)
{
}

static const struct bench_op empty_ops[] = {
	{ .name = "empty", .run = nothing },
	{ .name = "empty-between", .run = nothing, .before = nothing, .after = nothing },
	{ }
};

static const struct bench_op *const tables[] = {
	empty_ops, bench_buffer_ops, bench_fence_ops, bench_container_ops, bench_resv_ops,
	bench_job_ops,
};

static const struct bench_op *find(const char *name)
{
	for (int i = 0; i < ARRAY_SIZE(tables); i++) {
		for (const struct bench_op *op = tables[i]; op->name; op++) {
			if (!strcmp(op->name, name))
				return op;
		}
	}
	return NULL;
}

/* Who traces what is executed finds the stretch between the two. */
noinline void bench_begin(void)
{
	asm volatile("nop" : : : "memory");
}

noinline void bench_end(void)
{
	asm volatile("nop\n\tnop" : : : "memory");
}

static u64 measure(const struct bench_op *op, unsigned int rounds)
{
	u64 start, ns;

	bench_begin();
	start = ktime_get_ns();
	for (unsigned int i = 0; i < rounds; i++) {
		op->run();
		cond_resched();
	}
	ns = ktime_get_ns() - start;
	bench_end();
	return ns;
}

/* What comes between two runs is not counted. */
static u64 measure_between(const struct bench_op *op, unsigned int rounds)
{
	u64 ns = 0;

	for (unsigned int i = 0; i < rounds; i++) {
		u64 start;

		op->before();
		bench_begin();
		start = ktime_get_ns();
		op->run();
		ns += ktime_get_ns() - start;
		bench_end();
		op->after();
		cond_resched();
	}
	return ns;
}

static u64 run(const struct bench_op *op, unsigned int rounds, unsigned int n)
{
	u64 ns;

	if (op->setup)
		op->setup(n);
	ns = op->before ? measure_between(op, rounds) : measure(op, rounds);
	if (op->teardown)
		op->teardown();
	return ns;
}

/* Of one run, in thousandths of a nanosecond */
static u64 cost;
static u64 overhead[2];

/* The shortest of some: timers of the kernel come between. */
#define EMPTY_ROUNDS	5000
#define EMPTY_TIMES	50

static void measure_overhead(void)
{
	for (int between = 0; between < 2; between++) {
		u64 least = U64_MAX;

		for (int i = 0; i < EMPTY_TIMES; i++)
			least = min(least, run(&empty_ops[between], EMPTY_ROUNDS, 0));
		overhead[between] = div_u64(least * 1000, EMPTY_ROUNDS);
	}
}

/* NAME ROUNDS [N] */
static int set_run(const char *text, const struct kernel_param *kp)
{
	const struct bench_op *op;
	unsigned int rounds, n;
	char name[32];
	u64 each;
	int words;

	words = sscanf(text, "%31s %u %u", name, &rounds, &n);
	op = words < 2 ? NULL : find(name);
	if (!op)
		return -ENOENT;
	if (words < 3)
		n = op->n;
	if (!rounds || n > BENCH_MAX)
		return -EINVAL;

	each = div_u64(run(op, rounds, n) * 1000, rounds);
	cost = each - min(each, overhead[!!op->before]);
	return bench_failure ? -EIO : 0;
}

static const struct kernel_param_ops run_ops = {
	.set = set_run,
};
module_param_cb(run, &run_ops, NULL, 0200);
MODULE_PARM_DESC(run, "Run this operation so often, perhaps on so many");

static int get_cost(char *text, const struct kernel_param *kp)
{
	return sprintf(text, "%llu\n", cost);
}

static const struct kernel_param_ops cost_ops = {
	.get = get_cost,
};
module_param_cb(cost, &cost_ops, NULL, 0444);
MODULE_PARM_DESC(cost, "What one run has cost, in thousandths of a nanosecond");

static int get_failure(char *text, const struct kernel_param *kp)
{
	return sprintf(text, "%s\n", bench_failure ?: "");
}

static const struct kernel_param_ops failure_ops = {
	.get = get_failure,
};
module_param_cb(failure, &failure_ops, NULL, 0444);
MODULE_PARM_DESC(failure, "The first check that failed");

static int fds[BENCH_BUFFERS];
module_param_array(fds, int, NULL, 0);
MODULE_PARM_DESC(fds, "The buffers, descriptors of who loads this module");

static struct platform_device *pdev;

static void put_buffers(void)
{
	for (int i = 0; i < BENCH_BUFFERS; i++) {
		if (!IS_ERR_OR_NULL(bench_buffers[i]))
			dma_buf_put(bench_buffers[i]);
	}
}

static int __init bench_init(void)
{
	int ret;

	for (int i = 0; i < BENCH_BUFFERS; i++) {
		bench_buffers[i] = dma_buf_get(fds[i]);
		if (IS_ERR(bench_buffers[i])) {
			ret = PTR_ERR(bench_buffers[i]);
			goto put;
		}
	}
	bench_buffer_fd = fds[BENCH_HEAP];

	pdev = platform_device_register_simple("bench_calls", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev)) {
		ret = PTR_ERR(pdev);
		goto put;
	}
	bench_device = &pdev->dev;
	/* It sees what the CPUs have in their caches: these are not what is measured. */
	dev_set_dma_coherent(bench_device);
	ret = dma_coerce_mask_and_coherent(bench_device, DMA_BIT_MASK(32));
	if (ret)
		goto unregister;
	measure_overhead();
	return 0;

unregister:
	platform_device_unregister(pdev);
put:
	put_buffers();
	return ret;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
	platform_device_unregister(pdev);
	put_buffers();
}
module_exit(bench_exit);

MODULE_DESCRIPTION("What the functions of DMA-BUF cost a C driver");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
