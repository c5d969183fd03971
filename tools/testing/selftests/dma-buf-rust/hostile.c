// SPDX-License-Identifier: GPL-2.0
/*
 * What a process that has a heap, and no rights, does to others: more names and
 * devices than anybody needs, answers that might show the kernel's memory, files
 * that it may only read. dma-buf-rust-hostile.rst tells what comes of it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <linux/dma-buf.h>

#include "hostile.h"
#include "nobody.h"
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
static void rename_it(void *with)
{
	char name[DMA_BUF_NAME_LEN] = "", text[1024], path[64];
	int buf = *(int *)with, failed = 0, torn = 0, others = 0;
	pid_t child;

	t_err(ioctl(buf, DMA_BUF_SET_NAME, "first"), 0, "a name");
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
	for (int ms = 0; ms < PATIENCE_MS && read_file(path, text, sizeof(text)) &&
	     strstr(text, "\nname:\tfirst\n"); ms++)
		nap_ms(1);
	for (int i = 0; i < 200; i++) {
		const char *at;

		if (!read_file(path, text, sizeof(text)))
			continue;
		at = strstr(text, "\nname:\t");
		if (!at || !strncmp(at + 7, "first", 5))
			continue;
		others++;
		torn += at[7 + span(at + 7)] != '\n';
	}
	end_child(child);
	t_ok(others == 200 && !torn, "a reader finds whole names, and is not kept waiting");
	for (int i = 0; i < NAMES; i++)
		failed += ioctl(buf, DMA_BUF_SET_NAME, i % 2 ? "odd" : "even") != 0;
	t_ok(!failed, "%d names", NAMES);
}

static void test_names(void)
{
	struct group g;
	long slab;
	int buf;

	group_begin(&g, "names without end");
	buf = new_buffer(page_size());
	slab = slab_kb();
	as_nobody(rename_it, &buf);
	/* a name of each would be some megabytes */
	t_ok(slab_kb() - slab < 2048, "of which the kernel keeps one");
	close(buf);
	group_end(&g);
}

/* Each file of the card has an object of its own for the buffer, and that an attachment. */
static int cards[ATTACHMENTS];

static void access_it(int buf, const char *whose)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };
	__u64 begun = now_ns();

	t_err(ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync), 0, "to begin an access of %s", whose);
	sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW;
	t_err(ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync), 0, "and to end it");
	t_note("%s: %llu us", whose, (now_ns() - begun) / 1000);
}

static void attach_all(void *with)
{
	int n = 0, buf = *(int *)with;
	__u32 handle;

	while (n < ATTACHMENTS && !prime_import(cards[n], buf, &handle))
		n++;
	t_ok(n == ATTACHMENTS, "%d devices", ATTACHMENTS);
	access_it(buf, "theirs");
}

static void test_attachments(void)
{
	const int n = ATTACHMENTS;
	int buf, other, new;
	struct group g;

	cards[0] = open_card("vgem");
	if (cards[0] < 0) {
		t_skip("no importer vgem: load its module");
		return;
	}
	close(cards[0]);
	group_begin(&g, "devices without end");
	buf = new_buffer(page_size());
	other = new_buffer(page_size());
	for (int i = 0; i < n; i++) {
		cards[i] = open_card("vgem");
		t_need(cards[i] >= 0, "vgem");
	}
	as_nobody(attach_all, &buf);
	t_ok(attached(buf) == n, "all are there");
	t_ok(attached(other) == 0, "another buffer has none");
	access_it(other, "the other one");
	new = new_buffer(page_size());
	access_it(new, "a new one");
	close(new);
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

/* Says when it has many, and goes on to make and drop some. */
static void starve(int heap, int *rounds, int ready)
{
	int n = 0, fd;

	drop_rights();
	while (n < BUFFERS) {
		fd = alloc_fd(heap, page_size());
		if (fd < 0 || ioctl(fd, DMA_BUF_SET_NAME, "one of many"))
			break;
		n++;
	}
	t_need(write(ready, &n, sizeof(n)) == sizeof(n), "write");
	for (;;) {
		fd = alloc_fd(heap, page_size());
		__atomic_add_fetch(rounds, fd >= 0, __ATOMIC_RELAXED);
		close(fd);
	}
}

/* The list of all buffers can be read while nobody makes and drops some all the time. */
static void test_bufinfo(void)
{
	int heap, n = 0, *rounds, before, ready[2];
	struct group g;
	pid_t child;

	group_begin(&g, "bufinfo");
	rounds = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	t_need(rounds != MAP_FAILED, "mmap");
	heap = open_heap("system");
	t_need(!pipe2(ready, O_CLOEXEC), "pipe2");
	child = fork();
	t_need(child >= 0, "fork");
	if (!child)
		starve(heap, rounds, ready[1]);
	close(ready[1]);
	t_need(read(ready[0], &n, sizeof(n)) == sizeof(n), "what the child has");
	t_ok(n == BUFFERS, "%d buffers", BUFFERS);
	/* the newest come first, so that it has an end */
	for (int i = 0; i < 3; i++) {
		before = __atomic_load_n(rounds, __ATOMIC_RELAXED);
		t_ok(count_objects() >= BUFFERS, "the list has an end, and all of them");
		t_ok(__atomic_load_n(rounds, __ATOMIC_RELAXED) != before,
		     "who makes buffers goes on");
	}
	end_child(child);
	close(ready[0]);
	close(heap);
	munmap(rounds, page_size());
	group_end(&g);
}

/*
 * Each pin of a page counts as 1024 references, and there are 31 bits for them.
 * In C the counter overflows, which the kernel notices, with a warning.
 */
static void pin_it(void *unused)
{
	static struct udmabuf_create_item items[ITEMS];
	static int lists[LISTS];
	int fd, n, err;

	(void)unused;
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
}

static void test_pins(void)
{
	struct group g;
	int device, log;

	device = udmabuf_open();
	if (device < 0)
		return;
	group_begin(&g, "pins without end");
	log = log_open();
	as_nobody(pin_it, NULL);
	t_ok(log_is_clean(log), "the kernel has nothing to say about it");
	close(log);
	group_end(&g);
	close(device);
}

/* Of each size that memory is taken in, and just beside it: nobody's data is in it. */
static void look_at_pages(void *with)
{
	const size_t sizes[] = { 1, 2, 15, 16, 17, 255, 256, 257, 512 };
	int heap = *(int *)with, dirty = 0;

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
	t_ok(!dirty, "pages of others are not seen");
}

static void want_too_much(void *with)
{
	const __u64 lengths[] = { 0, ~0ULL, ~0ULL - page_size() + 2 };
	int heap = *(int *)with;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		t_err(alloc_fd(heap, lengths[i]), EINVAL, "len 0x%llx", lengths[i]);
}

static void test_heap(const char *name)
{
	struct group g;
	int heap, log;

	group_begin(&g, name);
	log = log_open();
	heap = open_heap(name);
	as_nobody(look_at_pages, &heap);
	as_nobody(want_too_much, &heap);
	t_ok(log_is_clean(log), "the kernel has nothing to say about it");
	close(log);
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
		test_heap(heaps[i]);
	test_answers();
	test_read_only();
	test_line_breaks();
	test_names();
	test_attachments();
	test_bufinfo();
	if (is_rust_core())
		test_pins();
	else
		t_skip("pins without end: in C the count of a page's users overflows");
	return t_end();
}
