// SPDX-License-Identifier: GPL-2.0
/*
 * A heap that is taken away: with a file of it open, while it allocates, and
 * while others open it. heap_removal.ko has the heap and does as it is told.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-heap.h>

#include "common.h"
#include "modules.h"

#define CONTROL		"/dev/heap_removal"
#define HEAP		"/dev/dma_heap/heap_removal"
#define ADD		_IO('h', 0)
#define REMOVE		_IO('h', 1)
#define HOLD		_IO('h', 2)
#define LET_GO		_IO('h', 3)
#define INSIDE		_IO('h', 4)
#define ALIVE		_IO('h', 5)
#define FORGET		_IO('h', 6)
#define SECONDS		4
#define OPENERS		3

static int control_open(void)
{
	int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

	t_need(fd >= 0, CONTROL);
	return fd;
}

static int heap_open(void)
{
	return open(HEAP, O_RDONLY | O_CLOEXEC);
}

static int heap_alloc(int heap)
{
	return alloc_fd(heap, page_size());
}

static int unload(void)
{
	return module_unload("heap_removal");
}

/* Waits, not for ever, until the ioctl of the control file returns this. */
static bool comes_to(int control, unsigned long cmd, int wanted)
{
	for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
		if (ioctl(control, cmd) == wanted)
			return true;
		nap_ms(10);
	}
	return false;
}

static bool holds_page(int buf)
{
	char *p = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
		       buf, 0);
	bool zeroed;

	if (p == MAP_FAILED)
		return false;
	zeroed = !p[0] && !p[page_size() - 1];
	p[0] = 1;
	munmap(p, page_size());
	return zeroed;
}

static void test_add(void)
{
	struct dma_heap_allocation_data data = { .len = 1, .heap_flags = 1 };
	int control, other, heap, stale, buf;
	struct group g;

	group_begin(&g, "adding and removing");
	control = control_open();
	other = control_open();
	t_err(heap_open(), ENOENT, "no heap yet");
	t_err(ioctl(control, REMOVE), ENOENT, "nothing to be removed");
	t_err(ioctl(control, ADD), 0, "add");
	t_err(ioctl(other, ADD), EEXIST, "add another of that name");
	t_ok(!ioctl(other, ALIVE), "which is dropped");
	stale = heap_open();
	buf = heap_alloc(stale);
	t_err(buf, 0, "allocate");

	t_err(ioctl(control, REMOVE), 0, "remove while a file is open");
	t_ok(!ioctl(control, ALIVE), "the heap is dropped");
	t_err(heap_alloc(stale), ENODEV, "allocate from the file");
	t_err(ioctl(stale, DMA_HEAP_IOCTL_ALLOC, &data), EINVAL,
	      "a bad flag is told first");
	t_err(heap_open(), ENOENT, "open");
	t_ok(holds_page(buf), "the buffer is still of use");

	t_err(ioctl(other, ADD), 0, "the other may have the name now");
	heap = heap_open();
	close(buf);
	buf = heap_alloc(heap);
	t_err(buf, 0, "allocate from it");
	t_err(heap_alloc(stale), ENODEV, "the old file is no file of it");
	close(stale);
	close(buf);
	close(control);
	close(other);
	t_err(heap_alloc(heap), ENODEV, "it goes with its owner");
	close(heap);
	group_end(&g);
}

struct call {
	pthread_t thread;
	int fd;
	int ret;
	bool done;
};

