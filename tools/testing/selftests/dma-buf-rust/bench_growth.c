// SPDX-License-Identifier: GPL-2.0
/*
 * How costs grow with what there is.
 */
#include <unistd.h>

#include <linux/dma-buf.h>

#include "bench.h"
#include "common.h"

/* Files with the fences in question, one of them imported into a buffer */
static int halves[2] = { -1, -1 }, merged = -1, target = -1;
static unsigned int fences;

static void use_halves(unsigned int n)
{
	close(halves[0]);
	close(halves[1]);
	new_halves(n, halves);
}

static void use_merged(unsigned int n)
{
	close(merged);
	close(target);
	fences = n;
	merged = new_merged(n);
	target = new_buffer_with(merged);
}

static void merge_many(void)
{
	merge(halves[0], halves[1]);
}

static void info_many(void)
{
	info(merged, fences);
}

static void import_many(void)
{
	t_need(!import_fence(target, merged, DMA_BUF_SYNC_RW), "import");
}

static void export_many(void)
{
	done(export_fence(target, DMA_BUF_SYNC_RW), "export");
}

const struct growth growths[] = {
	{ { .name = "buffers-alloc", .run = alloc_4k, .prepare = crowd },
	  { 10, 100, 1000, 10000 } },
	{ { .name = "buffers-info", .run = bufinfo, .prepare = crowd },
	  { 10, 100, 1000, 10000 } },
	{ { .name = "fences-merge", .run = merge_many, .prepare = use_halves },
	  { 2, 10, 100, 1000, 10000 } },
	{ { .name = "fences-info", .run = info_many, .prepare = use_merged },
	  { 1, 10, 100, 1000, 10000 } },
	{ { .name = "fences-import", .run = import_many, .prepare = use_merged },
	  { 1, 10, 100, 1000 } },
	{ { .name = "fences-export", .run = export_many, .prepare = use_merged },
	  { 1, 10, 100, 1000 } },
	{ { .name = "resv-add", .calls = "resv-replace" },
	  { 1, 10, 100, 1000, 10000 } },
	{ { .name = "resv-iterate", .calls = "resv-iterate-1" },
	  { 1, 10, 100, 1000, 10000 } },
	{ { .name = "resv-locked", .calls = "resv-locked-1" },
	  { 1, 10, 100, 1000, 10000 } },
	{ { .name = "resv-get", .calls = "resv-get-16" },
	  { 1, 10, 100, 1000, 10000 } },
	{ { .name = "resv-test", .calls = "resv-test-16" },
	  { 1, 10, 100, 1000, 10000 } },
	{ { .name = "array", .calls = "array-64" },
	  { 1, 10, 100, 1000, 10000 } },
	{ { .name = "chain-walk", .calls = "chain-walk-1000" },
	  { 1, 10, 100, 1000, 10000 } },
	{ { .name = "chain-signal", .calls = "chain-signal-1000" },
	  { 1, 10, 100, 1000 } },
	{ { .name = "attached-attach", .calls = "buf-attach" },
	  { 1, 10, 100, 1000 } },
	{ { .name = "attached-cpu", .calls = "buf-cpu-8" },
	  { 1, 10, 100, 1000 } },
	{ }
};
