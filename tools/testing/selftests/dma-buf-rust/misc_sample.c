// SPDX-License-Identifier: GPL-2.0
/*
 * The sample module rust_dma_buf_misc: a text that is shared as a dma-buf, and
 * everything that the first exporters of this kind used to get wrong.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "common.h"
#include "modules.h"
#include "rust_samples.h"

#define DEVICE		RUST_DMA_BUF_MISC_DEVICE
#define GET_FD		RUST_DMA_BUF_MISC_GET_FD
#define MODULE		"rust_dma_buf_misc"
#define HELLO		"Hello from a dma-buf!\n"
#define PROGRAM		"misc_text"
#define MANY		2000
#define CYCLES		50
#define SECONDS		2
/* File descriptors of a process that shall run out of them */
#define FEW_FDS		200

/* The text, read from the device */
struct answer {
	char text[4096];
	ssize_t len;
};

static int module_fd;

static int load(const char *params)
{
	return insert_module(module_fd, params);
}

static int device_open(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	t_need(fd >= 0, DEVICE);
	return fd;
}

static int get_fd(int device, __u32 flags)
{
	struct rust_dma_buf_misc_get_fd arg = { .fd = -1, .flags = flags };

	return ioctl(device, GET_FD, &arg) ? -1 : arg.fd;
}

static char *map(int buf, size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, buf, 0);
}

static void ask(int device, struct answer *a)
{
	memset(a->text, 0, sizeof(a->text));
	a->len = pread(device, a->text, sizeof(a->text), 0);
}

static bool says(int device, const char *text)
{
	struct answer a;

	ask(device, &a);
	if (a.len == (ssize_t)strlen(text) && !strcmp(a.text, text))
		return true;
	t_note("%zd bytes: %s", a.len, a.text);
	return false;
}

static bool sync_cpu(int buf, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return !ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync);
}

static void test_contents(void)
{
	int device, buf, other;
	char byte[2], *p, *q;
	struct group g;
	bool zero = true;

	group_begin(&g, "contents");
	device = device_open();
	t_ok(says(device, HELLO), "the device has the module's text");
	buf = get_fd(device, O_RDWR);
	t_err(buf, 0, "a buffer");
	t_ok(lseek(buf, 0, SEEK_END) == (off_t)page_size(), "it is a page");
	p = map(buf, page_size());
	t_need(p != MAP_FAILED, "mmap");
	t_ok(!strcmp(p, HELLO), "the buffer has the text");
	for (size_t i = strlen(HELLO); i < page_size(); i++)
		zero &= !p[i];
	t_ok(zero, "and nothing else");

	t_ok(sync_cpu(buf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW), "begin");
	strcpy(p, "written by user space\n");
	t_ok(sync_cpu(buf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW), "end");
	t_ok(says(device, "written by user space\n"), "the device has ours");
	t_ok(pread(device, byte, 2, 8) == 2 && !memcmp(byte, "by", 2),
	     "a part of it");
	t_ok(!pread(device, byte, 2, 22), "nothing behind it");
	t_err(pread(device, ptr_unmapped(), 2, 0), EFAULT, "to a bad address");

	other = get_fd(device, O_RDWR);
	t_ok(inode_of(other) != inode_of(buf), "another buffer");
	q = map(other, page_size());
	t_ok(q != MAP_FAILED && !strcmp(q, p), "of the same memory");
	q[0] = 'W';
	t_ok(p[0] == 'W', "which both change");
	p[0] = '\0';
	t_ok(says(device, ""), "no text");
	strcpy(p, HELLO);
	munmap(q, page_size());
	munmap(p, page_size());
	close(other);
	close(buf);
	close(device);
	group_end(&g);
}

static void test_whole_page(void)
{
	int device = device_open(), buf = get_fd(device, O_RDWR);
	char *p = map(buf, page_size());
	size_t len = 0;
	char part[1000];
	ssize_t n;

	memset(p, 'x', page_size());
	while ((n = pread(device, part, sizeof(part), len)) > 0)
		len += n;
	t_ok(len == page_size(), "a text without an end ends with the memory");
	strcpy(p, HELLO);
	munmap(p, page_size());
	close(buf);
	close(device);
}

static void test_flags(void)
{
	static const __u32 bad[] = {
		O_CREAT, O_APPEND, O_NONBLOCK, O_TRUNC | O_RDWR, 0x80000000,
		~0U, ~(O_CLOEXEC | O_ACCMODE),
	};
	int device, buf;
	struct group g;

	group_begin(&g, "flags");
	device = device_open();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		t_err(get_fd(device, bad[i]), EINVAL, "flags %#x", bad[i]);
	buf = get_fd(device, O_RDWR | O_CLOEXEC);
	t_ok(fcntl(buf, F_GETFD) == FD_CLOEXEC, "O_CLOEXEC");
	close(buf);
	buf = get_fd(device, O_RDONLY);
	t_ok(!fcntl(buf, F_GETFD), "no O_CLOEXEC");
	t_ok((fcntl(buf, F_GETFL) & O_ACCMODE) == O_RDONLY, "O_RDONLY");
	t_ok(map(buf, page_size()) == MAP_FAILED && errno == EACCES,
	     "cannot be mapped for writing then");
	close(buf);
	close(device);
	group_end(&g);
}

