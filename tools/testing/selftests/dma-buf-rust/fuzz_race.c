// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's programs torn apart: threads run a part each of what they share,
 * and allocations and copies fail; others are duels. What comes of a call counts
 * for nothing here; what is left behind, what the kernel says and what never ends
 * does.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define THREADS		3
/* Programs that share a process; what they have left is looked for behind them. */
#define AT_ONCE		16

void remains_look(struct remains *before)
{
	before->log = log_open();
	before->objects = count_objects();
	before->timelines = count_timelines();
	before->files = count_files();
}

/* Some of it goes a little after the last reference: it is waited for. */
bool remains_none(const struct remains *before)
{
	__u64 end = now_ns() + PATIENCE_MS * 1000000ULL;
	int objects, timelines, files;

	if (!log_is_clean(before->log)) {
		printf("left a complaint of the kernel\n");
		return false;
	}
	do {
		objects = count_objects() - before->objects;
		timelines = count_timelines() - before->timelines;
		files = count_files() - before->files;
		if (objects <= 0 && timelines <= 0 && files <= 0)
			return true;
		nap_ms(100);
	} while (now_ns() < end);
	printf("left %d buffers, %d timelines, %d files\n", objects, timelines, files);
	return false;
}

/* Four of a hundred allocations fail, or one allocation or copy of each call does. */
enum failing { NO_FAULTS, FEW_FAULTS, ONE_A_CALL };

struct part {
	pthread_t thread;
	struct run run;
	const struct prog *prog;
	unsigned int first;
	enum failing faults;
	bool done;
};

static struct cover covers[THREADS];
/* Faults that have come, where the parent reads it; of those that come by chance nobody knows. */
static unsigned long *hits;

