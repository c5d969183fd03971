// SPDX-License-Identifier: GPL-2.0
/*
 * What a process that may open a heap does to others: more names and devices
 * than anybody needs, answers that might show the kernel's memory, files
 * that it may only read. dma-buf-rust-hostile.rst tells what comes of it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>

#include "udmabufs.h"

#define NAMES		100000
#define ATTACHMENTS	1000
#define BUFFERS		4000
/* How often a page may be in a list, and more lists than it can be counted in */
#define ITEMS		1024
#define LISTS		2200

static void want_fds(rlim_t n)
{
	const struct rlimit limit = { .rlim_cur = n, .rlim_max = n };

	t_need(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

static void end_child(pid_t child)
{
	kill(child, SIGKILL);
	t_need(waitpid(child, NULL, 0) == child, "waitpid");
}

/* As many equal letters as there are at the beginning */
static size_t span(const char *text)
{
	return strspn(text, (const char[]){ text[0], '\0' });
}

/* Each name is of one letter: what is read while it changes must be one, too. */
static void test_names(void)
{
	char name[DMA_BUF_NAME_LEN] = "", text[1024], path[64];
	int buf, failed = 0, torn = 0, read = 0;
	struct group g;
	pid_t child;
	long slab;

	group_begin(&g, "names without end");
	buf = new_buffer(page_size());
	t_err(ioctl(buf, DMA_BUF_SET_NAME, "first"), 0, "a name");
	slab = slab_kb();
	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		for (int i = 0;; i++) {
			memset(name, 'a' + i % 26, sizeof(name) - 1);
			name[1 + i % (sizeof(name) - 1)] = '\0';
			ioctl(buf, DMA_BUF_SET_NAME, name);
		}
	}
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", buf);
	for (int i = 0; i < 200; i++) {
		const char *at;

		if (!read_file(path, text, sizeof(text)))
			continue;
		at = strstr(text, "\nname:\t");
		read += !!at;
		if (at && strncmp(at + 7, "first", 5))
			torn += at[7 + span(at + 7)] != '\n';
	}
	end_child(child);
	t_ok(read == 200 && !torn, "a reader finds whole names, and is not kept waiting");
	for (int i = 0; i < NAMES; i++)
		failed += ioctl(buf, DMA_BUF_SET_NAME, i % 2 ? "odd" : "even") != 0;
	t_ok(!failed, "%d names", NAMES);
	/* a name of each would be some megabytes */
	t_ok(slab_kb() - slab < 2048, "of which the kernel keeps one");
	close(buf);
	group_end(&g);
}

/* Each file of the card has an object of its own for the buffer, and that an attachment. */
static void test_attachments(void)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_RW };
	int cards[ATTACHMENTS], n, buf, other;
	struct group g;
	__u32 handle;

	n = open_card("vgem");
	if (n < 0) {
		t_skip("no importer vgem: load its module");
		return;
	}
	close(n);
	group_begin(&g, "devices without end");
	buf = new_buffer(page_size());
	other = new_buffer(page_size());
	for (n = 0; n < ATTACHMENTS; n++) {
		cards[n] = open_card("vgem");
		if (cards[n] < 0 || prime_import(cards[n], buf, &handle))
			break;
	}
	t_ok(n == ATTACHMENTS, "%d devices", ATTACHMENTS);
	t_ok(attached(other) == 0, "another buffer has none");
	sync.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW;
	t_err(ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync), 0, "to begin");
	sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW;
	t_err(ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync), 0, "and to end an access");
	/* those in the middle first */
	for (int i = n / 4; i < n / 4 * 3; i++)
		close(cards[i]);
	for (int i = 0; i < n / 4; i++)
		close(cards[i]);
	for (int i = n / 4 * 3; i < n; i++)
		close(cards[i]);
	t_ok(becomes_detached(buf), "all are gone");
	close(buf);
	close(other);
	group_end(&g);
}

/* The list of all buffers can be read while others make and drop some all the time. */
static void test_bufinfo(void)
{
	static int fds[BUFFERS];
	int heap, n, *rounds, before;
	struct group g;
	pid_t child;

	group_begin(&g, "bufinfo");
	rounds = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	t_need(rounds != MAP_FAILED, "mmap");
	heap = open_heap("system");
	for (n = 0; n < BUFFERS; n++) {
		fds[n] = alloc_fd(heap, page_size());
		if (fds[n] < 0)
			break;
		ioctl(fds[n], DMA_BUF_SET_NAME, "one of many");
	}
	t_ok(n == BUFFERS, "%d buffers", BUFFERS);
	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		for (;; __atomic_add_fetch(rounds, 1, __ATOMIC_RELAXED))
			close(alloc_fd(heap, page_size()));
	}
	/* the newest come first, so that it has an end */
	for (int i = 0; i < 3; i++) {
		before = __atomic_load_n(rounds, __ATOMIC_RELAXED);
		t_ok(count_objects() >= BUFFERS, "the list has an end, and all of them");
		t_ok(__atomic_load_n(rounds, __ATOMIC_RELAXED) != before,
		     "who makes buffers goes on");
	}
	end_child(child);
	while (n)
		close(fds[--n]);
	close(heap);
	munmap(rounds, page_size());
	group_end(&g);
}