static void *allocate(void *arg)
{
	struct call *call = arg;

	call->ret = heap_alloc(call->fd);
	__atomic_store_n(&call->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void *remove_heap(void *arg)
{
	struct call *call = arg;

	call->ret = ioctl(call->fd, REMOVE);
	__atomic_store_n(&call->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void begin(struct call *call, void *(*what)(void *), int fd)
{
	call->fd = fd;
	call->done = false;
	t_need(!pthread_create(&call->thread, NULL, what, call),
	       "pthread_create");
}

static bool is_done(struct call *call)
{
	return __atomic_load_n(&call->done, __ATOMIC_ACQUIRE);
}

static int end(struct call *call)
{
	pthread_join(call->thread, NULL);
	return call->ret;
}

/* Until the name is free: the heap is going, but who is inside stays. */
static bool name_is_free(int control)
{
	for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
		if (!ioctl(control, ADD))
			return true;
		nap_ms(10);
	}
	return false;
}

static void test_in_flight(void)
{
	struct call allocations[3], removal;
	int control, other, heap, newer;
	struct group g;
	int bufs = 0;

	group_begin(&g, "removing while it allocates");
	control = control_open();
	other = control_open();
	t_err(ioctl(control, ADD), 0, "add");
	ioctl(control, HOLD);
	heap = heap_open();
	for (size_t i = 0; i < ARRAY_SIZE(allocations); i++)
		begin(&allocations[i], allocate, heap);
	t_ok(comes_to(control, INSIDE, ARRAY_SIZE(allocations)),
	     "three are inside");

	begin(&removal, remove_heap, control);
	t_ok(name_is_free(other), "the name is free at once");
	t_err(heap_alloc(heap), ENODEV, "nobody gets in any more");
	newer = heap_open();
	close(heap_alloc(newer));
	nap_ms(200);
	t_ok(!is_done(&removal) && ioctl(control, ALIVE) == 1 &&
	     ioctl(control, INSIDE) == ARRAY_SIZE(allocations),
	     "the removal waits for them");

	ioctl(control, LET_GO);
	t_ok(!end(&removal), "until they are let go");
	t_ok(!ioctl(control, ALIVE), "the heap is dropped");
	for (size_t i = 0; i < ARRAY_SIZE(allocations); i++) {
		int buf = end(&allocations[i]);

		bufs += buf >= 0 && holds_page(buf);
		close(buf);
	}
	t_ok(bufs == ARRAY_SIZE(allocations), "they got their buffers");
	close(heap);
	close(newer);
	close(control);
	close(other);
	group_end(&g);
}

static bool stop;

struct opener {
	pthread_t thread;
	unsigned long opened, allocated, refused;
	int bad;
};

static void *open_and_allocate(void *arg)
{
	struct opener *o = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		int heap = heap_open(), buf;

		if (heap < 0) {
			/* no node; no heap of that number, or one that goes */
			if (errno != ENOENT && errno != ENXIO)
				o->bad = errno;
			continue;
		}
		o->opened++;
		for (int i = 0; i < 4; i++) {
			buf = heap_alloc(heap);
			if (buf >= 0) {
				o->allocated++;
				close(buf);
			} else if (errno == ENODEV) {
				o->refused++;
			} else {
				o->bad = errno;
			}
		}
		close(heap);
	}
	return NULL;
}

/* What all of them have seen so far; they may be running. */
static struct opener sum_of(const struct opener openers[OPENERS])
{
	struct opener all = { 0 };

	for (int i = 0; i < OPENERS; i++) {
		const struct opener *o = &openers[i];

		all.opened += __atomic_load_n(&o->opened, __ATOMIC_RELAXED);
		all.allocated += __atomic_load_n(&o->allocated, __ATOMIC_RELAXED);
		all.refused += __atomic_load_n(&o->refused, __ATOMIC_RELAXED);
		if (o->bad)
			all.bad = o->bad;
	}
	return all;
}

static void test_race(void)
{
	struct opener openers[OPENERS] = { 0 }, all;
	int control, log, failed = 0;
	unsigned long rounds = 0;
	__u64 deadline;
	struct group g;

	group_begin(&g, "removing while it is opened");
	log = log_open();
	control = control_open();
	for (int i = 0; i < OPENERS; i++)
		t_need(!pthread_create(&openers[i].thread, NULL,
				       open_and_allocate, &openers[i]),
		       "pthread_create");
	deadline = now_ns() + SECONDS * 1000000000ULL;
	do {
		failed |= ioctl(control, ADD);
		/* for some rounds a while, that they get to allocate */
		if (rounds++ % 4)
			nap_ms(1);
		failed |= ioctl(control, REMOVE);
		failed |= ioctl(control, ALIVE);
		all = sum_of(openers);
	} while (now_ns() < deadline || !all.allocated || !all.refused);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < OPENERS; i++)
		pthread_join(openers[i].thread, NULL);
	all = sum_of(openers);
	t_note("%lu times added and removed; %lu times opened, %lu buffers, %lu refused",
	       rounds, all.opened, all.allocated, all.refused);
	t_ok(!failed, "added and removed each time");
	if (all.bad)
		t_note("got %s (errno %d)", strerror(all.bad), all.bad);
	t_ok(!all.bad, "nothing but what is expected");
	t_ok(all.allocated && all.refused, "some got buffers, some came late");
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	close(control);
	close(log);
	group_end(&g);
}

/* Leaves nothing open but what is asked for. */
static int only(bool want_buffer)
{
	int control = control_open(), heap, buf;

	t_err(ioctl(control, ADD), 0, "add");
	heap = heap_open();
	buf = heap_alloc(heap);
	close(control);
	close(want_buffer ? heap : buf);
	return want_buffer ? buf : heap;
}

static void test_unload(void)
{
	int fd = only(false);

	t_err(unload(), EAGAIN, "unload with an open file of the heap");
	close(fd);
	fd = only(true);
	t_err(unload(), EAGAIN, "unload with a buffer of the heap");
	close(fd);
	t_err(unload(), 0, "unload");
	t_err(open(CONTROL, O_RDWR), ENOENT, "it is gone");
}

/* Nobody is left who could remove it, but for the unloading itself. */
static void test_forgotten(void)
{
	int control = control_open(), heap;

	t_err(ioctl(control, ADD), 0, "add a heap");
	t_err(ioctl(control, FORGET), 0, "which is forgotten");
	close(control);
	heap = heap_open();
	t_ok(heap >= 0, "it is still there");
	t_err(unload(), EAGAIN, "unload with an open file of it");
	close(heap);
	t_err(unload(), 0, "unload");
	/* Not opened: if the heap was there its module would be asked. */
	t_err(access(HEAP, F_OK), ENOENT, "it has gone with its module");
}

int main(int argc, char **argv)
{
	int module, control;

	t_begin();
	module = open_module(argc > 1 ? argv[1] : NULL, "heap_removal");
	if (module < 0) {
		t_skip("no heap_removal.ko beside this program: %s",
		       strerror(errno));
		return t_end();
	}
	t_err(insert_module(module, ""), 0, "load");
	control = control_open();
	if (ioctl(control, REMOVE) && errno == EOPNOTSUPP) {
		t_skip("heaps stay for ever with this implementation");
		return t_end();
	}
	close(control);
	test_add();
	test_in_flight();
	test_race();
	test_unload();
	/* Once more, as if for the first time. */
	t_err(insert_module(module, ""), 0, "load again");
	test_add();
	test_forgotten();
	t_err(insert_module(module, ""), 0, "and again");
	test_add();
	t_err(unload(), 0, "unload at last");
	close(module);
	return t_end();
}
