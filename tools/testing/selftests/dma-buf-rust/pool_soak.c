// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of the system heap's pool, made, filled and closed by many tasks, beside
 * somebody who eats the memory. Usage: pool_soak [seconds].
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "pool.h"

#define LIMIT		"256"
#define TASKS		8
#define LARGE		(64 * MEGABYTE)
#define LEFT_KB		(64 * 1024)
#define GIVEN_BACK	(96 * MEGABYTE)
#define TOLD_EVERY	20

static int heap;

/* Whether the pool has given some back: until then that counts as available. */
static bool memory_is_short(long reclaimed)
{
	return meminfo_kb("MemAvailable") < LEFT_KB && pool_stat("reclaimed") != reclaimed;
}

static bool map_memory(char *at, size_t len, int flags)
{
	return mmap(at, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags, -1, 0) != MAP_FAILED;
}

/* Eats memory until there is hardly any, and lets go of some of it, again and again. */
static void eat_memory(void)
{
	size_t len = meminfo_kb("MemTotal") * 1024, at = 0;
	char *p = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool ok = p != MAP_FAILED && write_file("/proc/self/oom_score_adj", "1000");

	while (ok) {
		long reclaimed = pool_stat("reclaimed");

		/* Without a fault for each page, which takes long on a debug kernel */
		for (; ok && at + MEGABYTE <= len && !memory_is_short(reclaimed); at += MEGABYTE)
			ok = map_memory(p + at, MEGABYTE, MAP_POPULATE);
		nap_ms(500);
		at -= at < GIVEN_BACK ? at : GIVEN_BACK;
		ok &= map_memory(p + at, GIVEN_BACK, MAP_NORESERVE);
		nap_ms(500);
	}
	_exit(1);
}

static pid_t start_neighbour(void)
{
	pid_t pid = fork();

	if (!pid)
		eat_memory();
	return pid;
}

/* Until the end. One of them fills the pool now and then. */
static int soak_buffers(int task, __u64 end)
{
	int bad = 0;

	srand(task);
	while (now_ns() < end && !bad) {
		bad = use_buffers(heap, 64, 0x11 * (task + 1));
		if (!task) {
			int buf = alloc_fd(heap, LARGE);

			if (buf >= 0)
				close(buf);
		}
	}
	return bad;
}

/* Whoever is killed for want of memory, it is the neighbour: there is another then. */
static void soak(int seconds)
{
	__u64 end = now_ns() + seconds * 1000000000ULL, told = now_ns();
	int status, bad = 0, eaters = 1, running = 0;
	pid_t pid, eater;
	struct group g;

	group_begin(&g, "beside somebody who eats the memory");
	t_ok(write_file(POOL "limit_mib", LIMIT), "raise the limit");
	/* Nor its children, but for the neighbour */
	t_ok(write_file("/proc/self/oom_score_adj", "-1000"), "this is not to be killed");
	for (int i = 0; i < TASKS; i++) {
		pid = fork();
		if (!pid)
			_exit(!!soak_buffers(i, end));
		if (pid < 0)
			bad++;
		else
			running++;
	}
	eater = start_neighbour();
	while (running) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0 && pid == eater && WIFEXITED(status)) {
			/* It goes on for ever, if it can. */
			bad++;
			eater = -1;
		} else if (pid > 0 && pid == eater) {
			eater = start_neighbour();
			eaters++;
		} else if (pid > 0) {
			bad += !!status;
			running--;
		} else {
			nap_ms(100);
		}
		if (now_ns() - told > TOLD_EVERY * 1000000000ULL) {
			told = now_ns();
			t_note("held %ld, hits %ld, late %ld, misses %ld, reclaimed %ld",
			       pool_stat("held"), pool_stat("hits"), pool_stat("late"),
			       pool_stat("misses"), pool_stat("reclaimed"));
		}
	}
	if (eater > 0) {
		kill(eater, SIGKILL);
		waitpid(eater, NULL, 0);
	}
	t_ok(!bad, "each buffer came, and was zero");
	t_ok(pool_stat("hits") + pool_stat("late") > 0, "some were from the pool");
	t_ok(pool_stat("reclaimed") > 0, "the shrinker has freed some; %d have eaten", eaters);
	t_ok(pool_shrinks(heap), "it can free all");
	pool_off();
	group_end(&g);
}

int main(int argc, char **argv)
{
	t_begin();
	if (!pool_keeps())
		return t_end();
	heap = open_heap("system");
	soak(argc > 1 ? atoi(argv[1]) : 60);
	close(heap);
	return t_end();
}
