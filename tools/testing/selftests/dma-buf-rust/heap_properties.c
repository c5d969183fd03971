// SPDX-License-Identifier: GPL-2.0
/*
 * What heaps say of themselves in /sys/class/dma_heap, and the sample that looks for it.
 */
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common.h"

#define CLASS	"/sys/class/dma_heap/"
#define SAMPLE	"find_heap"

static bool told(const char *heap, const char *what, char *text, size_t len)
{
	char path[256];

	snprintf(path, sizeof(path), CLASS "%.63s/%s", heap, what);
	text[0] = '\0';
	if (!read_file(path, text, len))
		return false;
	text[strcspn(text, "\n")] = '\0';
	return true;
}

static void test_file(const char *heap, const char *what, const char *value)
{
	char text[64], path[256];
	struct stat st;

	told(heap, what, text, sizeof(text));
	t_ok(!strcmp(text, value), "%s: %s is \"%s\": %s", heap, what, text, value);
	snprintf(path, sizeof(path), CLASS "%.63s/%s", heap, what);
	t_ok(!stat(path, &st) && (st.st_mode & 07777) == 0444, "%s: %s can be read and not written",
	     heap, what);
}

static void test_files(const char *heap, const char *contiguous, const char *memory,
		       const char *zeroed_ahead)
{
	char page[32];

	snprintf(page, sizeof(page), "%zu", page_size());
	test_file(heap, "alignment", page);
	test_file(heap, "cached", "1");
	test_file(heap, "contiguous", contiguous);
	test_file(heap, "memory", memory);
	test_file(heap, "zeroed_ahead", zeroed_ahead);
}

/* The sample that looks for heaps; its status, and its first line. */
static int find_heap(const char *words, char *line, int len)
{
	char command[256];
	FILE *f;

	snprintf(command, sizeof(command), SAMPLE " %s 2>/dev/null", words);
	f = popen(command, "r");
	t_need(f, "popen");
	line[0] = '\0';
	(void)!fgets(line, len, f);
	while (fgetc(f) != EOF)
		;
	return WEXITSTATUS(pclose(f));
}

static void test_sample(bool has_cma)
{
	char line[256];

	t_ok(!find_heap("memory=system contiguous=0", line, sizeof(line)) &&
	     !strncmp(line, "system ", 7) && strstr(line, " cached=1 "),
	     "the sample finds the system heap: %.100s", line);
	t_ok(find_heap("memory=moon", line, sizeof(line)) == 1 && !line[0],
	     "the sample finds nothing that is not there");
	t_ok(find_heap("contiguous", line, sizeof(line)) == 2, "the sample wants ATTRIBUTE=VALUE");
	if (has_cma)
		t_ok(!find_heap("contiguous=1", line, sizeof(line)) && strstr(line, " memory=cma "),
		     "the sample finds a heap of contiguous memory: %.100s", line);
}

int main(void)
{
	char names[MAX_HEAPS][64], text[64], words[4096] = "";
	bool has_cma = false;
	int n;

	t_begin();
	n = list_heaps(names);
	if (!is_rust_core()) {
		for (int i = 0; i < n; i++)
			t_ok(!told(names[i], "cached", text, sizeof(text)),
			     "%s: nothing is told of it with this implementation", names[i]);
		return t_end();
	}
	read_file("/proc/cmdline", words, sizeof(words));
	test_files("system", "0", "system", strstr(words, "pool_mib=") ? "1" : "0");
	for (int i = 0; i < n; i++) {
		if (strcmp(names[i], "default_cma_region"))
			continue;
		has_cma = true;
		test_files(names[i], "1", "cma", "0");
	}
	if (!has_cma)
		t_skip("no CMA heap");
	test_sample(has_cma);
	return t_end();
}
