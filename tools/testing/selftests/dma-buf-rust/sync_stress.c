// SPDX-License-Identifier: GPL-2.0
/*
 * Fences under stress: threads make, merge, poll, signal and close the same few
 * fences and timelines, put them on the same few buffers and take them from
 * there. Usage: sync_stress [seconds [seed]].
 *
 * Three kinds of timelines meet in the files and buffers:
 * - those that all threads open, step and close as they like,
 * - one of each thread's own, that it alone steps: what holds a fence of it
 *   must not signal before,
 * - two that step all the time: who waits for a fence of theirs must wake.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "common.h"

#define WORKERS	8
#define LINES	6
#define FENCES	16
#define BUFS	4
#define BEATS	2
#define OPS	16
#define IN_OUT	(POLLIN | POLLOUT)
/* Slabs that are not full enough to be given back; a leak takes hundreds. */
#define SLAB_TOLERANCE_KB	1024
/* A wait that takes longer than this is one that nobody ends. */
#define HANG_MS	60000

/*
 * What all share: fds, -1 for none. Whoever exchanges one away closes it; whoever
 * only reads a number may find that it was closed, or is another file by now.
 */
static int lines[LINES];
static int fences[FENCES];
static int bufs[BUFS];

struct beat {
	pthread_t thread;
	int line;
	unsigned int value;
	bool stop;
};

static struct beat beats[BEATS];
static int heap;
static bool stop;

struct worker {
	pthread_t thread;
	__u32 seed;
	/* Never in the hands of others, never closed while threads run */
	int line;
	int buf;
	unsigned int value;
	unsigned long counts[OPS];
	const char *doing;
	unsigned long surprises;
	char surprise[128];
};

static __u32 rnd(struct worker *w)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 17;
	w->seed ^= w->seed << 5;
	return w->seed;
}

static void surprised(struct worker *w, const char *what)
{
	if (!w->surprises++)
		snprintf(w->surprise, sizeof(w->surprise), "%s: %s", w->doing,
			 what);
}

/* For calls on files of others; these errors say that one was exchanged. */
static int check(struct worker *w, int ret)
{
	if (ret < 0 && errno != EBADF && errno != ENOTTY && errno != EINVAL &&
	    errno != ENOENT)
		surprised(w, strerror(errno));
	return ret;
}

/* For calls on files of our own */
static int must(struct worker *w, int ret)
{
	if (ret < 0)
		surprised(w, strerror(errno));
	return ret;
}

static int *any(struct worker *w, int *slots, unsigned int n)
{
	return &slots[rnd(w) % n];
}

