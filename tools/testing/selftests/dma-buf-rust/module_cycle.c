// SPDX-License-Identifier: GPL-2.0
/*
 * DMA-BUF as modules: what is in use stays, what is not goes, and nothing is
 * left of it, however often. Arguments: the modules' files in the order in
 * which they are loaded, "--", and those of drivers that use them. Before these
 * "-n" with the number of rounds, which is 100 otherwise.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "camera.h"
#include "common.h"
#include "module_use.h"
#include "modules.h"

#define ROUNDS		100
/* What the kernel remembers of the first ones, such as names and dentries */
#define WARM_UP		10
/* What caches and free memory may differ by at any time */
#define NOISE		25
#define NOISE_KB	256
#define LEN		MODULE_BUFFER_LEN
#define EVENTS		"/sys/kernel/tracing/events/"
#define RACE_SECONDS	4

static struct modules core, users, all;
static int rounds = ROUNDS;

/* What there is exactly when the modules are. */
static const struct {
	const char *path;
	/* a word in that file, or NULL for the file itself */
	const char *word;
} signs[] = {
	{ "/dev/dma_heap", NULL },
	{ "/dev/udmabuf", NULL },
	{ "/sys/class/dma_heap", NULL },
	{ "/sys/class/misc/udmabuf", NULL },
	{ "/sys/kernel/debug/dma_buf", NULL },
	{ "/sys/kernel/debug/sync", NULL },
	{ EVENTS "dma_buf", NULL },
	{ EVENTS "dma_fence", NULL },
	{ EVENTS "sync_trace", NULL },
	{ "/proc/devices", "dma_heap" },
	{ "/proc/misc", "udmabuf" },
};

static bool sign_is_there(const char *path, const char *word)
{
	static char text[65536];

	if (!word)
		return !access(path, F_OK);
	t_need(read_file(path, text, sizeof(text)), path);
	return strstr(text, word);
}

static bool signs_are(bool there)
{
	bool right = true;

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		if (sign_is_there(signs[i].path, signs[i].word) == there)
			continue;
		t_note("%s %s: %s", signs[i].path,
		       signs[i].word ? signs[i].word : "",
		       there ? "missing" : "still there");
		right = false;
	}
	for (int i = 0; i < core.n; i++) {
		if (module_is_loaded(core.list[i].name) == there)
			continue;
		t_note("module %s: %s", core.list[i].name,
		       there ? "missing" : "still there");
		right = false;
	}
	return right;
}

/* Whether the kernel still knows a symbol of theirs; reading that takes time. */
static bool symbols_are_gone(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512];
	bool gone = true;

	t_need(f, "/proc/kallsyms");
	while (gone && fgets(line, sizeof(line), f))
		for (int i = 0; i < core.n; i++) {
			char *at = strchr(line, '[');

			if (at && !strncmp(at + 1, core.list[i].name,
					   strlen(core.list[i].name)))
				gone = false;
		}
	fclose(f);
	return gone;
}

/* Things that are held on to, and the modules that they keep. */
#define MAX_HELD	4

static int held[MAX_HELD];
static int held_n;
static void *held_mapping;

static void hold_on_to(int fd)
{
	t_need(fd >= 0, "something to hold on to");
	held[held_n++] = fd;
}

static void let_go(void)
{
	while (held_n)
		close(held[--held_n]);
	if (held_mapping)
		munmap(held_mapping, LEN);
	held_mapping = NULL;
}

static void hold_heap(void) { hold_on_to(open_heap("system")); }
static void hold_cma_heap(void) { hold_on_to(open_heap("default_cma_region")); }
static void hold_buffer(void) { hold_on_to(system_buffer()); }
static void hold_cma_buffer(void) { hold_on_to(cma_buffer()); }
static void hold_udmabuf(void) { hold_on_to(udmabuf_buffer()); }
static void hold_timeline(void) { hold_on_to(timeline_open()); }
static void hold_bufinfo(void) { hold_on_to(open(BUFINFO, O_RDONLY)); }
static void hold_sync_info(void) { hold_on_to(open(SYNC_INFO, O_RDONLY)); }

static void hold_mapping(void)
{
	int buf = system_buffer();

	held_mapping = mmap(NULL, LEN, PROT_READ, MAP_SHARED, buf, 0);
	t_need(held_mapping != MAP_FAILED, "mmap");
	close(buf);
}

/* With a fence of nobody: that of a buffer that nobody uses */
static void hold_sync_file(void)
{
	int buf = system_buffer();

	hold_on_to(export_fence(buf, DMA_BUF_SYNC_RW));
	close(buf);
}

static void hold_pending_fence(void)
{
	hold_timeline();
	hold_on_to(timeline_fence(held[0], 1));
}

/* Closing the timeline signals its fences; sw_sync is still asked to free them. */
static void hold_signalled_fence(void)
{
	int line = timeline_open();

	hold_on_to(timeline_fence(line, 1));
	close(line);
}

