// SPDX-License-Identifier: GPL-2.0
/*
 * The sample module rust_gpu_sketch: processes that all want VRAM, have jobs
 * in flight, share objects, reset rings, and are killed at any time.
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

#define WORKERS		4
#define OBJECTS		24
#define KILLS		24
/* Of each, unless GPU_STRESS says how many */
#define MOVES		2000

/* Random numbers that are the same each time */
static __u32 next(__u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Jobs on random objects, ours and those of the other device, for ever */
static void work(__u32 seed)
{
	int cards[] = { gpu_open(0), gpu_open(1) };
	__u32 handles[2][OBJECTS], busy;
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

static pid_t start(__u32 seed)
{
	pid_t pid = fork();

	if (!pid)
		work(seed);
	return pid;
}

static bool stop(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	/* It has not given up before. */
	if (WIFEXITED(status))
		t_note("a worker: %s", strerror(WEXITSTATUS(status)));
	return WIFSIGNALED(status);
}

void test_stress(void)
{
	const char *wanted = getenv("GPU_STRESS");
	__u64 moves = wanted ? strtoull(wanted, NULL, 0) : MOVES, start_ns;
	struct drm_gpu_sketch_info before[2], after[2];
	int cards[] = { gpu_open(0), gpu_open(1) };
	int kills = 0, bad = 0, log = log_open();
	pid_t pids[WORKERS];
	__u64 done = 0, jobs = 0, resets = 0, told = 0;
	__u32 seed = 1;
	struct group g;

	group_begin(&g, "all at once");
	for (int i = 0; i < 2; i++)
		before[i] = gpu_info(cards[i]);
	start_ns = now_ns();
	for (int i = 0; i < WORKERS; i++)
		pids[i] = start(i);
	while (done < moves || kills < KILLS) {
		int i = next(&seed) % WORKERS;

		nap_ms(100 + next(&seed) % 200);
		bad += !stop(pids[i]);
		kills++;
		pids[i] = start(next(&seed));
		for (i = 0, done = 0; i < 2; i++)
			done += gpu_info(cards[i]).moves - before[i].moves;
		if (now_ns() - start_ns > 600000000000ULL)
			break;
	}
	for (int i = 0; i < WORKERS; i++)
		bad += !stop(pids[i]);
	for (int i = 0; i < 2; i++) {
		after[i] = gpu_info(cards[i]);
		jobs += after[i].jobs - before[i].jobs;
		resets += after[i].resets - before[i].resets;
		told += after[i].told - before[i].told;
	}
	t_note("%llu moves, %llu jobs, %llu resets, told %llu times, %d kills, %llu s",
	       done, jobs, resets, told, kills, (now_ns() - start_ns) / 1000000000);
	t_ok(done >= moves && !bad, "%d processes, killed at random", WORKERS);
	for (int i = 0; i < 2; i++)
		for (int ring = 0; ring < DRM_GPU_SKETCH_RINGS; ring++)
			bad += gpu_wait(gpu_nop(cards[i], ring)) != 1;
	t_ok(!bad, "the rings go on");
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	group_end(&g);
	close(log);
	close(cards[1]);
	close(cards[0]);
}
