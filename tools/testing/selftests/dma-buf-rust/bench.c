// SPDX-License-Identifier: GPL-2.0
/*
 * What the operations of dma-buf cost, for "make bench": a line for each,
 *
 *   BENCH <name> <cost>
 *
 * The cost is the time of one run in nanoseconds. QEMU's -icount shift=0 makes
 * that the number of instructions that the guest executed, in the kernel and in
 * here (which is next to nothing).
 *
 *   bench GROUP        all operations of the group: user, module, jobs, growth;
 *                      or memory: the bytes that buffers take, and the stack;
 *                      or pool: buffers of the system heap's pool
 *   bench GROUP NAME   only this one: waits for a line on its input after it has
 *                      warmed up, so that somebody can begin to look at it
 *   bench GROUP EACH   the same, one after the other
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench.h"
#include "common.h"

/*
 * How long an operation is repeated before it is looked at, and then again and
 * again, until the mean is known well enough: what RCU frees is freed in
 * batches, of which there should be many.
 */
#define WARM_NS		20000000ULL
#define MIN_TIMES	8
#define MAX_TIMES	60
#define STANDARD_ERROR	0.0007
/* Where the slope is what counts */
#define GROWTH_TIMES	3

#define MAX_COSTS	200
#define MAX_FILES	65536

/* What the module is asked for at once when it has to be found out how long it takes */
#define FIRST_ROUNDS	4

/* One run, or a batch of runs of what goes on when the system call ends */
static void run(const struct op *op)
{
	if (op->run)
		op->run();
	else
		module_run(op->calls, op->batch, op->n);
}

static void repeat(const struct op *op, unsigned int rounds)
{
	if (!op->run && !op->batch) {
		module_run(op->calls, rounds, op->n);
		return;
	}
	for (unsigned int i = 0; i < rounds; i++)
		run(op);
}

/* Until caches and lists are filled. How often that was. */
static unsigned int warm_up(const struct op *op)
{
	__u64 start, long_enough = WARM_NS / (op->run ? 1 : 2);
	unsigned int rounds = 0, more = 1;

	/* What the one before it left for RCU to free is freed by then. */
	nap_ms(6000);
	if (!op->run && !op->batch)
		more = FIRST_ROUNDS;
	start = now_ns();
	while (now_ns() - start < long_enough) {
		repeat(op, more);
		rounds += more;
		/* The module is to do many at once. */
		if (more > 1)
			more *= 2;
	}
	return rounds;
}

static double batches(const struct op *op, unsigned int rounds)
{
	__u64 start = now_ns();

	repeat(op, rounds);
	return (double)(now_ns() - start) / rounds / (op->batch ?: 1);
}

static double measure_once(const struct op *op, unsigned int rounds)
{
	if (op->run)
		return batches(op, rounds);
	if (op->batch) {
		const struct op empty = { .calls = "empty", .batch = op->batch };

		return batches(op, rounds) - batches(&empty, rounds);
	}
	return module_run(op->calls, rounds, op->n);
}

static double measure(const struct op *op, int min_times)
{
	unsigned int rounds = warm_up(op);
	double sum = 0, squares = 0, mean = 0, error = STANDARD_ERROR;

	for (int times = 1; times <= MAX_TIMES; times++) {
		double cost = measure_once(op, rounds), deviations;

		sum += cost;
		squares += cost * cost;
		mean = sum / times;
		/* Their sum; the mean's own variance is this by n (n - 1) */
		deviations = squares - times * mean * mean;
		if (times >= min_times &&
		    deviations < error * mean * error * mean * times * (times - 1))
			break;
	}
	return mean;
}

static char names[MAX_COSTS][32];
static double costs[MAX_COSTS];
static int found;

static void add_cost(const char *name, double cost)
{
	t_need(found < MAX_COSTS, "room for costs");
	snprintf(names[found], sizeof(names[0]), "%s", name);
	costs[found++] = cost;
}

/* Tables of operations, of which NULL is the last */
static const struct op *const user_tables[] = { buffer_ops, fence_ops, NULL };
static const struct op *const module_tables[] = { module_ops, NULL };
static const struct op *const job_tables[] = { job_ops, NULL };