static void *run_part(void *arg)
{
	struct part *part = arg;
	int fd = -1;

	if (part->faults == FEW_FAULTS)
		fd = open("/proc/thread-self/make-it-fail", O_RDWR | O_CLOEXEC);
	else if (part->faults == ONE_A_CALL)
		fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	part->run.fail_nth = part->faults == ONE_A_CALL && fd >= 0 ? fd : 0;
	cover_enable(&covers[part->first]);
	if (part->faults == FEW_FAULTS && fd >= 0 && write(fd, "1", 1) < 0)
		part->faults = NO_FAULTS;
	for (int round = 0; round < 4; round++) {
		part->run.used = 0;
		run_calls(&part->run, part->prog, part->first, THREADS);
	}
	if (fd >= 0)
		close(fd);
	__atomic_add_fetch(hits, part->run.hits, __ATOMIC_RELAXED);
	__atomic_store_n(&part->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void run_threads(const struct prog *p, enum failing faults, const struct dice *dice)
{
	static struct part parts[THREADS];
	static struct world world;
	bool all;

	world.racing = true;
	for (int i = 0; i < THREADS; i++) {
		parts[i] = (struct part){
			.run = { .world = &world, .faults = faults != NO_FAULTS },
			.prog = p, .first = i, .faults = faults,
		};
		dice_seed(&parts[i].run.dice, dice->state, i);
		t_need(!pthread_create(&parts[i].thread, NULL, run_part, &parts[i]),
		       "pthread_create");
	}
	/* calls that wait are interrupted, as long as it takes */
	do {
		nap_ms(4);
		all = true;
		for (int i = 0; i < THREADS; i++) {
			if (__atomic_load_n(&parts[i].done, __ATOMIC_ACQUIRE))
				continue;
			all = false;
			pthread_kill(parts[i].thread, SIGALRM);
		}
	} while (!all);
	for (int i = 0; i < THREADS; i++)
		pthread_join(parts[i].thread, NULL);
	world_end(&world);
}

/*
 * Threads that run parts of a program for ever, until the process ends: some call is
 * always being made then. What they have reached the parent counts.
 */
static void *run_for_ever(void *arg)
{
	struct part *part = arg;

	cover_enable(&covers[part->first]);
	for (;;) {
		part->run.used = 0;
		run_calls(&part->run, part->prog, part->first, THREADS);
		sched_yield();
	}
	return NULL;
}

static void die_running(const struct prog *p, struct dice *d)
{
	static struct part parts[THREADS];
	static struct world world;

	world.racing = true;
	for (int i = 0; i < THREADS; i++) {
		parts[i] = (struct part){ .run.world = &world, .prog = p, .first = i };
		t_need(!pthread_create(&parts[i].thread, NULL, run_for_ever, &parts[i]),
		       "pthread_create");
	}
	usleep(1000 * (1 + roll(d, 16)));
	_exit(0);
}

static void told_prog(unsigned long n, const struct prog *p)
{
	printf("p %lu", n);
	prog_print(p);
	fflush(stdout);
}

/* Programs n and those behind it; three of four are duels. */
static void run_some(const struct corpus *c, const struct corpus *duels, __u64 seed,
		     unsigned long n, bool can_fail)
{
	int first_fd = dup(0) + 1;

	close(first_fd - 1);
	for (unsigned long last = n + AT_ONCE; n < last; n++) {
		static const enum failing kinds[] = {
			NO_FAULTS, ONE_A_CALL, FEW_FAULTS, ONE_A_CALL,
		};
		bool is_duel = n % 4;
		struct prog p;
		struct dice d;

		dice_seed(&d, seed, n);
		if (!is_duel)
			prog_make(&p, &d, c);
		else if (duels->n && !roll(&d, 3))
			p = duels->progs[roll(&d, duels->n)];
		else
			duel_make(&p, &d, c);
		told_prog(n, &p);
		if (is_duel)
			duel(&p, &d, covers, first_fd);
		else
			run_threads(&p, can_fail ? PICK(kinds, n / 4) : NO_FAULTS, &d);
		close_range(first_fd, ~0U, 0);
		cover_add(covers, THREADS);
	}
}

/* One more, with which all that there is goes; half of them while heaps take memory */
static void run_last(const struct corpus *c, __u64 seed, unsigned long n)
{
	const struct call megabyte = { .op = op_called("heap_alloc"), .a = { [1] = 8 } };
	struct prog p = { .n = THREADS, .calls = { megabyte, megabyte, megabyte } };
	/* not all memory: a process that gets none is no process that ends well */
	const struct rlimit buffers = { .rlim_cur = 256, .rlim_max = 256 };
	struct dice d;

	dice_seed(&d, ~seed, n);
	if (roll(&d, 2))
		prog_make(&p, &d, c);
	else
		t_need(!setrlimit(RLIMIT_NOFILE, &buffers), "setrlimit");
	told_prog(n, &p);
	die_running(&p, &d);
}

/* Whether a process has come to its end. */
static bool ended_well(int status)
{
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;
	if (WIFSIGNALED(status))
		printf("left a process that signal %d has ended\n", WTERMSIG(status));
	else
		printf("left a process that could not go on\n");
	return false;
}

unsigned long race(const struct corpus *c, const struct corpus *duels, __u64 seed,
		   unsigned int seconds)
{
	bool can_fail = set_faults(false);
	unsigned long n = 0;
	struct remains r;
	__u64 end;

	hits = mmap(NULL, sizeof(*hits), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	t_need(hits != MAP_FAILED, "memory for a number");
	if (!can_fail)
		printf("= no faults: %s\n", strerror(errno));
	for (int i = 0; i < THREADS && cover_open(&covers[i]); i++)
		;
	remains_look(&r);
	end = now_ns() + seconds * 1000000000ULL;
	for (; now_ns() < end; n += AT_ONCE) {
		int status;
		pid_t child;

		fflush(stdout);
		child = fork();
		t_need(child >= 0, "fork");
		if (!child) {
			run_some(c, duels, seed, n, can_fail);
			run_last(c, seed, n);
		}
		t_need(waitpid(child, &status, 0) == child, "waitpid");
		cover_add(covers, THREADS);
		if (!ended_well(status) || !remains_none(&r)) {
			cover_print();
			return 0;
		}
	}
	cover_print();
	printf("= programs %lu\n= faults %lu\n", n, *hits);
	return n;
}
