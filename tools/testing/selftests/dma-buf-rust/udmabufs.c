// SPDX-License-Identifier: GPL-2.0
/*
 * Memory files and buffers of them, for the udmabuf test programs.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/memfd.h>

#include "udmabufs.h"

#define NR_HUGE_PAGES	"/proc/sys/vm/nr_hugepages"
#define HUGE_PAGE	(2 * MEGABYTE)

static int device = -1;

int udmabuf_open(void)
{
	device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (device < 0)
		t_skip("no /dev/udmabuf: CONFIG_UDMABUF, or load its module");
	return device;
}

static int sealed_memfd(unsigned int flags, size_t size, unsigned int seals)
{
	int fd = memfd_create("udmabuf", MFD_ALLOW_SEALING | MFD_CLOEXEC | flags);

	t_need(fd >= 0, "memfd_create");
	t_need(!ftruncate(fd, size), "ftruncate");
	t_need(!fcntl(fd, F_ADD_SEALS, seals), "F_ADD_SEALS");
	return fd;
}

int new_memfd(size_t pages, unsigned int seals)
{
	return sealed_memfd(0, pages * page_size(), seals);
}

int new_huge_memfd(size_t huge_pages)
{
	if ((size_t)meminfo_kb("HugePages_Free:") < huge_pages ||
	    meminfo_kb("Hugepagesize:") * 1024UL != HUGE_PAGE)
		return -1;
	return sealed_memfd(MFD_HUGETLB, huge_pages * HUGE_PAGE, F_SEAL_SHRINK);
}

void want_huge_pages(bool want)
{
	static char before[32];

	if (want && !read_file(NR_HUGE_PAGES, before, sizeof(before)))
		before[0] = '\0';
	if (before[0])
		write_file(NR_HUGE_PAGES, want ? "8" : before);
}

struct udmabuf_create_item pages_of(int memfd, size_t first, size_t count)
{
	return (struct udmabuf_create_item) {
		.memfd = memfd,
		.offset = first * page_size(),
		.size = count * page_size(),
	};
}

int udmabuf_of(int memfd, __u32 flags, __u64 offset, __u64 size)
{
	const struct udmabuf_create arg = {
		.memfd = memfd,
		.flags = flags,
		.offset = offset,
		.size = size,
	};

	return ioctl(device, UDMABUF_CREATE, &arg);
}

int udmabuf_of_pages(int memfd, size_t first, size_t count)
{
	return udmabuf_of(memfd, UDMABUF_FLAGS_CLOEXEC, first * page_size(),
			  count * page_size());
}

int udmabuf_of_list(const struct udmabuf_create_item *items, __u32 count)
{
	struct udmabuf_create_list *list;
	int ret, err;

	list = malloc(sizeof(*list) + count * sizeof(*items));
	t_need(list, "malloc");
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = count;
	memcpy(list->list, items, count * sizeof(*items));
	ret = ioctl(device, UDMABUF_CREATE_LIST, list);
	err = errno;
	free(list);
	errno = err;
	return ret;
}

char *map_pages(int fd, size_t pages)
{
	char *at = mmap(NULL, pages * page_size(), PROT_READ | PROT_WRITE,
			MAP_SHARED, fd, 0);

	t_need(at != MAP_FAILED, "mmap");
	return at;
}

void unmap_pages(char *at, size_t pages)
{
	t_need(!munmap(at, pages * page_size()), "munmap");
}
