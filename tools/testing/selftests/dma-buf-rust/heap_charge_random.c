// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that make buffers, give them to each other, move between groups, and are killed.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "common.h"
#include "fd_socket.h"
#include "heap_charge.h"

#define TASKS	4
#define SLOTS	6

/* In pages: pieces of each size, and what is not made of whole ones */
static const int sizes[] = { 1, 1, 2, 3, 8, 13, 16, 17, 35, 64, 100, 256 };

/* For each task, what is sent to it: the one who reads, the one who writes */
static int letters[TASKS][2];
static int *done, *made;

static void one_thing(int me, const int *heaps, int count, int slots[SLOTS])
{
	int *slot = &slots[rand() % SLOTS];

	switch (rand() % 9) {
	case 0 ... 3:
		if (*slot >= 0)
			close(*slot);
		*slot = alloc_fd(heaps[rand() % count],
				 sizes[rand() % ARRAY_SIZE(sizes)] * page_size());
		__atomic_add_fetch(made, *slot >= 0, __ATOMIC_RELAXED);
		break;
	case 4 ... 5:
		/* Who has too many letters gets no more. */
		if (*slot >= 0)
			send_fd(letters[rand() % TASKS][1], *slot);
		break;
	case 6:
		if (*slot >= 0)
			close(*slot);
		receive_fd(letters[me][0], slot);
		break;
	case 7:
		if (*slot >= 0)
			close(*slot);
		*slot = -1;
		break;
	case 8:
		cgroup_enter(rand() % 2 ? ONE : OTHER);
		break;
	}
	__atomic_add_fetch(done, 1, __ATOMIC_RELAXED);
}

static pid_t start(int me, int seed, const int *heaps, int count, int things)
{
	int slots[SLOTS];
	pid_t task = fork();

	t_need(task >= 0, "fork");
	if (task)
		return task;
	srand(seed);
	memset(slots, -1, sizeof(slots));
	if (!cgroup_enter(seed % 2 ? ONE : OTHER))
		_exit(1);
	while (__atomic_load_n(done, __ATOMIC_RELAXED) < things)
		one_thing(me, heaps, count, slots);
	_exit(0);
}

int charge_at_random(const int *heaps, int count, int things)
{
	int starts = TASKS, all;
	pid_t tasks[TASKS];

	done = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	t_need(done != MAP_FAILED, "mmap");
	made = done + 1;
	for (int i = 0; i < TASKS; i++)
		t_need(!socketpair(AF_UNIX, SOCK_DGRAM, 0, letters[i]), "socketpair");
	for (int i = 0; i < TASKS; i++)
		tasks[i] = start(i, i, heaps, count, things);
	while (__atomic_load_n(done, __ATOMIC_RELAXED) < things) {
		int which = rand() % TASKS;

		nap_ms(rand() % 50);
		/* Where it is, in the middle of an allocation if it happens to be there */
		kill(tasks[which], SIGKILL);
		/* Others were perhaps killed for want of memory. */
		for (int i = 0; i < TASKS; i++) {
			if (waitpid(tasks[i], NULL, i == which ? 0 : WNOHANG) == tasks[i])
				tasks[i] = start(i, starts++, heaps, count, things);
		}
	}
	for (int i = 0; i < TASKS; i++) {
		kill(tasks[i], SIGKILL);
		waitpid(tasks[i], NULL, 0);
	}
	/* With what nobody has fetched */
	for (int i = 0; i < TASKS; i++) {
		close(letters[i][0]);
		close(letters[i][1]);
	}
	t_note("%d tasks, %d things, %d of them a buffer", starts, *done, *made);
	/* Most of what is asked for there is. */
	all = *made * 4 > *done ? *done : 0;
	munmap(done, page_size());
	return all;
}