static int peek(int *slot)
{
	return __atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

/* Takes the fd over; what was there is closed. */
static void put(struct worker *w, int *slot, int fd)
{
	fd = __atomic_exchange_n(slot, fd, __ATOMIC_ACQ_REL);
	if (fd >= 0)
		must(w, close(fd));
}

static void do_open(struct worker *w)
{
	put(w, any(w, lines, LINES), must(w, timeline_open()));
}

static void do_end(struct worker *w)
{
	put(w, any(w, lines, LINES), -1);
}

static void do_step(struct worker *w)
{
	check(w, timeline_try_inc(peek(any(w, lines, LINES)), rnd(w) % 4));
}

static void do_fence(struct worker *w)
{
	int fence = check(w, timeline_try_fence(peek(any(w, lines, LINES)), rnd(w) % 64));

	if (fence >= 0)
		put(w, any(w, fences, FENCES), fence);
}

static void do_merge(struct worker *w)
{
	int fence = check(w, merge_fences(peek(any(w, fences, FENCES)),
					  peek(any(w, fences, FENCES)), ""));

	if (fence >= 0)
		put(w, any(w, fences, FENCES), fence);
}

static void do_close(struct worker *w)
{
	put(w, any(w, fences, FENCES), -1);
}

static void do_poll(struct worker *w)
{
	struct pollfd p[4];
	int n = 1 + rnd(w) % 4;

	for (int i = 0; i < n; i++)
		p[i] = (struct pollfd){
			.fd = rnd(w) % 3 ? peek(any(w, fences, FENCES)) :
					   peek(any(w, bufs, BUFS)),
			.events = 1 + rnd(w) % 7,
		};
	check(w, poll(p, n, rnd(w) % 3));
}

static void do_info(struct worker *w)
{
	struct sync_fence_info each[8];
	struct sync_file_info info;

	check(w, fence_info(peek(any(w, fences, FENCES)), &info, each,
			    rnd(w) % 9));
}

static void do_deadline(struct worker *w)
{
	struct sync_set_deadline set = { .deadline_ns = rnd(w) };
	struct sw_sync_deadline get = {
		.fence = peek(any(w, fences, FENCES)),
	};

	check(w, ioctl(peek(any(w, fences, FENCES)), SYNC_IOC_SET_DEADLINE, &set));
	check(w, ioctl(w->line, SW_SYNC_GET_DEADLINE, &get));
}

static void do_buffer(struct worker *w)
{
	put(w, any(w, bufs, BUFS), must(w, alloc_fd(heap, page_size())));
}

static void do_free(struct worker *w)
{
	put(w, any(w, bufs, BUFS), -1);
}

static void do_import(struct worker *w)
{
	check(w, import_fence(peek(any(w, bufs, BUFS)),
			      peek(any(w, fences, FENCES)), 1 + rnd(w) % 3));
}

static void do_export(struct worker *w)
{
	int fence = check(w, export_fence(peek(any(w, bufs, BUFS)),
					  1 + rnd(w) % 3));

	if (fence >= 0)
		put(w, any(w, fences, FENCES), fence);
}

static void do_look(struct worker *w)
{
	char text[2048];

	/* rarely: it stops everybody else */
	if (rnd(w) % 8 == 0 && !read_file(rnd(w) % 2 ? SYNC_INFO : BUFINFO, text,
					  sizeof(text)))
		surprised(w, "cannot read");
}

static bool is_pending(int fence)
{
	return poll_now(fence, POLLIN) == 0 && fence_status(fence) == 0;
}

/* A fence of our own in files and on buffers of others: pending means pending. */
static void do_own(struct worker *w)
{
	int own = must(w, timeline_try_fence(w->line, ++w->value));
	int merged = check(w, merge_fences(own, peek(any(w, fences, FENCES)), ""));
	int buf = check(w, dup(peek(any(w, bufs, BUFS))));
	bool on_buf, early = rnd(w) % 2;

	on_buf = check(w, import_fence(buf, own, DMA_BUF_SYNC_WRITE)) == 0;
	/* poll arms what is polled: others signal now, before it is asked again */
	for (int i = 0; i < 2; i++) {
		if (!is_pending(own))
			surprised(w, "signalled before its time");
		if (merged >= 0 && !is_pending(merged))
			surprised(w, "merged, signalled before its time");
		if (on_buf && poll_now(buf, IN_OUT))
			surprised(w, "a buffer is ready before its time");
		usleep(rnd(w) % 300);
	}
	if (merged >= 0)
		put(w, any(w, fences, FENCES), merged);
	if (early)
		must(w, close(own));
	must(w, timeline_try_inc(w->line, 1));
	if (!early) {
		if (poll_now(own, POLLIN) != POLLIN || fence_status(own) != 1)
			surprised(w, "not signalled at its time");
		must(w, close(own));
	}
	if (buf >= 0)
		must(w, close(buf));
}

static bool comes(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, HANG_MS) == 1 && p.revents == events;
}

/* Fences that signal soon, merged and on a buffer of our own */
static void do_wait(struct worker *w)
{
	int each[BEATS], merged;
	unsigned int soon;

	for (int i = 0; i < BEATS; i++) {
		soon = __atomic_load_n(&beats[i].value, __ATOMIC_RELAXED) + 1 +
		       rnd(w) % 8;
		each[i] = must(w, timeline_try_fence(beats[i].line, soon));
	}
	merged = must(w, merge_fences(each[0], each[1], ""));
	must(w, import_fence(w->buf, merged, 1 + rnd(w) % 3));
	must(w, close(each[0]));
	if (!comes(merged, POLLIN))
		surprised(w, "a fence that nobody signals");
	if (fence_status(merged) != 1 || !comes(each[1], POLLIN))
		surprised(w, "one of two has not signalled");
	must(w, close(each[1]));
	if (!comes(w->buf, POLLIN | POLLOUT))
		surprised(w, "a buffer that nobody leaves");
	must(w, close(merged));
}

static const struct {
	const char *name;
	void (*run)(struct worker *w);
	unsigned int weight;
} ops[OPS] = {
	{ "open", do_open, 2 },
	{ "end", do_end, 1 },
	{ "step", do_step, 4 },
	{ "fence", do_fence, 6 },
	{ "merge", do_merge, 4 },
	{ "close", do_close, 2 },
	{ "poll", do_poll, 3 },
	{ "info", do_info, 2 },
	{ "deadline", do_deadline, 1 },
	{ "buffer", do_buffer, 1 },
	{ "free", do_free, 1 },
	{ "import", do_import, 4 },
	{ "export", do_export, 3 },
	{ "look", do_look, 1 },
	{ "own", do_own, 4 },
	{ "wait", do_wait, 2 },
};

static void *work(void *arg)
{
	unsigned int total = 0, at, i;
	struct worker *w = arg;

	for (i = 0; i < OPS; i++)
		total += ops[i].weight;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		at = rnd(w) % total;
		for (i = 0; at >= ops[i].weight; i++)
			at -= ops[i].weight;
		w->doing = ops[i].name;
		ops[i].run(w);
		w->counts[i]++;
	}
	return NULL;
}