static void test_numbers(void)
{
	static const unsigned long bad[] = {
		0, ~0UL, _IO('|', 0xa0), _IOR('|', 0xa0, __u64),
		_IOW('|', 0xa0, __u64), _IOWR('|', 0xa0, __u32),
		_IOWR('|', 0xa0, __u32[3]), _IOWR('|', 0xa1, __u64),
		_IOWR('{', 0xa0, __u64), DMA_BUF_IOCTL_SYNC,
	};
	__u32 arg[8] = { 0 };
	struct group g;
	int device;

	group_begin(&g, "ioctl numbers");
	device = device_open();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		t_err(ioctl(device, bad[i], arg), ENOTTY, "number %#lx", bad[i]);
	close(device);
	group_end(&g);
}

/* Which descriptor the next open() would get */
static int next_fd(int device)
{
	int fd = dup(device);

	close(fd);
	return fd;
}

static void bad_address(int device, void *arg, const char *what)
{
	int next = next_fd(device), objects = count_objects(), wrong = 0;

	t_err(ioctl(device, GET_FD, arg), EFAULT, "%s", what);
	for (int i = 0; i < LEAK_ROUNDS; i++)
		wrong += !ioctl(device, GET_FD, arg) || errno != EFAULT;
	t_ok(!wrong, "%s, again and again", what);
	t_ok(next_fd(device) == next, "%s: no fd is taken", what);
	t_ok(count_objects() == objects, "%s: no buffer is left", what);
}

static void test_addresses(void)
{
	const struct rust_dma_buf_misc_get_fd good = { .flags = O_RDWR };
	struct group g;
	int device;
	void *p;

	group_begin(&g, "addresses");
	device = device_open();
	bad_address(device, NULL, "NULL");
	bad_address(device, ptr_unmapped(), "unmapped");
	p = ptr_readonly(&good, sizeof(good));
	bad_address(device, p, "read-only");
	ptr_free(p);
	for (size_t inside = 1; inside < sizeof(good); inside += 3) {
		p = ptr_straddle(&good, sizeof(good), inside);
		bad_address(device, p, "half of it");
		ptr_free(p);
	}
	close(device);
	group_end(&g);
}

static void test_many(void)
{
	int device, failed = 0, n = 0, objects, fds[FEW_FDS];
	struct rlimit before, few;
	struct group g;

	group_begin(&g, "many buffers");
	device = device_open();
	for (int i = 0; i < MANY; i++) {
		int buf = get_fd(device, O_RDWR | O_CLOEXEC);
		char *p = map(buf, page_size());

		failed += p == MAP_FAILED;
		munmap(p, page_size());
		close(buf);
	}
	t_ok(!failed, "%d one after the other", MANY);

	objects = count_objects();
	getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	few.rlim_cur = FEW_FDS;
	setrlimit(RLIMIT_NOFILE, &few);
	while (n < FEW_FDS && (fds[n] = get_fd(device, O_RDWR)) >= 0)
		n++;
	t_err(n < FEW_FDS ? -1 : 0, EMFILE, "%d at once, and one more", n);
	failed = 0;
	for (int i = 0; i < LEAK_ROUNDS; i++)
		failed += get_fd(device, O_RDWR) >= 0 || errno != EMFILE;
	t_ok(!failed, "and more");
	setrlimit(RLIMIT_NOFILE, &before);
	t_ok(count_objects() == objects + n, "there are that many");
	while (n--)
		close(fds[n]);
	close(device);
	group_end(&g);
}

static bool stop;

static void *get_and_read(void *arg)
{
	unsigned long *rounds = arg;
	int device = device_open();
	struct answer a;

	do {
		int buf = get_fd(device, O_RDWR | O_CLOEXEC);
		char *p = map(buf, page_size());

		close(buf);
		/* what somebody else is writing */
		ask(device, &a);
		if (p == MAP_FAILED || a.len < 0 || a.text[0] != 'H')
			break;
		munmap(p, page_size());
		++*rounds;
	} while (!__atomic_load_n(&stop, __ATOMIC_RELAXED));
	close(device);
	return NULL;
}

