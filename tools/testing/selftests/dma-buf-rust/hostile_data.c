// SPDX-License-Identifier: GPL-2.0
/*
 * What is others', and what others are told: nobody gets more of it than he was given.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>

#include "common.h"
#include "hostile.h"
#include "nobody.h"

struct devices {
	int heap;
	int card;
};

/* Whoever has a file that may be read only cannot make more of it. */
static void make_more(void *with)
{
	struct dma_heap_allocation_data data = {
		.len = page_size(), .fd_flags = O_RDONLY | O_CLOEXEC,
	};
	struct drm_mode_map_dumb map = { 0 };
	const struct devices *devices = with;
	char path[64], byte = 1;
	int buf, copy, mem;
	char *p;

	t_need(!ioctl(devices->heap, DMA_HEAP_IOCTL_ALLOC, &data), "allocate");
	buf = data.fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", buf);
	t_err(open(path, O_RDWR | O_CLOEXEC), ENXIO, "opened again through /proc");
	copy = dup(buf);
	fcntl(copy, F_SETFL, O_RDWR);
	t_ok((fcntl(copy, F_GETFL) & O_ACCMODE) == O_RDONLY, "F_SETFL leaves it as it is");
	p = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, copy, 0);
	t_err(p == MAP_FAILED ? -1 : 0, EACCES, "a copy is mapped writable");
	close(copy);
	p = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, buf, 0);
	t_need(p != MAP_FAILED, "mmap");
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	t_need(mem >= 0, "/proc/self/mem");
	t_err(pwrite(mem, &byte, 1, (uintptr_t)p), EIO, "written through /proc/self/mem");
	t_ok(!*p, "nothing is written");
	close(mem);
	munmap(p, page_size());
	if (devices->card >= 0) {
		t_err(prime_import(devices->card, buf, &map.handle), 0, "a device has it");
		t_err(ioctl(devices->card, DRM_IOCTL_MODE_MAP_DUMB, &map), EINVAL,
		      "and does not give it to be mapped");
	}
	close(buf);
}

void test_read_only(void)
{
	struct devices devices;
	struct group g;

	group_begin(&g, "a file that may only be read");
	devices.heap = open_heap("system");
	devices.card = open_card("vgem");
	as_nobody(make_more, &devices);
	close(devices.card);
	close(devices.heap);
	group_end(&g);
}

/* After its end a name's bytes are zero, or what was there before. */
static bool is_clean_name(const char *name, size_t len, char fill)
{
	for (size_t i = strnlen(name, len); i < len; i++)
		if (name[i] && name[i] != fill)
			return false;
	return true;
}

static void ask(void *with)
{
	struct sync_merge_data merge;
	struct sw_sync_create new;
	struct sync_fence_info each[4];
	struct sync_file_info info;
	const char fills[] = { 0x5a, (char)0xa5 };
	bool clean = true, spare = true;
	int line = *(int *)with, fences[2];

	for (size_t i = 0; i < ARRAY_SIZE(fills); i++) {
		const char fill = fills[i];

		memset(&new, fill, sizeof(new));
		new.value = 1;
		snprintf(new.name, sizeof(new.name), "a");
		t_need(!ioctl(line, SW_SYNC_CREATE, &new), "fence");
		fences[0] = new.fence;
		clean &= is_clean_name(new.name, sizeof(new.name), fill);
		fences[1] = timeline_fence(line, 2);
		memset(&merge, fill, sizeof(merge));
		snprintf(merge.name, sizeof(merge.name), "b");
		merge.fd2 = fences[1];
		merge.flags = 0;
		merge.pad = 0;
		t_need(!ioctl(fences[0], SYNC_IOC_MERGE, &merge), "merge");
		clean &= is_clean_name(merge.name, sizeof(merge.name), fill);
		memset(&info, fill, sizeof(info));
		memset(each, fill, sizeof(each));
		info.flags = 0;
		info.pad = 0;
		info.num_fences = ARRAY_SIZE(each);
		info.sync_fence_info = (uintptr_t)each;
		t_need(!ioctl(merge.fence, SYNC_IOC_FILE_INFO, &info), "info");
		clean &= is_clean_name(info.name, sizeof(info.name), fill) &&
			 !info.pad && !info.flags;
		for (size_t n = 0; n < info.num_fences; n++)
			clean &= is_clean_name(each[n].obj_name, 32, 0) &&
				 is_clean_name(each[n].driver_name, 32, 0) &&
				 !each[n].flags;
		for (size_t n = sizeof(each[0]) * info.num_fences; n < sizeof(each); n++)
			spare &= ((char *)each)[n] == fill;
		close(merge.fence);
		close(fences[0]);
		close(fences[1]);
	}
	t_ok(clean, "names and padding");
	t_ok(spare, "room for more fences than there are stays as it was");
}

void test_answers(void)
{
	struct group g;
	int line;

	if (!have_fences())
		return;
	group_begin(&g, "answers hold nothing of the kernel's");
	line = timeline_open();
	as_nobody(ask, &line);
	close(line);
	group_end(&g);
}

#define TWO_LINES	"one\n9 0 0 1 forged 7"

static void name_it(void *buf)
{
	t_err(ioctl(*(int *)buf, DMA_BUF_SET_NAME, TWO_LINES), 0, "a name of two lines");
}

/* Names are printed as they are: a line may be anybody's, but not what is counted. */
void test_line_breaks(void)
{
	int buf, before, listed;
	char text[65536], path[64];
	struct group g;

	group_begin(&g, "line breaks in names");
	buf = new_buffer(page_size());
	before = count_objects();
	as_nobody(name_it, &buf);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", buf);
	t_ok(read_file(path, text, sizeof(text)) && strstr(text, "\nname:\t" TWO_LINES "\n"),
	     "fdinfo has both lines");
	t_ok(read_file(BUFINFO, text, sizeof(text)) && strstr(text, "\t" TWO_LINES "\n"),
	     "bufinfo has both, one as of a buffer");
	t_ok(bufinfo_total(&listed) == before && listed == before + 1,
	     "which its total does not count");
	close(buf);
	group_end(&g);
}