static void hold_fence_of_buffer(void)
{
	int line = timeline_open(), fence = timeline_fence(line, 1);

	hold_buffer();
	t_need(!import_fence(held[0], fence, DMA_BUF_SYNC_WRITE), "import");
	close(fence);
	close(line);
}

static void hold_import(void)
{
	int buf = system_buffer();
	__u32 handle;

	hold_on_to(open_card("vgem"));
	t_need(!prime_import(held[0], buf, &handle), "import");
	close(buf);
}

static void hold_camera_buffer(void)
{
	size_t frame;
	int buf;

	hold_on_to(open_camera(&frame));
	buf = new_buffer(frame);
	t_need(request_buffers(held[0], 1) >= 0 &&
	       !queue_buffer(held[0], 0, buf, frame), "queue a buffer");
	close(buf);
}

static const struct pin {
	const char *what;
	void (*hold)(void);
	/* each of them, and what these depend on, but nothing else */
	const char *modules[2];
} core_pins[] = {
	{ "an open heap", hold_heap, { "system_heap", "dma_heap" } },
	{ "another open heap", hold_cma_heap, { "cma_heap", "dma_heap" } },
	{ "a buffer", hold_buffer, { "system_heap" } },
	{ "a CMA buffer", hold_cma_buffer, { "cma_heap" } },
	{ "a mapping of a buffer", hold_mapping, { "system_heap" } },
	{ "a udmabuf", hold_udmabuf, { "udmabuf" } },
	{ "a sync_file", hold_sync_file, { "dma_buf" } },
	{ "a timeline", hold_timeline, { "sw_sync" } },
	{ "a pending fence", hold_pending_fence, { "sw_sync" } },
	{ "a signalled fence", hold_signalled_fence, { "sw_sync" } },
	{ "a fence in a buffer", hold_fence_of_buffer,
	  { "system_heap", "sw_sync" } },
	{ "open bufinfo", hold_bufinfo, { "dma_buf" } },
	{ "open sync/info", hold_sync_info, { "sw_sync" } },
}, users_pins[] = {
	{ "a buffer that vgem imports", hold_import,
	  { "vgem", "system_heap" } },
	{ "a buffer that vivid imports", hold_camera_buffer,
	  { "vivid", "system_heap" } },
};

static bool is_pinned(const struct pin *pin, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(pin->modules); i++)
		if (pin->modules[i] && !strcmp(pin->modules[i], name))
			return true;
	return false;
}

static void test_pin(const struct pin *pin, const struct modules *loaded)
{
	bool right = true;

	t_need(modules_load(loaded), "load");
	pin->hold();
	for (int i = loaded->n - 1; i >= 0; i--) {
		const char *name = loaded->list[i].name;
		bool stays = is_pinned(pin, name) || module_has_users(name);
		int ret = stays ? module_unload(name) : module_unload_soon(name);

		if (ret == (stays ? -1 : 0) && (!stays || errno == EAGAIN))
			continue;
		t_note("unload %s: %s", name, ret ? strerror(errno) : "works");
		right = false;
	}
	t_ok(right, "%s keeps %s%s%s and no other", pin->what, pin->modules[0],
	     pin->modules[1] ? " and " : "",
	     pin->modules[1] ? pin->modules[1] : "");
	let_go();
	t_ok(modules_unload(loaded), "%s: without it they go", pin->what);
}

/* Who opens a heap while its module goes has it, or it is not there. */
static bool stop;

struct opener {
	pthread_t thread;
	unsigned long opened, late;
	int bad;
};

static void *open_and_allocate(void *arg)
{
	struct opener *o = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		int heap = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);
		int buf = heap < 0 ? -1 : alloc_fd(heap, page_size());

		if (buf >= 0)
			o->opened++;
		else if (heap < 0 && (errno == ENOENT || errno == ENXIO ||
				      errno == ENODEV))
			o->late++;
		else
			o->bad = errno;
		close(buf);
		close(heap);
		/* the others want to get on, too */
		if (heap < 0 || o->opened % 8 == 0)
			nap_ms(1);
	}
	return NULL;
}

static const struct module *module_named(const char *name)
{
	for (int i = 0; i < core.n; i++)
		if (!strcmp(core.list[i].name, name))
			return &core.list[i];
	t_need(false, name);
	return NULL;
}

