// SPDX-License-Identifier: GPL-2.0
/*
 * The sample importer, rust_dma_buf_importer: what CPU and device read, what it
 * refuses, and how it ends.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/dma-buf.h>

#include "importer_sample.h"
#include "modules.h"
#include "udmabufs.h"

#define MODULE	"rust_dma_buf_importer"
#define CYCLES	50

int device(void)
{
	return open(RUST_DMA_BUF_IMPORTER_DEVICE, O_RDWR | O_CLOEXEC);
}

int submit(int dev, int buf, __u32 *sum)
{
	struct rust_dma_buf_importer_submit arg = { .fd = buf };
	int ret = ioctl(dev, RUST_DMA_BUF_IMPORTER_SUBMIT, &arg);

	if (sum)
		*sum = arg.cpu_sum;
	return ret;
}

int result(int dev, struct rust_dma_buf_importer_result *res)
{
	return ioctl(dev, RUST_DMA_BUF_IMPORTER_RESULT, res);
}

__u32 fill(int buf, size_t len)
{
	static unsigned int seed = 1;
	struct dma_buf_sync sync = {
		.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE,
	};
	unsigned char *bytes;
	__u32 sum;

	bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, buf, 0);
	t_need(bytes != MAP_FAILED, "mmap");
	t_need(!ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync), "begin to write");
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245 + 12345;
		bytes[i] = seed >> 16;
	}
	sum = fnv1a(bytes, len);
	sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE;
	t_need(!ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync), "end to write");
	munmap(bytes, len);
	return sum;
}

/* CPU and device find what was written. */
static bool both_right(int dev, int buf, size_t len, unsigned int *entries)
{
	struct rust_dma_buf_importer_result res = { 0 };
	__u32 expected = fill(buf, len), cpu = 0;
	bool ok = !submit(dev, buf, &cpu) && !result(dev, &res);

	*entries = res.entries;
	return ok && cpu == expected && res.device_sum == expected;
}

static void test_heap(const char *name)
{
	size_t sizes[] = { 1, 3, 67, 257 };
	int dev = device(), heap = open_heap(name);
	unsigned int entries;
	struct group g;

	group_begin(&g, name);
	for (int i = 0; i < 4; i++) {
		size_t len = sizes[i] * page_size();
		int buf = alloc_fd(heap, len);

		t_need(buf >= 0, "allocate");
		t_ok(both_right(dev, buf, len, &entries),
		     "%s: both sums of %zu pages", name, sizes[i]);
		t_ok(entries > 0 && entries <= sizes[i],
		     "%s: %u entries", name, entries);
		t_ok(both_right(dev, buf, len, &entries), "%s: again", name);
		close(buf);
	}
	group_end(&g);
	close(heap);
	close(dev);
}

/* Pages in an order that leaves nothing to join */
static void test_udmabuf(void)
{
	struct udmabuf_create_item items[8];
	size_t pages = 8, len = pages * page_size();
	unsigned int entries;
	int dev, memfd, buf;
	struct group g;

	group_begin(&g, "udmabuf");
	dev = device();
	memfd = new_memfd(pages, F_SEAL_SHRINK);
	for (size_t i = 0; i < pages; i++)
		items[i] = pages_of(memfd, pages - 1 - i, 1);
	buf = udmabuf_of_list(items, pages);
	t_err(buf, 0, "a udmabuf of %zu pages", pages);
	t_ok(both_right(dev, buf, len, &entries), "both sums");
	close(buf);
	close(memfd);
	close(dev);
	group_end(&g);
}

