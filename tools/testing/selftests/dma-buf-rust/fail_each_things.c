// SPDX-License-Identifier: GPL-2.0
/*
 * What there is before fail_each lets anything fail.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fail_each.h"

#define LIMIT	UDMABUF_PARAM "size_limit_mb"

struct things things;
/* What a udmabuf may have, otherwise */
static char limit[16];

static void begin_fences(void)
{
	for (int i = 0; i < 2; i++) {
		things.lines[i] = timeline_open();
		if (things.lines[i] < 0)
			return;
		things.done[i] = timeline_fence(things.lines[i], 1);
		things.fences[i] = timeline_fence(things.lines[i], 1000);
		timeline_inc(things.lines[i], 1);
	}
	things.merged = merge_fences(things.fences[0], things.fences[1], "both");
	t_need(things.merged >= 0, "merge");
}

void things_begin(void)
{
	const size_t size = PAGES * page_size();
	char heaps[MAX_HEAPS][64];
	int n = list_heaps(heaps);

	memset(&things, -1, sizeof(things));
	things.map = NULL;
	things.handle = 0;
	things.heap = open_heap("system");
	for (int i = 0; i < n && things.cma < 0; i++)
		if (strcmp(heaps[i], "system"))
			things.cma = open_heap(heaps[i]);
	things.buf = new_buffer(size);
	if (things.cma >= 0)
		things.contiguous = alloc_fd(things.cma, size);
	begin_fences();
	things.memfd = new_memfd(PAGES, F_SEAL_SHRINK);
	things.udmabuf = udmabuf_open();
	things.fresh = new_memfd(PAGES, F_SEAL_SHRINK);
	if (things.udmabuf >= 0)
		things.shared = udmabuf_of_pages(things.memfd, 0, PAGES);
	things.huge = new_huge_memfd(HUGE_PAGES);
	if (things.huge >= 0 && read_file(LIMIT, limit, sizeof(limit)))
		write_file(LIMIT, TOO_MANY_MB);
	things.card = open_card("vgem");
}

void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void things_end(void)
{
	int *fds[] = {
		&things.merged, &things.heap, &things.cma, &things.udmabuf,
		&things.memfd, &things.fresh, &things.card, &things.buf, &things.contiguous,
		&things.shared, &things.huge,
	};

	if (things.huge >= 0)
		write_file(LIMIT, limit);
	for (int i = 0; i < 2; i++) {
		close_one(&things.fences[i]);
		close_one(&things.done[i]);
		close_one(&things.lines[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close_one(fds[i]);
}
