// SPDX-License-Identifier: GPL-2.0
/*
 * What C drivers do, by the module bench_calls.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "common.h"
#include "modules.h"
#include "udmabufs.h"

#define HEAPS		8
#define FEW_PAGES	64
#define MANY_PAGES	4096

struct place {
	__u64 frame;
	unsigned int page;
};

static int later_first(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->frame < y->frame ? 1 : -1;
}

/* The last first, as they lie in memory, so that no page is followed by its neighbour */
static int scattered(unsigned int pages)
{
	int map = open("/proc/self/pagemap", O_RDONLY);
	int memfd = new_memfd(pages, F_SEAL_SHRINK), buf;
	struct udmabuf_create_item *items = calloc(pages, sizeof(*items));
	struct place *places = calloc(pages, sizeof(*places));
	char *at = map_pages(memfd, pages);

	t_need(items && places && map >= 0, "memory for a udmabuf");
	memset(at, 1, pages * page_size());
	for (unsigned int i = 0; i < pages; i++) {
		off_t entry = ((uintptr_t)at / page_size() + i) * sizeof(__u64);

		t_need(pread(map, &places[i].frame, sizeof(__u64), entry) == sizeof(__u64),
		       "pagemap");
		/* The bits above are flags. */
		places[i].frame &= (1ull << 55) - 1;
		places[i].page = i;
	}
	qsort(places, pages, sizeof(*places), later_first);
	for (unsigned int i = 0; i < pages; i++)
		items[i] = pages_of(memfd, places[i].page, 1);
	buf = udmabuf_of_list(items, pages);
	t_need(buf >= 0, "a udmabuf of a list");
	unmap_pages(at, pages);
	free(places);
	free(items);
	close(map);
	close(memfd);
	return buf;
}

void prepare_module(void)
{
	char fds[128] = "fds=";
	int module = open_module(NULL, "bench_calls"), len = strlen(fds);

	t_need(write_file("/sys/module/udmabuf/parameters/list_limit", "4096"), "list_limit");
	t_need(module >= 0, "bench_calls.ko");
	for (int i = 0; i < HEAPS; i++)
		len += sprintf(fds + len, "%d,", alloc_fd(heap, 4096));
	sprintf(fds + len, "%d,%d", scattered(FEW_PAGES), scattered(MANY_PAGES));
	t_need(!insert_module(module, fds), "loading bench_calls.ko");
	close(module);
}

double module_run(const char *name, unsigned int rounds, unsigned int n)
{
	char text[64], why[512] = "";

	if (n)
		snprintf(text, sizeof(text), "%s %u %u", name, rounds, n);
	else
		snprintf(text, sizeof(text), "%s %u", name, rounds);
	if (!write_file(MODULE_PARAMETERS "run", text)) {
		read_file(MODULE_PARAMETERS "failure", why, sizeof(why));
		ksft_exit_fail_msg("%s: %s: %s\n", text, strerror(errno), why);
	}
	t_need(read_file(MODULE_PARAMETERS "cost", text, sizeof(text)), "cost");
	return atof(text) / 1000;
}

unsigned long module_marker(const char *name)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], symbol[256], module[64];
	unsigned long found = 0, at;

	t_need(f, "/proc/kallsyms");
	while (!found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx %*c %255s [%63[^]]]", &at, symbol, module) == 3 &&
		    !strcmp(symbol, name) && !strcmp(module, "bench_calls"))
			found = at;
	}
	fclose(f);
	t_need(found, name);
	return found;
}

#define BATCH	32

/* Their names are those that the module knows. */
const struct op module_ops[] = {
	{ .calls = "buf-export", .batch = BATCH },
	{ .calls = "buf-get" },
	{ .calls = "buf-attach" },
	{ .calls = "buf-map" },
	{ .calls = "buf-map-locked" },
	{ .calls = "buf-map-1" },
	{ .calls = "buf-map-64" },
	{ .calls = "buf-map-4096" },
	{ .calls = "buf-vmap" },
	{ .calls = "buf-vmap-heap" },
	{ .calls = "buf-cpu" },
	{ .calls = "buf-cpu-0" },
	{ .calls = "buf-cpu-1" },
	{ .calls = "buf-cpu-8" },
	{ .calls = "fence-init" },
	{ .calls = "fence-signal" },
	{ .calls = "fence-callback" },
	{ .calls = "fence-callback-64" },
	{ .calls = "fence-remove" },
	{ .calls = "fence-add-late" },
	{ .calls = "fence-is-signaled" },
	{ .calls = "fence-status" },
	{ .calls = "fence-wait" },
	{ .calls = "fence-wait-0" },
	{ .calls = "fence-wait-any-64" },
	{ .calls = "array-64" },
	{ .calls = "array-signal-64" },
	{ .calls = "chain-build-1000" },
	{ .calls = "chain-walk-1000" },
	{ .calls = "chain-find-1000" },
	{ .calls = "chain-release-1000" },
	{ .calls = "unwrap-merge-2" },
	{ .calls = "unwrap-merge-16" },
	{ .calls = "unwrap-each-64" },
	{ .calls = "resv-lock" },
	{ .calls = "resv-replace" },
	{ .calls = "resv-replace-16" },
	{ .calls = "resv-grow-64" },
	{ .calls = "resv-iterate-1" },
	{ .calls = "resv-iterate-16" },
	{ .calls = "resv-iterate-64" },
	{ .calls = "resv-locked-1" },
	{ .calls = "resv-locked-16" },
	{ .calls = "resv-locked-64" },
	{ .calls = "resv-singleton-1" },
	{ .calls = "resv-singleton-16" },
	{ .calls = "resv-get-16" },
	{ .calls = "resv-test-16" },
	{ .calls = "resv-test-pending" },
	{ .calls = "resv-wait-0" },
	{ .calls = "resv-wait-16" },
	{ }
};
