// SPDX-License-Identifier: GPL-2.0
/*
 * What there is before fail_each lets anything fail.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fail_each.h"
#include "rust_samples.h"

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
	things.missing = NULL;
	things.map = NULL;
	things.handle = 0;
	things.heap = open_heap("system");
	for (int i = 0; i < n && things.cma < 0; i++)
		if (strcmp(heaps[i], "system"))
			things.cma = open_heap(heaps[i]);
	things.buf = new_buffer(size);
	things.idle = new_buffer(size);
	if (things.cma >= 0)
		things.contiguous = alloc_fd(things.cma, size);
	begin_fences();
	things.memfd = new_memfd(PAGES, F_SEAL_SHRINK);
	things.udmabuf = udmabuf_open();
	things.fresh = new_memfd(PAGES, F_SEAL_SHRINK);
	if (things.udmabuf >= 0)
		things.shared = udmabuf_of_pages(things.memfd, 0, PAGES);
	things.much = new_memfd(MUCH_PAGES, F_SEAL_SHRINK);
	things.huge = new_huge_memfd(1);
	if (read_file(LIMIT, limit, sizeof(limit)))
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
		&things.shared, &things.idle, &things.huge, &things.much,
	};

	if (limit[0])
		write_file(LIMIT, limit);
	for (int i = 0; i < 2; i++) {
		close_one(&things.fences[i]);
		close_one(&things.done[i]);
		close_one(&things.lines[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close_one(fds[i]);
}

bool there_is(bool found, const char *what)
{
	if (!found)
		things.missing = what;
	return found;
}

bool has_cma(void)
{
	return there_is(things.cma >= 0, "CMA heap");
}

bool has_contiguous(void)
{
	return there_is(things.contiguous >= 0, "buffer of a CMA heap");
}

bool has_fences(void)
{
	return there_is(things.merged >= 0, "sw_sync: CONFIG_SW_SYNC, debugfs");
}

bool has_udmabuf(void)
{
	return there_is(things.udmabuf >= 0, "/dev/udmabuf");
}

bool has_huge(void)
{
	return has_udmabuf() && there_is(things.huge >= 0, "room for huge pages of 2 MiB");
}

bool has_card(void)
{
	return there_is(things.card >= 0, "card of vgem: load it");
}

bool has_importer(void)
{
	return there_is(!access(RUST_DMA_BUF_IMPORTER_DEVICE, F_OK), RUST_DMA_BUF_IMPORTER_DEVICE);
}

bool has_issuer(void)
{
	return there_is(!access(ISSUER, F_OK), ISSUER);
}

void undo(void)
{
	if (things.map)
		munmap(things.map, PAGES * page_size());
	things.map = NULL;
	if (things.handle)
		gem_close(things.card, things.handle);
	things.handle = 0;
	close_one(&things.fd);
}

/* Far from everything else, so that it needs page tables of its own */
int map_far_away(int fd)
{
	void *hint = (void *)(sizeof(long) == 8 ? 1UL << 37 : 0x50000000);
	void *p = mmap(hint, PAGES * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
		       fd, 0);

	if (p == MAP_FAILED)
		return -1;
	things.map = p;
	/* a fault that fails for want of memory happens again */
	memset(p, 1, PAGES * page_size());
	return 0;
}

int keep(int fd)
{
	things.fd = fd;
	return fd;
}

int next_fd(void)
{
	int fd = dup(things.heap);

	t_need(fd >= 0, "dup");
	close(fd);
	return fd;
}