static void test_race(void)
{
	unsigned long rounds[3] = { 0 }, all = 0;
	pthread_t threads[3];
	int device, buf, log;
	struct group g;
	bool ok = true;
	__u64 deadline;
	char *p;

	group_begin(&g, "reading while it is written");
	log = log_open();
	device = device_open();
	buf = get_fd(device, O_RDWR);
	p = map(buf, page_size());
	strcpy(p, HELLO);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		t_need(!pthread_create(&threads[i], NULL, get_and_read,
				       &rounds[i]), "pthread_create");
	deadline = now_ns() + SECONDS * 1000000000ULL;
	for (char c = 'a'; now_ns() < deadline; c = c == 'z' ? 'a' : c + 1)
		memset(p + 1, c, 3000);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], NULL);
		ok &= rounds[i] > 0;
		all += rounds[i];
	}
	t_note("%lu buffers", all);
	t_ok(ok, "all get on");
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	memset(p, 0, page_size());
	strcpy(p, HELLO);
	munmap(p, page_size());
	close(buf);
	close(device);
	close(log);
	group_end(&g);
}

static void test_unload(void)
{
	int device = device_open(), buf;
	char *p;

	t_err(module_unload(MODULE), EAGAIN, "unload with the device open");
	buf = get_fd(device, O_RDWR);
	close(device);
	t_err(module_unload(MODULE), EAGAIN, "unload with a buffer");
	p = map(buf, page_size());
	close(buf);
	nap_ms(50);
	t_err(module_unload(MODULE), EAGAIN, "unload with a mapping");
	t_ok(!strcmp(p, HELLO), "which is still of use");
	munmap(p, page_size());
	t_err(module_unload_soon(MODULE), 0, "unload");
	t_err(open(DEVICE, O_RDWR), ENOENT, "the device is gone");
}

/* A cycle in which everything is used */
static bool cycle(void *unused)
{
	int device, buf;
	char *p;
	bool ok;

	(void)unused;
	if (load(""))
		return false;
	device = device_open();
	buf = get_fd(device, O_RDWR);
	p = map(buf, page_size());
	ok = p != MAP_FAILED && !strcmp(p, HELLO);
	strcpy(p, "not seen by the next one\n");
	close(buf);
	close(device);
	munmap(p, page_size());
	return !module_unload_soon(MODULE) && ok;
}

static void test_cycles(void)
{
	t_ok(nothing_is_lost(CYCLES, CYCLES, cycle, NULL),
	     "nothing is left of it");
}

static void test_size(const char *size, unsigned int pages)
{
	char params[64];
	int device, buf;

	snprintf(params, sizeof(params), "size=%s", size);
	t_err(load(params), 0, "%s", params);
	device = device_open();
	buf = get_fd(device, O_RDWR);
	t_ok(lseek(buf, 0, SEEK_END) == (off_t)(pages * page_size()),
	     "%s: %u pages", params, pages);
	close(buf);
	close(device);
	t_err(module_unload_soon(MODULE), 0, "%s: unload", params);
}

static void test_sizes(void)
{
	char size[32];
	int log = log_open();

	test_size("1", 1);
	snprintf(size, sizeof(size), "%zu", page_size());
	test_size(size, 1);
	snprintf(size, sizeof(size), "%zu", page_size() + 1);
	test_size(size, 2);
	snprintf(size, sizeof(size), "%zu", 5 * page_size());
	test_size(size, 8);
	snprintf(size, sizeof(size), "size=%lu", LONG_MAX / 2UL);
	t_err(load(size), ENOMEM, "%s", size);
	snprintf(size, sizeof(size), "size=%lu", ULONG_MAX);
	t_err(load(size), ENOMEM, "%s", size);
	t_err(load("size=much"), EINVAL, "size=much");
	t_ok(!module_is_loaded(MODULE), "is not loaded");
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	close(log);
}

/* The program that goes with the sample, where there is one beside this one */
static void test_program(void)
{
	static const char expected[] = "in the buffer: " HELLO
		"in the device: Good morning\n";
	char text[256];

	t_err(load(""), 0, "load");
	if (sample_prints(PROGRAM, "Good morning\n", text, sizeof(text))) {
		if (strcmp(text, expected))
			t_note("%s", text);
		t_ok(!strcmp(text, expected), "and says what it should");
	}
	t_err(module_unload_soon(MODULE), 0, "unload");
}

int main(int argc, char **argv)
{
	t_begin();
	module_fd = open_module(argc > 1 ? argv[1] : NULL, MODULE);
	if (module_fd < 0) {
		t_skip("no %s.ko: %s", MODULE, strerror(errno));
		return t_end();
	}
	t_err(load(""), 0, "load");
	test_contents();
	test_whole_page();
	test_flags();
	test_numbers();
	test_addresses();
	test_many();
	test_race();
	test_unload();
	test_cycles();
	test_sizes();
	test_program();
	close(module_fd);
	return t_end();
}
