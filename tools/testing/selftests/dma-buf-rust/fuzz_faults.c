// SPDX-License-Identifier: GPL-2.0
/*
 * What fails while the fuzzer runs: allocations, and copies from and to user space.
 */
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define FAULTS		"/sys/kernel/debug/"

/* One of the functions through which ioctls come to drivers/dma-buf, in either core. */
static bool is_ioctl(const char *symbol)
{
	static const char * const names[] = {
		"dma_buf_ioctl", "dma_heap_ioctl", "sync_file_ioctl", "sw_sync_ioctl",
		"udmabuf_ioctl",
	};
	static const char * const parts[][3] = {
		{ "10operations5ioctl", "12dma_buf_core", "" },
		{ "10operations5ioctl", "13dma_heap_core", "" },
		{ "10operations5ioctl", "12sw_sync_core", "" },
		{ "16MiscdeviceVTable", "12udmabuf_core", "5ioctl" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(symbol, names[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strstr(symbol, parts[i][0]) && strstr(symbol, parts[i][1]) &&
		    strstr(symbol, parts[i][2]))
			return true;
	return false;
}

/* One that is compiled with one of the crates, most of the core's are. */
static bool is_ours(const char *symbol)
{
	static const char * const crates[] = {
		"12dma_buf_core", "13dma_heap_core", "12sw_sync_core", "12udmabuf_core",
		"11system_heap", "8cma_heap",
	};

	for (size_t i = 0; i < ARRAY_SIZE(crates); i++)
		if (strstr(symbol, crates[i]))
			return true;
	return false;
}

/*
 * Where the functions that "is" knows lie: from the first to behind the last. What is
 * rarely executed, or only at the start, lies elsewhere: those count of which there are
 * most, less than FAR from each other.
 */
#define FAR	0x100000UL

struct range {
	bool (*is)(const char *symbol);
	unsigned long start, end;
	/* How many it has; those that were found last, not yet as many */
	unsigned int n, n_now;
	unsigned long start_now, end_now;
	bool last;
};

static void range_add(struct range *r, unsigned long addr, const char *symbol)
{
	if (r->last)
		r->end_now = addr;
	if (r->last && r->n_now > r->n) {
		r->n = r->n_now;
		r->start = r->start_now;
		r->end = r->end_now;
	}
	r->last = r->is(symbol);
	if (!r->last)
		return;
	if (!r->n_now || addr - r->end_now > FAR) {
		r->n_now = 0;
		r->start_now = addr;
	}
	r->n_now++;
}

static void find_ranges(struct range *ranges, size_t n)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[1024], symbol[1024];
	unsigned long addr;

	t_need(f, "/proc/kallsyms");
	while (fgets(line, sizeof(line), f)) {
		/* by address, up to the modules */
		if (strchr(line, '[') || sscanf(line, "%lx %*c %1023s", &addr, symbol) != 2)
			continue;
		for (size_t i = 0; i < n; i++)
			range_add(&ranges[i], addr, symbol);
	}
	fclose(f);
}

/* A function of a module, whose symbols are in no order */
static struct range range_in_module(const char *function)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	struct range r = { .end = ~0UL };
	char line[1024], symbol[1024];
	unsigned long addr;

	t_need(f, "/proc/kallsyms");
	for (int pass = 0; pass < 2; pass++) {
		rewind(f);
		while (fgets(line, sizeof(line), f)) {
			if (!strchr(line, '['))
				continue;
			if (sscanf(line, "%lx %*c %1023s", &addr, symbol) != 2)
				continue;
			if (!pass && !strcmp(symbol, function))
				r.start = addr;
			if (pass && addr > r.start && addr < r.end)
				r.end = addr;
		}
	}
	fclose(f);
	return r;
}

/* Which stacks are meant ("require") or spared ("reject") */
static bool set_range(const char *kind, const char *which, const struct range *r)
{
	char path[128], text[32];
	bool ok;

	snprintf(path, sizeof(path), FAULTS "%s/%s-start", kind, which);
	snprintf(text, sizeof(text), "%#lx", r->start);
	ok = r->end && write_file(path, text);
	snprintf(path, sizeof(path), FAULTS "%s/%s-end", kind, which);
	snprintf(text, sizeof(text), "%#lx", r->end);
	return ok && write_file(path, text);
}

bool set_always(void)
{
	return write_file(FAULTS "failslab/probability", "100") &&
	       write_file(FAULTS "fail_page_alloc/probability", "100") &&
	       write_file(FAULTS "fail_usercopy/probability", "0");
}

/*
 * Copies fail under the ioctls alone: not those of a signal, which would end the
 * program, nor of calls that the fuzzer makes for itself.
 */
bool set_faults(bool ours)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	static const char * const knobs[][2] = {
		{ "task-filter", "Y" }, { "probability", "4" }, { "interval", "1" },
		{ "times", "-1" }, { "verbose", "0" },
	};
	struct range found[] = { { .is = is_ioctl }, { .is = is_ours } };
	const struct range all = { .end = ~0UL };
	struct range lossy;
	char path[128];
	bool ok;

	find_ranges(found, ARRAY_SIZE(found));
	/* V4L2 loses the buffer if it fails; that of the other camera does not attach */
	lossy = range_in_module("vb2_dc_attach_dmabuf");
	ok = set_range(kinds[2], "require", &found[0]);
	for (size_t i = 0; i < 2; i++) {
		ok &= set_range(kinds[i], "require", ours ? &found[1] : &all);
		if (ours && lossy.start)
			ok &= set_range(kinds[i], "reject", &lossy);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(knobs); j++) {
			snprintf(path, sizeof(path), FAULTS "%s/%s", kinds[i], knobs[j][0]);
			ok &= write_file(path, knobs[j][1]);
		}
	}
	ok &= write_file(FAULTS "failslab/ignore-gfp-wait", "N");
	ok &= write_file(FAULTS "fail_page_alloc/ignore-gfp-wait", "N");
	/* pages of heaps are of this kind, and none alone would fail */
	ok &= write_file(FAULTS "fail_page_alloc/ignore-gfp-highmem", "N");
	ok &= write_file(FAULTS "fail_page_alloc/min-order", "0");
	return ok;
}

/* Of calls that allocate anything most have done so after a few allocations. */
static unsigned int any_nth(struct run *r)
{
	return 1 + roll(&r->dice, roll(&r->dice, 2) ? 4 : 32);
}

/*
 * Where something is to fail. Another thread may have closed that, for what had its number
 * before: then no more fails here. Alone, it would be a run without faults.
 */
static void tell(struct run *r, int *where, unsigned int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	if (pwrite(*where, text, strlen(text), 0) >= 0)
		return;
	t_need(r->world->racing, "faults that go on");
	*where = 0;
}

/* It counts down to 0. */
static bool has_failed(struct run *r)
{
	char text[16] = "";

	return r->fail_nth && pread(r->fail_nth, text, sizeof(text) - 1, 0) > 0 && !atoi(text);
}

/* What counts down comes before what always fails. */
void call_failing(struct run *r, const struct op *op, const struct call *call)
{
	bool faults = r->faults, all = call->all && r->fail_all;

	r->faults = true;
	tell(r, &r->fail_nth, call->nth ?: any_nth(r));
	if (all)
		tell(r, &r->fail_all, 1);
	op->run(r, call->a);
	if (all && r->fail_all)
		tell(r, &r->fail_all, 0);
	r->hit = has_failed(r);
	r->hits += r->hit;
	if (r->fail_nth)
		tell(r, &r->fail_nth, 0);
	r->faults = faults;
}