static void *beat(void *arg)
{
	struct beat *b = arg;

	while (!__atomic_load_n(&b->stop, __ATOMIC_RELAXED)) {
		__atomic_add_fetch(&b->value, 1, __ATOMIC_RELAXED);
		timeline_inc(b->line, 1);
		usleep(100);
	}
	return NULL;
}

/* Fds that keep their numbers come first: a number that goes round is no such. */
static void begin(struct worker *workers)
{
	stop = false;
	heap = open_heap("system");
	for (int i = 0; i < BEATS; i++)
		beats[i] = (struct beat){ .line = timeline_open() };
	for (int i = 0; i < WORKERS; i++) {
		workers[i].line = timeline_open();
		workers[i].value = 0;
		workers[i].buf = alloc_fd(heap, page_size());
		t_need(workers[i].line >= 0 && workers[i].buf >= 0, "begin");
	}
	for (int i = 0; i < BEATS; i++)
		t_need(!pthread_create(&beats[i].thread, NULL, beat, &beats[i]),
		       "pthread_create");
	for (int i = 0; i < WORKERS; i++)
		t_need(!pthread_create(&workers[i].thread, NULL, work,
				       &workers[i]), "pthread_create");
}

static void close_slots(int *slots, int n)
{
	for (int i = 0; i < n; i++) {
		if (slots[i] >= 0)
			close(slots[i]);
		slots[i] = -1;
	}
}

/* The beats go on until no worker waits for them any more. */
static void end(struct worker *workers)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	for (int i = 0; i < BEATS; i++) {
		__atomic_store_n(&beats[i].stop, true, __ATOMIC_RELAXED);
		pthread_join(beats[i].thread, NULL);
		close(beats[i].line);
	}
	for (int i = 0; i < WORKERS; i++) {
		close(workers[i].line);
		close(workers[i].buf);
	}
	close_slots(fences, FENCES);
	close_slots(bufs, BUFS);
	close_slots(lines, LINES);
	close(heap);
}

/* What is left of files and slab memory, once RCU has had its time. */
static void settle(int *files, long *slab)
{
	long now;

	*slab = slab_kb();
	for (int quiet = 0, tries = 0; quiet < 5 && tries < 100; tries++) {
		nap_ms(100);
		now = slab_kb();
		quiet = now < *slab ? 0 : quiet + 1;
		*slab = now < *slab ? now : *slab;
	}
	*files = count_files();
}

static void report(const struct worker *workers)
{
	unsigned long calls, total = 0, surprises = 0;

	for (int op = 0; op < OPS; op++) {
		calls = 0;
		for (int i = 0; i < WORKERS; i++)
			calls += workers[i].counts[op];
		t_note("%8lu %s", calls, ops[op].name);
		total += calls;
	}
	t_note("%8lu in all", total);
	for (int i = 0; i < WORKERS; i++) {
		surprises += workers[i].surprises;
		if (workers[i].surprises)
			t_note("thread %d: %lu surprises, the first: %s", i,
			       workers[i].surprises, workers[i].surprise);
	}
	t_ok(!surprises, "every call did what it must");
}

int main(int argc, char **argv)
{
	struct worker workers[WORKERS] = { 0 };
	int seconds = argc > 1 ? atoi(argv[1]) : 60;
	__u32 seed = argc > 2 ? strtoul(argv[2], NULL, 0) : now_ns();
	int files, files_before, log;
	long slab, slab_before, most;
	struct group g;

	t_begin();
	if (!have_fences())
		return t_end();
	t_note("%d seconds, seed %u", seconds, seed);
	log = log_open();
	for (int i = 0; i < WORKERS; i++)
		workers[i].seed = (seed + i) * 2654435761U | 1;
	memset(lines, -1, sizeof(lines));
	memset(fences, -1, sizeof(fences));
	memset(bufs, -1, sizeof(bufs));

	group_begin(&g, "fences under stress");
	/* A while first, so that caches have what they keep for themselves. */
	begin(workers);
	nap_ms(seconds * 100);
	end(workers);
	settle(&files_before, &slab_before);
	most = slab_before + SLAB_TOLERANCE_KB;
	begin(workers);
	nap_ms(seconds * 900);
	end(workers);
	report(workers);
	/* it may take longer on a machine that has no time */
	for (int tries = 0; tries < 60; tries++) {
		settle(&files, &slab);
		if (files <= files_before && slab <= most)
			break;
	}
	t_note("before: %d files, %ld KiB of slab; after: %d, %ld KiB",
	       files_before, slab_before, files, slab);
	t_ok(files <= files_before, "no file left");
	t_ok(slab <= most, "no slab memory left");
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	group_end(&g);
	close(log);
	return t_end();
}
