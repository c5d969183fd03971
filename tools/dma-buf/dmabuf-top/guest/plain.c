// SPDX-License-Identifier: GPL-2.0
/*
 * The reads that dmabuf-top makes, and nothing else: no buffer is remembered, nothing is added up or printed but one count. It is
 * what dmabuf-top is measured against.
 *
 * usage: plain PROC BUFINFO
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[1 << 24];
static unsigned long buffers, bytes;

/* Reads a file, or only the first read of it; how long it is. */
static ssize_t read_all(int at, const char *name, int once)
{
	size_t filled = 0;
	ssize_t more;
	int fd = openat(at, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	do {
		more = read(fd, text + filled, sizeof(text) - 1 - filled);
		if (more > 0)
			filled += more;
	} while (more > 0 && !once);
	close(fd);
	text[filled] = 0;
	return filled;
}

static int descriptors(int process)
{
	int at = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), infos = -1, found = 0;
	struct dirent *entry;
	char link[4096];
	DIR *dir;

	if (at < 0)
		return 0;
	dir = fdopendir(at);
	while ((entry = readdir(dir))) {
		ssize_t length = readlinkat(at, entry->d_name, link, sizeof(link));

		if (length < 8 || memcmp(link, "/dmabuf:", 8))
			continue;
		if (infos < 0)
			infos = openat(process, "fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (read_all(infos, entry->d_name, 1) <= 0)
			continue;
		const char *size = strstr(text, "size:\t");

		if (size) {
			buffers++;
			bytes += strtoul(size + 6, NULL, 10);
			found++;
		}
	}
	if (infos >= 0)
		close(infos);
	closedir(dir);
	return found;
}

int main(int argc, char **argv)
{
	DIR *proc = opendir(argc > 1 ? argv[1] : "/proc");
	struct dirent *entry;

	if (!proc)
		return 1;
	while ((entry = readdir(proc))) {
		int process, found;
		const char *at = text;

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		process = openat(dirfd(proc), entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (process < 0)
			continue;
		found = descriptors(process);
		if (read_all(process, "maps", 0) > 0)
			while ((at = strstr(at, "/dmabuf:"))) {
				found++;
				at += 8;
			}
		if (found) {
			read_all(process, "stat", 1);
			read_all(process, "cgroup", 1);
		}
		close(process);
	}
	closedir(proc);
	read_all(AT_FDCWD, argc > 2 ? argv[2] : "/sys/kernel/debug/dma_buf/bufinfo", 0);
	printf("%lu descriptors of buffers, %lu bytes\n", buffers, bytes);
	return 0;
}