static void test_arguments(void)
{
	struct rust_dma_buf_importer_submit *arg;
	struct rust_dma_buf_importer_result res;
	int dev, buf, other, fds[2];
	struct group g;
	long bad = 0;

	group_begin(&g, "arguments");
	dev = device();
	t_err(result(dev, &res), EINVAL, "a result without a job");
	t_err(submit(dev, -1, NULL), EBADF, "fd -1");
	t_err(submit(dev, 987, NULL), EBADF, "an fd that is not open");
	t_err(submit(dev, dev, NULL), EINVAL, "the device itself");
	t_need(!pipe(fds), "pipe");
	t_err(submit(dev, fds[0], NULL), EINVAL, "a pipe");
	t_err(result(dev, &res), EINVAL, "none of these left a job");
	close(fds[0]);
	close(fds[1]);
	t_err(ioctl(dev, _IO('|', 0xb0)), ENOTTY, "an ioctl of another size");
	t_err(ioctl(dev, _IO('|', 0xb7)), ENOTTY, "an ioctl that is not there");

	buf = new_buffer(page_size());
	arg = ptr_unmapped();
	t_err(ioctl(dev, RUST_DMA_BUF_IMPORTER_SUBMIT, arg), EFAULT, "no memory");
	ptr_free(arg);
	arg = ptr_readonly(&(struct rust_dma_buf_importer_submit){ .fd = buf },
			   sizeof(*arg));
	for (int i = 0; i < LEAK_ROUNDS; i++)
		bad += ioctl(dev, RUST_DMA_BUF_IMPORTER_SUBMIT, arg) != -1 ||
		       errno != EFAULT;
	t_ok(!bad, "read-only memory: %s", strerror(EFAULT));
	ptr_free(arg);
	t_ok(poll_now(buf, IN_OUT) == IN_OUT, "no fence is left");
	t_err(submit(dev, buf, NULL), 0, "a job");
	arg = ptr_unmapped();
	t_err(ioctl(dev, RUST_DMA_BUF_IMPORTER_RESULT, arg), EFAULT,
	      "its result to no memory");
	ptr_free(arg);
	t_err(result(dev, &res), 0, "and to memory");
	t_err(result(dev, &res), 0, "as often as one likes");
	other = device();
	t_err(result(other, &res), EINVAL, "each file has jobs of its own");
	close(other);
	close(buf);
	close(dev);
	group_end(&g);
}

bool is_done(const struct job *j)
{
	return __atomic_load_n(&j->done, __ATOMIC_ACQUIRE);
}

static void *do_submit(void *arg)
{
	struct job *j = arg;

	j->ret = submit(j->dev, j->buf, &j->sum) ? errno : 0;
	__atomic_store_n(&j->done, true, __ATOMIC_RELEASE);
	return NULL;
}

void begin(struct job *j, int dev, int buf)
{
	*j = (struct job){ .dev = dev, .buf = buf, .ret = -1 };
	t_need(!pthread_create(&j->thread, NULL, do_submit, j), "pthread_create");
}

static void *do_result(void *arg)
{
	struct rust_dma_buf_importer_result res;
	struct job *j = arg;

	j->ret = result(j->dev, &res) ? errno : 0;
	return NULL;
}

static void test_many(void)
{
	struct rust_dma_buf_importer_result res;
	struct job j[8];
	int dev, buf, bad = 0;
	unsigned int entries;
	struct group g;
	__u32 sum;

	group_begin(&g, "many jobs");
	dev = device();
	buf = new_buffer(8 * page_size());
	sum = fill(buf, 8 * page_size());
	for (int i = 0; i < 1000; i++)
		bad += submit(dev, buf, NULL) != 0;
	t_ok(!bad && !result(dev, &res) && res.device_sum == sum,
	     "1000 of one buffer");
	for (int i = 0; i < LEAK_ROUNDS; i++) {
		int one = new_buffer(MEGABYTE / 4);

		bad += submit(dev, one, NULL) != 0;
		close(one);
	}
	t_ok(!bad && !result(dev, &res), "of buffers that are closed at once");
	for (int i = 0; i < 8; i++)
		begin(&j[i], dev, buf);
	for (int i = 0; i < 8; i++) {
		pthread_join(j[i].thread, NULL);
		bad += j[i].ret || j[i].sum != sum;
	}
	t_ok(!bad, "by 8 threads");
	for (int i = 0; i < 8; i++) {
		j[i].dev = dev;
		t_need(!pthread_create(&j[i].thread, NULL, do_result, &j[i]),
		       "pthread_create");
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(j[i].thread, NULL);
		bad += j[i].ret;
	}
	t_ok(!bad, "8 threads wait for the last");
	t_ok(both_right(dev, buf, 8 * page_size(), &entries), "all is well");
	close(buf);
	close(dev);
	group_end(&g);
}