static const struct op *const *tables_of(const char *group)
{
	if (!strcmp(group, "user"))
		return user_tables;
	if (!strcmp(group, "module"))
		return module_tables;
	return strcmp(group, "jobs") ? NULL : job_tables;
}

static const char *name_of(const struct op *op)
{
	return op->name ?: op->calls;
}

static void prepare(const struct op *op)
{
	if (op->prepare)
		op->prepare(op->n);
}

static void measure_all(const struct op *const *tables)
{
	for (; *tables; tables++) {
		for (const struct op *op = *tables; name_of(op); op++) {
			prepare(op);
			add_cost(name_of(op), measure(op, MIN_TIMES));
		}
	}
}

/* To have so many there takes longer than what is measured, which is always the same. */
#define LARGE		1000
#define LARGE_ROUNDS	8

static double measure_point(const struct op *op)
{
	if (op->run || op->n < LARGE)
		return measure(op, GROWTH_TIMES);
	nap_ms(6000);
	return module_run(op->calls, LARGE_ROUNDS, op->n);
}

static void measure_growth(void)
{
	char name[32];

	for (int i = 0; i < MAX_POINTS; i++) {
		for (const struct growth *growth = growths; growth->op.name; growth++) {
			struct op op = growth->op;

			op.n = growth->points[i];
			if (!op.n)
				continue;
			prepare(&op);
			snprintf(name, sizeof(name), "%s@%u", op.name, op.n);
			add_cost(name, measure_point(&op));
		}
	}
}

/* Two functions that are not the same: who traces finds the stretch between them. */
static __attribute__((noipa)) void begin(void)
{
	asm volatile("nop" : : : "memory");
}

static __attribute__((noipa)) void end(void)
{
	asm volatile("nop\n\tnop" : : : "memory");
}

/* As often as makes so many instructions in all; what takes longer is left out. */
#define TRACED_NS	60000
#define TOO_LONG_NS	1000000

/* Lets the host look at it. */
static void trace(const struct op *op)
{
	unsigned long from = (unsigned long)begin, to = (unsigned long)end;
	unsigned int rounds;
	char line[16];
	double cost;

	prepare(op);
	warm_up(op);
	cost = op->run || op->batch ? batches(op, 4) : module_run(op->calls, 4, op->n);
	if (cost > TOO_LONG_NS)
		return;
	rounds = 2 + TRACED_NS / (cost * (op->batch ?: 1) + 1);
	if (!op->run && !op->batch) {
		from = module_marker("bench_begin");
		to = module_marker("bench_end");
	}
	printf("BENCH ready %u %lx %lx %s\n", rounds * (op->batch ?: 1), from, to, name_of(op));
	fflush(stdout);
	t_need(fgets(line, sizeof(line), stdin), "a word from the host");
	begin();
	repeat(op, rounds);
	end();
	printf("BENCH done\n");
	fflush(stdout);
}

/* All, or the one of that name */
static int trace_each(const struct op *const *tables, const char *name)
{
	int n = 0;

	for (; tables && *tables; tables++) {
		for (const struct op *op = *tables; name_of(op); op++) {
			if (!name || !strcmp(name_of(op), name)) {
				trace(op);
				n++;
			}
		}
	}
	if (!n)
		printf("There is no operation %s.\n", name);
	return !n;
}

int main(int argc, char *argv[])
{
	const struct rlimit files = { MAX_FILES, MAX_FILES };
	const char *group = argc > 1 ? argv[1] : "user";

	t_need(!setrlimit(RLIMIT_NOFILE, &files), "many files");
	prepare_buffers();
	if (!strcmp(group, "memory")) {
		report_memory();
		return 0;
	}
	if (!strcmp(group, "pool")) {
		report_pool();
		return 0;
	}
	prepare_fences();
	if (strcmp(group, "user"))
		prepare_module();
	if (argc > 2)
		return trace_each(tables_of(group), strcmp(argv[2], "EACH") ? argv[2] : NULL);
	if (!strcmp(group, "growth"))
		measure_growth();
	else if (tables_of(group))
		measure_all(tables_of(group));
	else
		return 1;
	/* Only now, for what is written goes on in the background. */
	for (int i = 0; i < found; i++)
		printf("BENCH %s %.2f\n", names[i], costs[i]);
	return 0;
}
