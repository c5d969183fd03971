// SPDX-License-Identifier: GPL-2.0
/*
 * What of drivers/dma-buf the fuzzer reaches, by KCOV: a kernel in which nothing
 * else is instrumented.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kcov.h>

#include "fuzz.h"

#define KCOV		"/sys/kernel/debug/kcov"
#define ROOM		131072UL

struct block {
	unsigned long at;
	unsigned long times;
	/* the last run that has reached it */
	unsigned int run;
};

/* What children count, counts, too. */
static struct counted {
	struct block blocks[MAX_BLOCKS];
	/* Index + 1 into blocks, by address */
	__u16 hashed[4 * MAX_BLOCKS];
	unsigned int n, runs;
} *counted;

static struct cover own;

bool cover_open(struct cover *c)
{
	void *at;

	if (!counted) {
		at = mmap(NULL, sizeof(*counted), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		t_need(at != MAP_FAILED, "memory for blocks");
		counted = at;
	}
	c->fd = open(KCOV, O_RDWR | O_CLOEXEC);
	if (c->fd < 0)
		return false;
	t_need(!ioctl(c->fd, KCOV_INIT_TRACE, ROOM), "KCOV_INIT_TRACE");
	at = mmap(NULL, ROOM * sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	t_need(at != MAP_FAILED, "map KCOV's buffer");
	c->reached = at;
	return true;
}

bool cover_enable(struct cover *c)
{
	return c->reached && !ioctl(c->fd, KCOV_ENABLE, KCOV_TRACE_PC);
}

bool cover_begin(void)
{
	return cover_open(&own) && cover_enable(&own);
}

static void forget(struct cover *c)
{
	if (c->reached)
		__atomic_store_n(c->reached, 0, __ATOMIC_RELAXED);
}

void cover_start(void)
{
	forget(&own);
}

static struct block *block_at(unsigned long at)
{
	size_t i = at * 0x9e3779b97f4a7c15ULL >> 13;

	for (;; i++) {
		__u16 *slot = &counted->hashed[i % ARRAY_SIZE(counted->hashed)];

		if (*slot && counted->blocks[*slot - 1].at == at)
			return &counted->blocks[*slot - 1];
		if (*slot)
			continue;
		t_need(counted->n < MAX_BLOCKS - 1, "room for blocks");
		counted->blocks[counted->n].at = at;
		*slot = counted->n + 1;
		return &counted->blocks[counted->n++];
	}
}

unsigned long cover_length(const struct cover *c)
{
	return c->reached ? __atomic_load_n(c->reached, __ATOMIC_ACQUIRE) : 0;
}

static void count(const struct cover *c)
{
	unsigned long n = cover_length(c);

	for (unsigned long i = 1; i <= n && i < ROOM; i++) {
		struct block *b = block_at(c->reached[i]);

		/* of a loop once */
		b->times += b->run != counted->runs;
		b->run = counted->runs;
	}
}

unsigned int cover_stop(void)
{
	unsigned int before;

	if (!counted)
		return 0;
	before = counted->n;
	counted->runs++;
	count(&own);
	return counted->n - before;
}

void cover_add(struct cover *c, unsigned int threads)
{
	if (!counted)
		return;
	counted->runs++;
	for (unsigned int i = 0; i < threads; i++) {
		count(&c[i]);
		forget(&c[i]);
	}
}

unsigned int cover_blocks(void)
{
	return counted ? counted->n : 0;
}

void cover_of_last(__u32 bits[BLOCK_WORDS])
{
	memset(bits, 0, BLOCK_WORDS * sizeof(*bits));
	for (unsigned int i = 0; i < cover_blocks(); i++)
		if (counted->blocks[i].run == counted->runs)
			bits[i / 32] |= 1U << i % 32;
}

void cover_print(void)
{
	for (unsigned int i = 0; i < cover_blocks(); i++)
		printf("c %lx %lu\n", counted->blocks[i].at, counted->blocks[i].times);
}
