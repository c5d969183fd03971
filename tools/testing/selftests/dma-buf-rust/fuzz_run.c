// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a program of the fuzzer, call by call, and writes down what each says:
 * nothing that is another number the next time.
 */
#include <ctype.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "fuzz.h"

static const struct op *all_ops[128];
static unsigned int ops;
/* More than there are threads at once */
#define STRADDLES	16

static char *straddles[STRADDLES], *readonly;
/* Nobody writes to it: who gets a slot looks at its kind first. */
static struct slot none = { .fd = -1, .handle = 0xdead };
static __thread sigjmp_buf fault;
static __thread bool touching;

/* A fault that no touch() caused is a mistake of ours, or a race's. */
static void on_fault(int sig)
{
	if (__atomic_load_n(&touching, __ATOMIC_RELAXED))
		siglongjmp(fault, 1);
	signal(sig, SIG_DFL);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void add_ops(const struct op *table)
{
	for (; table->name; table++) {
		t_need(ops < ARRAY_SIZE(all_ops), "room for ops");
		all_ops[ops++] = table;
	}
}

void fuzz_begin(void)
{
	struct sigaction act = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	/* so that a heap comes to its answer, which it cannot write */
	static const __u64 length = 4096;

	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGSEGV, &act, NULL);
	/* without SA_RESTART: calls return EINTR */
	act = (struct sigaction){ .sa_handler = on_alarm };
	sigaction(SIGALRM, &act, NULL);
	signal(SIGIO, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	heaps_begin();
	for (int i = 0; i < STRADDLES; i++)
		straddles[i] = ptr_straddle("", 1, page_size());
	readonly = ptr_readonly(&length, sizeof(length));
	add_ops(buffer_ops);
	add_ops(file_ops);
	add_ops(fence_ops);
	add_ops(udmabuf_ops);
	add_ops(prime_ops);
	add_ops(syncobj_ops);
	add_ops(camera_ops);
	add_ops(display_ops);
	fences_begin();
	display_begin();
}

unsigned int op_count(void)
{
	return ops;
}

const char *op_name(unsigned int op)
{
	return all_ops[op % ops]->name;
}

int op_called(const char *name)
{
	for (unsigned int i = 0; i < ops; i++)
		if (!strcmp(all_ops[i]->name, name))
			return i;
	return -1;
}

void say(struct run *r, const char *fmt, ...)
{
	size_t room = sizeof(r->text) - r->used;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(r->text + r->used, room, fmt, args);
	va_end(args);
	if (n > 0)
		r->used += (size_t)n < room ? (size_t)n : room - 1;
}

void say_masked(struct run *r, const char *text, size_t len)
{
	bool number = false;

	for (size_t i = 0; i < len && text[i]; i++) {
		unsigned char c = text[i];

		if (isdigit(c)) {
			if (!number)
				say(r, "#");
			number = true;
			continue;
		}
		number = false;
		if (isgraph(c) && c != ';')
			say(r, "%c", c);
		else
			say(r, "\\%02x", c);
	}
}

long said(struct run *r, long ret)
{
	if (ret < 0)
		say(r, "=-%d", errno);
	else
		say(r, "=%ld", ret);
	return ret;
}

struct slot *put_slot(struct run *r, enum thing kind, int fd)
{
	unsigned int i = __atomic_fetch_add(&r->world->n, 1, __ATOMIC_RELAXED);

	/* it stays open until the program's end */
	if (i >= MAX_SLOTS)
		return &none;
	r->world->slots[i] = (struct slot){ .kind = kind, .fd = fd };
	return &r->world->slots[i];
}

void drop_slot(struct slot *s)
{
	s->kind = NOTHING;
	s->fd = -1;
	s->map = NULL;
}

void got_fd(struct run *r, enum thing kind, long fd)
{
	if (fd < 0) {
		said(r, fd);
		return;
	}
	say(r, "=fd");
	put_slot(r, kind, fd);
}

void got_handle(struct run *r, long ret, enum thing kind, int card, __u32 handle)
{
	struct slot *s;

	if (said(r, ret))
		return;
	/* the same handle again, when the card knows what it stands for: another slot */
	s = put_slot(r, kind, card);
	if (s->kind == kind)
		s->handle = handle;
}

static unsigned int slots_used(struct run *r)
{
	unsigned int n = __atomic_load_n(&r->world->n, __ATOMIC_RELAXED);

	return n < MAX_SLOTS ? n : MAX_SLOTS;
}

static struct slot *touched(struct run *r, struct slot *s)
{
	if (r->n_touched < ARRAY_SIZE(r->touched))
		r->touched[r->n_touched++] = s;
	return s;
}

struct slot *any_slot(struct run *r, __u8 a)
{
	unsigned int n = slots_used(r);

	return n ? touched(r, &r->world->slots[a % n]) : slot_of(r, BUF, 0);
}

/* What a program wants and has not made: by its simplest call, or opened */
static struct slot *make_one(struct run *r, enum thing kind)
{
	static const char * const makers[KINDS] = {
		[FENCE] = "line_fence", [GEM] = "dumb_create",
		[SYNCOBJ] = "syncobj_create", [MAPPING] = "buf_mmap",
	};
	static const __u8 zero[ARGS];
	int fd;

	say(r, "+");
	if (r->n_made < ARRAY_SIZE(r->made))
		r->made[r->n_made++] = kind;
	if (makers[kind]) {
		all_ops[op_called(makers[kind])]->run(r, zero);
		for (unsigned int i = slots_used(r); i--;)
			if (r->world->slots[i].kind == kind)
				return &r->world->slots[i];
		return &none;
	}
	fd = open_kind(kind);
	if (fd >= 0)
		return put_slot(r, kind, fd);
	said(r, fd);
	return &none;
}

struct slot *slot_of(struct run *r, enum thing kind, __u8 a)
{
	static struct slot unused = { .fd = 1000 };
	unsigned int n = slots_used(r), found = 0;

	if (a == 0xff)
		return &none;
	if (a == 0xfe)
		return &unused;
	if (a >= 0xf8 && n) {
		struct slot *any = &r->world->slots[a % n];

		/*
		 * To a heap the first command of any driver is its own, and the argument begins
		 * with a length: of SW_SYNC_CREATE and DMA_BUF_IOCTL_SYNC often all memory.
		 */
		return any->kind == HEAP && kind != HEAP ? &none : touched(r, any);
	}
	for (unsigned int i = 0; i < n; i++)
		found += r->world->slots[i].kind == kind;
	if (!found)
		return touched(r, make_one(r, kind));
	a %= found;
	for (unsigned int i = 0; i < n; i++)
		if (r->world->slots[i].kind == kind && !a--)
			return touched(r, &r->world->slots[i]);
	/* another thread was quicker */
	return &none;
}

int fd_of(struct run *r, enum thing kind, __u8 a)
{
	return slot_of(r, kind, a)->fd;
}

/*
 * A page with nothing behind it, for this thread: what another one puts there
 * would be a length of all memory to a heap.
 */
static char *straddled(void)
{
	static __thread char *page;
	static unsigned int next;

	if (!page)
		page = straddles[__atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % STRADDLES];
	return page;
}

void *arg_at(__u8 a, void *arg, size_t len)
{
	/* the whole of what is long would reach back over the page */
	size_t inside = len < 64 ? len / 2 : 32;

	switch (a) {
	case 0xfc:
		return NULL;
	case 0xfd:
		memcpy(straddled() + page_size() - inside, arg, inside);
		return straddled() + page_size() - inside;
	case 0xfe:
		return straddled() + page_size();
	case 0xff:
		return readonly;
	default:
		return arg;
	}
}

/*
 * A signal again and again: one that comes before the call waits ends nothing.
 * One that comes while it does not wait changes nothing. Threads get theirs
 * from fuzz_race.c.
 */
long patient_ioctl(struct run *r, int fd, unsigned long cmd, void *arg)
{
	long ret;
	int err;

	if (r->world->racing)
		return ioctl(fd, cmd, arg);
	interrupt_every_ms(20);
	ret = ioctl(fd, cmd, arg);
	err = errno;
	interrupt_every_ms(0);
	errno = err;
	return ret;
}

bool touch(char *at, bool write, char *value)
{
	bool ok = false;

	__atomic_store_n(&touching, true, __ATOMIC_SEQ_CST);
	if (!sigsetjmp(fault, 1)) {
		if (write)
			__atomic_store_n(at, *value, __ATOMIC_SEQ_CST);
		else
			*value = __atomic_load_n(at, __ATOMIC_SEQ_CST);
		ok = true;
	}
	__atomic_store_n(&touching, false, __ATOMIC_SEQ_CST);
	return ok;
}

void run_calls(struct run *r, const struct prog *p, unsigned int first,
	       unsigned int step)
{
	for (unsigned int i = first; i < p->n; i += step) {
		const struct call *call = &p->calls[i];
		const struct op *op = all_ops[call->op % ops];

		say(r, "%s%s", i ? ";" : "", op->name);
		if (r->fail_nth && (r->faults || call->nth))
			call_failing(r, op, call);
		else
			op->run(r, call->a);
	}
}

/*
 * In C to close a timeline stops the machine when the poll of a buffer, or an
 * eventfd of DRM, lets go of the last reference to one of its fences.
 */
void line_end(const struct world *w, int fd)
{
	__u32 all = 0x7fffffff;

	if (!w->racing && w->polled)
		ioctl(fd, SW_SYNC_INC, &all);
}

static void no_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

void world_end(struct world *w)
{
	unsigned int n = w->n < MAX_SLOTS ? w->n : MAX_SLOTS;

	for (unsigned int i = 0; i < n; i++) {
		if (w->slots[i].map)
			munmap(w->slots[i].map, w->slots[i].len);
		if (w->slots[i].kind == LINE)
			line_end(w, w->slots[i].fd);
	}
	if (w->limited)
		no_limit();
	w->n = 0;
	w->limited = false;
	w->chains = false;
	w->polled = false;
}
