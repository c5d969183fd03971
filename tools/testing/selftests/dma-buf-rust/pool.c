// SPDX-License-Identifier: GPL-2.0
/*
 * The pool of the system heap, and buffers that are made from it.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"
#include "pool.h"

#define AT_ONCE	8

static const size_t sizes[] = { 1, 4, 16, 17, 35, 1, 2, 256 };

long pool_stat(const char *name)
{
	char text[512], *line;

	if (!read_file(POOL "stats", text, sizeof(text)))
		return -1;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ' ')
			return atol(line + strlen(name));
	return -1;
}

bool pool_keeps(void)
{
	bool keeps;

	if (access(POOL "stats", F_OK)) {
		t_skip("no pool: needs CONFIG_DMABUF_HEAPS_POOL");
		return false;
	}
	keeps = write_file(POOL "limit_mib", "1") && pool_stat("limit") > 0;
	write_file(POOL "limit_mib", "0");
	if (!keeps)
		t_skip("the limit stays 0: freed pages are written to (init_on_free, page_poison)");
	return keeps;
}

void stay_on_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	t_need(!sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
}

bool pool_stat_becomes(const char *name, long value)
{
	__u64 end = now_ns() + PATIENCE_MS * 1000000ULL;

	while (pool_stat(name) != value) {
		if (now_ns() > end)
			return false;
		nap_ms(10);
	}
	return true;
}

bool pool_off(void)
{
	return write_file(POOL "limit_mib", "0") && pool_stat_becomes("held", 0);
}

bool pool_shrinks(int heap)
{
	__u64 end = now_ns() + PATIENCE_MS * 1000000ULL;
	long held, reclaimed;
	bool all;

	/* What nobody has needed for long goes by itself, now and then: that tells nothing. */
	do {
		close(used_buffer(heap, 16 * MEGABYTE, 0x5a));
		close(used_buffer(heap, page_size(), 0x5a));
		/* What is being zeroed is not there to be freed. */
		pool_stat_becomes("used", 0);
		held = pool_stat("held");
		reclaimed = pool_stat("reclaimed");
		/* Each time it asks for a half of what is there. */
		while (pool_stat("held") && now_ns() < end)
			write_file("/proc/sys/vm/drop_caches", "2");
		all = held > 0 && !pool_stat("held") &&
			pool_stat("reclaimed") - reclaimed == held;
	} while (!all && now_ns() < end);
	return all;
}

bool fill_zeroed(int buf, size_t len, int fill)
{
	bool zero;
	char *p;

	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, buf, 0);
	if (p == MAP_FAILED)
		return false;
	zero = all_zero(p, len);
	memset(p, fill, len);
	munmap(p, len);
	return zero;
}

int used_buffer(int heap, size_t len, int fill)
{
	int buf = alloc_fd(heap, len);

	if (buf < 0 || fill_zeroed(buf, len, fill))
		return buf;
	close(buf);
	return -1;
}

int use_buffers(int heap, int rounds, int fill)
{
	int bufs[AT_ONCE], bad = 0;

	memset(bufs, -1, sizeof(bufs));
	for (int i = 0; i < rounds; i++) {
		int *buf = &bufs[rand() % AT_ONCE];
		size_t size = sizes[rand() % ARRAY_SIZE(sizes)];

		/* Most of the time is for the small ones. */
		if (size == 256 && i % 16)
			size = 1;
		if (*buf >= 0)
			close(*buf);
		*buf = used_buffer(heap, size * page_size(), fill);
		bad += *buf < 0;
	}
	for (int i = 0; i < AT_ONCE; i++)
		if (bufs[i] >= 0)
			close(bufs[i]);
	return bad;
}