/* Whoever has a file that may be read only cannot make more of it. */
static void test_read_only(void)
{
	struct dma_heap_allocation_data data = {
		.len = page_size(), .fd_flags = O_RDONLY | O_CLOEXEC,
	};
	int heap, buf, copy, mem, card;
	struct drm_mode_map_dumb map = { 0 };
	char path[64], byte = 1;
	struct group g;
	char *p;

	group_begin(&g, "a file that may only be read");
	heap = open_heap("system");
	t_need(!ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), "allocate");
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
	card = open_card("vgem");
	if (card >= 0) {
		t_err(prime_import(card, buf, &map.handle), 0, "a device has it");
		t_err(ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map), EINVAL,
		      "and does not give it to be mapped");
		close(card);
	}
	close(buf);
	close(heap);
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

static void test_answers(void)
{
	struct sync_merge_data merge;
	struct sw_sync_create new;
	struct sync_fence_info each[4];
	struct sync_file_info info;
	const char fills[] = { 0x5a, (char)0xa5 };
	bool clean = true, spare = true;
	int line, fences[2];
	struct group g;

	group_begin(&g, "answers hold nothing of the kernel's");
	if (!have_fences())
		return;
	line = timeline_open();
	for (size_t i = 0; i < ARRAY_SIZE(fills); i++) {
		const char fill = fills[i];

		memset(&new, fill, sizeof(new));
		new.value = 1;
		strcpy(new.name, "a");
		t_need(!ioctl(line, SW_SYNC_CREATE, &new), "fence");
		fences[0] = new.fence;
		clean &= is_clean_name(new.name, sizeof(new.name), fill);
		fences[1] = timeline_fence(line, 2);
		memset(&merge, fill, sizeof(merge));
		strcpy(merge.name, "b");
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
	close(line);
	group_end(&g);
}

/*
 * Each pin of a page counts as 1024 references, and there are 31 bits for them.
 * In C the counter overflows, which the kernel notices, with a warning.
 */
static void test_pins(void)
{
	static struct udmabuf_create_item items[ITEMS];
	static int lists[LISTS];
	int device, fd, n, err, log;
	struct group g;

	group_begin(&g, "pins without end");
	device = udmabuf_open();
	if (device < 0)
		return;
	log = log_open();
	fd = new_memfd(1, F_SEAL_SHRINK);
	for (n = 0; n < ITEMS; n++)
		items[n] = pages_of(fd, 0, 1);
	for (n = 0; n < LISTS; n++) {
		lists[n] = udmabuf_of_list(items, ITEMS);
		if (lists[n] < 0)
			break;
	}
	err = errno;
	t_note("a page is pinned %d times", n * ITEMS);
	t_ok(n < LISTS && err == ENOMEM, "there is an end to it: no memory");
	t_ok(n > 256, "which is far beyond what anybody needs");
	while (n)
		close(lists[--n]);
	n = udmabuf_of_list(items, ITEMS);
	t_err(n, 0, "then it can be pinned again");
	close(n);
	close(fd);
	t_ok(log_is_clean(log), "the kernel has nothing to say about it");
	close(log);
	close(device);
	group_end(&g);
}

/* Of each size that memory is taken in, and just beside it: nobody's data is in it. */
static void test_pages(const char *name)
{
	const size_t sizes[] = { 1, 2, 15, 16, 17, 255, 256, 257, 512 };
	int heap, dirty = 0;
	struct group g;

	group_begin(&g, "pages of others");
	heap = open_heap(name);
	for (int round = 0; round < 6; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			size_t len = sizes[i] * page_size();
			int fd = alloc_fd(heap, len);
			char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
				       MAP_SHARED, fd, 0);

			t_need(p != MAP_FAILED, "mmap");
			for (size_t at = 0; at < len; at += 64)
				dirty += p[at] || p[at + 63];
			memset(p, 0x5a, len);
			munmap(p, len);
			close(fd);
		}
	}
	t_ok(!dirty, "%s: none are seen", name);
	close(heap);
	group_end(&g);
}

int main(int argc, char **argv)
{
	char heaps[MAX_HEAPS][64];
	int n;

	t_begin();
	want_fds(2 * BUFFERS);
	/* to be seen with the C core, which warns */
	if (argc > 1 && !strcmp(argv[1], "pins")) {
		test_pins();
		return t_end();
	}
	n = list_heaps(heaps);
	for (int i = 0; i < n; i++)
		test_pages(heaps[i]);
	test_answers();
	test_read_only();
	test_names();
	test_attachments();
	test_bufinfo();
	if (is_rust_core())
		test_pins();
	else
		t_skip("pins without end: in C the count of a page's users overflows");
	return t_end();
}
