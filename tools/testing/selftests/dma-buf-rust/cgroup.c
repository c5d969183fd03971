// SPDX-License-Identifier: GPL-2.0
/*
 * Memory cgroups (version 2) of a test's own.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "cgroup.h"

#define ROOT "/tmp/dma-buf-groups"

static void path_of(char path[160], const char *name, const char *file)
{
	snprintf(path, 160, ROOT "/%s%s%s", name, *file ? "/" : "", file);
}

bool cgroups_begin(void)
{
	mkdir(ROOT, 0700);
	if (!mount("none", ROOT, "cgroup2", 0, NULL)) {
		if (write_file(ROOT "/cgroup.subtree_control", "+memory"))
			return true;
		umount(ROOT);
	}
	t_skip("no memory limits: CONFIG_MEMCG, and the rights to use it: %s", strerror(errno));
	rmdir(ROOT);
	return false;
}

void cgroups_end(void)
{
	umount(ROOT);
	rmdir(ROOT);
}

void cgroup_make(const char *name)
{
	char path[160];

	path_of(path, name, "");
	t_need(!mkdir(path, 0700), path);
}

bool cgroup_remove(const char *name)
{
	char path[160];

	path_of(path, name, "");
	for (int ms = 0; ms < PATIENCE_MS; ms += 20) {
		if (!rmdir(path))
			return true;
		if (errno != EBUSY)
			break;
		nap_ms(20);
	}
	return false;
}

bool cgroup_write(const char *name, const char *file, const char *text)
{
	char path[160];

	path_of(path, name, file);
	return write_file(path, text);
}

bool cgroup_limit(const char *name, unsigned long bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", bytes);
	return cgroup_write(name, "memory.max", text);
}

bool cgroup_enter(const char *name)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", getpid());
	return cgroup_write(name, "cgroup.procs", text);
}

/* Of a line that begins with the key */
static long value_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text) {
		if (!strncmp(text, key, len) && text[len] == ' ')
			return atol(text + len);
		text = strchr(text, '\n');
		text += !!text;
	}
	return 0;
}

long cgroup_read(const char *name, const char *file, const char *key)
{
	char path[160], text[8192];

	path_of(path, name, file);
	t_need(read_file(path, text, sizeof(text)), path);
	return key ? value_of(text, key) : atol(text);
}

bool cgroup_is_childless(const char *name)
{
	for (int ms = 0; ms < PATIENCE_MS; ms += 20) {
		if (!cgroup_read(name, "cgroup.stat", "nr_dying_descendants"))
			return true;
		nap_ms(20);
	}
	return false;
}

long cgroup_buffers(const char *name)
{
	static const char *const others[] = {
		"slab", "kernel_stack", "pagetables", "sec_pagetables", "percpu", "vmalloc"
	};
	char path[160], text[8192];
	long bytes;

	path_of(path, name, "memory.stat");
	t_need(read_file(path, text, sizeof(text)), path);
	bytes = value_of(text, "kernel");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		bytes -= value_of(text, others[i]);
	return bytes;
}

bool heaps_charge(void)
{
	char text[8] = "";

	read_file("/sys/module/dma_heap/parameters/mem_accounting", text, sizeof(text));
	return *text == 'Y';
}