/* Who goes first, and what is left */
static void test_order(void)
{
	int dev, buf, writer;
	struct group g;
	bool ok = true;

	group_begin(&g, "the order of letting go");
	for (int i = 0; i < LEAK_ROUNDS; i++) {
		buf = new_buffer(MEGABYTE);
		dev = device();
		t_need(dev >= 0 && !submit(dev, buf, NULL), "submit");
		writer = export_fence(buf, DMA_BUF_SYNC_WRITE);
		if (i & 1) {
			close(dev);
			close(buf);
		} else {
			close(buf);
			close(dev);
		}
		ok &= poll_signalled(writer) && fence_status(writer) == 1;
		close(writer);
	}
	t_ok(ok, "a job whose file and buffer are closed is done");
	group_end(&g);
}

static void test_unload(void)
{
	int dev = device(), buf = new_buffer(page_size());

	t_err(module_unload(MODULE), EAGAIN, "unload with the device open");
	t_err(submit(dev, buf, NULL), 0, "which is still of use");
	close(buf);
	close(dev);
	t_err(module_unload_soon(MODULE), 0, "unload");
	t_err(device(), ENOENT, "the device is gone");
}

struct cycles {
	int module, refused;
};

/* The file is closed and the module asked to go while the job is running. */
static bool cycle(void *with)
{
	struct cycles *cycles = with;
	int dev, buf, writer;
	bool ok;

	if (insert_module(cycles->module, ""))
		return false;
	dev = device();
	buf = new_buffer(MEGABYTE);
	ok = dev >= 0 && !submit(dev, buf, NULL);
	close(dev);
	writer = export_fence(buf, DMA_BUF_SYNC_WRITE);
	close(buf);
	if (module_is_loaded(MODULE) && module_unload(MODULE))
		cycles->refused++;
	if (module_is_loaded(MODULE))
		ok &= !module_unload_soon(MODULE);
	/* Who waits for the job can do so whether or not there is a module. */
	ok &= poll_now(writer, POLLIN) == POLLIN && fence_status(writer) == 1;
	close(writer);
	return ok;
}

static void test_cycles(int module)
{
	struct cycles cycles = { .module = module };
	int log = log_open();

	t_ok(nothing_is_lost(CYCLES, CYCLES, cycle, &cycles),
	     "nothing is left of it");
	t_note("%d times not unloaded at once", cycles.refused);
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	close(log);
}

/* The program that goes with the sample, where there is one beside this one */
static void test_program(void)
{
	struct group g;
	char text[256];
	bool same;

	/* The device lets go of the buffer after it has answered. */
	group_begin(&g, "the program");
	if (sample_prints("import_checksum", "system", text, sizeof(text))) {
		same = strstr(text, ": the same\n");
		if (!same)
			t_note("%s", text);
		t_ok(same, "and finds the same three times");
	}
	group_end(&g);
}

int main(int argc, char **argv)
{
	int module, line, n;
	char heaps[MAX_HEAPS][64];

	t_begin();
	if (has_bounce_buffers()) {
		t_skip("its buffers have larger pieces than a bounce buffer");
		return t_end();
	}
	module = open_module(argc > 1 ? argv[1] : NULL, MODULE);
	if (module < 0) {
		t_skip("no %s.ko: %s", MODULE, strerror(errno));
		return t_end();
	}
	if (!module_is_loaded(MODULE))
		t_ok(!insert_module(module, ""), "load");
	test_program();
	n = list_heaps(heaps);
	for (int i = 0; i < n; i++)
		test_heap(heaps[i]);
	if (udmabuf_open() >= 0)
		test_udmabuf();
	test_arguments();
	test_fence();
	line = timeline_open();
	if (line >= 0) {
		test_waits(line);
		test_signals(line);
		close(line);
	} else {
		t_skip("no fences of others without CONFIG_SW_SYNC");
	}
	test_many();
	test_side_by_side();
	test_order();
	test_unload();
	test_cycles(module);
	close(module);
	return t_end();
}
