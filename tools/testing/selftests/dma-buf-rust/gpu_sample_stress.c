// SPDX-License-Identifier: GPL-2.0
/*
 * The sample module rust_gpu_sketch: processes that all want VRAM, have jobs
 * in flight, share objects with each other and with drivers that pin them, and
 * are killed at any time, while another one resets the rings. In between the
 * module is unloaded, with jobs under way and all that the killed have left.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "gpu_card.h"
#include "modules.h"

#define WORKERS		4
#define OBJECTS		24
/* In a round, after which the module is unloaded */
#define KILLS		12
#define ROUND_MOVES	5000
#define ROUNDS		2
/* At most, between two kills */
#define MOVES_A_KILL	64
/* In all, unless GPU_STRESS says how many */
#define MOVES		2000
/* How long it may take: this, and as much for a number of moves */
#define PATIENCE_NS	600000000000ULL
#define PATIENCE_MOVES	2000

/* What has happened so far */
static struct {
	__u64 moves, jobs, resets, told;
	int kills, unloads, bad;
} sum;

/* Random numbers that are the same each time */
static __u32 next(__u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Jobs on random objects, ours and those of the other device, for ever */
static void work(__u32 seed)
{
	int cards[] = { gpu_open(0), gpu_open(1) }, vgem = open_card("vgem");
	__u32 handles[2][OBJECTS], busy, pinned = 0;
	struct drm_gpu_sketch_submit arg;

	for (unsigned int i = 0; i < OBJECTS; i++) {
		int which = i & 1;
		int buf;

		handles[which][i] = gpu_create(cards[which], VRAM);
		buf = gpu_export(cards[which], handles[which][i]);
		handles[!which][i] = gpu_import(cards[!which], buf);
		close(buf);
	}
	for (;;) {
		__u32 which = next(&seed) & 1, n = 1 + next(&seed) % 8;
		__u32 used[8], op = next(&seed) % 3;

		for (unsigned int i = 0; i < n; i++)
			used[i] = handles[which][next(&seed) % OBJECTS];
		if (op == DRM_GPU_SKETCH_COPY && n < 2)
			op = DRM_GPU_SKETCH_FILL;
		if (!(next(&seed) % 500)) {
			close(gpu_hang(cards[which], 0));
			gpu_reset(cards[which], 0, &busy);
		}
		/* the device of vgem cannot follow, so that one stays */
		if (vgem >= 0 && !(next(&seed) % 100)) {
			int buf = gpu_export(cards[which], used[0]);

			if (pinned)
				gem_close(vgem, pinned);
			pinned = 0;
			/* not if it is the other card's, or was there before */
			prime_import(vgem, buf, &pinned);
			close(buf);
		}
		arg = (struct drm_gpu_sketch_submit) {
			.ring = next(&seed) & 1,
			.value = seed,
			.flags = DRM_GPU_SKETCH_SUBMIT_OUT_FENCE,
		};
		if (gpu_submit(cards[which], &arg, op, used, n))
			_exit(errno == EINTR ? 0 : errno);
		/* not too many in flight */
		if (!(next(&seed) % 8))
			gpu_wait(arg.out_fence);
		else
			close(arg.out_fence);
	}
}

/* Whatever runs on a ring, at any moment: a move waits for some of it. */
static void reset(__u32 seed)
{
	int cards[] = { gpu_open(0), gpu_open(1) };
	__u32 busy;

	for (;;) {
		nap_ms(1 + next(&seed) % 50);
		if (gpu_reset(cards[next(&seed) & 1], next(&seed) & 1, &busy))
			_exit(errno);
	}
}

static pid_t start(void (*what)(__u32 seed), __u32 seed)
{
	pid_t pid = fork();

	if (!pid)
		what(seed);
	return pid;
}

static void stop(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	/* It has not given up before. */
	if (WIFEXITED(status))
		t_note("a process: %s", strerror(WEXITSTATUS(status)));
	sum.bad += !WIFSIGNALED(status);
}

/*
 * Unloads the module: not with a buffer that others have imported and mapped,
 * but with jobs under way, and with what is left of those that were killed.
 */
static void unload(int *cards)
{
	__u32 a = gpu_create(cards[0], VRAM), b;
	int buf = gpu_export(cards[0], a);

	b = gpu_import(cards[1], buf);
	for (int i = 0; i < 8; i++) {
		close(gpu_fill(cards[0], a, i));
		close(gpu_fill(cards[1], b, i));
	}
	sum.bad += !module_unload(MODULE) || errno != EAGAIN;
	close(cards[0]);
	close(cards[1]);
	sum.bad += !module_unload(MODULE) || errno != EAGAIN;
	close(buf);
	if (module_unload_soon(MODULE)) {
		t_note("unloading: %s", strerror(errno));
		sum.bad++;
		return;
	}
	sum.unloads++;
	t_need(!gpu_load(), "load again");
}

/*
 * A moment, and until there were so many moves in all, but not for long. Who is
 * killed too early has done nothing but to make what it was to work with.
 */
static __u64 wait_for_moves(int *cards, struct drm_gpu_sketch_info *before, __u64 wanted)
{
	__u64 done;

	for (int tries = 0; tries < 20; tries++) {
		nap_ms(100);
		done = 0;
		for (int i = 0; i < 2; i++)
			done += gpu_info(cards[i]).moves - before[i].moves;
		if (done >= wanted)
			break;
	}
	return done;
}

/* Until so many moves, and until so many processes were killed */
static void stress_round(__u64 moves, __u64 until_ns, __u32 *seed)
{
	int cards[] = { gpu_open(0), gpu_open(1) };
	struct drm_gpu_sketch_info before[2], now[2];
	pid_t pids[WORKERS], resetter;
	__u64 done = 0;
	int bad = 0;

	for (int i = 0; i < 2; i++)
		before[i] = gpu_info(cards[i]);
	resetter = start(reset, next(seed));
	for (int i = 0; i < WORKERS; i++)
		pids[i] = start(work, next(seed));
	for (int kills = 0; done < moves || kills < KILLS; kills++) {
		int i = next(seed) % WORKERS;

		done = wait_for_moves(cards, before, done + next(seed) % MOVES_A_KILL);
		stop(pids[i]);
		sum.kills++;
		pids[i] = start(work, next(seed));
		if (now_ns() > until_ns)
			break;
	}
	stop(resetter);
	for (int i = 0; i < WORKERS; i++)
		stop(pids[i]);
	for (int i = 0; i < 2; i++) {
		now[i] = gpu_info(cards[i]);
		sum.moves += now[i].moves - before[i].moves;
		sum.jobs += now[i].jobs - before[i].jobs;
		sum.resets += now[i].resets - before[i].resets;
		sum.told += now[i].told - before[i].told;
	}
	for (int i = 0; i < 2; i++)
		for (int ring = 0; ring < DRM_GPU_SKETCH_RINGS; ring++)
			bad += gpu_wait(gpu_nop(cards[i], ring)) != 1;
	if (bad)
		t_note("%d rings have stopped", bad);
	sum.bad += bad;
	unload(cards);
}

static void tell(unsigned long long ns)
{
	t_note("%llu moves, %llu jobs, %llu resets, told %llu, %d kills, %d unloads, %llu s",
	       sum.moves, sum.jobs, sum.resets, sum.told, sum.kills, sum.unloads,
	       ns / 1000000000);
	fflush(stdout);
}

void test_stress(void)
{
	const char *wanted = getenv("GPU_STRESS");
	__u64 moves = wanted ? strtoull(wanted, NULL, 0) : MOVES;
	__u64 part = moves / ROUNDS < ROUND_MOVES ? moves / ROUNDS : ROUND_MOVES;
	__u64 begun_ns = now_ns();
	__u64 until_ns = begun_ns + PATIENCE_NS / PATIENCE_MOVES * moves + PATIENCE_NS;
	int log;
	__u32 seed = 1;
	struct group g;

	if (has_bounce_buffers()) {
		t_skip("all at once: objects are in larger pieces than bounce buffers take");
		return;
	}
	log = log_open();
	group_begin(&g, "all at once");
	/* who is killed would write out once more what is not written yet */
	fflush(stdout);
	while (sum.moves < moves && !sum.bad && now_ns() < until_ns) {
		stress_round(part, until_ns, &seed);
		tell(now_ns() - begun_ns);
	}
	t_ok(sum.moves >= moves, "as many moves as there should be");
	t_ok(!sum.bad, "processes are killed, rings go on, and the module goes");
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	group_end(&g);
	close(log);
}
