// SPDX-License-Identifier: GPL-2.0
/*
 * Heaps, buffers, importers and bad pointers for the dma-buf test programs.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <drm/drm.h>
#include <linux/dma-heap.h>

#include "common.h"

size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

bool all_zero(const void *bytes, size_t len)
{
	const char *p = bytes;

	return !*p && !memcmp(p, p + 1, len - 1);
}

ino_t inode_of(int fd)
{
	struct stat st;

	t_need(!fstat(fd, &st), "fstat");
	return st.st_ino;
}

/* Heaps that heap_limit.ko left behind give no buffers. */
int list_heaps(char names[MAX_HEAPS][64])
{
	DIR *dir = opendir("/dev/dma_heap");
	struct dirent *e;
	int n = 0;

	t_need(dir, "opendir /dev/dma_heap");
	while (n < MAX_HEAPS && (e = readdir(dir)))
		if (e->d_name[0] != '.' && strncmp(e->d_name, "heap_limit", 10))
			snprintf(names[n++], 64, "%.63s", e->d_name);
	closedir(dir);
	return n;
}

int open_heap(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	t_need(fd >= 0, path);
	return fd;
}

int alloc_fd(int heap, __u64 len)
{
	struct dma_heap_allocation_data data = {
		.len = len,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	return ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) ? -1 : (int)data.fd;
}

int new_buffer(size_t len)
{
	int heap = open_heap("system");
	int fd = alloc_fd(heap, len);

	t_need(fd >= 0, "allocate from the system heap");
	close(heap);
	return fd;
}

void *ptr_unmapped(void)
{
	void *p = mmap(NULL, page_size(), PROT_READ,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	t_need(p != MAP_FAILED, "mmap");
	munmap(p, page_size());
	return p;
}

void *ptr_readonly(const void *data, size_t len)
{
	void *p = mmap(NULL, 2 * page_size(), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	t_need(p != MAP_FAILED, "mmap");
	memcpy(p, data, len);
	t_need(!mprotect(p, 2 * page_size(), PROT_READ), "mprotect");
	return p;
}

void *ptr_straddle(const void *data, size_t len, size_t inside)
{
	char *p = mmap(NULL, 2 * page_size(), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at = p + page_size() - inside;

	t_need(p != MAP_FAILED, "mmap");
	memcpy(at, data, inside < len ? inside : len);
	t_need(!mprotect(p + page_size(), page_size(), PROT_NONE), "mprotect");
	return at;
}

/* Both kinds are two pages that begin where the pointer's page does. */
void ptr_free(void *p)
{
	munmap((void *)((uintptr_t)p & ~(page_size() - 1)), 2 * page_size());
}

void fd_table_full(bool full)
{
	static struct rlimit before;
	struct rlimit none;

	if (full) {
		t_need(!getrlimit(RLIMIT_NOFILE, &before), "getrlimit");
		none = before;
		none.rlim_cur = 0;
		t_need(!setrlimit(RLIMIT_NOFILE, &none), "setrlimit");
	} else {
		t_need(!setrlimit(RLIMIT_NOFILE, &before), "setrlimit");
	}
}

int open_card(const char *driver)
{
	return open_nth_card(driver, 0);
}

int open_nth_card(const char *driver, int which)
{
	char path[64], name[32];

	for (int i = 0; i < 16; i++) {
		struct drm_version v = { .name = name, .name_len = 31 };
		int fd;

		memset(name, 0, sizeof(name));
		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!ioctl(fd, DRM_IOCTL_VERSION, &v) &&
		    !strcmp(name, driver) && !which--)
			return fd;
		close(fd);
	}
	return -1;
}

int prime_import(int card, int fd, __u32 *handle)
{
	struct drm_prime_handle arg = { .fd = fd };
	int ret = ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &arg);

	/* an answer that was not copied leaves a handle, and who asks again is told */
	if (ret && errno == EFAULT) {
		ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &arg);
		errno = EFAULT;
	}
	*handle = arg.handle;
	return ret;
}

int gem_close(int card, __u32 handle)
{
	struct drm_gem_close arg = { .handle = handle };

	return ioctl(card, DRM_IOCTL_GEM_CLOSE, &arg);
}