static void test_race(void)
{
	const struct module *heap = module_named("system_heap");
	struct opener openers[2] = { 0 };
	unsigned long unloaded = 0, busy = 0, tries = 0;
	int bad = 0, own;
	__u64 deadline;

	t_need(modules_load(&core), "load");
	for (size_t i = 0; i < ARRAY_SIZE(openers); i++)
		t_need(!pthread_create(&openers[i].thread, NULL,
				       open_and_allocate, &openers[i]),
		       "pthread_create");
	deadline = now_ns() + RACE_SECONDS * 1000000000ULL;
	while (now_ns() < deadline || !unloaded || !busy) {
		/* openers of a slow machine may always come too late */
		own = tries++ % 4 ? -1 : open_heap("system");
		if (!module_unload(heap->name)) {
			unloaded++;
			t_need(!module_load(heap), "load");
		} else if (errno == EAGAIN) {
			busy++;
		} else {
			bad = errno;
		}
		if (own >= 0)
			close(own);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < ARRAY_SIZE(openers); i++) {
		pthread_join(openers[i].thread, NULL);
		bad = openers[i].bad ? openers[i].bad : bad;
	}
	t_note("unloaded %lu times, in use %lu times; opened %lu times, too late %lu times",
	       unloaded, busy, openers[0].opened + openers[1].opened,
	       openers[0].late + openers[1].late);
	t_ok(unloaded && busy, "unloaded when it is not in use, and only then");
	if (bad)
		t_note("got %s (errno %d)", strerror(bad), bad);
	t_ok(!bad, "nothing but what is expected");
	t_ok(modules_unload(&core), "unload");
}

/* What was recorded of their events can still be read. */
static void test_events(void)
{
	static char text[1 << 20];
	bool seen;

	t_need(modules_load(&core), "load");
	t_need(write_file(EVENTS "dma_fence/enable", "1") &&
	       write_file(EVENTS "dma_buf/enable", "1") &&
	       write_file(EVENTS "sync_trace/enable", "1"), EVENTS);
	t_ok(use_dma_buf(false), "use, with all events");
	seen = read_file("/sys/kernel/tracing/trace", text, sizeof(text)) &&
	       strstr(text, "dma_fence_init") &&
	       strstr(text, "dma_buf_export") && strstr(text, "sync_timeline");
	t_ok(seen, "they are in the trace");
	t_ok(modules_unload(&core), "unload");
	t_ok(read_file("/sys/kernel/tracing/trace", text, sizeof(text)),
	     "the trace can be read");
	t_ok(signs_are(false), "the events are gone");
}

static void test_cycle(const char *what, bool with_drivers)
{
	const struct modules *modules = with_drivers ? &all : &core;
	static struct memory before;
	bool loaded = true, used = true, unloaded = true, clean = true;
	/* an object or a mapping in every other round, a page in each */
	int leak = (rounds - WARM_UP) / 2;
	long leak_kb = (rounds - WARM_UP) * (long)page_size() / 1024;
	__u64 start = now_ns();

	if (leak < NOISE)
		leak = NOISE;
	if (leak_kb < NOISE_KB)
		leak_kb = NOISE_KB;
	for (int i = 0; i < rounds; i++) {
		if (i == WARM_UP)
			memory_look(&before);
		loaded &= modules_load(modules);
		used &= use_dma_buf(with_drivers);
		unloaded &= modules_unload(modules);
		clean &= signs_are(false);
	}
	t_note("%s: %d rounds took %llu ms", what, rounds,
	       (now_ns() - start) / 1000000);
	t_ok(loaded, "%s: loaded each time", what);
	t_ok(used, "%s: used each time", what);
	t_ok(unloaded, "%s: unloaded each time", what);
	t_ok(clean, "%s: no sign of them in between", what);
	t_ok(memory_is_back(&before, leak, leak_kb, MANY_LOOKS),
	     "%s: no memory is lost", what);
}

int main(int argc, char **argv)
{
	int log, first = 1;

	t_begin();
	if (argc > 2 && !strcmp(argv[1], "-n")) {
		rounds = atoi(argv[2]);
		t_need(rounds > WARM_UP + NOISE, "more rounds");
		first = 3;
	}
	for (int i = first, drivers = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--")) {
			drivers = 1;
			continue;
		}
		modules_add(drivers ? &users : &core, argv[i]);
		modules_add(&all, argv[i]);
	}
	t_need(core.n, "modules as arguments");
	log = log_open();
	t_ok(modules_unload(&all), "unload, if they are loaded");
	t_ok(signs_are(false), "no sign of them");
	t_ok(modules_load(&all), "load");
	t_ok(signs_are(true), "they are there");
	t_ok(use_dma_buf(users.n), "use them");
	if (users.n)
		t_ok(use_camera(), "use them with a camera");
	t_ok(modules_unload(&all), "unload");
	for (size_t i = 0; i < ARRAY_SIZE(core_pins); i++)
		test_pin(&core_pins[i], &core);
	for (size_t i = 0; users.n && i < ARRAY_SIZE(users_pins); i++)
		test_pin(&users_pins[i], &all);
	test_race();
	test_events();
	if (users.n)
		test_cycle("with drivers", true);
	test_cycle("alone", false);
	t_ok(symbols_are_gone(), "no symbol of them is left");
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	close(log);
	return t_end();
}
