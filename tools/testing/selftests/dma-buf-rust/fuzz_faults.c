// SPDX-License-Identifier: GPL-2.0
/*
 * What fails while the fuzzer runs: allocations, and copies from and to user space.
 */
#include <string.h>

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

/*
 * Copies under those functions alone: not those of a signal, which would end the
 * program, nor of calls that the fuzzer makes for itself.
 */
static bool spare_copies_of_others(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long addr, start = 0, end = 0;
	char line[1024], symbol[1024], text[32];
	bool last = false;

	t_need(f, "/proc/kallsyms");
	while (fgets(line, sizeof(line), f)) {
		/* by address, up to the modules */
		if (strchr(line, '[') || sscanf(line, "%lx %*c %1023s", &addr, symbol) != 2)
			continue;
		if (last)
			end = addr;
		last = is_ioctl(symbol);
		if (last && !start)
			start = addr;
	}
	fclose(f);
	snprintf(text, sizeof(text), "%#lx", start);
	if (!start || !end || !write_file(FAULTS "fail_usercopy/require-start", text))
		return false;
	snprintf(text, sizeof(text), "%#lx", end);
	return write_file(FAULTS "fail_usercopy/require-end", text);
}

bool set_faults(void)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	static const char * const knobs[][2] = {
		{ "task-filter", "Y" }, { "probability", "4" }, { "interval", "1" },
		{ "times", "-1" }, { "verbose", "0" },
	};
	bool ok = spare_copies_of_others();
	char path[128];

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
